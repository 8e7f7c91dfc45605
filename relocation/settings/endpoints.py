"""Where objects live: endpoints with their pace and prices, sides, moves, the vault. Credentials are references, never secrets."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, ValidationInfo, field_validator

from relocation.rules import values
from relocation.rules.pace import Limit, Rates
from relocation.settings.values import (
    BucketName,
    Count,
    Country,
    Day,
    FilePath,
    KeyPrefix,
    Money,
    Reference,
    Settings,
    Slug,
    TimeZone,
)

RoleName = Literal["reader", "writer", "prober", "remover", "fencer", "application", "switcher", "eraser", "vault", "auditor"]


class PaceLimit(Settings):
    """How fast an endpoint may be asked, at certain hours: bytes and requests a second, by all processes together."""

    bandwidth: Annotated[int, BeforeValidator(values.byte_rate), Field(ge=1024)] | None = None
    requests_per_s: Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0.1, le=1_000_000)] | None = None
    window: Annotated[str, AfterValidator(values.hours)] = "00:00-24:00"
    timezone: TimeZone = "Asia/Tokyo"

    def limit(self) -> Limit:
        """Return it as the rules have it."""
        first, end = values.minutes_of(self.window)
        return Limit(Rates(self.bandwidth or 0.0, self.requests_per_s or 0.0), first, end, self.timezone)


class Endpoint(Settings):
    """An S3-compatible service in a country. `credentials` maps roles to references, never to keys. `application_users` are whom a
    write fence bars; none: whoever the role `application` signs in as."""

    allow_plain_http: StrictBool = False
    url: str
    region: Annotated[str, Field(min_length=1)]
    country: Country
    credentials: dict[RoleName, Reference] = {}
    ca_file: FilePath | None = None
    limits: tuple[PaceLimit, ...] = ()
    application_users: tuple[Annotated[str, Field(min_length=1)], ...] = ()

    @field_validator("url")
    @classmethod
    def _private_or_encrypted(cls, url: str, info: ValidationInfo) -> str:
        url = values.endpoint_url(url)
        plain = url.startswith("http://") and not values.is_loopback(values.host_of(url))
        if plain and not info.data.get("allow_plain_http", True):
            raise ValueError("is plain http to another machine; `https://…`, or `allow_plain_http: true` if the line is private")
        return url


class VaultPlace(Settings):
    """The WORM bucket that holds the evidence, and for how many days each of its objects is locked."""

    endpoint: str
    bucket: BucketName
    retention_days: Annotated[Count, Field(ge=1, le=36_500)] = 30


class Side(Settings):
    """One side of a move: all keys of a bucket that begin with `prefix`."""

    endpoint: str
    bucket: BucketName
    prefix: KeyPrefix = ""


class Move(Settings):
    """From where to where. A key keeps what follows the source's prefix, below the target's."""

    source: Side
    target: Side


class EndpointPrices(Settings):
    """What one endpoint's provider charges, each unknown until somebody fills it in. GB is 1,000,000,000 bytes."""

    egress_per_gb: Money | None = None
    ingress_per_gb: Money | None = None
    get_per_1000: Money | None = None
    put_per_1000: Money | None = None
    list_per_1000: Money | None = None
    storage_per_gb_month: Money | None = None
    source: str | None = None
    as_of: Day | None = None


class Prices(Settings):
    """Prices by endpoint name, in one currency (ISO 4217). Nothing is invented: no price, no money in an estimate."""

    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = None
    endpoints: dict[Slug, EndpointPrices] = {}

    def of(self, endpoint: str) -> EndpointPrices:
        """Return the endpoint's prices; all unknown where none are given, or where no currency is."""
        return self.endpoints.get(endpoint, EndpointPrices()) if self.currency else EndpointPrices()

"""The typed configuration: one migration with its endpoints, categories, waves, policies and limits.

Guarantees: frozen, nothing unknown accepted, every value in its one normal form, every limit named with its unit. What only
several values together show (overlaps, residency) is `consistency.py`'s business. Refuses secrets: credentials are references.
"""

from __future__ import annotations

import datetime
import difflib
import hashlib
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StrictBool,
    ValidationInfo,
    field_validator,
    model_validator,
)

from relocation.rules import values
from relocation.rules.cron import cron
from relocation.rules.errors import ConfigurationError
from relocation.rules.keys import shown
from relocation.rules.pace import Limit, Rates
from relocation.rules.waves import Between, Partition, Selector, Users

KIB, MIB, GIB = 1024, 1024**2, 1024**3
PROCESSES_MAX = 64
PART_BYTES_MIN, PART_BYTES_MAX = 5 * MIB, 5 * GIB  # S3's limits of one part of a multipart upload

RoleName = Literal["reader", "writer", "prober", "remover", "fencer", "application", "switcher", "eraser", "vault", "auditor"]
Slug = Annotated[str, AfterValidator(values.slug)]
Country = Annotated[str, AfterValidator(values.country)]
BucketName = Annotated[str, AfterValidator(values.bucket)]
KeyPrefix = Annotated[str, AfterValidator(values.key_prefix)]
TimeZone = Annotated[str, AfterValidator(values.timezone)]
Cron = Annotated[str, AfterValidator(cron)]
Day = Annotated[datetime.date, BeforeValidator(values.day)]
Reference = Annotated[str, AfterValidator(values.credential_reference)]
FilePath = Annotated[Path, AfterValidator(values.file_path)]
Bytes = Annotated[int, BeforeValidator(values.byte_size)]
Count = Annotated[int, Field(strict=True)]
StorageClass = Annotated[str, Field(pattern="^[A-Z][A-Z0-9_]{0,59}$")]
CannedAcl = Annotated[str, AfterValidator(values.canned_acl)]
Seconds = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Ordered = TypeVar("Ordered", bound="Settings")
Money = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


class Settings(BaseModel):
    """What all of them share: frozen, and no unknown name gets in."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True)


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


def _processes(value: object) -> Literal["auto"] | int:
    if value == "auto":
        return "auto"
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= PROCESSES_MAX:
        raise ValueError(f"is no number of processes; `auto`, or a whole number from 1 to {PROCESSES_MAX}")
    return value


class Transfer(Settings):
    """How fast and how careful: limits of one command, shared by its `processes` on this machine (`auto`: one for every four
    cores), except `settle_s` and `attempts_max`, which are of one object.

    `concurrency` is the most at once; how many it is follows the endpoints' answers. An answer slower than `min_bytes_per_s` for
    `stall_s` is broken off (0: never). `overloaded_s`: how long an endpoint may refuse everything without saying until when.
    `cost_cap` is what the migration may spend on requests and traffic, in the currency of `prices`.
    """

    processes: Annotated[Literal["auto"] | int, PlainValidator(_processes)] = "auto"
    budget_bytes: Annotated[Bytes, Field(ge=16 * MIB, le=64 * GIB)] = 128 * MIB
    wire: Literal["lean", "library"] = "lean"
    stall_s: Annotated[Seconds, Field(ge=0.1, le=3600)] = 30.0
    connect_timeout_s: Annotated[Seconds, Field(ge=0.1, le=600)] = 10.0
    concurrency: Annotated[Count, Field(ge=1, le=1024)] = 256
    min_bytes_per_s: Annotated[Bytes, Field(ge=0, le=GIB)] = KIB
    overloaded_s: Annotated[Seconds, Field(ge=0, le=86_400)] = 300.0
    cost_cap: Money | None = None
    shard_objects: Annotated[Count, Field(ge=1, le=1_000_000)] = 10_000
    shard_bytes: Annotated[Bytes, Field(ge=1, le=1024 * GIB)] = 8 * GIB
    lease_s: Annotated[Seconds, Field(ge=1, le=3600)] = 30.0
    attempts_max: Annotated[Count, Field(ge=1, le=100)] = 6
    unreachable_s: Annotated[Seconds, Field(ge=0, le=3600)] = 60.0
    settle_s: Annotated[Seconds, Field(ge=0, le=86_400)] = 0.0
    intent_objects: Annotated[Count, Field(ge=1, le=10_000)] = 256


class Sse(Settings):
    """How objects are encrypted at the target: with keys of the store (`s3`) or of a key service (`kms`; no `key`: its default)."""

    type: Literal["s3", "kms"]
    key: str = ""

    @model_validator(mode="after")
    def _key_of_a_key_service(self) -> Self:
        if self.key and self.type != "kms":
            raise ValueError("`key` goes with `type: kms` alone; the store has keys of its own")
        if any(not "!" <= character <= "~" or character == "=" for character in self.key):
            raise ValueError("`key` is the id, alias or ARN of a key: no spaces, no `=`")
        return self


class CustomerKeys(Settings):
    """References to the customer's keys (SSE-C) that encrypt a category's objects at either side; never the keys themselves."""

    source: Reference | None = None
    target: Reference | None = None


class Excluded(Settings):
    """A file of whole source keys that are never moved (legal hold, take-down), each with the reason that the file gives."""

    path: FilePath
    reasons: Annotated[dict[str, str], Field(repr=False)]


DECIDES_NO_ACTION = ("shrink_max", "second_listing", "keys")
"""Fields of a policy that say when not to plan, or what to look at besides: a plan that was made is the same with any of them."""


class Policy(Settings):
    """How an object is kept and proved. `part_bytes` is used where the source's own part layout can't be.

    `source_proof` says when the source is read a second time, over the other HTTP stack: where nothing else proves its side,
    always, or never. With `sha256`, a SHA-256 is taken and compared beside the XXH3-128.

    `storage_class_map` and `acl_map` (canned ACLs) say what the source's words are at the target. With an `acl_map`, each object's
    ACL is read; without, ACLs are not carried. `source_modified_in_metadata` notes the source's Last-Modified in user metadata.

    `shrink_max`: which part of a wave's objects (in parts of a million) may be gone at the source since its last plan; more is
    taken for a listing that lies, and nothing is planned.

    `versions`: whether just the latest version of an object comes home, or all of them, in their order, with delete markers.

    `excluded`: a file of keys that stay where they are.

    `deletions`: whether a catch-up removes from the target what we brought there and people deleted at the source since. On a
    target that keeps versions a removal lays a delete marker; `removals: version` deletes the version that we wrote as well.

    `second_listing`: what a source's listing is held against: its versions listing, where the bucket keeps versions (it is walked
    anyway), a walk folder by folder, or the one else the other (`auto`). `keys`: a file of all whole keys that somebody else knows
    of, one a line or as an S3 Inventory has them (`.csv`, `.csv.gz`); what no listing shows of them is asked for one by one.
    """

    keep_etag: Literal["require", "prefer", "no"] = "prefer"
    verify: Literal["read_back"] = "read_back"
    source_proof: Literal["when_missing", "always", "never"] = "when_missing"
    sha256: StrictBool = False
    part_bytes: Annotated[Bytes, Field(ge=PART_BYTES_MIN, le=PART_BYTES_MAX)] = 16 * MIB
    storage_class_map: dict[StorageClass, StorageClass] = {}
    acl_map: dict[CannedAcl, CannedAcl] = {}
    source_modified_in_metadata: StrictBool = False
    sse: Sse | None = None
    customer_keys: CustomerKeys = CustomerKeys()
    versions: Literal["latest", "all"] = "latest"
    shrink_max: Annotated[int, BeforeValidator(values.share_ppm), Field(validate_default=False)] = 500_000
    deletions: Literal["follow", "keep"] = "follow"
    removals: Literal["marker", "version"] = "marker"
    excluded: Excluded | None = None
    second_listing: Literal["auto", "versions", "delimiter", "none"] = "versions"
    keys: FilePath | None = None

    @property
    def held_back(self) -> dict[str, str]:
        """Why each key of the exclusion list is on it."""
        return self.excluded.reasons if self.excluded else {}

    @model_validator(mode="after")
    def _encrypted_in_one_way(self) -> Self:
        if self.sse is not None and self.customer_keys.target is not None:
            raise ValueError("has both `sse` and `customer_keys.target`; an object is encrypted in one way: take one of them out")
        return self

    def that_decides(self) -> dict[str, object]:
        """Return what of it goes into the configuration's hash: a field that came later only where it is not at its default, so
        that a new version of the program voids nothing that was signed before. Of customer's keys, which sides have one."""
        always = {"keep_etag", "verify", "part_bytes"}
        changed = self.model_dump(mode="json", exclude_defaults=True, exclude=set(DECIDES_NO_ACTION))
        decides = {**self.model_dump(mode="json", include=always), **changed}
        if "customer_keys" in decides:
            decides["customer_keys"] = sorted(self.customer_keys.model_dump(exclude_none=True))
        if "excluded" in decides:
            decides["excluded"] = hashlib.sha256("\n".join(sorted(map(shown, self.held_back))).encode()).hexdigest()
        return decides


class Side(Settings):
    """One side of a move: all keys of a bucket that begin with `prefix`."""

    endpoint: str
    bucket: BucketName
    prefix: KeyPrefix = ""


class Move(Settings):
    """From where to where. A key keeps what follows the source's prefix, below the target's."""

    source: Side
    target: Side


class Schedule(Settings):
    """When a wave starts by itself: five cron fields in a time zone."""

    cron: Cron
    timezone: TimeZone = "Asia/Tokyo"


def _in_order(model: Ordered) -> Ordered:
    start, end = getattr(model, "start", None), getattr(model, "end", None)
    if start is not None and end is not None and not start < end:
        raise ValueError("holds nothing: `end` is not beyond `start`; `end` itself is left out")
    return model


class KeyRange(Settings):
    """Keys below the move's prefix, by their bytes in UTF-8. `start` is in it, `end` is not."""

    start: KeyPrefix | None = None
    end: KeyPrefix | None = None

    _order = model_validator(mode="after")(_in_order)


class DayRange(Settings):
    """Days of the last modification, in UTC, as the source's listing shows it. `start` is in it, `end` is not."""

    start: Day | None = None
    end: Day | None = None

    _order = model_validator(mode="after")(_in_order)


class SizeRange(Settings):
    """Sizes of objects. `start` is in it, `end` is not."""

    start: Bytes | None = None
    end: Bytes | None = None

    _order = model_validator(mode="after")(_in_order)


class UserShare(Settings):
    """A share of the users. `pattern` is matched at the beginning of the key below the move's prefix; its group `user` is the user.

    Shares of one pattern follow each other in file order: 10 % and then 40 % leave half for others.
    """

    pattern: Annotated[str, AfterValidator(values.user_pattern)]
    share: Annotated[int, BeforeValidator(values.share_ppm)]
    """In parts of a million."""


class KeyList(Settings):
    """A file of keys below the move's prefix, one a line, percent-encoded as all our output is."""

    path: FilePath
    keys: Annotated[frozenset[str], Field(repr=False)]


class Wave(Settings):
    """A slice of a category: what meets all that it asks for. One that asks for nothing is the rest of the category."""

    name: Slug
    prefixes: tuple[KeyPrefix, ...] = ()
    keys: KeyRange = KeyRange()
    modified: DayRange = DayRange()
    size: SizeRange = SizeRange()
    users: UserShare | None = None
    keys_file: KeyList | None = None
    schedule: Schedule | None = None
    catch_up_schedule: Schedule | None = None


def selectors_of(waves: Sequence[Wave]) -> tuple[Selector, ...]:
    """Return what waves ask for. The shares of one pattern follow each other: each begins where the one before it ends."""
    ends: dict[str, int] = {}
    return tuple(_selector(wave, ends) for wave in waves)


def _selector(wave: Wave, ends: dict[str, int]) -> Selector:
    users = None
    if wave.users is not None:
        start = ends.get(wave.users.pattern, 0)
        end = ends[wave.users.pattern] = start + wave.users.share
        users = Users(wave.users.pattern, start, end)
    days = (f"{day}T00:00:00" if day else None for day in (wave.modified.start, wave.modified.end))
    return Selector(
        wave.name,
        wave.prefixes,
        Between(wave.keys.start, wave.keys.end),
        Between(*days),
        Between(wave.size.start, wave.size.end),
        users,
        wave.keys_file.keys if wave.keys_file else None,
    )


class Category(Settings):
    """A data class with its moves, the country that it must live in, the day by which, and who answers for it."""

    moves: Annotated[tuple[Move, ...], Field(min_length=1)]
    residency: Country
    deadline: Day
    owner: Annotated[str, Field(min_length=1)]
    description: str = ""
    policy: Policy = Policy()
    waves: tuple[Wave, ...] = ()

    def all_waves(self) -> tuple[Wave, ...]:
        """Return the waves in file order; where none is given, one named `all`."""
        return self.waves or (Wave(name="all"),)

    def selectors(self) -> tuple[Selector, ...]:
        """Return what each wave asks for, in file order."""
        return selectors_of(self.all_waves())

    def partition(self) -> Partition:
        """Return the waves, for asking object by object."""
        return Partition(self.selectors())

    def partition_sha256(self) -> str:
        """Return one hash over the moves and over what each wave asks for: another one may put an object into another wave."""
        moves = [move.model_dump(mode="json") for move in self.moves]
        waves = {each.name: each.that_decides() for each in self.selectors()}
        return hashlib.sha256(json.dumps([moves, waves], sort_keys=True).encode()).hexdigest()


class Worker(Settings):
    """The machines that run this. Every byte passes through their memory: their `country` stands in the record of each run."""

    country: Country | None = None


class Migration(Settings):
    """One migration, as one file describes it. Paths are absolute; `file` is where it was read from."""

    migration: Slug
    state_dir: FilePath
    ledger: Annotated[str, AfterValidator(values.ledger_url)]
    timezone: TimeZone = "Asia/Tokyo"
    endpoints: Annotated[dict[Slug, Endpoint], Field(min_length=1)]
    vault: VaultPlace
    transfer: Transfer = Transfer()
    worker: Worker = Worker()
    categories: Annotated[dict[Slug, Category], Field(min_length=1)]
    prices: FilePath | None = None
    file: FilePath

    def category_named(self, name: str) -> Category:
        """Return a category, or raise `ConfigurationError` that lists those there are."""
        if name not in self.categories:
            raise ConfigurationError(str(self.file), (f"categories: no category `{name}`{_known(name, sorted(self.categories))}",))
        return self.categories[name]

    def endpoint_named(self, name: str) -> Endpoint:
        """Return an endpoint, or raise `ConfigurationError` that lists those there are."""
        if name not in self.endpoints:
            raise ConfigurationError(str(self.file), (f"endpoints: no endpoint `{name}`{_known(name, sorted(self.endpoints))}",))
        return self.endpoints[name]

    def waves_of(self, category: str, wave: str = "") -> tuple[Wave, ...]:
        """Return the wave of that name, or all in file order; `ConfigurationError` lists those there are."""
        waves = self.category_named(category).all_waves()
        chosen = tuple(each for each in waves if wave in {"", each.name})
        if not chosen:
            known = _known(wave, [each.name for each in waves])
            raise ConfigurationError(str(self.file), (f"categories.{category}.waves: no wave `{wave}`{known}",))
        return chosen

    def config_sha256(self) -> str:
        """Return the SHA-256 (hex) of what decides actions: moves, wave selectors, policy, residency, countries.

        Addresses, credential references, deadlines, schedules, pace and the order of waves leave it as it is. An approval that is
        bound to it goes void when it changes.
        """
        decides = {
            "migration": self.migration,
            "countries": {name: endpoint.country for name, endpoint in self.endpoints.items()},
            "categories": {
                name: {
                    "moves": [move.model_dump(mode="json") for move in category.moves],  # facts and rows know a move by its index
                    "policy": category.policy.that_decides(),
                    "residency": category.residency,
                    "waves": {selector.name: selector.that_decides() for selector in category.selectors()},
                }
                for name, category in self.categories.items()
            },
        }
        canonical = json.dumps(decides, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()


def _known(name: str, names: list[str]) -> str:
    """Return how a sentence about an unknown name ends: the one that was perhaps meant, and all there are."""
    near = difflib.get_close_matches(name, names, n=1)
    meant = f"; did you mean `{near[0]}`?" if near else ";"
    return f"{meant} {'There' if near else 'there'} {'are' if len(names) > 1 else 'is'} {', '.join(names)}"


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

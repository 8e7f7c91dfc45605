"""All stores of a migration, one for each endpoint and role, made when first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from connectors import credentials
from connectors.credentials import Credentials
from connectors.pace.gate import Gate, Say, silent
from connectors.pace.silence import Silence
from connectors.s3.customer_key import CustomerKey
from connectors.s3.requests import Renew, must_sign_payload
from connectors.s3.store import S3Store
from connectors.signer import Signer
from connectors.wire.lean import LeanWire
from connectors.wire.when_asked import WireWhenAsked
from relocation.ports import Clock
from relocation.rules.errors import ConfigurationError, Refusal
from relocation.settings import Migration

WireKind = Literal["lean", "library"]


class S3Stores:
    """Stores over S3. Each role has connections of its own, so that a read-back never shares one with the write before it.

    All roles of an endpoint share its gate, but for the vault's.
    """

    def __init__(self, settings: Migration, environ: Mapping[str, str], clock: Clock, *, say: Say | None = None) -> None:
        self._settings = settings
        self._environ = environ
        self._clock = clock
        self._stores: dict[tuple[str, str, WireKind, str], S3Store] = {}
        limits = settings.transfer
        self.gates = {
            name: Gate(name, clock, most=limits.concurrency, overloaded_s=limits.overloaded_s, say=say or silent)
            for name in settings.endpoints
        }
        self._silences = {name: Silence(name, say or silent, patience_s=limits.unreachable_s) for name in settings.endpoints}

    def of(self, endpoint: str, role: str, *, other_wire: bool = False, customer_key: str = "") -> S3Store:
        """Return the endpoint's store with that role's rights. A role without credentials is a `Refusal` that names it."""
        chosen = self._settings.transfer.wire
        kind: WireKind = ("library" if chosen == "lean" else "lean") if other_wire else chosen
        known = self._stores.get((endpoint, role, kind, customer_key))
        if known is None:
            known = self._stores[(endpoint, role, kind, customer_key)] = self._make(endpoint, role, kind, customer_key)
        return known

    def at_once(self, endpoint: str) -> int:
        """Return how many requests the endpoint takes at once now, as its answers show."""
        return self.gates[endpoint].window.limit

    async def close(self) -> None:
        """Close every connection of every store."""
        for store in self._stores.values():
            await store.close()
        self._stores.clear()
        for gate in self.gates.values():
            await gate.close()

    def _make(self, endpoint: str, role: str, kind: WireKind, customer_key: str) -> S3Store:
        settings, limits = self._settings.endpoints[endpoint], self._settings.transfer
        keys = self._keys(endpoint, role)
        make = LeanWire if kind == "lean" else WireWhenAsked
        try:
            wire = make(
                settings.url,
                ca_file=settings.ca_file,
                connections_max=max(limits.concurrency, 16),
                connect_timeout_s=limits.connect_timeout_s,
                stall_s=limits.stall_s,
                min_bytes_per_s=limits.min_bytes_per_s,
            )
        except ValueError as error:
            raise ConfigurationError(str(self._settings.file), (f"endpoints.{endpoint}: {error}",)) from None
        gate = None if role == "vault" else self.gates[endpoint]  # evidence is written however the data's pace is
        return S3Store(
            endpoint,
            role,
            wire,
            _signer(keys, settings.region),
            self._clock,
            sign_payload=must_sign_payload(settings.url),
            gate=gate,
            renew=self._renewal(endpoint, role, keys),
            silence=self._silences[endpoint],
            customer_key=self._customer_key(endpoint, customer_key) if customer_key else None,
        )

    def _customer_key(self, endpoint: str, reference: str) -> CustomerKey:
        if not self._settings.endpoints[endpoint].url.startswith("https://"):
            raise Refusal(f"endpoints.{endpoint}.url is plain http, and a customer's key goes over TLS only; `https://…`")
        base = self._settings.file.parent
        return CustomerKey(credentials.customer_key(reference, base=base, environ=self._environ))

    def _keys(self, endpoint: str, role: str) -> Credentials:
        return credentials.of_role(self._settings, endpoint, role, environ=self._environ)

    def _renewal(self, endpoint: str, role: str, held: Credentials) -> Renew:
        """Return what reads a role's keys again: others may have put new ones there since."""
        region = self._settings.endpoints[endpoint].region

        def renew() -> Signer | None:
            nonlocal held
            try:
                found = self._keys(endpoint, role)
            except ConfigurationError:  # being written just now, or taken away: the store's refusal says what matters
                return None
            if found == held:
                return None
            held = found
            return _signer(found, region)

        return renew


def _signer(keys: Credentials, region: str) -> Signer:
    return Signer(keys.access_key, keys.secret_key.reveal(), keys.session_token.reveal(), region)

"""Two proxies between us and the stores: they count what passes, and break what they are told to break."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hikkoshi.fault_proxy import FaultProxy
from relocation.settings import Migration

WRITES = ("PUT", "POST", "DELETE", "PATCH")


@dataclass(frozen=True, slots=True)
class Between:
    """The proxies, and the same migration with their addresses. `vault` is the bucket of evidence, which is not counted."""

    settings: Migration
    korea: FaultProxy
    japan: FaultProxy
    vault: str

    def forget(self) -> None:
        """Count from here."""
        for proxy in (self.korea, self.japan):
            proxy.requests.clear()

    def writes(self) -> int:
        """Return how many writing requests have passed, evidence apart."""
        return sum(
            seen.method in WRITES and not seen.target.startswith(f"/{self.vault}/")
            for proxy in (self.korea, self.japan)
            for seen in proxy.requests
        )

    def reads(self) -> int:
        """Return how many reading requests have passed, evidence apart."""
        return sum(
            seen.method not in WRITES and not seen.target.startswith(f"/{self.vault}")
            for proxy in (self.korea, self.japan)
            for seen in proxy.requests
        )


@contextmanager
def between(settings: Migration) -> Iterator[Between]:
    """Run both proxies until the block ends."""
    endpoints = settings.endpoints
    with FaultProxy(endpoints["korea"].url) as korea, FaultProxy(endpoints["japan"].url) as japan:
        moved = {
            name: endpoints[name].model_copy(update={"url": proxy.url}) for name, proxy in (("korea", korea), ("japan", japan))
        }
        yield Between(settings.model_copy(update={"endpoints": {**endpoints, **moved}}), korea, japan, settings.vault.bucket)

"""The wire on aiohttp, imported and made at its first request: most runs never ask it, and it takes a third of a start-up.

Guarantees what `LibraryWire` does; an address or CA file that is none is refused at once.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from connectors.wire.address import parse_address
from relocation.ports import Body, Headers, Response, Wire


class WireWhenAsked:
    """The port `Wire` over a `LibraryWire` that is made when it is needed, with the limits given here."""

    def __init__(self, url: str, *, ca_file: Path | None = None, connections_max: int = 64, **limits: float) -> None:
        self.host = parse_address(url, ca_file=ca_file).authority
        self._make: Callable[[], Wire] = lambda: _library(url, ca_file, connections_max, limits)
        self._wire: Wire | None = None

    async def request(
        self, method: str, target: str, headers: Headers, body: Body = b"", *, into: memoryview | None = None
    ) -> Response:
        """Send one request and return its whole answer; see the port for every promise and error."""
        if self._wire is None:
            self._wire = self._make()
        return await self._wire.request(method, target, headers, body, into=into)

    async def close(self) -> None:
        """Close every connection, if there ever was one."""
        if self._wire is not None:
            await self._wire.close()


def _library(url: str, ca_file: Path | None, connections_max: int, limits: dict[str, float]) -> Wire:
    from connectors.wire.library import LibraryWire  # noqa: PLC0415 — that is the point

    return LibraryWire(url, ca_file=ca_file, connections_max=connections_max, **limits)

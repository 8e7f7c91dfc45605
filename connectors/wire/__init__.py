"""HTTP/1.1 to one endpoint: the port `Wire`, twice.

`lean` is our own (one small parser, one buffer, one connection a request at a time); `library` is aiohttp. They share the
address, the shape of a request and nothing of what reads an answer, so that a copy over one can be proved over the other.
Neither follows a redirect, decodes a body, asks a proxy, keeps a cookie or can be told to trust a certificate unchecked.
May import: the core's errors and `Response`, sockets and TLS; aiohttp in `library` alone.
"""

from typing import TYPE_CHECKING

from connectors.wire.lean import LeanWire

if TYPE_CHECKING:
    from connectors.wire.library import LibraryWire

__all__ = ["LeanWire", "LibraryWire"]


def __getattr__(name: str) -> object:
    """Import aiohttp only for whoever names its wire."""
    if name == "LibraryWire":
        from connectors.wire.library import LibraryWire  # noqa: PLC0415

        return LibraryWire
    raise AttributeError(name)

"""Keys as people see them, and the one prefix that is ours. Pure.

Guarantees: what `shown` returns is printable ASCII, different for different keys, and decodes back to the very bytes. A key is
never normalised, and never printed in any other way.
"""

from __future__ import annotations

from urllib.parse import quote

CANARY_PREFIX = "hikkoshi-canary/"
"""Reserved, with and without a leading slash: the probe writes, and takes away again, below it; inventories leave it out."""


def shown(key: str) -> str:
    """Return a key percent-encoded for output: UTF-8, all but RFC 3986's unreserved characters and `/`."""
    return quote(key, safe="/", encoding="utf-8", errors="surrogatepass")


def is_canary(key: str) -> bool:
    """Whether a key, or the beginning of one, lies below the reserved prefix."""
    return key.removeprefix("/").startswith(CANARY_PREFIX)

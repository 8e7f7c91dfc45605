"""Keys as people see them, and the one prefix that is ours. Pure.

Guarantees: what `shown` returns is printable ASCII, different for different keys, and decodes back to the very bytes. A key is
never normalised, and never printed in any other way.
"""

from __future__ import annotations

import re
from urllib.parse import quote

CANARY_PREFIX = "hikkoshi-canary/"
"""Reserved, with and without a leading slash: the probe writes, and takes away again, below it."""
_CANARY = re.compile(rf"/?{CANARY_PREFIX}[0-9a-f]{{12}}/")


def shown(key: str) -> str:
    """Return a key percent-encoded for output: UTF-8, all but RFC 3986's unreserved characters and `/`."""
    return quote(key, safe="/", encoding="utf-8", errors="surrogatepass")


def is_reserved(prefix: str) -> bool:
    """Whether all keys with this beginning lie below the reserved prefix."""
    return prefix.removeprefix("/").startswith(CANARY_PREFIX)


def is_canary(key: str) -> bool:
    """Whether a key is one that a probe writes: inventories leave it out, and the next probe takes it away.

    Anything else below the reserved prefix is somebody's object, and treated as such.
    """
    return _CANARY.match(key) is not None

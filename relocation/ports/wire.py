"""HTTP, one request at a time: what stores speak over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Blocks:
    """A body that is never in memory whole: `size` bytes in all, each block asked for when the one before was taken.

    A block is its giver's again as soon as the next one is asked for. If asking raises, the request ends with that very error
    before its last byte, so that no store takes what was sent for a body. `sha256` (hex) is needed where a store signs what it
    sends (`Store.signs_bodies`). Good for one request.
    """

    size: int
    blocks: AsyncIterator[memoryview]
    sha256: str = ""


Body = bytes | memoryview | Blocks


@dataclass(slots=True)
class Response:
    """One HTTP answer. Header names are lower-case; a name that came twice has its values joined by `, `.

    `body` is the caller's `into` cut to what arrived, or the wire's own bytes; it is as sent: never decoded.
    """

    status: int
    headers: dict[str, str]
    body: memoryview


class Wire(Protocol):
    """HTTP/1.1 to one endpoint over a pool of keep-alive connections; one request at a time on each.

    `target` is the raw request target (`/bucket/key%20x?list-type=2`) and goes out as it is. Redirects are never
    followed, nothing is decoded, no proxy is asked. Anything that HTTP/1.1 does not allow is a `ProtocolError`, a broken or
    refused connection `Unreachable` (`CutShort` where an answer had begun), and the connection is dropped. Nothing is retried
    here, with one exception: a request on a kept-alive connection that the peer closed before a byte of the answer came is
    sent once more on a new one only if `method` is GET or HEAD.
    """

    async def request(
        self,
        method: str,
        target: str,
        headers: Headers,
        body: Body = b"",
        *,
        into: memoryview | None = None,
    ) -> Response:
        """Send one request and return its whole answer.

        With `into`, the body of a 2xx answer is received straight into it; one that is longer is a `ProtocolError`. Without,
        or for another status, the wire holds it itself, up to 16 MiB. `headers` must hold `host`; the wire adds
        `content-length` for PUT and POST and whenever `body` is not empty, and nothing else.
        """
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...

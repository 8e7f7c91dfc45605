"""What can go wrong, as small frozen classes, and when: a closed set of actions, and `Fault`, which says whom one strikes.

Positions are bytes of the body's payload, counted from 0 (the framing of a chunked body is not counted).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Side = Literal["request", "response"]
Header = tuple[str, str]


@dataclass(frozen=True, slots=True)
class StripRequestHeader:
    """Forward the request without this header. One that is signed breaks the signature: strip those that are not, or see a 403."""

    name: str


@dataclass(frozen=True, slots=True)
class StripResponseHeader:
    """Hand the answer on without this header."""

    name: str


@dataclass(frozen=True, slots=True)
class SetResponseHeader:
    """Hand the answer on with this header, in place of the server's own."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class FlipByte:
    """Invert one byte of a body, of an answer or of a request. A body that is shorter passes as it is."""

    at: int
    of: Side = "response"


@dataclass(frozen=True, slots=True)
class Truncate:
    """End the connection in good order (FIN) once that many bytes of the body have passed; the announced length stays."""

    after: int
    of: Side = "response"


@dataclass(frozen=True, slots=True)
class Reset:
    """Break the connection (RST) once that many bytes of the body have passed."""

    after: int
    of: Side = "response"


@dataclass(frozen=True, slots=True)
class Stall:
    """Pass no further byte of the body after that many, and keep the connection open until the client gives up."""

    after: int
    of: Side = "response"


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer in the server's place, once the request is read; the server never sees it."""

    status: int
    body: bytes = b""
    headers: tuple[Header, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerAfter:
    """Let the server do the work and lose its answer: with `status` 0 the connection breaks, else the client gets this one."""

    status: int = 0
    body: bytes = b""
    headers: tuple[Header, ...] = ()


@dataclass(frozen=True, slots=True)
class Delay:
    """Wait before forwarding."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Blackhole:
    """Swallow whatever comes on this connection and never answer, until the client gives up."""


@dataclass(frozen=True, slots=True)
class Call:
    """Await something before forwarding: kill a server, overwrite an object. Runs in the proxy's loop."""

    do: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Resign:
    """Sign the request anew (SigV4) for whoever holds these keys, as a gateway does: for edits of headers that were signed.

    Stands after the edits in the list of faults.
    """

    access_key: str
    secret_key: str = field(repr=False)


HeadEdit: TypeAlias = StripRequestHeader | StripResponseHeader | SetResponseHeader
BodyEdit: TypeAlias = FlipByte | Truncate | Reset | Stall
Instead: TypeAlias = Answer | AnswerAfter | Blackhole
Action: TypeAlias = HeadEdit | BodyEdit | Instead | Delay | Call | Resign


@dataclass(frozen=True, slots=True)
class Fault:
    """An action for every request that matches, or for the `nth` of them alone (from 1; 0: every one).

    `method` and `target` are regular expressions, the first for the whole method (`PUT|POST`), the second searched in the raw
    request target (`^/talk/images/`, `[?&]uploadId=`); `header` names a header that the request must carry.
    """

    action: Action
    method: str = ".*"
    target: str = ""
    header: str = ""
    nth: int = 0

    def matches(self, method: str, target: str, headers: frozenset[str]) -> bool:
        """Say whether a request is one of those meant; `headers` holds its header names in lower case."""
        wanted = self.header.lower()
        return (
            re.fullmatch(self.method, method) is not None
            and re.search(self.target, target) is not None
            and (not wanted or wanted in headers)
        )

"""What a claim is given: one store with all rights, others with fewer, and buckets of its own; and how claims are registered."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from relocation.ports import Store
from relocation.rules.errors import HikkoshiError
from relocation.rules.objects import Head

Fault = TypeVar("Fault", bound=BaseException)
MIB = 1024 * 1024
PART = bytes(range(256)) * (5 * MIB // 256)
"""The smallest part that S3 takes before the last one."""


class MakeBucket(Protocol):
    """Makes a bucket and returns its name."""

    async def __call__(self, *, versioning: str = "", object_lock: bool = False) -> str: ...


class SetVersioning(Protocol):
    """Turns versioning on (`Enabled`) or off (`Suspended`)."""

    async def __call__(self, bucket: str, status: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Lab:
    """One store to try things on. `reader` may only read; `stranger` has a wrong secret, `unknown` a key that nobody has."""

    store: Store
    reader: Store
    stranger: Store
    unknown: Store
    bucket: MakeBucket
    set_versioning: SetVersioning

    async def read(self, bucket: str, key: str, *, room: int = 64 * 1024, **asked: object) -> bytes:
        """Return an object's bytes."""
        body, _ = await self.fetch(bucket, key, room=room, **asked)
        return body

    async def fetch(self, bucket: str, key: str, *, room: int = 64 * 1024, **asked: object) -> tuple[bytes, Head]:
        """Return an object's bytes and what the answer said."""
        into = bytearray(room)
        head = await self.store.get(bucket, key, memoryview(into), **asked)  # type: ignore[arg-type]
        return bytes(into[: head.size]), head

    async def keys(self, bucket: str, **asked: object) -> list[str]:
        """Return the keys of one page of a listing."""
        return [item.key for item in (await self.store.list_objects(bucket, **asked)).items]  # type: ignore[arg-type]


async def blocks_of(body: bytes, *, fails: Exception | None = None) -> AsyncIterator[memoryview]:
    """Give a body in blocks of 1 MiB at most; with `fails`, raise that instead of the last."""
    starts = range(0, len(body), MIB)
    for start in starts:
        if fails and start == starts[-1]:
            raise fails
        yield memoryview(body)[start : start + MIB]


Hold = Callable[[Lab], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence about stores, and the function that holds it."""

    name: str
    sentence: str
    hold: Hold
    room: str
    refusal: bool


@dataclass(slots=True)
class Claims:
    """All claims by name, in the order in which they are written."""

    by_name: dict[str, Claim] = field(default_factory=dict)

    def add(self, room: str, *, refusal: bool = False) -> Callable[[Hold], Hold]:
        """Register a function as a claim; `refusal` marks what must be refused or must not happen."""

        def register(hold: Hold) -> Hold:
            sentence = inspect.getdoc(hold)
            name = hold.__name__
            assert sentence, f"{name} has no sentence"
            assert name not in self.by_name, f"{name} is claimed twice"
            self.by_name[name] = Claim(name, " ".join(sentence.split()), hold, room, refusal)
            return hold

        return register


CLAIMS = Claims()


async def refused(call: Awaitable[object], *kinds: type[Fault]) -> Fault:
    """Return the error with which a call is refused; one of other kinds, or none at all, breaks the claim."""
    try:
        answer = await call
    except kinds as error:
        return error
    except HikkoshiError as error:
        raise AssertionError(
            f"refused by {type(error).__name__} and not by {' or '.join(k.__name__ for k in kinds)}: {error}"
        ) from error
    raise AssertionError(f"was not refused: {answer!r:.300}")

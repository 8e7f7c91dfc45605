"""The keys of two sides in anonymous files, part by part.

Guarantees: no more than one part's keys are in memory; nothing outlives the process, however it ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Self, TypeVar
from urllib.parse import unquote_to_bytes

from relocation.rules.enumeration import PARTS, SLOTS, digest_of, slot_of
from relocation.rules.keys import shown

T = TypeVar("T")
BREATH = 10_000
"""After so many at a stretch others get their turn: the lease is renewed, a stop is heard."""


async def breathing(items: Iterable[T]) -> AsyncIterator[T]:
    """Yield what may be millions and comes without waiting for anything."""
    for number, item in enumerate(items, 1):
        if not number % BREATH:
            await asyncio.sleep(0)
        yield item


class KeysApart:
    """Those keys of two sides that fall into the slots in which their fingerprints differ."""

    def __init__(self, folder: Path, bucket: str, slots: frozenset[int]) -> None:
        self._folder = folder
        self._bucket = bucket
        self._slots = slots
        self._files: dict[tuple[bool, int], IO[bytes]] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._open.close()

    def add(self, key: str, *, first: bool) -> None:
        """Keep a key of the first side, or of the other one, if its slot differs."""
        slot = slot_of(digest_of(self._bucket, key))
        if slot not in self._slots:
            return
        place = (first, slot * PARTS // SLOTS)
        if place not in self._files:
            self._files[place] = self._open.enter_context(TemporaryFile(dir=self._folder))  # noqa: SIM115
        self._files[place].write(shown(key).encode() + b"\n")

    def parts(self) -> Iterator[tuple[set[str], set[str]]]:
        """Yield the keys of the first side and of the other one, part by part."""
        for part in sorted({part for _, part in self._files}):
            yield self._read((True, part)), self._read((False, part))

    def _read(self, place: tuple[bool, int]) -> set[str]:
        file = self._files.get(place)
        if file is None:
            return set()
        file.seek(0)
        return {unquote_to_bytes(line.rstrip(b"\n")).decode("utf-8", "surrogatepass") for line in file}

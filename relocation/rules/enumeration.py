"""Whether two enumerations of one place show the same keys, told without holding any. Pure.

Guarantees: two sets of keys have equal fingerprints only if they are the same set (128-bit digests, summed bucket by bucket); where
they are not, the buckets that differ are told, and a second pass over both has to keep the keys of these alone.
"""

from __future__ import annotations

import hashlib
from array import array
from dataclasses import dataclass, field

from relocation.rules.summary import Compared, Named

SLOTS = 65_536
PARTS = 64
"""Keys of slots that differ are laid out in so many parts, and held against each other part by part."""


def digest_of(bucket: str, key: str) -> int:
    """Return the 128-bit digest of a key in its bucket."""
    text = f"{bucket}/{key}".encode("utf-8", "surrogatepass")  # no bucket's name holds a slash
    return int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "big")


def slot_of(digest: int) -> int:
    """Return the slot that a digest falls into."""
    return digest >> 112


class Fingerprint:
    """A set of keys as 65,536 pairs of (how many, sum of their digests): 5 MB, whatever was added, in any order."""

    __slots__ = ("_counts", "_sums", "keys")

    def __init__(self) -> None:
        self._counts = array("Q", bytes(8 * SLOTS))
        self._sums = [0] * SLOTS
        self.keys = 0

    def add(self, bucket: str, key: str) -> None:
        """Add a key. One that is added twice counts twice: a list that repeats it is another one."""
        digest = digest_of(bucket, key)
        slot = slot_of(digest)
        self._counts[slot] += 1
        self._sums[slot] += digest
        self.keys += 1

    def differing(self, other: Fingerprint) -> frozenset[int]:
        """Return the slots in which the two do not hold the same keys; none: they are the same set."""
        mine, theirs = zip(self._counts, self._sums, strict=True), zip(other._counts, other._sums, strict=True)
        return frozenset(slot for slot, (one, two) in enumerate(zip(mine, theirs, strict=True)) if one != two)


@dataclass(frozen=True, slots=True)
class Enumerated:
    """What all further enumerations of a wave came to, and by name what is hidden from the first listing."""

    compared: tuple[Compared, ...] = ()
    hidden: tuple[Named, ...] = ()

    def key_list_held(self, endpoint: str, bucket: str) -> bool:
        """Whether a list of keys was held against all that the category moves of this bucket."""
        here = [each for each in self.compared if (each.endpoint, each.bucket) == (endpoint, bucket)]
        places = {each.prefix for each in here}
        return bool(places) and places == {each.prefix for each in here if each.way == "keys"}


@dataclass(slots=True)
class Tally:
    """Counts what one side alone shows, while it is asked for."""

    named_max: int
    hidden: int = 0
    unlisted: int = 0
    changed: int = 0
    absent: int = 0
    named: list[Named] = field(default_factory=list)

    def hide(self, named: Named) -> None:
        """Count a hidden key; the first ones are kept by name."""
        self.hidden += 1
        if len(self.named) < self.named_max:
            self.named.append(named)


def before(key: str) -> str:
    """Return a text that sorts before a key, by UTF-8 bytes, with next to nothing between them: where to start a listing after."""
    head, last = key[:-1], ord(key[-1])
    if last <= 0x20:
        return head
    previous = 0xD7FF if last == 0xE000 else last - 1
    return f"{head}{chr(previous)}\U0010ffff"

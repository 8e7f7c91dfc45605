"""What makes a record evidence: canonical bytes, a hash of them, a root over many, a chain of what was done. Pure.

Guarantees: equal records have equal bytes (RFC 8785), whoever writes them; a row added, dropped, changed or moved changes
the root (RFC 6962, section 2.1), and the chain names the first link that does not follow from the one before.
Refuses floats, integers beyond 2^53 - 1 (RFC 8785 writes numbers as IEEE doubles) and text that is no Unicode, so that no
value has two spellings. A chain proves sequence, not completeness: only a head kept elsewhere shows that its end was cut off.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from itertools import islice, repeat
from json.encoder import encode_basestring
from operator import itemgetter
from typing import Any

INTEGER_MAX = 2**53 - 1
AT_ONCE = 10_000
"""So many rows are written down together: their texts take some megabytes."""
FIRST_PREV = "0" * 64
"""What the first link of a chain follows."""


def canonical(value: object) -> bytes:
    """Return the JSON Canonicalization Scheme (RFC 8785) bytes of a value or a record (an object of its fields).

    Takes str, int, bool, None, list, tuple and mappings of str; `TypeError` for anything else, floats included, and
    `ValueError` for an integer that a double can't hold or a lone surrogate.
    """
    try:
        return (_row(value) or _write(value)).encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"text with a lone surrogate has no UTF-8: {error.object!r}") from None


def sha256_of(record: object) -> str:
    """Return the SHA-256 (hex) of a record's canonical bytes."""
    return sha256(canonical(record)).hexdigest()


def merkle_root(rows: Iterable[object]) -> str:
    """Return the Merkle tree hash (RFC 6962, hex) of the rows' canonical bytes, in the order in which they come.

    Takes memory for one hash a level, so the rows may be a generator of any length. None at all is the SHA-256 of nothing.
    """
    tree = MerkleTree()
    left = iter(rows)
    while some := list(islice(left, AT_ONCE)):
        tree.extend(some)
    return tree.root()


class MerkleTree:
    """A Merkle tree that grows by one row at a time and keeps only the roots of its full subtrees.

    Leaves are SHA-256 of `00 ‖ row`, nodes of `01 ‖ left ‖ right`, so that no row can pass for a node.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._peaks: dict[int, bytes] = {}  # by its height, one full subtree for each bit set in `rows`

    def add(self, row: object) -> None:
        """Append one row."""
        self._grow([sha256(b"\x00" + canonical(row)).digest()])

    def extend(self, rows: Sequence[object]) -> None:
        """Append rows as `add` does one after another; those of one kind of named tuple take a fifth of the time."""
        for start in range(0, len(rows), AT_ONCE):
            some = rows[start : start + AT_ONCE]
            self._grow([sha256(text).digest() for text in _texts(some)])

    def _grow(self, nodes: list[bytes]) -> None:
        """Append leaves, and join what stands side by side, level by level."""
        self.rows += len(nodes)
        height = 0
        while nodes:
            if height in self._peaks:
                nodes.insert(0, self._peaks.pop(height))
            if len(nodes) % 2:
                self._peaks[height] = nodes.pop()
            nodes = [sha256(b"\x01" + left + right).digest() for left, right in zip(nodes[::2], nodes[1::2], strict=True)]
            height += 1

    def root(self) -> str:
        """Return the root (hex) of the rows so far; the tree can still grow."""
        if not self._peaks:
            return sha256(b"").hexdigest()
        lowest, *higher = sorted(self._peaks)
        root = self._peaks[lowest]
        for height in higher:
            root = sha256(b"\x01" + self._peaks[height] + root).digest()
        return root.hex()


@dataclasses.dataclass(frozen=True, slots=True)
class Link:
    """One entry of the audit chain: who did what to which subject, when (ISO 8601 UTC), and the hash of what was decided.

    `sha256` is over the canonical bytes of all other fields, `prev` the `sha256` of the link before.
    """

    seq: int
    prev: str
    time: str
    actor: str
    action: str
    subject: str
    payload_sha256: str
    sha256: str


@dataclasses.dataclass(frozen=True, slots=True)
class BrokenChain:
    """The first link that can't be believed, and why. What came before it holds."""

    seq: int
    reason: str


def link(prev: Link | None, *, time: str, actor: str, action: str, subject: str, payload_sha256: str) -> Link:
    """Return the link that follows `prev` (None: the first, with number 1)."""
    unsigned = Link(
        seq=prev.seq + 1 if prev else 1,
        prev=prev.sha256 if prev else FIRST_PREV,
        time=time,
        actor=actor,
        action=action,
        subject=subject,
        payload_sha256=payload_sha256,
        sha256="",
    )
    return dataclasses.replace(unsigned, sha256=link_sha256(unsigned))


def link_sha256(entry: Link) -> str:
    """Return the hash that a link must carry: over all its fields but the hash itself."""
    return sha256_of({name: value for name, value in dataclasses.asdict(entry).items() if name != "sha256"})


def verify_chain(links: Iterable[Link], *, head: str = "") -> BrokenChain | None:
    """Return the first link that breaks the chain from its first on, None where all of it holds.

    With `head`, the last link must carry that hash: without one kept elsewhere, a chain that lost its end looks whole.
    """
    seq, prev = 0, FIRST_PREV
    for entry in links:
        seq += 1
        if entry.seq != seq:
            return BrokenChain(seq, f"link {seq} is missing: link {entry.seq} stands in its place")
        if entry.prev != prev:
            return BrokenChain(seq, f"link {seq} follows {entry.prev or 'nothing'}, but the link before it has hash {prev}")
        if (due := link_sha256(entry)) != entry.sha256:
            return BrokenChain(seq, f"link {seq} carries hash {entry.sha256 or 'none'}, but its content has {due}")
        prev = entry.sha256
    if head and prev != head:
        return BrokenChain(seq + 1, f"the chain ends with link {seq} ({prev}), but its head was {head}: links after it are missing")
    return None


def _write(value: object) -> str:  # noqa: PLR0911 — one return a kind of value
    """Return canonical JSON text. The order of the tests is that of how often each kind comes in a row."""
    if isinstance(value, str):
        return encode_basestring(value)  # escapes exactly what RFC 8785, 3.2.2.2 does
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if abs(value) > INTEGER_MAX:
            raise ValueError(f"{value} is beyond 2^53 - 1: a JSON number can't hold it exactly; write it as text")
        return int.__repr__(value)
    if hasattr(value, "_asdict"):
        value = value._asdict()  # a named tuple is the object of its fields
    if isinstance(value, (list, tuple)):
        return f"[{','.join([_write(item) for item in value])}]"
    if isinstance(value, Mapping):
        return f"{{{','.join([f'{encode_basestring(name)}:{_write(value[name])}' for name in _sorted_names(value)])}}}"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return f"{{{','.join([prefix + _write(getattr(value, name)) for name, prefix in _members(type(value))])}}}"
    raise TypeError(f"{type(value).__name__} has no canonical form here: str, int, bool, None, list and mappings of str have")


def _row(value: object) -> str:
    """Write a named tuple of text, whole numbers and tuples of text by its kind's pattern; empty for anything else.

    There is one for each object of a migration, several times over: this takes a third of the time that `_write` takes.
    """
    if not isinstance(value, tuple) or not hasattr(value, "_fields"):
        return ""
    pattern, writers, ordered = _shape(type(value))
    return pattern % ordered([write(item) for write, item in zip(writers, value, strict=True)])


def _texts(rows: Sequence[object]) -> Iterable[bytes]:
    """Return the leaf (`00` and the canonical bytes) of each row.

    Rows of one kind are written column by column: what all of them share is written once, the rest by one loop in C a column.
    """
    kind = type(rows[0])
    if not issubclass(kind, tuple) or len(getattr(kind, "_fields", ())) < 2 or len(set(map(type, rows))) > 1:
        return (b"\x00" + canonical(row) for row in rows)
    fields: tuple[str, ...] = kind._fields  # type: ignore[attr-defined]
    _, writers, ordered = _shape(kind)
    columns = zip(sorted(fields), ordered(writers), ordered(tuple(zip(*rows, strict=True))), strict=True)
    pieces: list[Iterable[str]] = []
    shared = "\x00{"
    for number, (name, write, column) in enumerate(columns):
        texts = _column(column, write)
        shared += f'{"," if number else ""}"{name}":'
        if isinstance(texts, str):
            shared += texts
        else:
            pieces += (repeat(shared), texts)
            shared = ""
    shared += "}"
    return _encoded(map("".join, zip(*pieces, repeat(shared))) if pieces else repeat(shared, len(rows)))


def _column(column: tuple[Any, ...], write: Callable[[Any], str]) -> str | Iterable[str]:
    """Return the text that all values of a column have, or one text each."""
    first = column[0]
    if write is encode_basestring:
        return write(first) if column.count(first) == len(column) else map(write, column)
    if len(set(map(type, column))) > 1 or isinstance(first, (list, dict)):
        return map(write, column)  # equal values of several types may have several texts (1, true)
    if isinstance(first, int) and not isinstance(first, bool):
        return write(first) if column.count(first) == len(column) else map(write, column)
    written = {value: write(value) for value in set(column)}
    return written[first] if len(written) == 1 else map(written.__getitem__, column)


def _encoded(texts: Iterable[str]) -> list[bytes]:
    try:
        return [text.encode() for text in texts]
    except UnicodeEncodeError as error:
        raise ValueError(f"text with a lone surrogate has no UTF-8: {error.object!r}") from None


@cache
def _shape(kind: type) -> tuple[str, tuple[Callable[[Any], str], ...], Callable[[Sequence[Any]], tuple[Any, ...]]]:
    """Return a record's text with a gap for each value, what writes each field, and what brings these into canonical order."""
    fields: tuple[str, ...] = kind._fields  # type: ignore[attr-defined]
    names = sorted(fields)
    texts = [str(kind.__annotations__[name]) for name in fields]
    writers = tuple(encode_basestring if "str" in text and "tuple" not in text else _write for text in texts)
    pattern = ",".join(f'"{name}":%s' for name in names)
    return f"{{{pattern}}}", writers, itemgetter(*(fields.index(name) for name in names))


def _sorted_names(mapping: Mapping[Any, object]) -> list[str]:
    """Return the member names in the order of their UTF-16 code units (RFC 8785, 3.2.3), which is not that of code points."""
    for name in mapping:
        if not isinstance(name, str):
            raise TypeError(f"a member's name must be text, not {type(name).__name__}")
    return sorted(mapping, key=lambda name: name.encode("utf-16-be"))


@cache
def _members(kind: type) -> tuple[tuple[str, str], ...]:
    """Return (name, text before the value) of a dataclass's fields in canonical order; names of fields are ASCII."""
    return tuple((name, f'"{name}":') for name in sorted(field.name for field in dataclasses.fields(kind)))

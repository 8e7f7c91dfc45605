"""Which names a target would rename, refuse, hide or merge, by what the probe saw of it. Pure.

Guarantees: a key that would not be found under its own name is refused with a reason; all keys that would land on one name
are. Where nobody asked the store, names that common stores spoil are refused too; ordinary ones are taken as S3 takes them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple, Protocol

from relocation.rules.keys import shown
from relocation.rules.questions import NOT_ASKED, Question
from relocation.rules.records import Answers

KEY_BYTES_MAX = 1024
"""S3's own limit (AWS: "Naming Amazon S3 objects"), in UTF-8."""
PART_BYTES_USUAL = 255
"""Above this, a path part has to be seen kept: it is the limit of a file name on most drives."""
PART_BYTES_TRIED_MAX = 950
"""As long as a path part below the reserved prefix gets; a store that keeps it has no limit but the key's."""
OBJECT_BYTES_MAX = 10_000 * 5 * 1024**3

_OF_STORES = r"\.versions(?:/|$)|(?:^|/)\.(?:uploads|minio\.sys)(?:/|$)"
_STORES_OWN = re.compile(_OF_STORES)
_ODD = re.compile(rf"[^!-~]|[%+\\?#&<>\"'*\[\]{{}}|^~`:;,=@$!]|//|^/|/$|(?:^|/)\.\.?(?:/|$)|__XLDIR__|{_OF_STORES}")
"""Whatever needs a second look; a key without any of it, and not long, is plain."""
_PUNCTUATION = frozenset("?#&<>\"'*[]{}|^~`:;,=@$!")


Looks = Callable[[str, int], bool]
Fold = Callable[[str], str]


class Folded(NamedTuple):
    """A key, and the name under which a store that folds names would keep it."""

    name: str
    key: str


class Room(Protocol):
    """Takes rows in any order and yields them by name; those of one name in the order in which they came."""

    def add(self, rows: Sequence[Folded]) -> None: ...

    def __iter__(self) -> Iterator[Folded]: ...


class _Memory:
    """A room for few."""

    def __init__(self) -> None:
        self._rows: list[Folded] = []

    def add(self, rows: Sequence[Folded]) -> None:
        self._rows += rows

    def __iter__(self) -> Iterator[Folded]:
        return iter(sorted(self._rows, key=itemgetter(0)))


def _is_a_stores_own(key: str) -> bool:
    return _STORES_OWN.search(key) is not None


# What a key must look like for the question to matter, what is wrong with it in words, and whether it is refused unasked.
_RULES: tuple[tuple[Question, Looks, str, bool], ...] = (
    (Question.LEADING_SLASH, lambda key, _: key.startswith("/"), "a leading slash", True),
    (Question.DOUBLE_SLASH, lambda key, _: "//" in key, "an empty path part (`//`)", True),
    (Question.DOT_PART, lambda key, _: "." in key.split("/"), "`.` as a path part", True),
    (Question.DOT_DOT_PART, lambda key, _: ".." in key.split("/"), "`..` as a path part", True),
    (Question.XLDIR_SUFFIX, lambda key, _: "__XLDIR__" in key, "`__XLDIR__` in its name", True),
    (
        Question.STORES_OWN,
        lambda key, _: _is_a_stores_own(key),
        "a part that stores use themselves (`.versions`, `.uploads`)",
        False,
    ),
    (Question.CONTROL, lambda key, _: any(ord(char) < 32 or 127 <= ord(char) < 160 for char in key), "control characters", True),
    (Question.TRAILING_SLASH, lambda key, size: key.endswith("/") and not size, "a trailing slash", False),
    (Question.TRAILING_SLASH_BODY, lambda key, size: key.endswith("/") and size > 0, "a trailing slash and a body", False),
    (Question.PERCENT, lambda key, _: "%" in key, "a percent sign", False),
    (Question.PLUS, lambda key, _: "+" in key, "a plus sign", False),
    (Question.SPACE, lambda key, _: " " in key, "a space", False),
    (Question.BACKSLASH, lambda key, _: "\\" in key, "a backslash", False),
    (Question.PUNCTUATION, lambda key, _: not _PUNCTUATION.isdisjoint(key), "punctuation", False),
    (Question.NON_ASCII, lambda key, _: not key.isascii(), "characters beyond ASCII", False),
    (Question.DECOMPOSED, lambda key, _: not unicodedata.is_normalized("NFC", key), "decomposed characters (NFD)", False),
)


class Names:
    """The names that one bucket keeps, compiled from its answers once and asked for every key."""

    def __init__(self, answers: Answers) -> None:
        self.place = f"{answers.endpoint}/{answers.bucket}"
        self._answers = answers
        self._spoilt = [
            (looks, f"{_verdict(answers[question])} {what}")
            for question, looks, what, unasked in _RULES
            if answers[question] != "kept" and (unasked or answers[question] != NOT_ASKED)
        ]
        part_bytes = _number(answers[Question.PART_BYTES_MAX], PART_BYTES_USUAL)
        self._part_bytes_max = KEY_BYTES_MAX if part_bytes >= PART_BYTES_TRIED_MAX else part_bytes
        self._key_bytes_max = min(_number(answers[Question.KEY_BYTES_MAX], KEY_BYTES_MAX), KEY_BYTES_MAX)

    @property
    def folds(self) -> bool:
        """Whether names that differ may be one name here, so that a new one can only be judged beside all of them."""
        return bool(self._folds())

    @property
    def minds_neighbours(self) -> bool:
        """Whether a key may be hidden, or refused, by one above or below it."""
        return not self._answers[Question.CHILD_OF_KEY] == self._answers[Question.SLASH_OF_KEY] == "listed"

    def refuses(self, key: str, size: int) -> str | None:
        """Return why this bucket would not keep an object of `size` bytes under this very key, None if it would."""
        if size > OBJECT_BYTES_MAX:
            return f"{self.place} can't hold an object of {size} bytes: no more than 10,000 parts of 5 GiB"
        plain = _ODD.search(key) is None
        if not plain:
            for looks, reason in self._spoilt:
                if looks(key, size):
                    return f"{self.place} {reason} in a key"
        return self._too_long(key, plain=plain)

    def _too_long(self, key: str, *, plain: bool) -> str | None:
        if plain and len(key) <= min(self._part_bytes_max, self._key_bytes_max):
            return None
        raw = key.encode("utf-8", "surrogatepass")
        if len(raw) > self._key_bytes_max:
            return f"{self.place} keeps keys of up to {self._key_bytes_max} bytes, this one has {len(raw)}"
        longest = max(map(len, raw.split(b"/")))
        if longest > self._part_bytes_max:
            return f"{self.place} keeps path parts of up to {self._part_bytes_max} bytes, this key has one of {longest}"
        return None

    def refuses_in_order(self, blocks: Iterable[Sequence[str]], new_room: Callable[[], Room] | None = None) -> dict[str, str]:
        """Return each key that can't stand beside another of these, with the reason; `blocks` hold *all* that would be there, in
        order, some at a time.

        Both of a pair are refused: which of them comes first must not decide what arrives. `new_room` (memory, if nobody says
        otherwise) makes room for all names as they are folded, where they are.
        """
        child, slash = self._answers[Question.CHILD_OF_KEY], self._answers[Question.SLASH_OF_KEY]
        folds = self._folds()
        found: dict[str, str] = {}
        if child == slash == "listed" and not folds:
            return found
        rooms = [(fold, (new_room or _Memory)()) for fold, _ in folds]
        for parent, below in _pairs_in_order(_kept_folded(blocks, rooms)):
            answer = slash if below == f"{parent}/" else child
            if answer != "listed" and not (answer == NOT_ASKED and below == f"{parent}/"):
                verdict = _beside(answer)
                found.setdefault(parent, f"{self.place} {verdict}: `{shown(below)}` would stand beside it")
                found[below] = f"{self.place} {verdict}: `{shown(parent)}` would stand beside it"
        for (_, what), (_, room) in zip(folds, rooms, strict=True):
            for group in _colliding(room):
                for key in group:
                    others = ", ".join(f"`{shown(other)}`" for other in group if other != key)
                    found.setdefault(key, f"{self.place} {what}: {others} would land on the same name")
        return found

    def _folds(self) -> list[tuple[Fold, str]]:
        folds: list[tuple[Fold, str]] = []
        if self._answers[Question.UNICODE_PAIR] not in {"kept", NOT_ASKED}:
            folds.append((_composed, "does not tell composed from decomposed characters"))
        if self._answers[Question.CASE_PAIR] not in {"kept", NOT_ASKED}:
            folds.append((_without_case, "does not tell upper from lower case"))
        return folds


def refuses(key: str, size: int, answers: Answers) -> str | None:
    """Return why the bucket that gave these answers would not keep this object under its key, None if it would."""
    return _names(answers).refuses(key, size)


def hidden_pairs(keys: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield every (parent, child) where `parent` + `/` begins `child`: pairs of which some stores hide the child.

    Takes keys in any order; those in byte order (as a listing gives them) cost no sorting.
    """
    return _pairs_in_order([sorted(keys)])


def _pairs_in_order(blocks: Iterable[Sequence[str]]) -> Iterator[tuple[str, str]]:
    """Yield the pairs in time linear in the keys' length and the pairs; memory is one path.

    All that begins with a key follows it at once. So where no key begins with the one before it, there is no pair to look for.
    """
    above: list[str] = []  # keys that are string prefixes of the one at hand: only they can be its ancestors
    for keys in blocks:
        if (above and keys and keys[0].startswith(above[0])) or any(map(str.startswith, keys[1:], keys)):
            yield from _pairs_beside(keys, above)
        elif keys:
            above[:] = [keys[-1]]


def _pairs_beside(keys: Iterable[str], above: list[str]) -> Iterator[tuple[str, str]]:
    names = set(above)
    for key in keys:
        while above and not key.startswith(above[-1]):
            names.discard(above.pop())
        at = key.find("/", 1) if names else -1
        while at > 0:
            if key[:at] in names:
                yield key[:at], key
            at = key.find("/", at + 1)
        if not above or above[-1] != key:
            above.append(key)
            names.add(key)


@lru_cache(maxsize=64)
def _names(answers: Answers) -> Names:
    return Names(answers)


def _composed(key: str) -> str:
    return unicodedata.normalize("NFC", key)


def _without_case(key: str) -> str:
    return unicodedata.normalize("NFC", key).casefold()


def _kept_folded(blocks: Iterable[Sequence[str]], rooms: Sequence[tuple[Fold, Room]]) -> Iterator[Sequence[str]]:
    """Yield the keys as they come, and put each into every room under its folded name."""
    for keys in blocks:
        for fold, room in rooms:
            room.add([Folded(fold(key), key) for key in keys])
        yield keys


def _colliding(room: Iterable[Folded]) -> Iterator[list[str]]:
    for _, rows in groupby(room, key=itemgetter(0)):
        group = list(dict.fromkeys(row.key for row in rows))
        if len(group) > 1:
            yield group


def _verdict(answer: str) -> str:
    word, _, rest = answer.partition(" ")
    known = {
        "renamed": f"renames (a canary was kept as `{rest.removeprefix('to ')}`)",
        "refused": f"refuses ({rest})",
        "hidden": "hides from listings",
        "lost": "loses",
        "merged": "merges with others",
        "not": "was not asked about",
        "forbidden": "did not let the prober try",
    }
    return known.get(word, f"failed ({rest}) with")


def _beside(answer: str) -> str:
    if answer == "hidden":
        return "hides children of a key from listings"
    if answer == NOT_ASKED:
        return "was not asked whether it lists a key and its children side by side (`hikkoshi probe` asks)"
    return f"does not keep a key and its children side by side ({answer})"


def _number(answer: str, otherwise: int) -> int:
    return int(answer) if answer.isdecimal() else otherwise

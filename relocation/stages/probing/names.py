"""Names and what travels beside the bytes: written, listed, read back; the answer is what landed.

Every canary has a body, and so an ETag, of its own: one that lands under another name is found by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from relocation.ports import Store
from relocation.rules.errors import BadRequest, Forbidden, NotFound, PreconditionFailed, Transient, WrongCredentials
from relocation.rules.fidelity import Encryption, label_of
from relocation.rules.keys import shown
from relocation.rules.names import PART_BYTES_TRIED_MAX
from relocation.rules.objects import SSE, SSE_CUSTOMER, Attributes
from relocation.rules.questions import Question
from relocation.stages.probing.asking import Found, Inquiry, failure_word
from relocation.stages.probing.canaries import ATTEMPTS, Canaries

CLASSES = ("STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "REDUCED_REDUNDANCY")
"""Those of AWS that keep an object within reach."""
KEY_BYTES = (1024, 1000, 900, 512, 255)
PART_BYTES = (PART_BYTES_TRIED_MAX, 512, 255, 240, 200, 160, 128, 64)
"""Lengths to try, the longest first; the first that is kept is the answer."""

SINGLES: tuple[tuple[Question, tuple[str, ...]], ...] = (
    (Question.DOUBLE_SLASH, ("a//b",)),
    (Question.DOT_PART, ("a/./b", "a/.")),
    (Question.DOT_DOT_PART, ("a/../b", "a/..")),
    (Question.XLDIR_SUFFIX, ("x__XLDIR__", "y__XLDIR__/z")),
    (Question.STORES_OWN, (".uploads/x", ".versions/x", "y.versions/x", ".minio.sys/x")),
    (Question.TRAILING_SLASH_BODY, ("with-body/",)),
    (Question.CONTROL, ("c\x01\n\r\x1f\x7f",)),
    (Question.PERCENT, ("p%2Fq%20%",)),
    (Question.PLUS, ("p+q +",)),
    (Question.SPACE, ("two  spaces ",)),
    (Question.BACKSLASH, ("b\\c",)),
    (Question.PUNCTUATION, ("?#&<>\"'*[]{}|^~`:;,=@$!",)),
    (Question.NON_ASCII, ("写真\N{GRINNING FACE}",)),
    (Question.DECOMPOSED, ("cafe\u0301",)),
)
"""The names that stand alone, by question; where a question has several, the first that is not kept is the answer."""


@dataclass(frozen=True, slots=True)
class Landed:
    """A canary that the store took: the key asked for, the body sent, the ETag answered."""

    key: str
    body: bytes
    etag: str


async def _write(canaries: Canaries, key: str, *, body: bytes | None = None, if_none_match: bool = False) -> Landed | str:
    """Write a canary under this key; return the word of the refusal if there is one."""
    body = f"a canary for {shown(key)}".encode() if body is None else body
    word = ""
    for _ in range(ATTEMPTS):
        try:
            written = await canaries.put(key, body, if_none_match=if_none_match)
        except (BadRequest, Forbidden) as error:
            return failure_word(error)
        except PreconditionFailed:  # nothing stands under this name, and the store says that something does
            return "refused PreconditionFailed"
        except Transient as error:  # some stores fail on a name; the others are still to be asked
            word = failure_word(error)
        else:
            return Landed(key, body, written.etag)
    return word


async def _write_as_copied(canaries: Canaries, key: str) -> Landed | str:
    """Write a canary with If-None-Match, as copying does: some stores look a name up first, and fail on that alone. Where the
    header does not get through (which is another question's answer) it is written without."""
    try:
        canary = await _write(canaries, key, if_none_match=True)
    except WrongCredentials:
        canary = "forbidden"
    return await _write(canaries, key) if canary == "forbidden" else canary


async def _landed(canaries: Canaries, canary: Landed | str, listed: dict[str, str]) -> str:
    """Say where a canary landed."""
    if isinstance(canary, str):
        return canary
    there = await canaries.holds(canary.key, canary.body)
    if canary.key in listed:
        return "kept" if there else "merged"
    elsewhere = [key for key, etag in listed.items() if etag == canary.etag]
    if elsewhere:
        return f"renamed to {shown(elsewhere[0].removeprefix(canaries.root).partition('/')[2])}"
    return "hidden" if there else "lost"


async def single_names(canaries: Canaries, found: Found) -> None:
    """Write each odd name alone and see where it lands."""
    written: list[tuple[Question, Landed | str]] = []
    for question, stems in SINGLES:
        written += [(question, await _write(canaries, canaries.name(stem))) for stem in stems]
    written.append((Question.LEADING_SLASH, await _write(canaries, f"/{canaries.name('lead')}")))
    written.append((Question.TRAILING_SLASH, await _write(canaries, canaries.name("empty/"), body=b"")))
    listed = await canaries.listed()
    for question, canary in written:
        if found.get(question, "kept") == "kept":
            found[question] = await _landed(canaries, canary, listed)


async def lengths(canaries: Canaries, found: Found) -> None:
    """Find the longest key and the longest path part that are kept."""
    for question, sizes in ((Question.KEY_BYTES_MAX, KEY_BYTES), (Question.PART_BYTES_MAX, PART_BYTES)):
        for size in sizes:
            canary = await _write_as_copied(canaries, _of_length(canaries, question, size))
            if not isinstance(canary, str) and await _landed(canaries, canary, await canaries.listed()) == "kept":
                found[question] = str(size)
                break
        else:
            found[question] = "0"


def _of_length(canaries: Canaries, question: Question, size: int) -> str:
    """Return a new key of that many bytes, or with a part of that many."""
    start = canaries.name("")
    return start + ("p" * size if question is Question.PART_BYTES_MAX else _long(size - len(start)))


def _long(size: int) -> str:
    """Return a name of that many bytes in parts of 100."""
    return (("k" * 99 + "/") * 11)[: size - 1] + "k"


async def pairs(canaries: Canaries, found: Found) -> None:
    """Write two names that differ in case, or in normal form, alone: both must be there."""
    start = canaries.name("")
    wanted = {
        Question.CASE_PAIR: (f"{start}case", f"{start}CASE"),
        Question.UNICODE_PAIR: (f"{start}caf\u00e9", f"{start}cafe\u0301"),
    }
    canaries_of = {question: [await _write(canaries, key) for key in keys] for question, keys in wanted.items()}
    listed = await canaries.listed()
    for question, both in canaries_of.items():
        words = [await _landed(canaries, canary, listed) for canary in both]
        refused = [word for word in words if word.startswith(("refused", "forbidden"))]
        found[question] = "kept" if words == ["kept", "kept"] else (refused or ["merged"])[0]


async def beside(canaries: Canaries, found: Found) -> None:
    """Write `foo` and `foo/bar`, `foo` and `foo/`, in either order: all must be there, and be listed."""
    answers: dict[Question, list[Landed | str]] = {Question.CHILD_OF_KEY: [], Question.SLASH_OF_KEY: []}
    for question, below in (
        (Question.CHILD_OF_KEY, "foo/bar"),
        (Question.CHILD_OF_KEY, "foo/a/b"),
        (Question.SLASH_OF_KEY, "foo/"),
    ):
        for child_first in (False, True):
            start = canaries.name("")
            for stem in (below, "foo") if child_first else ("foo", below):
                answers[question].append(await _write_as_copied(canaries, start + stem))
    listed = await canaries.listed()
    for question, written in answers.items():
        words = [await _landed(canaries, canary, listed) for canary in written]
        worst = [word for word in words if word != "kept"]
        found[question] = _worst(worst)


def _worst(words: Sequence[str]) -> str:
    """Return the one answer for a pair: what is lost weighs more than what is refused, and that more than what is hidden."""
    if not words:
        return "listed"
    if any(word.startswith(("lost", "merged", "renamed")) for word in words):
        return "lost"
    return next((word for word in words if word != "hidden"), "hidden")


async def website_redirect(canaries: Canaries, found: Found) -> None:
    """Write an object that redirects, and look whether it still does."""
    header = ("x-amz-website-redirect-location", "/elsewhere")
    key = canaries.name("redirect")
    await canaries.put(key, b"", attributes=Attributes(headers=(header,)))
    head = await canaries.store.head(canaries.bucket, key)
    found[Question.WEBSITE_REDIRECT] = "kept" if header in head.attributes.headers else "dropped"


async def non_ascii_metadata(canaries: Canaries, found: Found) -> None:
    """Write user metadata beyond ASCII (a character is a byte in a header), and read it back."""
    pair = ("album", "写真".encode().decode("latin-1"))
    key = canaries.name("metadata")
    await canaries.put(key, b"", attributes=Attributes(metadata=(pair,)))
    kept = dict((await canaries.store.head(canaries.bucket, key)).attributes.metadata)
    found[Question.NON_ASCII_METADATA] = "kept" if kept.get("album") == pair[1] else "changed" if "album" in kept else "dropped"


async def non_ascii_tag(canaries: Canaries, found: Found) -> None:
    """Write a tag beyond ASCII, and read it back."""
    pair = ("album", "写真")
    key = canaries.name("tag")
    await canaries.put(key, b"", attributes=Attributes(tags=(pair,)))
    try:
        kept = dict(await canaries.store.get_tags(canaries.bucket, key))
    except NotFound:
        kept = {}
    found[Question.NON_ASCII_TAG] = "kept" if kept.get("album") == pair[1] else "changed" if "album" in kept else "dropped"


async def storage_classes(canaries: Canaries, found: Found) -> None:
    """Write one canary of each storage class that can be read at once, and look whether it is of that class."""
    words = []
    for name in CLASSES:
        key = canaries.name("class")
        try:
            await canaries.put(key, b"", attributes=Attributes(storage_class=name))
            head = await canaries.store.head(canaries.bucket, key)
        except BadRequest as error:
            words.append(f"{name}={error.code}")
        else:
            words.append(f"{name}={'kept' if head.attributes.storage_class == name else 'dropped'}")
    found[Question.STORAGE_CLASSES] = " ".join(words)


def _is_encrypted(asked: Encryption, shown_: Encryption) -> bool:
    return all(dict(asked).get(name) == dict(shown_).get(name) for name in (SSE, SSE_CUSTOMER))


def encryption(wanted: Mapping[Encryption, Store]) -> Inquiry:
    """Return what tries the encryptions that the configuration asks of this bucket, each with its key, through the store given."""

    async def ask(canaries: Canaries, found: Found) -> None:
        words = []
        for headers, store in wanted.items():
            key = canaries.name("encrypted")
            try:
                await canaries.put(key, b"e", attributes=Attributes(headers=headers), through=store)
                rarer = (await store.head(canaries.bucket, key)).rarer
            except (BadRequest, Forbidden, NotFound) as error:
                words.append(f"{label_of(headers)}={error.code if isinstance(error, BadRequest) else 'forbidden'}")
            else:
                words.append(f"{label_of(headers)}={'kept' if _is_encrypted(headers, rarer) else 'dropped'}")
        if words:
            found[Question.ENCRYPTION] = " ".join(words)

    return Inquiry(ask, (Question.ENCRYPTION,))


NAMES = (
    Inquiry(single_names, (*(question for question, _ in SINGLES), Question.LEADING_SLASH, Question.TRAILING_SLASH)),
    Inquiry(lengths, (Question.KEY_BYTES_MAX, Question.PART_BYTES_MAX)),
    Inquiry(pairs, (Question.CASE_PAIR, Question.UNICODE_PAIR)),
    Inquiry(beside, (Question.CHILD_OF_KEY, Question.SLASH_OF_KEY)),
    Inquiry(website_redirect, (Question.WEBSITE_REDIRECT,)),
    Inquiry(non_ascii_metadata, (Question.NON_ASCII_METADATA,)),
    Inquiry(non_ascii_tag, (Question.NON_ASCII_TAG,)),
    Inquiry(storage_classes, (Question.STORAGE_CLASSES,)),
)

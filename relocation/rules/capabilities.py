"""What a store does, as the probe saw it, and what follows for plan and copy. Pure; nothing here knows a vendor's name.

Guarantees: a capability counts only where the probe's answer shows it; `not asked`, `forbidden` and an error count as no. What a
store can't do is a `Refusal` in words, or a reason (names: `rules/names.py`), never a silent detour.
"""

from __future__ import annotations

from typing import Literal

from relocation.rules.errors import Refusal
from relocation.rules.names import Names, hidden_pairs, refuses
from relocation.rules.objects import Attributes
from relocation.rules.questions import NOT_ASKED, Question
from relocation.rules.records import Answers

__all__ = [
    "NOT_ASKED",
    "Names",
    "Question",
    "counts_received",
    "etag_is_md5",
    "hidden_pairs",
    "losses",
    "reads_guard",
    "refuses",
    "sends_checksum",
    "shows_parts",
    "skew_s",
    "unknowns",
    "vault_guard",
    "writes_guard",
]


def writes_guard(answers: Answers, *, multipart: bool = False) -> Literal["if_none_match", "head_first"]:
    """Say how a write keeps from replacing what others wrote: by If-None-Match, or by HEAD first where a former version stays.

    `multipart` asks for CompleteMultipartUpload. `Refusal` where neither is safe.
    """
    question = Question.COMPLETE_IF_NONE_MATCH if multipart else Question.PUT_IF_NONE_MATCH
    if answers[question] == "honoured":
        return "if_none_match"
    if answers[Question.VERSIONING] == "enabled":
        return "head_first"
    raise _no_guard(
        answers,
        f"If-None-Match on {'CompleteMultipartUpload' if multipart else 'PUT'} is not honoured ({answers[question]})",
        "a write could replace an object of somebody else for good",
    )


def reads_guard(answers: Answers) -> Literal["if_match", "version_id"]:
    """Say how a read is held to the version that was planned: by If-Match, or by version id. `Refusal` where neither works."""
    if answers[Question.GET_IF_MATCH] == "honoured":
        return "if_match"
    if answers[Question.VERSIONING] == "enabled":
        return "version_id"
    raise _no_guard(
        answers,
        f"If-Match on GET is not honoured ({answers[Question.GET_IF_MATCH]})",
        "an object that changes while it is read would not be noticed",
    )


def _no_guard(answers: Answers, seen: str, danger: str) -> Refusal:
    place = _place(answers)
    return Refusal(
        f"{place}: {seen} and the bucket keeps no versions, so {danger}. Turn on versioning of {place}, or take away what strips "
        f"the header, then run `hikkoshi probe {answers.endpoint}`"
    )


def _place(answers: Answers) -> str:
    return f"{answers.endpoint}/{answers.bucket}"


def vault_guard(answers: Answers) -> None:
    """Refuse a vault bucket that was not seen to hold a locked object fast.

    If-None-Match is not asked for: a lock brings versions, so a second write under a name leaves the first one there.
    """
    if answers[Question.LOCK_ENFORCED] != "enforced":
        raise Refusal(
            f"{_place(answers)}: a locked canary was not held fast (object lock {answers[Question.OBJECT_LOCK]}, retention "
            f"{answers[Question.LOCK_ENFORCED]}); evidence needs a bucket that was made with object lock"
        )


def counts_received(answers: Answers, *, multipart: bool = False) -> bool:
    """Say whether an acknowledged write proves what arrived: a wrong CRC64NVME was refused, and a right one echoed or stored."""
    if multipart:
        return answers[Question.PART_CHECKSUM] == "verified" and answers[Question.UPLOAD_CHECKSUM_STORED] == "yes"
    kept = "yes" in (answers[Question.CHECKSUM_ECHOED], answers[Question.CHECKSUM_STORED])
    return answers[Question.CHECKSUM] == "verified" and kept


def sends_checksum(answers: Answers, *, multipart: bool = False) -> bool:
    """Say whether to send CRC64NVME at all: where it is ignored, it may be taken away on its way, and break the signature."""
    return answers[Question.PART_CHECKSUM if multipart else Question.CHECKSUM] in {"verified", NOT_ASKED}


def etag_is_md5(answers: Answers, *, multipart: bool = False) -> bool:
    """Say whether the ETag of a plain PUT is the body's MD5 (`multipart`: of an upload, `md5(md5s)-n`)."""
    return answers[Question.UPLOAD_ETAG if multipart else Question.PUT_ETAG] == "md5"


def shows_parts(answers: Answers) -> bool:
    """Say whether HEAD and GET with `partNumber` tell the size and the number of parts."""
    return answers[Question.PART_NUMBER] == "honoured"


def skew_s(answers: Answers) -> int | None:
    """Return how far the store's clock is ahead of ours, in seconds; None where it was not asked."""
    try:
        return int(answers[Question.DATE_SKEW_S])
    except ValueError:
        return None


def losses(attributes: Attributes, answers: Answers) -> tuple[str, ...]:
    """Name what of these attributes the target is known to drop or change: losses to be declared, sorted."""
    lost = []
    if any(name == "x-amz-website-redirect-location" for name, _ in attributes.headers) and _drops(
        answers, Question.WEBSITE_REDIRECT
    ):
        lost.append("x-amz-website-redirect-location")
    if any(not value.isascii() for _, value in attributes.metadata) and _drops(answers, Question.NON_ASCII_METADATA):
        lost.append("non-ASCII user metadata")
    if any(not text.isascii() for tag in attributes.tags for text in tag) and _drops(answers, Question.NON_ASCII_TAG):
        lost.append("non-ASCII tags")
    return tuple(sorted(lost))


def _drops(answers: Answers, question: Question) -> bool:
    return answers[question] not in {"kept", NOT_ASKED}


def unknowns(answers: Answers, *, key_list: bool = False) -> tuple[str, ...]:
    """Return what no listing of this bucket can show: standing unknowns, in words, for every report on it.

    `key_list`: a list of keys was held against it; what a listing hides is known by name then."""
    place = _place(answers)
    found = []
    child = answers[Question.CHILD_OF_KEY]
    if child in ("hidden", NOT_ASKED) and key_list:
        pass
    elif child == "hidden":
        found.append(
            f"{place} hides children of a key from listings (`foo/bar` while `foo` exists): objects may exist that no listing shows"
        )
    elif child == NOT_ASKED:
        found.append(
            f"{place} was not asked whether it hides children of a key from listings: objects may exist that no listing shows"
        )
    if answers[Question.UPLOADS_LISTED] == "no":
        found.append(f"{place} shows no unfinished uploads: some may exist, and may still be completed")
    return tuple(found)

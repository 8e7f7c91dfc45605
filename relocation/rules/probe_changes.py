"""What a bucket answers otherwise than it did before. Pure.

Guarantees: an answer is compared with the newest earlier one that says something, given at the same address; a question that is
new, or that hangs on our own configuration or the clock, is no change of the store.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from relocation.rules.questions import NOT_ASKED, Question
from relocation.rules.records import Answers
from relocation.rules.summary import AnswerChange

PROBES_LOOKED_AT = 50
NOT_COMPARED = frozenset({str(Question.DATE_SKEW_S), str(Question.ENCRYPTION)})


def changes(history: Sequence[Answers]) -> tuple[AnswerChange, ...]:
    """Return each question of the newest probe that was once answered otherwise, with when that was first seen, newest first.

    `history` is of one bucket, the newest probe first."""
    if not history:
        return ()
    now = history[0]
    earlier = [each for each in history[1:] if each.url == now.url]
    found = (_change(now, earlier, question, answer) for question, answer in now.answers if question not in NOT_COMPARED)
    return tuple(sorted((each for each in found if each is not None), key=lambda each: (each.since, each.question), reverse=True))


def just_now(history: Sequence[Answers]) -> tuple[AnswerChange, ...]:
    """Return what the newest probe was the first to see."""
    return tuple(each for each in changes(history) if each.since == history[0].at)


def _change(now: Answers, earlier: Sequence[Answers], question: str, answer: str) -> AnswerChange | None:
    if answer == NOT_ASKED:
        return None
    since = now.at
    for at, before in _said(earlier, question):
        if before != answer:
            return AnswerChange(f"{now.endpoint}/{now.bucket}", question, before, answer, since)
        since = at
    return None


def _said(earlier: Sequence[Answers], question: str) -> Iterator[tuple[str, str]]:
    for answers in earlier:
        said = answers[question]
        if said != NOT_ASKED and not said.startswith("error "):  # a store that faltered said nothing
            yield answers.at, said

"""What the probe's answers mean: a sentence for each that is not the best one, and for each that is another one than before."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.report.figures import moment, plain
from connectors.report.words import Text, say, say_or, table, translated
from relocation.rules.names import KEY_BYTES_MAX, PART_BYTES_TRIED_MAX
from relocation.rules.questions import NOT_ASKED, Question
from relocation.rules.summary import AnswerChange

WELL = ("honoured", "verified", "yes", "md5", "kept", "listed", "enforced", "exact", "enabled", "on", "by prefix")
MOST = {Question.PART_BYTES_MAX: PART_BYTES_TRIED_MAX, Question.KEY_BYTES_MAX: KEY_BYTES_MAX}
BY_NAME = (Question.STORAGE_CLASSES, Question.ENCRYPTION)
"""Questions whose answer has a word for each of several names."""


def follows(question: str, answer: str) -> Text | None:
    """Return what an answer means for a migration; None where it is as good as it gets, or says nothing of the store."""
    if question in MOST:
        return say(f"follows.{question}", n=answer) if answer.isdigit() and int(answer) < MOST[Question(question)] else None
    if question == Question.DATE_SKEW_S:
        return say("follows.date_skew_s", n=answer) if answer not in ("0", NOT_ASKED) else None
    if question in BY_NAME:
        return _by_name(question, answer)
    return None if answer.startswith(WELL) else _by_word(question, answer)


def _by_word(question: str, answer: str) -> Text:
    word = answer.split(" ", maxsplit=1)[0]
    asked = say_or(f"question.{question}", plain(question))
    if f"follows.{question}.{word}" in table():
        return say(f"follows.{question}.{word}")
    named = f"follows.{word}" if f"follows.{word}" in table() else "follows.other"
    return say(named, question=asked, answer=translated(plain(answer)))


def _by_name(question: str, answer: str) -> Text | None:
    words = dict(part.rpartition("=")[::2] for part in answer.split() if "=" in part)
    lost = [name for name, word in words.items() if word != "kept"]
    return say(f"follows.{question}", names=plain(", ".join(lost))) if lost else None


def all_follow(answers: Iterable[tuple[str, str]]) -> tuple[Text, ...]:
    """Return what the answers of one bucket mean, in the order of the questions; the same sentence once."""
    told = dict(answers)
    found = (follows(question, told[question]) for question in Question if question in told)
    return tuple(dict.fromkeys(text for text in found if text is not None))


def changed(change: AnswerChange, timezone: str) -> Text:
    """Return what is another answer now, and since when."""
    return say(
        "probe.changed",
        place=plain(change.place),
        since=moment(change.since, timezone).split(" · ")[0],
        question=say_or(f"question.{change.question}", plain(change.question)),
        before=translated(plain(change.before)),
        after=translated(plain(change.after)),
    )

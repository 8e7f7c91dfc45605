"""What the probe was answered, in words: a row for each question, a column for all buckets of an endpoint that answered alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from connectors.report.answers import WELL, all_follow, changed
from connectors.report.words import say_or, translated
from hikkoshi.pace import duration
from relocation.rules.questions import Question
from relocation.rules.records import Answers
from relocation.rules.summary import AnswerChange

COLUMNS_MAX = 3


@dataclass(frozen=True, slots=True)
class Alike:
    """Buckets of one endpoint that gave the same answers, and how old the oldest of these is."""

    endpoint: str
    buckets: tuple[str, ...]
    told: dict[str, str]
    age_s: float


def show_answers(console: Console, answered: Sequence[tuple[Answers, float]]) -> None:
    """Print what was answered; each answer comes with its age in seconds."""
    groups = _alike(answered)
    for begin in range(0, len(groups), COLUMNS_MAX):
        shown = groups[begin : begin + COLUMNS_MAX]
        for number, group in enumerate(shown, begin + 1):
            about = f": {', '.join(group.buckets)}"
            console.print(
                Text.assemble((f" {number} {group.endpoint}", "bold"), about, (f"  probed {duration(group.age_s)} ago", "dim"))
            )
        console.print(Padding(_table(shown, begin + 1), (1, 1, 1, 3)))
        for number, group in enumerate(shown, begin + 1):
            _show_what_follows(console, number, group)


def show_changes(console: Console, changes: Iterable[AnswerChange], timezone: str) -> None:
    """Print what is answered otherwise than before."""
    for change in changes:
        console.print(Text.assemble((" ! ", "bold yellow"), changed(change, timezone).en), soft_wrap=True)


def _show_what_follows(console: Console, number: int, group: Alike) -> None:
    sentences = all_follow(group.told.items())
    if sentences:
        console.print(Text(f" what follows from {number} {group.endpoint}", "bold"))
        grid = Table.grid(padding=(0, 1))
        grid.add_column(style="yellow")
        grid.add_column(overflow="fold")
        for sentence in sentences:
            grid.add_row("·", Text(sentence.en))
        console.print(Padding(grid, (0, 1, 1, 3)))


def _alike(answered: Sequence[tuple[Answers, float]]) -> list[Alike]:
    groups: dict[tuple[str, tuple[tuple[str, str], ...]], list[tuple[Answers, float]]] = {}
    for answers, age_s in answered:
        told = tuple(pair for pair in answers.answers if pair[0] != Question.DATE_SKEW_S)
        groups.setdefault((answers.endpoint, told), []).append((answers, age_s))
    return [
        Alike(endpoint, tuple(answers.bucket for answers, _ in alike), dict(told), max(age_s for _, age_s in alike))
        for (endpoint, told), alike in groups.items()
    ]


def _table(groups: Sequence[Alike], first: int) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold dim", pad_edge=False)
    table.add_column("asked", overflow="fold")
    for number, group in enumerate(groups, first):
        table.add_column(f"{number} {group.endpoint}", overflow="fold")
    for question in Question:
        if any(question in group.told for group in groups):
            answers = (_answer(group.told.get(question, "–")) for group in groups)
            table.add_row(say_or(f"question.{question}", question).en, *answers)
    return table


def _answer(answer: str) -> Text:
    """Return an answer; which code a refusal had is in the JSON."""
    words = "refused" if answer.startswith("refused") else translated(answer).en
    return Text(words, "green" if answer.startswith(WELL) or answer.isdigit() else "yellow")

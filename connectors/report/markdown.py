"""A summary as Markdown (GitHub's tables), for the artifact of a Prefect run: the page's figures as tables, no HTML.

Guarantees: below 500 KB whatever the lists hold; what came from outside can't break out of its cell or its code span: keys are
percent-encoded, other text loses its line breaks, pipes and mark-up characters are escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from connectors.report.answers import changed
from connectors.report.document import OUTCOMES
from connectors.report.figures import duration, number, plain, rate, size
from connectors.report.limits import (
    basis_of,
    losses_of,
    probed_in_tables,
    second_listing_of,
    since_of,
    unclaimed_of,
    unfinished_of,
    unknowns_of,
)
from connectors.report.lists import BOUNDED, QUIET, Listing, Row, listings
from connectors.report.parity import side_by_side
from connectors.report.titles import equation_name, place_of, seal_of, term_name, title_of
from connectors.report.verdict import Level, verdict_of
from connectors.report.words import Text, Words, as_text, say
from relocation.rules.records import Action, Proof
from relocation.rules.summary import Bin, Count, Equation, Summary

ROWS_MAX = 100
CHARACTERS_MAX = 24_000
LIMITS_ROWS_MAX = 100
MARKS = {Level.GOOD: "✔", Level.ATTENTION: "⚠", Level.BAD: "✘"}  # in every font; pictures are not
_MARKUP = re.compile(r"([\\`*_\[\]<>#|~&])")


def as_markdown(summary: Summary, *, language: str = "en", waves: Sequence[Summary] = ()) -> str:
    """Return the report in `en` or `ja`. `waves` are told one by one in a table."""
    write = _Writer(language)
    write.head(summary)
    write.waves(waves)
    write.counts(summary)
    write.lists(summary)
    write.equations(summary)
    write.estimate(summary)
    write.shapes(summary)
    write.limits(summary)
    write.parity(summary)
    write.probes(summary)
    write.seal(summary)
    return "\n".join(write.lines) + "\n"


class Lines:
    """The lines so far, in one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.lines: list[str] = []

    def say(self, words: Words) -> str:
        return escaped(as_text(words).in_(self.language))

    def heading(self, words: Words, level: int = 2) -> None:
        self.lines += ["", "#" * level + " " + self.say(words), ""]

    def table(self, heads: Sequence[Words], rows: Iterable[Sequence[str]], *, numbers: Sequence[int] = ()) -> None:
        self.lines.append("| " + " | ".join(self.say(head) for head in heads) + " |")
        self.lines.append("|" + "|".join("---:" if place in numbers else "---" for place in range(len(heads))) + "|")
        self.lines += ["| " + " | ".join(row) + " |" for row in rows]
        self.lines.append("")


class _Writer(Lines):
    """Writes a report, section by section."""

    def head(self, summary: Summary) -> None:
        verdict = verdict_of(summary)
        self.lines.append(f"# {MARKS[verdict.level]} {self.say(verdict.text)}")
        self.lines += [
            "",
            f"**{self.say(title_of(summary))}** · {self.say(place_of(summary))} · {self.say(plain(summary.migration))}",
            "",
        ]
        self.lines += [f"- {MARKS[point.level]} {self.say(point.text)}" for point in verdict.points]
        if since := since_of(summary):
            self.lines += ["", self.say(since)]
        if summary.report:
            self.lines += ["", f"{self.say(say('report.page'))}: {code(summary.report)}"]

    def waves(self, waves: Sequence[Summary]) -> None:
        if not waves:
            return
        self.heading(say("section.waves"))
        rows = [
            (
                self.say(plain(wave.wave or "")),
                f"{MARKS[told.level]} {self.say(told.text)}",
                *_figures(wave.counts.get("listed", Count())),
            )
            for wave, told in ((wave, verdict_of(wave)) for wave in waves[:LIMITS_ROWS_MAX])
        ]
        self.table((say("head.wave"), "", say("head.objects"), say("head.bytes")), rows, numbers=(2, 3))

    def counts(self, summary: Summary) -> None:
        self.heading(say("section.actions.plan" if summary.kind == "plan" else "section.actions"))
        named = ["listed", *(action.value for action in Action)]
        rows = [(self.say(say(f"action.{name}")), *_figures(summary.counts.get(name, Count()))) for name in named]
        self.table((say("head.action"), say("head.objects"), say("head.bytes")), rows, numbers=(1, 2))
        if summary.kind == "plan":
            return
        self.heading(say("section.outcomes"))
        rows = [(self.say(say(f"outcome.{name}")), *_figures(summary.outcomes.get(name, Count()))) for name in OUTCOMES]
        self.table((say("head.outcome"), say("head.objects"), say("head.bytes")), rows, numbers=(1, 2))
        self.heading(say("section.proofs"))
        self.lines += [self.say(say("section.proofs.note")), ""]
        self.table(
            (say("head.proof"), say("head.side"), say("head.objects")),
            [
                (self.say(say(f"proof.{proof}")), self.say(say(f"proof.{proof}.side")), number(summary.proofs.get(proof, 0)))
                for proof in Proof
            ],
            numbers=(2,),
        )

    def lists(self, summary: Summary) -> None:
        self.heading(say("section.lists"))
        found = listings(summary, rows_max=ROWS_MAX, characters_max=CHARACTERS_MAX)
        if all(each.name in QUIET for each in found):
            self.lines.append(f"{MARKS[Level.GOOD]} {self.say(say('section.lists.clear'))}")
        for each in found:
            self._list(each)

    def _list(self, listing: Listing) -> None:
        self.heading(f"{say(f'list.{listing.name}').in_(self.language)} · {number(listing.total)}", 3)
        self.lines += [self.say(say(f"list.{listing.name}.means")), ""]
        cut = f"list.cut.{listing.name}" if listing.name in BOUNDED else "list.cut"
        if listing.shown < listing.total:
            self.lines += [f"*{self.say(say(cut, shown=listing.shown, total=listing.total))}*", ""]
        rows = [(row, group.reason or row.reason) for group in listing.groups for row in group.rows]
        heads = [say("head.bucket"), say("head.key"), say("head.reason")]
        attempts = [say("head.attempts")] if listing.has_attempts else []
        self.table([*heads, *attempts], [self._row(row, reason, bool(attempts)) for row, reason in rows], numbers=(3,))

    def _row(self, row: Row, reason: Text, attempts: bool) -> list[str]:
        reads = f" {self.say(row.reads)}" if row.reads else ""
        reads += f" ({self.say(say('list.target'))}: {code(row.target)})" if row.target else ""
        return [self.say(row.bucket), code(row.key) + reads, self.say(reason), *([number(row.attempts)] if attempts else [])]

    def equations(self, summary: Summary) -> None:
        self.heading(say("section.equations"))
        if not summary.equations:
            self.lines.append(f"{MARKS[Level.BAD]} {self.say(say('equation.none'))}")
        for equation in summary.equations:
            self._equation(equation)

    def _equation(self, equation: Equation) -> None:
        mark, told = (Level.GOOD, "equation.holds") if equation.holds else (Level.BAD, "equation.broken")
        self.lines += ["", f"**{self.say(equation_name(equation))}** — {MARKS[mark]} {self.say(say(told))}", ""]
        found = sum((count for _, count in equation.terms), Count())
        rows = [
            *((self.say(term_name(name)), *_exact(count)) for name, count in equation.terms),
            (self.say(say("equation.sum")), *_exact(found)),
            (self.say(say("equation.total")), *_exact(equation.total)),
        ]
        self.table((say("head.term"), say("head.objects"), Text("Bytes (B)", "容量 (B)")), rows, numbers=(1, 2))

    def estimate(self, summary: Summary) -> None:
        if summary.estimate is None:
            self.heading(say("section.took"))
            self.lines.append(f"{self.say(duration(summary.seconds))} · {rate(summary.bytes_per_second)}")
            return
        self.heading(say("section.estimate"))
        money = summary.estimate.money
        cost = self.say(say("estimate.no_money")) if money is None else f"{money:,.2f} {escaped(plain(summary.estimate.currency))}"
        row = (self.say(duration(summary.estimate.seconds)), number(summary.estimate.requests), cost)
        self.table((say("estimate.time"), say("estimate.requests"), say("estimate.money")), [row])
        self.lines += [f"{self.say(sentence)}  " for sentence in basis_of(summary.estimate)]

    def shapes(self, summary: Summary) -> None:
        for name, bars in (("shape.sizes", summary.sizes), ("shape.ages", summary.ages)):
            if bars:
                self.heading(say(name))
                self.table((say("head.bin"), say("head.objects"), say("head.bytes")), map(self._bar, bars), numbers=(1, 2))

    def _bar(self, bar: Bin) -> tuple[str, str, str]:
        return (self.say(bar.label), *_figures(bar.count))

    def limits(self, summary: Summary) -> None:
        self.heading(say("section.limits"))
        uploads = ("head.side", "head.place", "head.uploads", "head.ours", "head.bytes", "head.oldest")
        for name, heads, numbers, cut in (
            ("limits.unclaimed", ("head.place", "head.objects", "head.bytes", "head.newest"), (1, 2), unclaimed_of(summary)),
            ("limits.unfinished", uploads, (2, 3, 4), unfinished_of(summary)),
            ("limits.unknown", ("limits.unknown",), (), unknowns_of(summary)),
            ("limits.losses", ("head.attribute", "head.objects"), (1,), losses_of(summary)),
        ):
            if not cut.rows:
                self.lines += [f"- {self.say(say(f'{name}.none'))}"]
                continue
            self.heading(say(name), 3)
            rows = cut.rows[:LIMITS_ROWS_MAX]
            self.table([say(head) for head in heads], [[self.say(cell) for cell in row] for row in rows], numbers=numbers)
            if len(rows) < cut.total:
                self.lines += [f"*{self.say(say('list.cut', shown=len(rows), total=cut.total))}*", ""]

        self.heading(say("limits.second"), 3)
        self.lines += [f"- {self.say(sentence)}" for sentence in second_listing_of(summary)]

    def parity(self, summary: Summary) -> None:
        if summary.parity:
            self.heading(say("section.parity"))
            self.lines += [self.say(say("section.parity.note")), ""]
        for pair in side_by_side(summary.parity):
            heads = (say("head.aspect"), pair.source, pair.target, say("head.meaning"))
            self.table(heads, [[self.say(cell) for cell in row] for _, *row in pair.rows])

    def probes(self, summary: Summary) -> None:
        self.heading(say("section.probes"))
        if not summary.probes:
            self.lines.append(f"{MARKS[Level.ATTENTION]} {self.say(say('probe.none'))}")
        self.lines += [f"- {MARKS[Level.ATTENTION]} {self.say(changed(each, summary.timezone))}" for each in summary.probe_changes]
        self.lines += [""] if summary.probe_changes else []
        for each in probed_in_tables(summary):
            self.lines += [f"- {code(place)}: {self.say(age)}" for place, age in each.heads] + [""]
            rows = [[self.say(question), *map(self.say, answers)] for question, answers in each.rows]
            self.table([say("head.question"), *(place for place, _ in each.heads)], rows)

    def seal(self, summary: Summary) -> None:
        self.heading(say("section.seal"))
        for name, value, fixed in seal_of(summary):
            if value:
                shown = as_text(value).in_(self.language)
                self.lines.append(f"- {self.say(name)}: {code(shown) if fixed else escaped(shown)}")


def _figures(count: Count) -> tuple[str, str]:
    return number(count.objects), size(count.bytes)


def _exact(count: Count) -> tuple[str, str]:
    return number(count.objects), number(count.bytes)


def escaped(text: str) -> str:
    """Return text in which no character is mark-up; line breaks are percent-encoded, the no-break spaces of figures are spaces."""
    return _MARKUP.sub(r"\\\1", plain(text.replace("\u00a0", " ")))


def code(text: str) -> str:
    """Return a code span. Backticks and pipes, which would end it or the cell, are percent-encoded."""
    return "`" + plain(text).replace("`", "%60").replace("|", "%7C") + "`"

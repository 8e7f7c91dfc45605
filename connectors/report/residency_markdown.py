"""The residency report as Markdown, for the artifact of a Prefect run: the page's figures as tables, without its pictures.

Guarantees: as the page: each figure with its run and time, what nobody knows in words; what came from outside is escaped.
"""

from __future__ import annotations

from connectors.report.figures import moment, number, plain, size
from connectors.report.limits import counted
from connectors.report.markdown import LIMITS_ROWS_MAX, MARKS, Lines, code
from connectors.report.remains import histories_of, said_by, uploads_of
from connectors.report.residency import Part, State, part_of, unclaimed, unknowns, verdict
from connectors.report.words import say

HISTORY_HEADS = ("head.category", "head.wave", "head.former", "head.bytes", "head.markers", "residency.seen")
UPLOADS_HEADS = (
    *("head.category", "head.side", "head.place", "head.uploads", "head.ours", "head.bytes", "head.oldest"),
    "residency.seen",
)


def as_markdown(state: State, *, language: str = "en") -> str:
    """Return the report in `en` or `ja`."""
    write = _Writer(language)
    write.head(state)
    for each in state.held:
        write.category(part_of(each, state))
    write.unknown(state)
    write.places(state)
    write.histories(state)
    write.uploads(state)
    return "\n".join(write.lines) + "\n"


class _Writer(Lines):
    """Writes the report, section by section."""

    def head(self, state: State) -> None:
        told = verdict(state)
        self.lines.append(f"# {MARKS[told.level]} {self.say(told.text)}")
        at = moment(state.at.isoformat(), state.timezone)
        self.lines += ["", f"**{self.say(say('residency.title'))}** · {self.say(plain(state.migration))} · {self.say(at)}", ""]
        self.lines += [f"- {MARKS[point.level]} {self.say(point.text)}" for point in told.points]
        self.lines += ["", self.say(say("residency.note"))]

    def category(self, part: Part) -> None:
        held = part.holding
        self.heading(plain(held.category))
        way = " → ".join(map(self.say, part.countries))
        due = f"{self.say(say('seal.deadline'))} {held.deadline} · {self.say(say('seal.owner'))} {self.say(plain(held.owner))}"
        self.lines += [f"{way} · {due}", "", f"{MARKS[part.level]} {self.say(part.chance)}", "", self.say(part.history), ""]
        there, proved = say("residency.there", source=part.countries[0]), say("residency.proved", target=part.countries[1])
        self.table(
            (say("head.wave"), there, proved, say("residency.tile.left")),
            [
                (
                    self.say(row.name),
                    f"{self.say(row.there)} ({self.say(row.there_by)})",
                    f"{self.say(row.home)} ({self.say(row.home_by)})",
                    self.say(row.left),
                )
                for row in part.waves
            ],
            numbers=(3,),
        )
        if part.proofs:
            self.heading(say("residency.proofs"), 3)
            rows = [(self.say(name), figure) for name, _, _, figure in part.proofs]
            self.table((say("head.proof"), say("head.objects")), rows, numbers=(1,))
        if part.trouble:
            self.heading(say("residency.trouble"), 3)
            troubles = [(self.say(name), number(count.objects), size(count.bytes)) for name, count in part.trouble]
            self.table((say("head.term"), say("head.objects"), say("head.bytes")), troubles, numbers=(1, 2))

    def unknown(self, state: State) -> None:
        self.heading(say("limits.unknown"))
        found = [f"- {self.say(sentence)}" for sentence in unknowns(state)]
        self.lines += found or [self.say(say("limits.unknown.none"))]

    def places(self, state: State) -> None:
        self.heading(say("limits.unclaimed"))
        places = unclaimed(state.held)
        if not places:
            self.lines.append(self.say(say("residency.no_places")))
            return
        rows = [
            (code(each.place.place), *map(self.say, counted(each.place)), self.say(said_by(each.said, state.timezone)))
            for each in places[:LIMITS_ROWS_MAX]
        ]
        heads = (say("head.place"), say("head.objects"), say("head.bytes"), say("residency.seen"))
        self.table(heads, rows, numbers=(1, 2))
        if len(rows) < len(places):
            self.lines += [f"*{self.say(say('list.cut', shown=len(rows), total=len(places)))}*", ""]

    def histories(self, state: State) -> None:
        self.heading(say("limits.history"), 3)
        rows = [[self.say(cell) for cell in row] for row in histories_of(state.held, state.timezone)]
        if not rows:
            self.lines.append(self.say(say("limits.history.none")))
            return
        self.table(list(map(say, HISTORY_HEADS)), rows, numbers=(2, 3, 4))

    def uploads(self, state: State) -> None:
        self.heading(say("limits.unfinished"), 3)
        rows = [[self.say(cell) for cell in row] for row in uploads_of(state.held, state.timezone)]
        if not rows:
            self.lines.append(self.say(say("limits.unfinished.none")))
            return
        self.table(list(map(say, UPLOADS_HEADS)), rows, numbers=(3, 4, 5))

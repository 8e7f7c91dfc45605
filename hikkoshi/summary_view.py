"""A report in a terminal, compact enough to be read at once: the verdict, what was planned, how it ended, what proves it.

Guarantees: fits 80 columns; what needs a person's eye is named with its reason; object keys are percent-encoded; the page's place
stands on a line of its own, uncut. The figures are the summary's: nothing is added up here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from connectors.report.answers import changed as told_change
from connectors.report.figures import plain
from connectors.report.limits import second_listing_of, since_of
from connectors.report.titles import term_name
from connectors.report.verdict import Level, verdict_of
from connectors.report.words import say
from hikkoshi.pace import duration, objects, size
from relocation.rules.amounts import amount
from relocation.rules.keys import shown
from relocation.rules.records import Action, Outcome, Proof
from relocation.rules.summary import Count, Named, ProbeAge, Summary, Unclaimed, Unfinished

NAMES_SHOWN = 3
MARKS = {Level.GOOD: ("✓", "bold green"), Level.ATTENTION: ("!", "bold yellow"), Level.BAD: ("✗", "bold red")}


def show(console: Console, summary: Summary) -> None:
    """Print a summary."""
    verdict = verdict_of(summary)
    mark, style = MARKS[verdict.level]
    wave = "all waves" if summary.wave is None else f"wave {summary.wave}"
    console.print()
    console.print(Text.assemble((f" {mark} {plain(summary.category)}, {wave}", style), f": {_sentence(summary, verdict.text.en)}"))
    console.print(Padding(_figures(summary), (1, 2, 1, 3)))
    notes = Table.grid(padding=(0, 2))
    notes.add_column(style="bold", no_wrap=True)
    notes.add_column(overflow="fold")
    for name, text in _notes(summary):
        notes.add_row(name, text)
    console.print(Padding(notes, (0, 1, 0, 3)))
    if summary.report:
        console.print(Text.assemble(("   report  ", "bold"), summary.report), soft_wrap=True)
    console.print()


def _sentence(summary: Summary, verdict: str) -> str:
    """Return the verdict, with what it is about: objects, bytes, and how long it took."""
    listed = summary.counts.get("listed", Count())
    about = f"{objects(listed.objects)}, {size(listed.bytes)}"
    took = f" In {duration(summary.seconds)}." if summary.seconds else ""
    return f"{about}. {verdict[:1].upper()}{verdict[1:]}.{took}"


def _figures(summary: Summary) -> Table:
    """Return planned, ended and proved side by side."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="bold dim", pad_edge=False)
    planned = {action.value: summary.counts.get(action, Count()) for action in Action}
    columns: list[tuple[str, Table | Text]] = [("planned", _counts(planned))]
    if summary.kind != "plan":
        ended = {outcome.value: summary.outcomes.get(outcome, Count()) for outcome in Outcome}
        proved = {proof.value: summary.proofs.get(proof, 0) + summary.kept_proofs.get(proof, 0) for proof in Proof}
        columns += [("ended as", _counts(ended)), ("proved by", _proofs(proved))]
    for head, _ in columns:
        table.add_column(head, vertical="top")
    table.add_row(*(body for _, body in columns))
    return table


def _counts(counted: Mapping[str, Count]) -> Table | Text:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(justify="right", style="dim", no_wrap=True)
    for name, count in counted.items():
        if count.objects:
            grid.add_row(term_name(name).en.lower(), f"{count.objects:,}", size(count.bytes))
    if not grid.row_count:
        return Text("nothing")
    return grid


def _proofs(proved: Mapping[str, int]) -> Table | Text:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    for name, number in proved.items():
        if number:
            grid.add_row(say(f"proof.{name}").en.replace("Same", "same").replace("Re", "re").replace("So", "so"), f"{number:,}")
    if not grid.row_count:
        return Text("nothing yet")
    return grid


def _notes(summary: Summary) -> Iterator[tuple[str, Text]]:
    yield "adds up", _equations(summary)
    if since := since_of(summary):
        yield "changed", Text(f"{since.en[:1].lower()}{since.en[1:]}")
    if summary.estimate is not None:
        yield "takes", Text(_estimate(summary))
    if summary.passes:
        yield "passes", Text(_passes(summary))
    for name, named in (
        ("not the same", summary.mismatched),
        ("failed", summary.failed),
        ("refused", summary.refused),
        ("not found", summary.not_found),
        ("hidden", summary.hidden),
        ("conflict", summary.conflicts),
        ("drifted", summary.drifted),
        ("gone", summary.gone),
        ("to remove", summary.remove),
        ("deleted", summary.deleted_at_target),
    ):
        if named:
            yield name, _named(named)
    if summary.unmatched:
        yield "unmatched", _named(summary.unmatched, summary.unmatched_keys, thing="key")
    if summary.foreign:
        yield "not ours", _foreign(summary.foreign)
    if summary.losses:
        yield "not kept", Text(", ".join(f"{plain(name)} ({count:,})" for name, count in summary.losses.items()))
    yield from _left(summary)
    yield from _sentences(summary)
    if summary.kind == "plan":
        yield "probe", Text(_probes(summary.probes))


def _left(summary: Summary) -> Iterator[tuple[str, Text]]:
    if summary.unclaimed:
        yield "unclaimed", _unclaimed(summary.unclaimed)
    if begun := [each for each in summary.unfinished if each.uploads]:
        yield "unfinished", _unfinished(begun)
    former, markers = (summary.histories.counts.get(name, Count()) for name in ("former_versions", "delete_markers"))
    if summary.histories.policy == "latest" and (former.objects or markers.objects):
        what = f"{amount(former.objects, 'former version')} ({size(former.bytes)}), {amount(markers.objects, 'delete marker')}"
        yield "stays", Text(f"{what}: at the source, not moved (policy.versions)")


def _sentences(summary: Summary) -> Iterator[tuple[str, Text]]:
    for change in summary.probe_changes:
        yield "changed", Text(plain(told_change(change, summary.timezone).en))
    for line in summary.parity:
        if line.verdict in ("attention", "refused"):
            yield "set up", Text(plain(f"{say(f'aspect.{line.aspect}').en}: {line.meaning}"))
    if summary.second_listing:
        yield "held with", Text("\n".join(plain(sentence.en) for sentence in second_listing_of(summary)))
    for text in summary.unknown:
        yield "unknown", Text(plain(text))


def _equations(summary: Summary) -> Text:
    parts = Text()
    for equation in summary.equations:
        holds = equation.holds
        parts.append("✓ " if holds else "✗ ", "green" if holds else "bold red")
        parts.append(f"{equation.name}{'' if holds else ' does not add up'}   ")
    return parts if summary.equations else Text("nothing was reconciled", style="bold red")


def _estimate(summary: Summary) -> str:
    estimate = summary.estimate
    assert estimate is not None
    money = f", {estimate.money:,.2f} {estimate.currency}" if estimate.money is not None else ", no prices given"
    return f"about {duration(estimate.seconds)}, {amount(estimate.requests, 'request')}{money}"


def _passes(summary: Summary) -> str:
    """Return what each pass found, copied, removed and refreshed, a line each, and why the last one was the last."""
    lines = []
    for number, each in enumerate(summary.passes, 1):
        parts = [f"{each.found.objects:,} differed", f"{each.copied.objects:,} copied", f"{each.removed.objects:,} removed"]
        parts += [f"{each.refreshed:,} refreshed (metadata, tags, locks)"] if each.last else []
        lines.append(f"{number}: {', '.join(parts)}")
    return "\n".join((*lines, plain(summary.passes_end)))


def _named(named: tuple[Named, ...], total: int = 0, *, thing: str = "object") -> Text:
    total = total or len(named)
    text = Text(amount(total, thing))
    for each in named[:NAMES_SHOWN]:
        bucket = f"{shown(each.bucket)}/" if each.bucket else ""
        text.append(f"\n{bucket}{shown(each.key)}", "cyan")
        if each.target_key:
            text.append(f"\n  at the target {shown(each.target_bucket)}/{shown(each.target_key)}", "dim")
        text.append(f"\n  {plain(each.reason)}", "dim" if each.reason else "")
    if total > NAMES_SHOWN:
        where = "all in the report" if total == len(named) else f"the first {len(named):,} in the report"
        text.append(f"\n… and {total - NAMES_SHOWN:,} more, {where}", "dim")
    return text


def _foreign(named: tuple[Named, ...]) -> Text:
    first = ", ".join(f"{shown(each.bucket)}/{shown(each.key)}" for each in named[:NAMES_SHOWN])
    lie = "other objects lie" if len(named) > 1 else "other object lies"
    stay = "they are not ours and stay" if len(named) > 1 else "it is not ours and stays"
    text = Text("! ", "bold yellow")
    text.append(f"{len(named):,} {lie} at the target; {stay}: {first}{' …' if len(named) > NAMES_SHOWN else ''}", "default")
    return text


def _unclaimed(found: tuple[Unclaimed, ...]) -> Text:
    """Return the first of the places, those first that nobody could read, then the largest."""
    places = sorted(found, key=lambda each: (each.objects >= 0, -each.bytes, -each.objects, each.place))
    held = (f"{objects(each.objects)}, {size(each.bytes)}{_former(each)}" if each.objects >= 0 else "unread" for each in places)
    parts = [f"{shown(each.place)} ({what})" for each, what in zip(places[:NAMES_SHOWN], held, strict=False)]
    more = f", and {len(places) - NAMES_SHOWN:,} more" if len(places) > NAMES_SHOWN else ""
    return Text(", ".join(parts) + more)


def _former(place: Unclaimed) -> str:
    if place.versions < 0:
        return ", former versions not counted"
    if not place.versions and not place.markers:
        return ""
    return f", {amount(place.versions, 'former version')}, {amount(place.markers, 'delete marker')}"


def _unfinished(begun: list[Unfinished]) -> Text:
    """Return how many uploads were begun and not completed, and where."""
    parts = [
        f"{'at least ' if each.doubt else ''}{each.uploads:,} at the {each.side if each.side != 'unclaimed' else 'source'}, "
        f"{shown(each.place)}{f' ({each.ours:,} ours)' if each.ours else ''}"
        for each in begun[:NAMES_SHOWN]
    ]
    more = (
        f", and in {len(begun) - NAMES_SHOWN:,} more place{'s' * (len(begun) > NAMES_SHOWN + 1)}"
        if len(begun) > NAMES_SHOWN
        else ""
    )
    return Text(f"uploads: {'; '.join(parts)}{more}")


def _probes(probes: tuple[ProbeAge, ...]) -> str:
    parts = [f"{probe.place} {f'{duration(probe.age_s)} ago' if probe.at else 'not probed'}" for probe in probes]
    return ", ".join(parts) or "not probed"

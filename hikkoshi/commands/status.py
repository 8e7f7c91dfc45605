"""`hikkoshi status`: where every wave stands. Asks the ledger alone, so that it answers while the stores are down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import typer

from hikkoshi import categories_view, deadlines_view, history_view, uploads_view
from hikkoshi.commands.pace import document
from hikkoshi.shell import ConfigOption, Json, JsonOption, Shell, shell_of
from hikkoshi.standings import RUNS_MAX, Standing, brief_of_run, standings
from hikkoshi.stopping import run_until_stopped
from relocation.rules.amounts import amount
from relocation.rules.uploads_seen import uploads_seen

if TYPE_CHECKING:
    from rich.text import Text

    from connectors.pace.orders import PaceStanding
    from hikkoshi.categories_view import Stands
    from relocation.rules.brief import Brief
    from relocation.rules.fences import FenceRecord
    from relocation.rules.records import RunRecord
    from relocation.settings import Migration

ATTEMPTS = {"plan": "dry run", "run": "run", "verify": "verification", "catch_up": "catch-up"}
TOLD = ("id", "kind", "state", "stage", "started_at", "finished_at", "who", "host", "message", "report")


def status(context: typer.Context, *, config: ConfigOption = None, json: JsonOption = False) -> int:
    """Show every category and wave: last run, what is verified, deadline, who is running it."""
    shell = shell_of(context, config, json)
    settings = shell.settings(credentials=False)
    waves = run_until_stopped(standings(settings))
    paces = run_until_stopped(_paces(settings))
    fences = run_until_stopped(_fences(settings))
    today = datetime.now(ZoneInfo(settings.timezone)).date()
    stands = run_until_stopped(categories_view.stands(settings, today, RUNS_MAX))
    if shell.json:
        shell.print_json(
            {
                "migration": settings.migration,
                "waves": [_document(each, today) for each in waves],
                "categories": [categories_view.document(each, today) for each in stands.values()],
                "unfinished_uploads": _uploads(tuple(stands.values())),
                "pace": _pace(paces),
                "fences": [{"place": f"{each.endpoint}/{each.bucket}", "kind": each.kind, "at": each.at} for each in fences],
            }
        )
    else:
        _show(shell, settings, waves, today)
        _show_categories(shell, tuple(stands.values()), today, ZoneInfo(settings.timezone))
        _show_pace(shell, settings, paces)
        for told in _fence_lines(shell, fences, ZoneInfo(settings.timezone)):
            shell.out.print(f"\n{told}", soft_wrap=True, highlight=False)
    return 0


async def _fences(settings: Migration) -> tuple[FenceRecord, ...]:
    from connectors.assemble import ledger_alone

    async with ledger_alone(settings) as ledger:
        return await ledger.fences() if ledger else ()


def _fence_lines(shell: Shell, fences: Sequence[FenceRecord], zone: ZoneInfo) -> Iterator[str]:
    """Yield where the ledger has the application barred: people can't write there, and nothing else on this page would show it."""
    from relocation.rules.fences import bars
    from relocation.rules.keys import shown

    for each in fences:
        where = ", ".join(f"{each.endpoint}/{each.bucket}/{shown(prefix)}" for prefix in bars(each))
        since = f"{datetime.fromisoformat(each.at).astimezone(zone):%m-%d %H:%M:%S %Z}"
        how = (
            "its run lifts it, or the next plan, run or fence command" if each.by_run else f"`{shell.named('fence lift')}` lifts it"
        )
        yield f"write fence: {where}, by {each.kind}, since {since}, by {each.who}; {how}"


def _uploads(stands: Sequence[Stands]) -> Json:
    from connectors.report.remains import uploads_document

    return [uploads_document(each) for each in uploads_seen(each.holding for each in stands)]


async def _paces(settings: Migration) -> Mapping[str, PaceStanding]:
    from connectors.pace.orders import standings

    return await standings(settings)


def _pace(paces: Mapping[str, PaceStanding]) -> Json:
    return [document(standing) for standing in paces.values()]


def _show_pace(shell: Shell, settings: Migration, paces: Mapping[str, PaceStanding]) -> None:
    """Say of each endpoint whose pace somebody limits, or that makes us wait, how it stands."""
    told = [each for each in paces.values() if each.order is not None or each.waits or each.rates != type(each.rates)()]
    if told:
        shell.out.print()
    for each in told:
        shell.out.print(f"{each.endpoint}: {each.told(settings.timezone)}", soft_wrap=True)


def _show_categories(shell: Shell, stands: Sequence[Stands], today: date, zone: ZoneInfo) -> None:
    """Show what of each category is where, what stays, what nobody completed, and, if some is left, whether it makes its day."""
    if not any(wave.listed_by for each in stands for wave in each.holding.waves):
        return
    shell.out.print()
    shell.out.print(categories_view.table(stands, today))
    shell.out.print()
    listed = [each.holding for each in stands if any(wave.listed_by for wave in each.holding.waves)]
    shell.out.print(history_view.table(listed, zone))
    shell.out.print()
    shell.out.print(uploads_view.table(uploads_seen(listed), [each.category for each in listed], zone))
    told = [each.holding for each in stands if each.holding.told.left.objects or each.holding.told.chance in deadlines_view.SAYS]
    if told:
        shell.out.print()
    for holding in told:
        shell.out.print(deadlines_view.sentence(holding.category, holding.told), soft_wrap=True, highlight=False)


def _document(standing: Standing, today: date) -> Json:
    last, brief, held = standing.last, standing.brief, standing.held
    return {
        "category": standing.category,
        "wave": standing.wave,
        "deadline": standing.deadline.isoformat(),
        "days_left": (standing.deadline - today).days,
        "last_run": _told(last) if last else None,
        **_counted(brief),
        "attention": brief.attention if brief else 0,
        "looked_at_a_part_since": [_part(run) for run in standing.parts],
        "last_attempt_failed": _told(standing.failed) if standing.failed else None,
        "running": {"who": held.who, "host": held.host, "pid": held.pid, "run_id": held.run_id} if held else None,
    }


def _told(run: RunRecord) -> dict[str, Json]:
    return {name: str(getattr(run, name)) for name in TOLD}


def _part(run: RunRecord) -> Json:
    brief = brief_of_run(run)
    assert brief is not None
    return {**_told(run), "looked_only_at": brief.looked_only_at, **_counted(brief), "attention": brief.attention}


def _counted(brief: Brief | None) -> dict[str, Json]:
    pairs = {"listed": brief.listed, "verified": brief.verified} if brief else {}
    return {name: {"objects": count.objects, "bytes": count.bytes} for name, count in pairs.items()}


def _show(shell: Shell, settings: Migration, waves: list[Standing], today: date) -> None:
    from rich.table import Table
    from rich.text import Text

    zone = ZoneInfo(settings.timezone)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold dim", pad_edge=False)
    for head in ("category", "wave", "verified", f"last run ({datetime.now(zone):%Z})", "deadline", ""):
        table.add_column(head, overflow="fold", no_wrap=head == "deadline")
    before = ""
    for each in waves:
        last = _moment(each.last, zone) if each.last else "–"
        name = each.category if each.category != before else ""
        before = each.category
        table.add_row(name, each.wave, Text(*_stands(each)), Text(last, "dim"), *_deadline(each, today))
    shell.out.print(Text.assemble((settings.migration, "bold"), ("  by the ledger; no store was asked", "dim")))
    shell.out.print()
    shell.out.print(table)
    for told in dict.fromkeys(line for each in waves for line in _lines(shell, each, zone)):
        shell.out.print()
        shell.out.print(Text(told), soft_wrap=True)


def _stands(each: Standing) -> tuple[str, str]:
    """Return how a wave stands, and in which style that is written."""
    if each.held:
        return "running now", "cyan"
    if each.last is None:
        return ("a part only", "yellow") if each.parts else ("not begun", "dim")
    if each.last.state != "done":
        return (f"{_as_asked(each.last)}, as asked" if _as_asked(each.last) else f"stopped in {_stage(each.last)}"), "yellow"
    if each.last.kind == "plan" or each.brief is None:
        return "planned" if each.last.kind == "plan" else "done", "dim"
    home = each.brief.verified.objects == each.brief.listed.objects and not each.brief.attention
    return _figures(each.brief), "green" if home else "yellow"


def _figures(brief: Brief) -> str:
    also = f", {brief.attention:,} to see to" if brief.attention else ""
    return f"{brief.verified.objects:,} of {brief.listed.objects:,}{also}"


def _lines(shell: Shell, each: Standing, zone: ZoneInfo) -> Iterator[str]:
    """Yield what a row has no room for: who is running a wave, why it stopped, and what goes on from there."""
    name = f"{each.category}, wave {each.wave}"
    if each.held:
        since = f"{datetime.fromtimestamp(each.held.since, zone):%m-%d %H:%M:%S %Z}"
        yield f"{name}: running now, since {since}, by {each.held.who}, {each.held.host}, process {each.held.pid}"
    elif each.last and each.last.state == "open":
        at = f"{_moment(each.last, zone)} {datetime.now(zone):%Z}"
        stands = _as_asked(each.last) or f"stopped in {_stage(each.last)}"
        goes_on = "goes on from there" if each.last.kind == "run" and each.last.plan_sha256 else "begins anew"
        command = shell.named(
            f"{each.last.kind.replace('_', '-')} {each.category}" + (f" --wave {each.wave}" if each.wave != "all" else "")
        )
        said = f"\n  {each.last.message}" if each.last.message else ""
        yield f"{name}: {stands} (begun {at}); `{command}` {goes_on}{said}"
    yield from _part_lines(each, name, zone)
    if each.failed and not each.held:
        at = f"{_moment(each.failed, zone)} {datetime.now(zone):%Z}"
        how = f"stopped in {each.failed.stage}" if each.failed.stage else "could not begin"
        about = name if each.failed.stage else each.category
        yield f"{about}: the last {ATTEMPTS.get(each.failed.kind, each.failed.kind)} ({at}) {how}:\n  {each.failed.message}"


def _part_lines(each: Standing, name: str, zone: ZoneInfo) -> Iterator[str]:
    since = "since then " if each.last else ""
    for run in each.parts:
        brief = brief_of_run(run)
        assert brief is not None
        at = f"{_moment(run, zone)} {datetime.now(zone):%Z}"
        what = ATTEMPTS.get(run.kind, run.kind)
        yield f"{name}: {since}a {what} looked only at {brief.looked_only_at} ({at}): {_figures(brief)}"


def _as_asked(run: RunRecord) -> str:
    """Return how a run stands that stopped where it was told to (`--until`); nothing for any other."""
    paused = run.state == "open" and run.report and not run.message and run.stage == run.until
    return {"plan": "planned", "copy": "copied"}.get(run.until, "") if paused else ""


def _stage(run: RunRecord) -> str:
    return run.stage or "its first steps"


def _moment(run: RunRecord, zone: ZoneInfo) -> str:
    at = datetime.fromisoformat(run.finished_at or run.started_at)
    return f"{(at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(zone):%m-%d %H:%M}"


def _deadline(each: Standing, today: date) -> tuple[Text, Text]:
    from rich.text import Text

    days = (each.deadline - today).days
    home = each.brief is not None and each.brief.verified == each.brief.listed and not each.brief.attention
    style = "dim" if home else "bold red" if days < 0 else "yellow" if days < 30 else ""
    left = amount(days, "day") if days >= 0 else f"{amount(-days, 'day')} late"
    return Text(each.deadline.isoformat(), style), Text(left, style or "dim")

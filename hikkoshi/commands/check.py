"""`hikkoshi check`: whether everything that the configuration names is there and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hikkoshi.exit_codes import ExitCode
from hikkoshi.shell import ConfigOption, Json, JsonOption, Shell, shell_of
from hikkoshi.stopping import run_until_stopped

if TYPE_CHECKING:
    from hikkoshi.checking import Checked, EndpointCheck, Probed
    from relocation.settings import Migration


AnswersOption = Annotated[bool, typer.Option("--probe", help="Show too what the last probe was answered; nothing is asked anew.")]


def check(context: typer.Context, *, probe: AnswersOption = False, config: ConfigOption = None, json: JsonOption = False) -> int:
    """Look at configuration, endpoints, keys, buckets and clocks, and say how old the last probe is. Writes nothing."""
    from hikkoshi.checking import check as look

    shell = shell_of(context, config, json)
    settings = shell.settings()
    checked = run_until_stopped(look(settings, shell.environ))
    code = ExitCode.DONE
    if checked.problems:
        code = ExitCode.STOPPED if any(problem.stops for problem in checked.problems) else ExitCode.SOMETHING
    if shell.json:
        shell.print_json(_document(settings, checked) | {"exit_code": int(code)})
    else:
        _show(shell, settings, checked, answers=probe)
    return code


def _document(settings: Migration, checked: Checked) -> dict[str, Json]:
    from connectors.report.answers import all_follow
    from connectors.report.document import change_line, parity_line

    endpoints: list[Json] = [
        {
            "name": each.name,
            "url": each.url,
            "country": each.country,
            "answers": each.answers,
            "skew_s": round(each.skew_s, 1) if each.skew_s is not None else None,
            "roles": each.roles,
            "buckets": {bucket: not missing for bucket, missing in each.missing.items()} if each.answers else {},
        }
        for each in checked.endpoints
    ]
    probes: list[Json] = [
        {
            "place": str(each.place),
            "at": each.answers.at if each.answers else "",
            "age_s": round(each.age_s) if each.answers else None,
            "answers": dict(each.answers.answers) if each.answers else {},
            "follows": [sentence.en for sentence in all_follow(each.answers.answers)] if each.answers else [],
            "changes": [change_line(change) for change in each.changes],
        }
        for each in checked.probes
    ]
    problems: list[Json] = [{"where": each.where, "what": each.what, "stops": each.stops} for each in checked.problems]
    parity: list[Json] = [parity_line(each) for each in checked.parity]
    head: dict[str, Json] = {"migration": settings.migration, "configuration": str(settings.file), "ledger": checked.ledger}
    return head | {"endpoints": endpoints, "probes": probes, "parity": parity, "problems": problems}


def _show(shell: Shell, settings: Migration, checked: Checked, *, answers: bool) -> None:
    from rich.text import Text

    from hikkoshi.answers_view import show_answers, show_changes
    from hikkoshi.parity_view import show_parity

    waves = sum(len(category.all_waves()) for category in settings.categories.values())
    categories = len(settings.categories)
    held = f": {categories} categor{'y' if categories == 1 else 'ies'}, {waves} wave{'' if waves == 1 else 's'}"
    shell.out.print(Text.assemble((settings.migration, "bold"), held))
    shell.out.print(f"  configuration  {settings.file}", soft_wrap=True)
    shell.out.print(f"  ledger         {checked.ledger}")
    shell.out.print()
    for each in checked.endpoints:
        _show_endpoint(shell, each)
    shell.out.print()
    if answers:
        show_answers(shell.out, [(each.answers, each.age_s) for each in checked.probes if each.answers])
    else:
        _show_ages(shell, [each for each in checked.probes if each.answers])
    show_changes(shell.out, [change for each in checked.probes for change in each.changes], settings.timezone)
    show_parity(shell.out, checked.parity)
    _show_unprobed(shell, [each for each in checked.probes if each.answers is None])
    for problem in checked.problems:
        mark, style = ("✗", "bold red") if problem.stops else ("!", "bold yellow")
        shell.out.print(Text.assemble((f" {mark} {problem.where}: ", style), problem.what), soft_wrap=True)
    if not checked.problems:
        shell.out.print(Text(" ✓ everything that the configuration names is there and answers", "bold green"))


def _show_endpoint(shell: Shell, each: EndpointCheck) -> None:
    from rich.text import Text

    good = each.answers and not each.problems
    clock = f", clock {each.skew_s:+.1f} s" if each.skew_s is not None else ""
    answers = f"answers{clock}" if each.answers else "does not answer"
    mark = ("✓", "green") if good else ("✗", "red")
    shell.out.print(Text.assemble(" ", mark, (f" {each.name}", "bold"), f"  {each.url} ({each.country})  {answers}"))
    for name, found in (("keys", each.roles), ("buckets", {bucket: not missing for bucket, missing in each.missing.items()})):
        if each.answers and found:
            line = Text(f"   {name:<8}")
            for what, well in found.items():
                line.append(f"{what} " if well else f"✗ {what} ", "" if well else "red")
            shell.out.print(line)


def _show_ages(shell: Shell, probed: list[Probed]) -> None:
    from hikkoshi.pace import duration

    if probed:
        oldest = max(each.age_s for each in probed)
        names = ", ".join(str(each.place) for each in probed)
        shell.out.print(
            f" probed, the oldest {duration(oldest)} ago: {names}; hikkoshi check --probe shows the answers", style="dim"
        )


def _show_unprobed(shell: Shell, unprobed: list[Probed]) -> None:
    if unprobed:
        names = ", ".join(str(each.place) for each in unprobed)
        shell.out.print(f" not probed: {names}; hikkoshi probe asks them, and a run does so by itself", style="dim")
        shell.out.print()

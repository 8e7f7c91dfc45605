"""What `plan`, `run` and `verify` have in common: one wave or all of a category, one after another, and the report on them.

Guarantees: waves go in file order; what stops one stops all, with those that are done reported; the exit code is the worst.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hikkoshi.exit_codes import ExitCode, code_of
from hikkoshi.shell import Shell
from hikkoshi.stopping import run_until_stopped

if TYPE_CHECKING:
    from relocation.rules.summary import Summary
    from relocation.settings import Migration
    from relocation.stages.context import Context

Work = Callable[["Context", str], Awaitable["Summary"]]
"""Does one wave, by its name."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it: the report on all that was asked for, and where that was a whole category, those on its waves."""

    whole: Summary
    waves: tuple[Summary, ...] = ()

    @property
    def code(self) -> ExitCode:
        """Return the worst exit code."""
        return max(code_of(summary) for summary in (self.whole, *self.waves))


def do_waves(shell: Shell, category: str, wave: str, work: Work, *, kind: str = "run") -> int:
    """Do one wave, or all of the category if none is named; print the report and return the exit code."""
    settings = shell.settings()
    done = run_until_stopped(each_wave(shell, settings, category, wave, work, kind=kind))
    if shell.json:
        from connectors.report.document import as_json

        shell.print_json(as_json(done.whole, waves=done.waves))
    else:
        from hikkoshi.summary_view import show

        show(shell.out, done.whole)
    return done.code


async def each_wave(shell: Shell, settings: Migration, category: str, wave: str, work: Work, *, kind: str = "run") -> Done:
    """Do the waves one after another; a category of several gets a report of its own. `kind` is what a failed start is called."""
    from connectors.begins import Begins
    from connectors.report.document import as_json
    from relocation.rules.roll_up import merged

    waves = settings.waves_of(category, wave)
    done: list[Summary] = []
    begins = Begins(kind, category, tuple(each.name for each in waves))
    async with shell.context(settings, begins) as context:
        for each in waves:
            if len(waves) > 1:
                shell.heading(f"{category}, wave {each.name}")
            done.append(await work(context, each.name))
            shell.done.append(as_json(done[-1]))
        if wave:
            return Done(done[0])
        whole = merged(done)
        whole = replace(whole, report=done[0].report) if len(done) == 1 else await context.reports.publish(whole)
    return Done(whole, tuple(done))

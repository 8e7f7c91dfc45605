"""Work a stage with several processes: one lane here, the others in processes of their own, which end with this one.

Guarantees: never more processes than shards to work; what one of them says is shown as if it were done here; one that dies is said,
and its shard is finished by the others (the ledger knows a dead holder); what stops one stops all. When this process stops, dies or
is killed, so do they: their standard input ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE, Process

from connectors.processes.lines import LINE_BYTES_MAX, Advanced, Failed, Noted, Sealed, decode
from relocation.stages.context import Context
from relocation.stages.wave import Lanes, lanes_here
from relocation.transfer.crew import first_error

LANE = "hikkoshi.processes.lane"
"""The program that a lane is. Started by its name, never imported: front doors stand above this room."""
STOP_S = 3.5
"""How long a lane has to give back what it holds; a stop of everything may take five seconds."""


def lanes_of(context: Context, count: int) -> Lanes:
    """Return what works a stage of a run with up to `count` processes, this one among them."""

    async def lanes(stage: str, run_id: str) -> None:
        others = await others_of(context, stage, run_id, count=count)
        with first_error():
            async with asyncio.TaskGroup() as group:
                for other in others:
                    group.create_task(other.work())
                await lanes_here(context, stage, run_id)  # returns when every shard is sealed, whoever did it
                for other in others:
                    other.stop()

    return lanes


async def others_of(context: Context, stage: str, run_id: str, *, count: int) -> list[OtherLane]:
    """Return the lanes beside this process's own, none of them started yet: of `count` in all, and no more than open shards."""
    open_shards = sum(tally.state != "sealed" for tally in await context.ledger.shard_tallies(run_id, stage))
    return [OtherLane(context, stage, run_id, count) for _ in range(min(count, open_shards) - 1)]


class OtherLane:
    """One lane in a process of its own, from its start to its end."""

    def __init__(self, context: Context, stage: str, run_id: str, count: int) -> None:
        settings = context.settings
        self._progress = context.progress
        self._arguments = (str(settings.file), settings.config_sha256(), run_id, stage, str(count))
        self._process: Process | None = None
        self._stopped = self._ended = False
        self._sealed = 0

    async def work(self) -> int:
        """Start it, show what it says until it ends, and raise what it failed with; return how many shards it sealed."""
        # -P: the folder that somebody stands in is no place to import from. A session of its own: Ctrl-C is for us to hand on.
        command = (sys.executable, "-P", "-m", LANE, *self._arguments)
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, start_new_session=True, limit=LINE_BYTES_MAX
        )
        self._process = process
        try:
            if self._stopped:
                self.stop()
            await self._hear(process)
            code = await process.wait()
            if not (self._ended or self._stopped):
                self._progress.note("lane.lost", process=process.pid, ended=code)
            return self._sealed
        finally:
            self.stop()
            await _gone(process)

    def stop(self) -> None:
        """Have it give back what it holds, and end."""
        self._stopped = True
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    async def _hear(self, process: Process) -> None:
        assert process.stdout is not None
        async for text in process.stdout:
            match decode(text):
                case Advanced() as done:
                    self._progress.advance(objects=done.objects, bytes_=done.bytes_, errors=done.errors)
                case Noted() as noted:
                    self._progress.note(noted.event, **noted.facts)
                case Sealed() as sealed:
                    self._ended, self._sealed = True, sealed.shards
                case Failed() as failed:
                    self._ended = True
                    raise failed.error()


async def _gone(process: Process) -> None:
    """Wait until it has ended; kill it if it takes too long, or if we may not wait."""
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        _kill(process)
        await process.wait()
    except asyncio.CancelledError:
        _kill(process)
        raise


def _kill(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()

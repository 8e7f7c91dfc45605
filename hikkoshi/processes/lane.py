"""One lane in a process of its own: `python -m hikkoshi.processes.lane CONFIG CONFIG_SHA256 RUN STAGE PROCESSES`.

Guarantees: nothing secret is on its command line; it works shards until none is left, says how far it is on standard output
(`lines.py`), and ends when its standard input does: whoever started it is gone, or wants it to stop. Then it gives back what it
holds, within five seconds. Refuses a configuration that is not the one of the run.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NoReturn

from connectors.private_process import leave_nothing_behind
from connectors.processes.lines import Advanced, Failed, Line, Noted, Sealed, encode
from connectors.processes.share import share_of
from hikkoshi.stopping import Stopped, run_until_stopped
from relocation.rules.errors import HikkoshiError, StateMismatch

SAY_EVERY_S = 0.25


def say(line: Line) -> None:
    """Say one line. Nobody may be there to hear it any more; then standard input says so too."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.write(encode(line) + "\n")
        sys.stdout.flush()


class Told:
    """The port `Progress`: counts are added up and said four times a second, events at once."""

    def __init__(self) -> None:
        self._objects = self._bytes = self._errors = 0

    def stage(self, name: str, *, objects: int = 0, bytes_: int = 0) -> None:
        """Say nothing: whoever started this lane has said it."""

    def advance(self, *, objects: int = 0, bytes_: int = 0, errors: int = 0) -> None:
        """Count."""
        self._objects += objects
        self._bytes += bytes_
        self._errors += errors

    def note(self, event: str, **facts: object) -> None:
        """Say an event."""
        say(Noted(event, {name: str(value) for name, value in facts.items()}))

    def flush(self) -> None:
        """Say what was counted since."""
        if self._objects or self._bytes or self._errors:
            say(Advanced(self._objects, self._bytes, self._errors))
            self._objects = self._bytes = self._errors = 0

    @asynccontextmanager
    async def telling(self) -> AsyncIterator[None]:
        """Flush again and again as long as the block goes on, and at its end."""

        async def tell() -> None:
            while True:
                await asyncio.sleep(SAY_EVERY_S)
                self.flush()

        teller = asyncio.create_task(tell())
        try:
            yield
        finally:
            teller.cancel()
            self.flush()


async def work(config: str, config_sha256: str, run_id: str, stage: str, processes: str) -> int:
    """Work the run's shards until none is left; return how many were ours."""
    from connectors.assemble import assembled, settings_from
    from relocation.stages.copy import copy_lane
    from relocation.stages.verify import verify_lane

    settings = share_of(settings_from(Path(config), os.environ), int(processes))
    if settings.config_sha256() != config_sha256:
        raise StateMismatch(f"{config} was changed after this run began: run again, with a new plan")
    told = Told()
    async with assembled(settings, os.environ, told) as context, told.telling():
        return await {"copy": copy_lane, "verify": verify_lane}[stage](context, run_id)


def _stop_with_our_starter() -> None:
    """Stop as by SIGTERM when standard input ends: the kernel closes it for a starter that was killed, too."""
    while os.read(0, 64):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main(arguments: list[str]) -> NoReturn:
    """Be a lane; exit 0 when no shard is left, 1 after saying what failed, 130 when stopped."""
    leave_nothing_behind()
    threading.Thread(target=_stop_with_our_starter, name="starter", daemon=True).start()
    try:
        say(Sealed(run_until_stopped(work(*arguments))))
    except Stopped:
        sys.exit(130)
    except HikkoshiError as error:
        say(Failed(type(error).__name__, str(error)))
        sys.exit(1)
    sys.exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])

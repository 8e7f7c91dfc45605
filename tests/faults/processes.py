"""Workers and the counting relay as processes of a test: spoken to by signals, heard line by line."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

HEAR_S = 240.0


class Worker:
    """A `tests.faults.worker` under way; `said` is every line so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said: list[str] = []

    async def hear(self, *words: str) -> str:
        """Wait for a line that begins with these words. A worker that ends without saying it fails the test."""
        async with asyncio.timeout(HEAR_S):
            while True:
                line = (await self.process.stdout.readline()).decode().strip()
                assert line, f"ended with {await self.process.wait()} after {self.said}"
                self.said.append(line)
                if line.split()[: len(words)] == list(words):
                    return line

    def send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):  # it is gone already
            self.process.send_signal(number)

    async def end(self) -> int:
        """Wait until it ends by itself; return its exit code."""
        rest, _ = await asyncio.wait_for(self.process.communicate(), HEAR_S)
        self.said += rest.decode().splitlines()
        return self.process.returncode


@asynccontextmanager
async def worker(*arguments: str | Path, strikes: tuple[str, ...] = ()) -> AsyncIterator[Worker]:
    """Start a worker, and kill it at the end if it still runs."""
    told = [str(argument) for argument in arguments] + [word for strike in strikes for word in ("--strike", strike)]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.faults.worker", *told, stdout=PIPE)
    try:
        yield Worker(process)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.communicate()


class Counting:
    """The relay under way. `puts` says, once and for all, how often each target was put."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.url = f"http://127.0.0.1:{port}"

    async def puts(self) -> dict[str, int]:
        answer, _ = await asyncio.wait_for(self._process.communicate(b""), HEAR_S)
        return json.loads(answer)


@asynccontextmanager
async def counting(url: str) -> AsyncIterator[Counting]:
    """Start the relay in front of a server."""
    command = (sys.executable, "-m", "tests.faults.counting_proxy", url.removeprefix("http://"))
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, limit=64 * 1024 * 1024)
    try:
        yield Counting(process, int(await process.stdout.readline()))
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()

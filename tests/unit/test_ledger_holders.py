"""Who counts as dead: only a process of this very boot and namespace that is certainly gone."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from connectors.ledger import leases
from connectors.ledger.leases import Holder, started
from tests.unit.ledger_cases import NOWHERE, dead, this_process


@pytest.fixture
def sleeper():
    """A child that waits until it is ended."""
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_a_live_process_is_known_by_its_start(sleeper):
    """The same process gives the same start each time, another one another start or another id."""
    me = this_process()
    holder = Holder("here", sleeper.pid, started(sleeper.pid))
    assert holder.started == started(sleeper.pid) != ""
    assert not holder.is_gone(me)
    assert not me.is_gone(me)


def test_a_killed_process_is_gone_even_before_it_is_reaped(sleeper):
    """C1: a zombie holds nothing: its parent may be slow to look after it."""
    holder = Holder("here", sleeper.pid, started(sleeper.pid))
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert holder.is_gone(this_process())
    sleeper.wait()
    assert holder.is_gone(this_process())


def test_another_process_under_the_same_id_is_not_the_holder():
    """Process ids are used again: the start tells them apart."""
    assert dead().pid == os.getpid()
    assert dead().is_gone(this_process())


@pytest.mark.parametrize(
    "holder",
    [
        NOWHERE,
        replace(NOWHERE, host="here"),
        replace(dead(), host="elsewhere"),
        replace(dead(), started=""),
        replace(dead(), started="other-boot/" + dead().started.partition("/")[2]),
        replace(dead(), started=dead().started.replace("pid:[", "pid:[9")),
    ],
    ids=["other machine", "same name elsewhere", "other name", "start not known", "other boot", "other container"],
)
def test_a_process_of_which_nothing_is_known_is_not_called_dead(holder):
    """C5: another machine's or container's process may be alive under an id that is free here."""
    assert not holder.is_gone(this_process())


def test_where_starts_are_not_known_nobody_is_called_dead():
    """Without /proc and psutil only the lease's end counts."""
    assert not dead().is_gone(replace(this_process(), started=""))


def test_without_proc_psutil_is_asked_if_it_is_there(monkeypatch):
    """Elsewhere than on Linux the start comes from psutil, or is not known."""

    class Psutil:
        STATUS_ZOMBIE = "zombie"
        NoSuchProcess = LookupError

        class Process:
            def __init__(self, pid):
                if pid != 7:
                    raise LookupError

            def status(self):
                return "running"

            def create_time(self):
                return 12.5

        @staticmethod
        def boot_time():
            return 3.0

    monkeypatch.setattr(leases.importlib, "import_module", lambda _name: Psutil)
    assert leases._started_by_psutil(7) == "3.0/psutil/12.5"
    assert leases._started_by_psutil(8) == ""

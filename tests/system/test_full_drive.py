"""The state directory on a small drive that is really full: a tmpfs in a mount namespace of the test's own, gone with it (C4).

Needs util-linux's `unshare` and the right to make namespaces; where that is not given, the test says so and is skipped.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess

import pytest

from hikkoshi.exit_codes import ExitCode
from tests.command.calls import PROGRAM, environment
from tests.faults.stack import CATEGORY, case, house

__all__ = ["case", "house"]
pytestmark = [pytest.mark.server, pytest.mark.system]

OBJECTS = 400
SCRIPT = """
mount -t tmpfs -o size=64m tmpfs "$1/state"
cp -a "$1/kept/." "$1/state/"
used=$(du -sk "$1/state" | cut -f1)
mount -o remount,size=$((used + 160))k "$1/state"
"$2" run "$3" --json --config "$1/migration.yaml" >"$1/full.json" 2>"$1/full.txt"
echo $? >"$1/full.code"
cp -a "$1/state/." "$1/kept/"
"""


@pytest.fixture
def namespace() -> str:
    """Return the program that gives a process mounts of its own, or skip where that is not allowed."""
    unshare = shutil.which("unshare")
    tried = unshare and subprocess.run([unshare, "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], check=False, capture_output=True)
    if not unshare or tried.returncode:
        pytest.skip("left out: no right to mount a small drive in a namespace of one's own (unshare -rm)")
    return unshare


async def test_a_drive_that_fills_up_stops_the_run_by_name_and_the_next_goes_on(case, namespace):
    """C4: ENOSPC: exit 3, "no space", and which file; where there is room the same command finishes, nothing lost or doubled."""
    case.transfer = {"intent_objects": 4, "concurrency": 4, "shard_objects": 50}
    await case.house.seed(case.bucket, ((f"{number:03}", f"{number:03}".encode() * 100) for number in range(OBJECTS)))
    async with case.context():
        pass
    folder = case.folder
    (folder / "state").rename(folder / "kept")
    (folder / "state").mkdir()
    command = [namespace, "-rm", "sh", "-u", "-c", SCRIPT, "sh", str(folder), PROGRAM, CATEGORY]
    await asyncio.to_thread(subprocess.run, command, env=environment(), check=True, timeout=120)
    assert int((folder / "full.code").read_text()) == ExitCode.STOPPED, (folder / "full.txt").read_text()
    error = json.loads((folder / "full.json").read_text())["error"]
    assert (error["kind"], error["title"]) == ("NoSpace", "no space")
    assert f"{folder}/state/ledger.db" in error["message"]
    assert "make room" in error["message"]
    assert 0 < len(case.listed("japan")) < OBJECTS
    (folder / "state").rmdir()
    (folder / "kept").rename(folder / "state")
    stopped = await case.last_run()
    summary = await case.run()
    assert summary.run_id == stopped.id
    case.assert_reconciled(summary, objects=OBJECTS)
    assert set(case.versions().values()) == {1}

"""A process that holds payload leaves none of it behind when it dies."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from connectors.private_process import FILTER

SHOWS = (
    "import os, resource\n"
    "print(resource.getrlimit(resource.RLIMIT_CORE), 'SSLKEYLOGFILE' in os.environ)\n"
    "print(int(open('/proc/self/coredump_filter').read(), 16))\n"
)
ENTERS = {
    "private": "from connectors.private_process import leave_nothing_behind; leave_nothing_behind()\n",
    "command": "from hikkoshi import command\ntry:\n    command.main(['--version'])\nexcept SystemExit:\n    pass\n",
    "control": "",
}


@pytest.mark.skipif(not FILTER.exists(), reason="this system has no such switch")
@pytest.mark.parametrize("door", ENTERS)
def test_a_process_that_holds_payload_dumps_nothing(door, tmp_path):
    """Core files are off, for good; what a collector of the system would get holds no memory; TLS session keys go nowhere."""
    inherited = "import resource; resource.setrlimit(resource.RLIMIT_CORE, (4096, resource.getrlimit(resource.RLIMIT_CORE)[1]))\n"
    inherits = "" if door != "control" else inherited
    out = subprocess.run(
        [sys.executable, "-c", inherits + ENTERS[door] + SHOWS],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "SSLKEYLOGFILE": str(tmp_path / "keys")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout.splitlines()[-2:]
    bare = out == ["(0, 0) False", "0"]
    assert bare == (door != "control"), out

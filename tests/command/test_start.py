"""What a plain call loads: every start pays for it, also that of a run over nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hikkoshi.exit_codes import ExitCode
from tests.command.calls import TIMEOUT_S, Called, environment
from tests.faults.stack import CATEGORY

pytestmark = pytest.mark.server

FEATURES = {
    *("aiohttp", "alembic", "boto3", "botocore", "duckdb", "fastapi", "h11", "http.client", "minio", "prefect", "requests"),
    *("rich.console", "sqlalchemy.orm", "urllib.request", "urllib3"),
}
"""What only some calls need: the second wire, the schema's changes, the control plane, flows, a display."""
SCRIPT = """
import sys
from hikkoshi.command import main
try:
    main()
finally:
    print("\\nLOADED:", *sorted(sys.modules), file=sys.stderr)
"""


def loaded(*arguments: object) -> tuple[Called, set[str]]:
    """Call the command and return how it ended and every module that it had loaded by then."""
    command = [sys.executable, "-c", SCRIPT, *map(str, arguments)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    said, _, modules = done.stderr.rpartition("\nLOADED: ")
    return Called(done.returncode, done.stdout, said), set(modules.split())


async def test_a_run_and_a_status_load_nothing_that_they_do_not_need(case, monkeypatch):
    """A run of one object, probed before, starts without the libraries of other features; so does a status."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    case.put("a", b"a")
    async with case.context():
        pass
    for arguments in (("run", CATEGORY), ("status",)):
        done, modules = loaded(*arguments, "--json", "--config", case.config)
        assert done.code == ExitCode.DONE, done.err
        assert modules & FEATURES == set(), arguments
        assert {"hikkoshi.command", "sqlalchemy"} <= modules  # the list is a list


def test_control_what_a_call_does_need_is_seen(case):
    """Control: a call that asks the servers about their buckets is seen to load more."""
    _, modules = loaded("check", "--config", case.config)
    assert modules & FEATURES

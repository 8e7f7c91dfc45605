"""`up` starts what does not run, `down` ends what `up` started, and neither touches anything else."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hikkoshi.local import down, status, up
from hikkoshi.local.listening import HOST, answers
from hikkoshi.local.process import Process, began, is_alive
from hikkoshi.local.state import Server, load, save
from relocation.rules.errors import Refusal

pytestmark = pytest.mark.server
LOOPBACK_V4, LOOPBACK_V6 = "0100007F", "00000000000000000000000001000000"


def nothing(line: str) -> None:
    """Say nothing."""


@pytest.fixture
def root(tmp_path):
    """An empty project folder, whose servers end with the test."""
    yield tmp_path
    down(tmp_path, nothing)


@pytest.fixture
def bare(monkeypatch):
    """Servers without buckets and users, for claims about processes: making 13 users takes as long as starting both servers."""
    monkeypatch.setattr("hikkoshi.local.servers.furnish", lambda *_, **__: None)


def pids(state) -> dict[str, int]:
    return {server.name: server.process.pid for server in state.servers}


def test_a_second_up_finds_the_first(root):
    """Nothing is started twice, and secrets, ports and configuration stay as they are."""
    first = up(root, nothing, prefect=False)
    files = {file: file.read_bytes() for file in (first.credentials, first.owners, first.configuration)}
    second = up(root, nothing, prefect=False)
    assert pids(second) == pids(first)
    assert {file: file.read_bytes() for file in files} == files
    assert status(root) == second


def test_two_ups_at_once_start_one_pair_of_servers(root):
    """The second waits for the first one's servers."""
    found = []
    threads = [threading.Thread(target=lambda: found.append(up(root, nothing, prefect=False))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pids(found[0]) == pids(found[1])


def test_up_starts_again_only_what_has_died(root, bare):
    """A killed server comes back on its own port with its data; the other is not disturbed."""
    first = up(root, nothing, prefect=False)
    korea = first.server("korea")
    os.kill(korea.process.pid, signal.SIGKILL)
    second = up(root, nothing, prefect=False)
    assert second.server("japan") == first.server("japan")
    assert second.server("korea").port == korea.port
    assert second.server("korea").process != korea.process


def test_a_server_that_an_interrupted_up_did_not_write_down_is_ended_first(root, bare):
    """Two servers on one data folder would be two truths."""
    first = up(root, nothing, prefect=False)
    lost = first.server("korea").process
    save(first.having(Server("korea", first.server("korea").port)))
    second = up(root, nothing, prefect=False)
    assert not is_alive(lost)
    assert second.server("korea").running


def test_taken_ports_are_stepped_over(root, monkeypatch):
    """Somebody else's server on the first port is left alone, and ours takes the next."""
    with socket.create_server((HOST, 0)) as other:
        taken = other.getsockname()[1]
        monkeypatch.setattr("hikkoshi.local.servers.FIRST_PORT", {"korea": taken, "japan": taken + 50, "prefect": 0})
        state = up(root, nothing, prefect=False)
        assert state.server("korea").port > taken
        assert f"{HOST}:{state.server('korea').port}" in state.configuration.read_text()


def test_servers_listen_on_loopback_alone(root, bare):
    """No other machine can reach them."""
    state = up(root, nothing, prefect=False)
    for server in state.servers:
        addresses = {each.rpartition(":")[0] for each in listening() if each.endswith(f":{server.port:04X}")}
        assert LOOPBACK_V4 in addresses <= {LOOPBACK_V4, LOOPBACK_V6}


def listening() -> list[str]:
    """Return ADDRESS:PORT of every listening socket of this machine, as the kernel writes them (proc_net(5))."""
    lines = [line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()[1:]]
    return [fields[1] for fields in lines if fields[3] == "0A"]


def test_state_is_for_its_owner_alone(root, bare):
    """Secrets and data lie under `var/`, which nobody else may enter, and no configuration names the owners' keys."""
    state = up(root, nothing, prefect=False)
    assert state.var.stat().st_mode & 0o777 == 0o700
    for file in (state.credentials, state.owners, state.var / "local.json"):
        assert file.stat().st_mode & 0o777 == 0o600
    assert state.owners.name not in state.configuration.read_text()
    assert state.keys("korea", "root").secret not in state.credentials.read_text()


def test_a_server_that_dies_at_start_shows_the_end_of_its_log(root, bare):
    """The error names the server and says in the server's own words why."""
    data = root / "var" / "minio" / "korea"
    data.mkdir(parents=True)
    (data / ".minio.sys").write_text("a file where MinIO keeps a folder")
    with pytest.raises(Refusal, match=r"(?s)korea died at start; the end of its log .*korea\.log.*\n  .*minio\.sys"):
        up(root, nothing, prefect=False)


def test_a_server_that_does_not_answer_is_named(root, monkeypatch, bare):
    """A server that runs and is silent is an error too, after a bounded time."""
    first = up(root, nothing, prefect=False)
    monkeypatch.setattr("hikkoshi.local.servers.START_TIMEOUT_S", 0.5)
    japan = first.server("japan").process.pid
    os.kill(japan, signal.SIGSTOP)
    try:
        with pytest.raises(Refusal, match="japan does not answer"):
            up(root, nothing, prefect=False)
    finally:
        os.kill(japan, signal.SIGCONT)


def test_down_ends_what_up_started_and_nothing_else(root, bare):
    """A stranger whose id stands in a stale record goes on; ours are gone, their data and secrets stay."""
    state = up(root, nothing, prefect=False)
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        save(load(root).having(Server("worker", 0, Process(stranger.pid, "another boot:1"))))
        down(root, nothing)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
    for server in state.servers:
        assert began(server.process.pid) == ""
        assert not answers(server.port, "/minio/health/live")
    assert (state.var / "minio" / "korea" / ".minio.sys").exists()
    assert state.credentials.exists()
    assert not any(server.running for server in status(root).servers)


def test_down_where_nothing_was_started_makes_nothing(tmp_path):
    """An empty folder stays empty."""
    said = []
    down(tmp_path, said.append)
    assert list(tmp_path.iterdir()) == []
    assert said == ["nothing was started here"]

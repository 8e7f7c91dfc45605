"""Ports that are taken are stepped over, and a server that is gone is not waited for."""

from __future__ import annotations

import socket
import time
from contextlib import closing

import pytest

from hikkoshi.local import listening
from hikkoshi.local.listening import HOST, claim_port, is_free, wait_until
from relocation.rules.errors import Refusal


@pytest.fixture
def taken():
    """Somebody else's server on a port of loopback."""
    with socket.create_server((HOST, 0)) as server:
        yield server.getsockname()[1]


def test_a_taken_port_is_stepped_over(taken):
    """The search goes upward from the first port, and ends on one where a server can listen."""
    assert not is_free(taken)
    with closing(claim_port(taken)) as found:
        assert found.port > taken
        with socket.create_server((HOST, found.port)):
            pass


def test_a_port_that_is_taken_on_all_addresses_is_taken():
    """A server that listens everywhere would answer in our place."""
    with socket.create_server(("0.0.0.0", 0)) as server:
        assert not is_free(server.getsockname()[1])


def test_the_port_of_the_last_time_is_taken_again(taken):
    """A server keeps its address over a restart, unless somebody took it meanwhile."""
    with closing(claim_port(taken)) as found:
        free = found.port
    with closing(claim_port(taken, preferred=free)) as found:
        assert found.port == free
    with closing(claim_port(free, preferred=taken)) as found:
        assert found.port == free


def test_two_that_look_at_once_never_get_the_same_port(taken):
    """What one has claimed is not free for the other, though nothing listens there yet; let go, it is."""
    with closing(claim_port(taken)) as first:
        assert is_free(first.port)
        with closing(claim_port(first.port)) as second:
            assert second.port > first.port
        port = first.port
    with closing(claim_port(port)) as again:
        assert again.port == port


def test_a_hundred_taken_ports_are_an_error(monkeypatch):
    """The search is bounded, and says what it looked at."""
    monkeypatch.setattr(listening, "is_free", lambda port: False)
    with pytest.raises(Refusal, match=r"9100 to 9199"):
        claim_port(9100)


def test_a_server_that_is_gone_is_not_waited_for():
    """The end of the process ends the wait at once, not its timeout."""
    begun = time.monotonic()
    assert not wait_until(lambda: False, lambda: False, timeout_s=60)
    assert time.monotonic() - begun < 5


def test_an_answer_from_somebody_else_does_not_count():
    """Where our own process has died, whoever answers on the port is not ours."""
    alive = iter([True, False])
    assert not wait_until(lambda: True, lambda: next(alive), timeout_s=60)

"""Find ports on loopback, stepping over those that are taken, and wait until a server answers on one."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from connectors.wire.address import tls_context
from relocation.rules.errors import Refusal

HOST = "127.0.0.1"
POLL_S = 0.1
STEPS = 100


@dataclass(frozen=True, slots=True)
class Claim:
    """A port that is ours until `close`: no other claim gets it, though nothing listens there yet."""

    port: int
    held: socket.socket

    def close(self) -> None:
        self.held.close()


def claim_port(first: int, *, preferred: int = 0) -> Claim:
    """Claim `preferred` if nobody listens there, else the first free port from `first` upward. `Refusal` after 100 taken ones.

    Between our looking at a port and our server's listening there, another `up` on this machine would find the same port free,
    and each could take the other's server for its own. So the UDP port of that number, which no server here uses, is held.
    """
    candidates = range(first, first + STEPS)
    for port in [preferred, *candidates] if preferred else candidates:
        held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            held.bind((HOST, port))
        except OSError:
            held.close()
            continue
        if is_free(port):
            return Claim(port, held)
        held.close()
    raise Refusal(f"the ports {first} to {first + STEPS - 1} of {HOST} are all taken; end what holds them, and start again")


def is_free(port: int) -> bool:
    """Return whether a server could listen on that port of loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as asking:
        asking.settimeout(1)
        if asking.connect_ex((HOST, port)) == 0:  # somebody on all addresses: some systems would still let us bind
            return False
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as binding:
        binding.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            binding.bind((HOST, port))
        except OSError:
            return False
    return True


def answers(port: int, path: str, *, ca_file: Path | None = None) -> bool:
    """Return whether a GET of that path is answered with 200 (no proxy is asked); with `ca_file` over TLS."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    if ca_file is not None:
        connection = http.client.HTTPSConnection(HOST, port, timeout=5, context=tls_context(ca_file))
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_until(ready: Callable[[], bool], alive: Callable[[], bool], *, timeout_s: float) -> bool:
    """Return whether `ready` came true before the process was gone or the time was over."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and alive():
        if ready():
            return alive()  # what answers could be somebody else, who took the port before us
        time.sleep(POLL_S)
    return False

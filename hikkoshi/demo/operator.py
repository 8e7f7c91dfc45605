"""An operator at the Prefect UI, without the UI: the same requests that a click on "Run" sends."""

from __future__ import annotations

import json
import secrets
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

from relocation.rules.errors import Unreachable

POLL_S = 0.5
TIMEOUT_S = 120.0
ATTEMPTS_MAX = 10
PAUSE_S = 1.0
AGAIN = frozenset({429, 500, 502, 503})
ENDED = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})


@dataclass(frozen=True, slots=True)
class FlowRun:
    """A flow run as it ended: its id, the state's name, and what the state says."""

    id: str
    state: str
    message: str


def run_wave(prefect_url: str, category: str, wave: str) -> FlowRun:
    """Start the wave's deployment with dry run switched off, and wait until it has ended (or `TIMEOUT_S` are over)."""
    deployment = _ask(f"{prefect_url}/api/deployments/name/wave/wave-{category}")
    order = {"parameters": {"wave": wave, "dry_run": False}, "idempotency_key": secrets.token_hex(8)}
    run = _ask(f"{prefect_url}/api/deployments/{deployment['id']}/create_flow_run", order)
    deadline_s = time.monotonic() + TIMEOUT_S
    while True:
        found = _ask(f"{prefect_url}/api/flow_runs/{run['id']}")
        state = found["state"]
        if state["type"] in ENDED or time.monotonic() > deadline_s:
            return FlowRun(str(run["id"]), str(state["name"]), str(state["message"] or ""))
        time.sleep(POLL_S)


def _ask(url: str, body: object = None) -> dict[str, dict[str, str]]:
    """Ask Prefect's API, no proxy between; once more where its database is busy (503). `Unreachable` where it does not answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})  # noqa: S310 — our own server's address
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for left in reversed(range(ATTEMPTS_MAX)):
        try:
            with opener.open(request, timeout=30) as answer:
                found: dict[str, dict[str, str]] = json.load(answer)
                return found
        except (OSError, ValueError) as error:
            if not left or (isinstance(error, urllib.error.HTTPError) and error.code not in AGAIN):
                raise Unreachable(f"Prefect does not answer as it should: {url}: {error}") from error
            time.sleep(PAUSE_S)
    raise AssertionError("the last attempt returns or raises")

"""A Prefect server and one process worker of our own, as programs; this module never imports Prefect.

Its home, database and profiles lie under `var/prefect`, and no `PREFECT_…` of the user's environment gets through, so that the
user's own profile is neither read nor changed. Telemetry and promotional content are off, and the operators' pages ask no other
host (`pages.py`).
"""

from __future__ import annotations

import datetime
import http.client
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from hikkoshi.local.listening import HOST
from hikkoshi.local.pages import make_pages
from hikkoshi.local.state import LocalState, Server

POOL = "hikkoshi"
WORKER = "hikkoshi-local"
QUIET: Mapping[str, str] = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_SERVER_UI_V2_ENABLED": "true",
}
QUERY_S = 2
"""How often the worker asks for runs: with Prefect's own 10 s a click seems to do nothing."""


def server_command(port: int) -> list[str]:
    """Return the program of the server."""
    return [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)]


def worker_command() -> list[str]:
    """Return the program of the worker, which makes its work pool if there is none."""
    return [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process", "--name", WORKER]


def prefect_environment(state: LocalState) -> dict[str, str]:
    """Return the environment for every program that talks to this project's Prefect: server, worker, `python -m flows.deploy`."""
    home = state.var / "prefect"
    server = state.server("prefect")
    ours = {
        **QUIET,
        "HIKKOSHI_CONFIG": str(state.configuration),
        "PREFECT_HOME": str(home),
        "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home / 'prefect.db'}",
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(home / "pages"),
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",  # a mis-set program fails, and never writes to a database of its own
        "PREFECT_CLIENT_MAX_RETRIES": "8",
        "PREFECT_WORKER_QUERY_SECONDS": str(QUERY_S),
        "PREFECT_CLI_PROMPT": "false",
        "PREFECT_CLI_COLORS": "false",
    }
    if server is not None:
        ours["PREFECT_API_URL"] = f"{server.url}/api"
        ours["PREFECT_UI_URL"] = server.url
    return {**outside_environment(), **ours}


def outside_environment() -> dict[str, str]:
    """Return the user's environment without what leads our programs astray: other Prefects and MinIOs, proxies for loopback."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MINIO_", "HIKKOSHI_"))}
    without_proxy = ",".join(filter(None, (kept.get("NO_PROXY", kept.get("no_proxy", "")), HOST, "localhost")))
    return {**kept, "NO_PROXY": without_proxy, "no_proxy": without_proxy}


def worker_is_online(server: Server, since: datetime.datetime) -> bool:
    """Return whether our worker has reported to the server after that time (one of an earlier day may still count as online)."""
    workers = _ask(server.port, f"/api/work_pools/{POOL}/workers/filter")
    if not isinstance(workers, list):
        return False
    return any(
        worker["name"] == WORKER and datetime.datetime.fromisoformat(worker["last_heartbeat_time"]) >= since
        for worker in workers
        if isinstance(worker, Mapping) and worker.get("last_heartbeat_time")
    )


def _ask(port: int, path: str) -> object:
    """POST an empty question to Prefect's API; none if there is no answer to it."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("POST", path, body="{}", headers={"content-type": "application/json"})
        answer = connection.getresponse()
        body = answer.read()
        return json.loads(body) if answer.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


def make_home(state: LocalState) -> Path:
    """Make Prefect's home with its pages. Its programs run there too: no `prefect.toml` or `.env` of another folder is read."""
    home = state.var / "prefect"
    home.mkdir(parents=True, exist_ok=True)
    make_pages(home / "pages")
    return home

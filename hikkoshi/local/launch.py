"""How each server of this machine is started: its program, environment, folder and first port."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from hikkoshi.local.configuration import REGIONS
from hikkoshi.local.listening import HOST
from hikkoshi.local.prefect import make_home, outside_environment, prefect_environment, server_command, worker_command
from hikkoshi.local.state import SITES, Keys, LocalState, Server

FIRST_PORT: Mapping[str, int] = {"korea": 9100, "japan": 9200, "prefect": 4200}
HEALTH: Mapping[str, str] = {"korea": "/minio/health/live", "japan": "/minio/health/live", "prefect": "/api/health"}


@dataclasses.dataclass(frozen=True, slots=True)
class Launch:
    """What to run, with which environment and in which folder."""

    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path


def launch(state: LocalState, server: Server, binary: Path, owner: Keys | None) -> Launch:
    """Return how to start this server; `owner` is the MinIO's own user."""
    if server.name in SITES and owner is not None:
        return _minio(state, server, binary, owner)
    command = server_command(server.port) if server.name == "prefect" else worker_command()
    return Launch(command, prefect_environment(state), make_home(state))


def _minio(state: LocalState, server: Server, binary: Path, owner: Keys) -> Launch:
    data = state.var / "minio" / server.name
    data.mkdir(parents=True, exist_ok=True)
    environment = {
        **outside_environment(),
        "HOME": str(state.var / "minio"),  # it makes a folder of settings in the user's, whatever it is told
        "MINIO_ROOT_USER": owner.access,
        "MINIO_ROOT_PASSWORD": owner.secret,
        "MINIO_SITE_REGION": REGIONS[server.name],
        "MINIO_BROWSER": "off",
        "MINIO_UPDATE": "off",
    }
    options = ["--address", f"{HOST}:{server.port}", "--certs-dir", str(state.var / "minio" / "certs"), "--quiet"]
    return Launch([str(binary), "server", *options, str(data)], environment, state.var / "minio")

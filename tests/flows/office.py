"""An operator's office for tests: all four servers of `hikkoshi local`, a seeded Korea, every deployment; and Prefect over HTTP.

Prefect is asked over its HTTP API as any client would, never by its SDK: a test must not share the settings of what it tests.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import boto3
import httpx
from botocore.config import Config

from connectors.clock import SystemClock
from connectors.configuration.reader import read
from connectors.ledger.store import SqlLedger
from hikkoshi.local import LocalState, down, prefect_environment, up
from hikkoshi.local.configuration import REGIONS
from relocation.rules.records import RunRecord

PROJECT = Path(__file__).resolve().parents[2]
FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
POLL_S = 0.2
PREFECT_S = 90
"""Longer than Prefect's server waits for its own database (`PRAGMA busy_timeout`, 60 s): by then it has answered, if only 503."""
T = TypeVar("T")


class Patient(httpx.HTTPTransport):
    """Ask again where Prefect says 503: its SQLite is locked for a moment, and nothing was done (prefect#10188)."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        for _ in range(20):
            response = super().handle_request(request)
            if response.status_code != 503:
                break
            response.read()
            time.sleep(0.5)
        return response


@dataclass(frozen=True, slots=True)
class Ended:
    """A flow run that came to its end."""

    id: str
    name: str
    type: str
    state: str
    message: str


@dataclass
class Office:
    """The servers of one folder, with what an operator does there."""

    root: Path
    state: LocalState
    deploy_cpu_s: float = 0.0
    api: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.api = httpx.Client(base_url=f"{self.state.url('prefect')}/api", timeout=PREFECT_S, transport=Patient())

    def deploy(self, *arguments: str, config: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run `python -m flows.deploy` as the command does."""
        command = [sys.executable, "-m", "flows.deploy", "--config", str(config or self.state.configuration), *arguments]
        environment = prefect_environment(self.state)
        return subprocess.run(command, env=environment, cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False)

    def deployment(self, name: str) -> dict[str, Any]:
        """Return a deployment by its name (without the flow's)."""
        found = self.deployments(name)
        assert len(found) == 1, f"{name}: {len(found)} deployments"
        return found[0]

    def deployments(self, *names: str) -> list[dict[str, Any]]:
        """Return the deployments of these names, or all."""
        wanted = {"deployments": {"name": {"any_": list(names)}}} if names else {}
        return self.api.post("/deployments/filter", json={**wanted, "limit": 200}).raise_for_status().json()

    def start(self, deployment: str, *, config: Path | None = None, **parameters: object) -> str:
        """Start a run as the form's Submit does; return its id. `config`: with another configuration than the deployed one."""
        response = self.submit(deployment, config=config, **parameters)
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    def submit(self, deployment: str, *, config: Path | None = None, **parameters: object) -> httpx.Response:
        """Submit the form and return the server's answer."""
        body: dict[str, object] = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
        if config is not None:
            body["job_variables"] = {"env": {"HIKKOSHI_CONFIG": str(config)}}
        return self.api.post(f"/deployments/{self.deployment(deployment)['id']}/create_flow_run", json=body)

    def end_of(self, run_id: str, *, timeout_s: float = 90) -> Ended:
        """Wait until a run has ended."""
        run = until(lambda: (found := self.run(run_id))["state_type"] in FINAL and found, timeout_s=timeout_s)
        return Ended(run_id, run["name"], run["state_type"], run["state_name"], run["state"]["message"] or "")

    def run(self, run_id: str) -> dict[str, Any]:
        return self.api.get(f"/flow_runs/{run_id}").raise_for_status().json()

    def cancel(self, run_id: str) -> None:
        """Do what the Cancel button does."""
        state = {"type": "CANCELLING", "name": "Cancelling"}
        self.api.post(f"/flow_runs/{run_id}/set_state", json={"state": state}).raise_for_status()

    def logs(self, run_id: str) -> list[str]:
        """Return what a run said. Prefect sends the last of it as the process leaves, after the run's final state."""
        until(lambda: not self.processes_of(run_id), timeout_s=30)
        wanted = {"logs": {"flow_run_id": {"any_": [run_id]}}, "limit": 200, "sort": "TIMESTAMP_ASC"}
        return [each["message"] for each in self.api.post("/logs/filter", json=wanted).raise_for_status().json()]

    def artifacts(self, run_id: str) -> dict[str, dict[str, Any]]:
        """Return the artifacts of a run by key."""
        wanted = {"artifacts": {"flow_run_id": {"any_": [run_id]}}}
        return {each["key"]: each for each in self.api.post("/artifacts/filter", json=wanted).raise_for_status().json()}

    def task_runs(self, run_id: str) -> dict[str, str]:
        """Return the name → state of a run's tasks."""
        wanted = {"flow_runs": {"id": {"any_": [run_id]}}}
        return {
            each["name"]: each["state_name"] for each in self.api.post("/task_runs/filter", json=wanted).raise_for_status().json()
        }

    def processes_of(self, run_id: str) -> list[int]:
        """Return the ids of the processes that carry a flow run out."""
        mark = f"PREFECT__FLOW_RUN_ID={run_id}".encode()
        found = []
        for folder in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if folder.name.isdigit() and mark in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
        return found

    def stop_prefect(self) -> None:
        """Kill Prefect's server, and nothing else."""
        server = self.state.server("prefect")
        assert server is not None
        assert server.process is not None
        os.kill(server.process.pid, signal.SIGKILL)

    def start_prefect(self) -> None:
        """Start Prefect's server again, on its port."""
        self.state = up(self.root, nothing)

    def variant(self, name: str, *changes: tuple[str, str]) -> Path:
        """Write the configuration with pieces of its text replaced; it shares the ledger and the vault."""
        text = self.state.configuration.read_text("utf-8")
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        file = self.state.configuration.with_name(f"{name}.yaml")
        file.write_text(text, "utf-8")
        return file

    def slow(self, name: str, korea_url: str) -> Path:
        """Write the configuration with Korea behind a proxy, and few objects at once."""
        limits = "transfer: {concurrency: 4, intent_objects: 16}\ncategories:\n"
        return self.variant(name, (self.state.url("korea"), korea_url), ("categories:\n", limits))

    @contextlib.asynccontextmanager
    async def ledger(self):
        """Open the ledger beside the runs that use it."""
        migration = read(self.state.configuration, os.environ)
        opened = await SqlLedger.open(
            migration.ledger, migration=migration.migration, clock=SystemClock(), host=socket.gethostname()
        )
        try:
            yield opened
        finally:
            await opened.close()

    async def recorded(self, category: str) -> tuple[RunRecord, ...]:
        """Return what the ledger says of a category's runs (no dry runs), the newest first."""
        async with self.ledger() as ledger:
            return tuple(run for run in await ledger.list_runs(category=category) if run.kind != "plan")

    def client(self, site: str):
        """Return boto3's client with the owner's keys."""
        keys = self.state.keys(site, "root")
        return boto3.client(
            "s3",
            endpoint_url=self.state.url(site),
            region_name=REGIONS[site],
            aws_access_key_id=keys.access,
            aws_secret_access_key=keys.secret,
            config=Config(s3={"addressing_style": "path"}, proxies={}),
        )

    def seed(self, bucket: str, *keys: str, site: str = "korea", body: bytes = b"bytes of a user") -> None:
        client = self.client(site)
        for key in keys:
            client.put_object(Bucket=bucket, Key=key, Body=body)

    def keys(self, site: str, bucket: str, prefix: str = "") -> set[str]:
        """Return what boto3 lists. Tests of other categories leave theirs in the same bucket."""
        pages = self.client(site).get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return {each["Key"] for page in pages for each in page.get("Contents", ())}


@contextlib.contextmanager
def office(root: Path) -> Iterator[Office]:
    """All four servers in a folder, and every deployment; ended afterwards."""
    try:
        opened = Office(root, up(root, nothing))
        before = os.times()
        done = opened.deploy()
        after = os.times()
        opened.deploy_cpu_s = sum(getattr(after, what) - getattr(before, what) for what in ("children_user", "children_system"))
        assert done.returncode == 0, done.stderr
        yield opened
        opened.api.close()
    finally:
        down(root, nothing)


def until(found: Callable[[], T | bool | None], *, timeout_s: float = 60) -> T:
    """Ask again and again until there is an answer; fail after a while."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if answer := found():
            return answer  # type: ignore[return-value]
        time.sleep(POLL_S)
    raise AssertionError(f"not within {timeout_s} s")


def nothing(line: str) -> None:
    """Say nothing."""

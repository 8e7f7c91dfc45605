"""`python -m flows.deploy --config FILE [--activate]`: register one deployment for each category and flow with
Prefect's server, and those that are there once.

Guarantees: doing it again changes nothing but what the configuration changed, and puts right what somebody else changed; a schedule
that somebody switched on or off stays so, a new one is off; what is in the configuration no more (a wave's schedule, a category's
deployments) is taken away, its runs stay.
Refuses names that another migration has taken. Needs `PREFECT_API_URL`; never starts a server of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import DeploymentCreate, DeploymentScheduleCreate, WorkPoolCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound

from connectors.configuration.reader import VARIABLE, find, read
from flows.orders import FLOWS, MARK, WIDE, Order, Wide, tag_of
from relocation.rules.errors import ConfigurationError, HikkoshiError, StateMismatch, Unreachable
from relocation.settings import Migration

POOL = "hikkoshi"
PROJECT = Path(__file__).resolve().parents[1]
PAGE = 200
SERVER_TIMEOUT_S = 10.0
COMPARED = (
    *("name", "flow_id", "version", "parameters", "description", "work_pool_name", "tags", "path", "entrypoint", "pull_steps"),
    *("parameter_openapi_schema", "enforce_parameter_schema", "job_variables", "concurrency_limit"),
)
"""The fields by which a deployment is known to be as it should be."""


@dataclass(frozen=True, slots=True)
class Registered:
    """One deployment as it stands now. `schedules` are (slug, whether it is active)."""

    name: str
    schedules: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Deployed:
    """What a deployment of a migration came to."""

    registered: tuple[Registered, ...]
    removed: tuple[str, ...]


async def deploy(migration: Migration, *, activate: bool) -> Deployed:
    """Register everything, over one client.

    Raises Unreachable without a server, StateMismatch where a name is another migration's.
    """
    await _look_for_server()
    async with get_client() as client:
        await _make_pool(client)
        there = {each.name: each for each in await _ours(client)}
        _refuse_strangers(migration, there)
        registered = []
        for what in FLOWS:
            for category in migration.categories:
                before = there.pop(f"{what}-{category}", None)
                registered.append(await _register(client, Order(what, category, migration, before, activate)))
        for what in WIDE:
            before = there.pop(f"{what}-{migration.migration}", None)
            registered.append(await _register(client, Wide(what, migration, before, activate)))
        gone = [each for each in there.values() if tag_of(migration) in each.tags]
        for each in gone:
            await client.delete_deployment(each.id)
    return Deployed(tuple(registered), tuple(each.name for each in gone))


async def _register(client: PrefectClient, order: Order | Wide) -> Registered:
    # No concurrency limit of Prefect's: the ledger's lease holds one run a wave, and losing Prefect's would end a healthy run.
    wanted = DeploymentCreate(
        flow_id=await client.create_flow_from_name(order.flow_name),
        name=order.name,
        schedules=order.schedules(),
        parameters=order.parameters(),
        description=order.description(),
        tags=order.tags(),
        entrypoint=order.entrypoint,
        parameter_openapi_schema=order.schema(),
        **_everywhere(order.migration),
    )
    await _bring_up_to_date(client, wanted, order.before)
    return Registered(order.name, tuple((str(each.slug), each.active is True) for each in wanted.schedules))


def _everywhere(migration: Migration) -> dict[str, Any]:
    """Return what is the same for every deployment of a migration: Prefect's fields by name."""
    return {
        "version": metadata.version("hikkoshi"),
        "work_pool_name": POOL,
        "path": str(PROJECT),
        "pull_steps": [{"prefect.deployments.steps.set_working_directory": {"directory": str(PROJECT)}}],
        "enforce_parameter_schema": True,
        "job_variables": _how_to_run(migration),
    }


async def _bring_up_to_date(client: PrefectClient, wanted: DeploymentCreate, before: DeploymentResponse | None) -> None:
    """Register a deployment that is not there, or not as it should be: each one costs Prefect's server a tenth of a second."""
    if before is None or not _is_as(wanted, before):
        await client.create_deployment(**{name: getattr(wanted, name) for name in wanted.model_fields_set})


def _is_as(wanted: DeploymentCreate, before: DeploymentResponse) -> bool:
    """Return whether all that we decide about a deployment is as it should be. What an operator may add is not ours."""
    if any(getattr(before, name) != getattr(wanted, name) for name in COMPARED):
        return False
    return "schedules" not in wanted.model_fields_set or _plain(wanted.schedules) == _plain(before.schedules)


def _plain(schedules: Iterable[DeploymentScheduleCreate | DeploymentSchedule]) -> list[object]:
    """Return what can be compared of schedules, in an order of its own."""
    shown = [each.model_dump(include={"slug", "schedule", "active", "parameters"}) for each in schedules]
    return sorted(shown, key=repr)


def _how_to_run(migration: Migration) -> dict[str, object]:
    """Return how a worker starts a run: here, with this Python, at once.

    Without a command of ours it would start a second Python beforehand, only to find the folder that we know.
    """
    return {
        "env": {VARIABLE: str(migration.file)},
        "working_dir": str(PROJECT),
        "command": shlex.join([sys.executable, "-m", "prefect.engine"]),
    }


async def _look_for_server() -> None:
    """Ask once whether a server is there: Prefect's own client would go on asking for minutes."""
    address = os.environ.get("PREFECT_API_URL", "")
    if not address:
        raise Unreachable(
            "PREFECT_API_URL is not set; start the servers with `hikkoshi local up` and use `hikkoshi deploy`, which sets it"
        )
    try:
        async with httpx.AsyncClient(timeout=SERVER_TIMEOUT_S) as client:
            answer = await client.get(f"{address.rstrip('/')}/health")
    except httpx.HTTPError as error:
        raise Unreachable(f"no Prefect server answers at {address} ({error}); start it with `hikkoshi local up`") from error
    if answer.status_code != httpx.codes.OK:
        raise Unreachable(
            f"{address}/health answers {answer.status_code}: PREFECT_API_URL has to end with the `/api` of a Prefect server"
        )


async def _make_pool(client: PrefectClient) -> None:
    try:
        pool = await client.read_work_pool(POOL)
    except ObjectNotFound:
        await client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
        return
    if pool.type != "process":
        raise StateMismatch(
            f"Prefect's work pool `{POOL}` is of type `{pool.type}`; flows need a `process` pool: rename or delete that one"
        )


async def _ours(client: PrefectClient) -> list[DeploymentResponse]:
    """Return every deployment that bears our mark, of any migration."""
    wanted = DeploymentFilter(tags=DeploymentFilterTags(all_=[MARK]))
    found: list[DeploymentResponse] = []
    while page := await client.read_deployments(deployment_filter=wanted, limit=PAGE, offset=len(found)):
        found += page
    return found


def _refuse_strangers(migration: Migration, there: Mapping[str, DeploymentResponse]) -> None:
    names = [f"{what}-{category}" for what in FLOWS for category in migration.categories]
    taken = [name for name in names if name in there and tag_of(migration) not in there[name].tags]
    if taken:
        raise StateMismatch(
            f"another migration has deployments of these names on this Prefect server: {', '.join(taken)}; "
            "use a Prefect server for each migration, or rename the categories"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Deploy, and say what was registered. Returns 0; 2 for a configuration that is wrong; 3 without a server."""
    parser = argparse.ArgumentParser(prog="python -m flows.deploy", description="Register deployments with Prefect's server.")
    parser.add_argument("--config", type=Path, help=f"the configuration; else what {VARIABLE} names, else config/local.yaml")
    parser.add_argument("--activate", action="store_true", help="switch the waves' schedules on")
    given = parser.parse_args(arguments)
    try:
        migration = read(find(given.config, os.environ, Path.cwd()), os.environ)
        done = asyncio.run(deploy(migration, activate=given.activate))
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    except HikkoshiError as error:
        print(error, file=sys.stderr)
        return 3
    print("\n".join(_told(done)))
    return 0


def _told(done: Deployed) -> Iterator[str]:
    yield f"registered: {len(done.registered)} deployments"
    for each in done.registered:
        schedules = [f"{slug} {'ON' if active else 'off'}" for slug, active in each.schedules]
        yield f"  {each.name}" + (f"  (schedules: {', '.join(schedules)})" if schedules else "")
    if done.removed:
        yield f"taken away, because the configuration has them no more: {', '.join(done.removed)}"
    off = sum(not active for each in done.registered for _, active in each.schedules)
    if off:
        yield f"{off} {'schedule is' if off == 1 else 'schedules are'} off: `hikkoshi deploy --activate` switches all on"


if __name__ == "__main__":
    sys.exit(main())

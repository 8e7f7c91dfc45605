"""What is registered with Prefect's server: each deployment's name, form, page, tags and schedules, by the configuration. Pure.

Guarantees: a schedule that somebody switched on or off stays so, a new one is off; none raises a write fence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule

from flows.descriptions import PACE, RESIDENCY, description
from flows.forms import AS_A_RULE, Form, Json, evidence_of, nothing_to_fill_in, pace_schema
from relocation.settings import Migration, Schedule

MARK = "hikkoshi"
"""The tag of everything that is registered here."""

FLOWS = {
    "dry-run": ("dry-run", "flows/dry_run.py:dry_run"),
    "wave": ("wave", "flows/wave.py:wave"),
    "verify": ("verify-only", "flows/verify_only.py:verify_only"),
    "catch-up": ("catch-up", "flows/catch_up.py:catch_up"),
}
"""What a deployment's name begins with → the flow's name, and where the worker finds it. One for each category."""

WIDE = {
    "pace": ("pace", "flows/pace.py:pace"),
    "residency": ("residency", "flows/residency.py:residency"),
}
"""The same of those that a migration has once."""

EACH_MORNING = Schedule(cron="0 7 * * *")
"""When the residency page is made anew, once somebody switches that on."""


@dataclass(frozen=True, slots=True)
class Order:
    """One deployment of a category to be registered, and how it stood `before`."""

    what: str
    category: str
    migration: Migration
    before: DeploymentResponse | None
    activate: bool

    @property
    def name(self) -> str:
        return f"{self.what}-{self.category}"

    @property
    def flow_name(self) -> str:
        return FLOWS[self.what][0]

    @property
    def entrypoint(self) -> str:
        return FLOWS[self.what][1]

    def description(self) -> str:
        """Return what its page says."""
        return description(self.what, self.category, self.migration)

    def schema(self) -> dict[str, Any]:
        """Return its form, as Prefect takes it."""
        return dict(self._form().schema())

    def parameters(self) -> dict[str, Any]:
        """Return what its form is filled in with."""
        return dict(self._form().parameters())

    def schedules(self) -> list[DeploymentScheduleCreate]:
        """Return the schedules of the category's waves, each off unless it is to be, or was, switched on."""
        return [_scheduled(self, slug, schedule, given) for slug, schedule, given in self._wanted()]

    def tags(self) -> list[str]:
        """Return what operators can filter by."""
        ends = [(move.source.endpoint, move.target.endpoint) for move in self.migration.categories[self.category].moves]
        countries = self.migration.endpoints
        ways = [f"{countries[source].country}-to-{countries[target].country}" for source, target in ends]
        return list(dict.fromkeys([MARK, tag_of(self.migration), f"category:{self.category}", *ways]))

    def _form(self) -> Form:
        category = self.migration.categories[self.category]
        evidence = evidence_of(self.migration)
        return Form(self.category, category, dry_run=self.what == "wave", evidence=evidence, catches_up=self.what == "catch-up")

    def _wanted(self) -> Iterator[tuple[str, Schedule, dict[str, Json]]]:
        """Yield each schedule's slug, its time, and the parameters that it starts with."""
        for wave in self.migration.categories[self.category].all_waves():
            if self.what == "wave" and wave.schedule:
                yield wave.name, wave.schedule, {"wave": wave.name, "dry_run": False}
            if self.what == "catch-up" and wave.catch_up_schedule:
                yield wave.name, wave.catch_up_schedule, {"wave": wave.name, **AS_A_RULE}


@dataclass(frozen=True, slots=True)
class Wide:
    """One deployment that the whole migration has once, and how it stood `before`."""

    what: str
    migration: Migration
    before: DeploymentResponse | None
    activate: bool

    @property
    def name(self) -> str:
        return f"{self.what}-{self.migration.migration}"

    @property
    def flow_name(self) -> str:
        return WIDE[self.what][0]

    @property
    def entrypoint(self) -> str:
        return WIDE[self.what][1]

    def description(self) -> str:
        """Return what its page says."""
        return {"pace": PACE, "residency": RESIDENCY}[self.what]

    def schema(self) -> dict[str, Any]:
        """Return its form, as Prefect takes it."""
        return dict(pace_schema(list(self.migration.endpoints)) if self.what == "pace" else nothing_to_fill_in())

    def parameters(self) -> dict[str, Any]:
        """Return what its form is filled in with: nothing."""
        return {}

    def schedules(self) -> list[DeploymentScheduleCreate]:
        """Return when it runs by itself, off unless it is to be, or was, switched on."""
        if self.what != "residency":
            return []
        morning = EACH_MORNING.model_copy(update={"timezone": self.migration.timezone})
        return [_scheduled(self, "each-morning", morning, {})]

    def tags(self) -> list[str]:
        """Return what operators can filter by."""
        return [MARK, tag_of(self.migration)]


def tag_of(migration: Migration) -> str:
    """Return the tag of everything of one migration."""
    return f"migration:{migration.migration}"


def _scheduled(order: Order | Wide, slug: str, schedule: Schedule, given: dict[str, Json]) -> DeploymentScheduleCreate:
    was_active = {each.slug: each.active for each in order.before.schedules} if order.before else {}
    return DeploymentScheduleCreate(
        schedule=CronSchedule(cron=schedule.cron, timezone=schedule.timezone),
        active=order.activate or was_active.get(slug, False),
        slug=slug,
        parameters=given,
    )

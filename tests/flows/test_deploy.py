"""Deployments: what is registered, what stays when it is done again, what goes. On a real Prefect server."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from hikkoshi.local import prefect_environment
from tests.flows.office import PROJECT, until

pytestmark = pytest.mark.server

FLOWS = ("dry-run", "wave", "verify", "catch-up")
CATEGORIES = ("talk-images", "talk-videos", "files", "albums", "notes", "timeline", "official-accounts", "pay")


def active(office, name: str) -> dict[str, bool]:
    return {each["slug"]: each["active"] for each in office.deployment(name)["schedules"]}


def test_every_category_has_a_deployment_of_each_flow(office):
    """32 deployments for half a minute of CPU at most, each with tags to filter by and a page that says what it never does."""
    names = {f"{flow}-{category}" for flow in FLOWS for category in CATEGORIES}
    assert {each["name"] for each in office.deployments()} == names | {"pace-korea-to-japan", "residency-korea-to-japan"}
    assert 0 < office.deploy_cpu_s < 30
    wave = office.deployment("wave-talk-images")
    assert set(wave["tags"]) == {"hikkoshi", "migration:korea-to-japan", "category:talk-images", "KR-to-JP"}
    assert wave["work_pool_name"] == "hikkoshi"
    assert wave["entrypoint"] == "flows/wave.py:wave"
    assert "It never" in wave["description"]
    assert "deletes anything" in wave["description"]
    assert "korea/talk/images/" in wave["description"]
    assert wave["enforce_parameter_schema"] is True
    assert wave["concurrency_limit"] is None
    assert office.deployment("catch-up-pay")["parameters"] == {
        "category": "pay",
        "wave": "all",
        "fence": False,
        "passes_max": 10,
        "until_objects": 0,
        "changed": "",
    }
    assert active(office, "residency-korea-to-japan") == {"each-morning": False}


def test_what_is_as_it_should_be_is_not_registered_again(office):
    """Deployed again, nothing is written; what somebody changed by hand is put right, and that alone."""
    before = {each["name"]: each["updated"] for each in office.deployments()}
    assert office.deploy().returncode == 0
    assert {each["name"]: each["updated"] for each in office.deployments()} == before
    identity, said = (office.deployment("wave-pay")[name] for name in ("id", "description"))
    office.api.patch(f"/deployments/{identity}", json={"description": "deletes nothing?"}).raise_for_status()
    assert office.deploy().returncode == 0
    assert office.deployment("wave-pay")["description"] == said
    after = {each["name"]: each["updated"] for each in office.deployments()}
    assert {name for name, when in after.items() if when != before[name]} == {"wave-pay"}


def test_a_wave_starts_by_schedule_only_after_it_was_switched_on(office):
    """Registered off, switched on by `--activate`; what somebody switched stays so when it is deployed again."""
    assert active(office, "wave-talk-images") == {"first": False}
    schedule = office.deployment("wave-talk-images")["schedules"][0]
    assert schedule["schedule"]["cron"] == "0 1 * * *"
    assert schedule["schedule"]["timezone"] == "Asia/Tokyo"
    assert schedule["parameters"] == {"wave": "first", "dry_run": False}
    done = office.deploy("--activate")
    assert "first ON" in done.stdout, done.stderr
    assert active(office, "wave-talk-images") == {"first": True}
    office.deploy()
    assert active(office, "wave-talk-images") == {"first": True}
    identity = office.deployment("wave-talk-images")
    address = f"/deployments/{identity['id']}/schedules/{identity['schedules'][0]['id']}"
    office.api.patch(address, json={"active": False}).raise_for_status()
    done = office.deploy()
    assert "first off" in done.stdout
    assert active(office, "wave-talk-images") == {"first": False}


@pytest.mark.long
def test_a_scheduled_wave_starts_by_itself(office):
    """A wave whose time has come is moved with nobody there; its schedule goes when the configuration has it no more."""
    office.seed("timeline", "2020/post")
    waves = "    owner: timeline-team\n    waves:\n      - {name: minutely, schedule: {cron: '* * * * *'}}"
    config = office.variant("scheduled", ("    owner: timeline-team", waves))
    office.deploy("--activate", config=config)
    try:
        wanted = {
            "flow_runs": {
                "deployment_id": {"any_": [office.deployment("wave-timeline")["id"]]},
                "state": {"type": {"any_": ["COMPLETED"]}},
            }
        }
        runs = until(lambda: office.api.post("/flow_runs/filter", json=wanted).raise_for_status().json(), timeout_s=110)
    finally:
        done = office.deploy()
    assert runs[0]["auto_scheduled"] is True
    assert runs[0]["parameters"] == {"category": "timeline", "wave": "minutely", "dry_run": False}
    assert office.keys("japan", "timeline", "2020/") == {"2020/post"}
    assert done.returncode == 0
    assert active(office, "wave-timeline") == {}


@pytest.mark.long
def test_a_category_that_is_gone_takes_its_deployments_along(office):
    """Nobody can start what the configuration does not have; everything else stays as it is."""
    text = office.state.configuration.read_text()
    without = office.variant("without", (text[text.index("  pay:\n") :], ""))
    before = {each["name"]: each["id"] for each in office.deployments()}
    done = office.deploy(config=without)
    assert "taken away" in done.stdout
    after = {each["name"]: each["id"] for each in office.deployments()}
    assert set(before) - set(after) == {f"{flow}-pay" for flow in FLOWS}
    assert all(before[name] == identity for name, identity in after.items())
    assert office.deploy().returncode == 0


def test_another_migration_does_not_take_deployments_over(office):
    """A second migration on the same Prefect server that has categories of the same names is refused, and changes nothing."""
    before = office.deployment("wave-pay")["updated"]
    other = office.variant("other", ("migration: korea-to-japan", "migration: elsewhere"))
    done = office.deploy(config=other)
    assert done.returncode == 3
    assert "another migration has deployments of these names" in done.stderr
    assert office.deployment("wave-pay")["updated"] == before


def test_without_a_server_it_says_so_at_once(office):
    """No address, an address where nobody is, an address that is no Prefect: each in words, none with a traceback."""
    environment = prefect_environment(office.state)
    command = [sys.executable, "-m", "flows.deploy", "--config", str(office.state.configuration)]
    for address, words in (
        ("", "PREFECT_API_URL is not set"),
        ("http://127.0.0.1:9/api", "no Prefect server answers"),
        (office.state.url("korea"), "has to end with the `/api`"),
    ):
        changed = {**environment, "PREFECT_API_URL": address}
        done = subprocess.run(command, env=changed, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 3
        assert words in done.stderr
        assert "Traceback" not in done.stderr
    wrong = [*command[:-1], os.devnull]
    assert subprocess.run(wrong, env=environment, cwd=PROJECT, capture_output=True, timeout=60, check=False).returncode == 2

"""`docker-compose.yml` holds to the Compose Specification, holds no secret, and says the same as `hikkoshi local up`."""

from __future__ import annotations

import copy
import importlib.util
import json
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import jsonschema
import pytest
import yaml

from hikkoshi.local.configuration import REGIONS
from hikkoshi.local.minio import VERSION
from hikkoshi.local.prefect import POOL, QUIET

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text("utf-8")
DOCUMENT = yaml.safe_load(TEXT)
SERVICES = DOCUMENT["services"]
SCHEMA = json.loads((ROOT / "tests/data/compose-spec.json").read_text("utf-8"))
ONE_SHOT = {"init", "deploy"}
REQUIRED = re.compile(r"\$\{([A-Z_]+):\?[^}]+\}")


@cache
def validator():
    """Return what holds a document to the specification, whose own schema is one."""
    kind = jsonschema.validators.validator_for(SCHEMA)
    kind.check_schema(SCHEMA)
    return kind(SCHEMA)


def problems(document: dict) -> list[str]:
    """Return what the specification's schema finds wrong."""
    return [f"{'.'.join(map(str, error.path))}: {error.message}" for error in validator().iter_errors(document)]


def test_the_file_holds_to_the_specification():
    """The schema of the Compose Specification finds nothing wrong."""
    assert problems(DOCUMENT) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("helthcheck", {}), ("ports", "9100:9000"), ("depends_on", {"korea": {"condition": "healthy"}}), ("image", 7)],
)
def test_a_mistake_is_seen_by_the_schema(name, value):
    """Negative control: a misspelt name, a wrong type or a condition that there is not is found."""
    broken = copy.deepcopy(DOCUMENT)
    broken["services"]["korea"][name] = value
    assert any(problem.startswith("services.korea") for problem in problems(broken))


def test_all_services_that_the_work_needs_are_there():
    """Two MinIO, PostgreSQL, Prefect's server, a worker, and what furnishes and registers."""
    assert set(SERVICES) == {"korea", "japan", "postgres", "prefect", "worker"} | ONE_SHOT


def test_no_secret_stands_in_the_file():
    """Every password is a variable that must be given, in every place where one is used."""
    secrets = set()
    for service in SERVICES.values():
        for name, value in service["environment"].items():
            if "PASSWORD" in name or "SECRET" in name:
                assert REQUIRED.fullmatch(value)
                secrets.add(REQUIRED.fullmatch(value)[1])
            for credential in re.findall(r"//[^/@:]+:([^@]+)@", value):
                assert REQUIRED.fullmatch(credential)
    assert secrets == {"KOREA_ROOT_PASSWORD", "JAPAN_ROOT_PASSWORD", "POSTGRES_PASSWORD"}


def test_only_the_furnishing_service_has_the_owners_keys_of_the_stores():
    """The worker, which runs the stages, can't act as a store's owner."""
    holders = {
        name for name, service in SERVICES.items() if any("ROOT_PASSWORD" in variable for variable in service["environment"])
    }
    assert holders == {"korea", "japan", "init"}


def test_ports_are_published_on_loopback_alone():
    """No other machine reaches the servers."""
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 3
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_server_has_a_health_check_and_whoever_needs_it_waits_for_it():
    """Nothing begins before what it talks to is healthy, or has done its work."""
    for name, service in SERVICES.items():
        assert ("healthcheck" in service) is (name not in ONE_SHOT)
        for other, how in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
            assert how == {"condition": wanted}
            assert other in SERVICES


def test_data_lies_in_named_volumes():
    """Every mount is a volume that the file declares, and each declared one is used."""
    used = [mount.split(":")[0] for service in SERVICES.values() for mount in service.get("volumes", [])]
    assert set(used) == set(DOCUMENT["volumes"])


def test_minio_is_the_pinned_version_in_its_country():
    """The image builds what `hikkoshi local up` builds, and each server says its own region."""
    assert f"MINIO_VERSION={VERSION}\n" in (ROOT / "docker/minio/Dockerfile").read_text("utf-8")
    for site, region in REGIONS.items():
        assert SERVICES[site]["image"].endswith(VERSION)
        assert SERVICES[site]["environment"]["MINIO_SITE_REGION"] == region


def test_prefect_is_as_quiet_as_on_this_machine():
    """Telemetry, promotional content and the pages that ask other hosts are off here too."""
    for name in ("prefect", "worker", "deploy"):
        assert dict(QUIET).items() <= SERVICES[name]["environment"].items()
    assert SERVICES["worker"]["command"][5:7] == ["--pool", POOL]
    assert "postgresql+asyncpg://" in SERVICES["prefect"]["environment"]["PREFECT_SERVER_DATABASE_CONNECTION_URL"]


def test_what_is_built_and_run_is_there():
    """Dockerfiles, what they copy, and the modules that the services run exist; no image runs as root."""
    for service in SERVICES.values():
        if "build" not in service:
            continue
        context = ROOT / service["build"]["context"]
        dockerfile = (context / service["build"].get("dockerfile", "Dockerfile")).read_text("utf-8")
        assert re.search(r"^USER 10001$", dockerfile, re.MULTILINE)
        for line in re.findall(r"^COPY (?!--from)(.*)$", dockerfile, re.MULTILINE):
            assert all((context / name).exists() for name in line.split()[:-1])
    for name in ("init", "prefect", "worker"):
        assert SERVICES[name]["command"][:2] == ["python", "-m"]
        assert importlib.util.find_spec(SERVICES[name]["command"][2])


def test_make_env_writes_every_variable_once_and_for_its_owner_alone(tmp_path):
    """The script gives each required variable a secret of its own, and does not overwrite what is there."""
    (tmp_path / "docker").mkdir()
    script = tmp_path / "docker" / "make-env"
    shutil.copy(ROOT / "docker/make-env", script)
    subprocess.run([script], check=True, capture_output=True)
    written = dict(line.split("=") for line in (tmp_path / ".env").read_text().splitlines())
    assert set(written) == set(REQUIRED.findall(TEXT))
    assert len({*written.values()}) == len(written)
    assert all(re.fullmatch("[0-9a-f]{48}", value) for value in written.values())
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    assert subprocess.run([script], check=False, capture_output=True).returncode == 1

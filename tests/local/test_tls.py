"""TLS to real servers: both wires, a whole run, bounded memory, and nobody else's certificate (N15, N17, I9)."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import uvloop
import yaml

from connectors.clock import SystemClock
from connectors.configuration import read
from connectors.s3.control import Control
from connectors.stores import S3Stores
from connectors.wire import LeanWire, LibraryWire
from hikkoshi.local import down, up
from hikkoshi.local.listening import answers
from relocation.rules.errors import Refusal, Untrusted

pytestmark = pytest.mark.server

MIB = 1024 * 1024
PARTS, PART_BYTES = 6, 16 * MIB
BUDGET_BYTES = 32 * MIB
RSS_BYTES_MAX = BUDGET_BYTES + 170_000_000
RUN = "import sys; from hikkoshi import command\ntry:\n command.main(sys.argv[1:])\nfinally:\n"
RUN += " print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0], file=sys.stderr)"
"""The peak of this program's own memory: `ru_maxrss` would count the process that started it."""


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """Both MinIO with a certificate of their folder's own authority."""
    root = tmp_path_factory.mktemp("secure")
    try:
        yield up(root, lambda _line: None, prefect=False, tls=True)
    finally:
        down(root, lambda _line: None)


def test_the_pair_speaks_tls_and_nothing_else(house):
    """Every address is https, the configuration names the authority, plain http is not answered, a second `up` keeps all that."""
    assert all(house.url(site).startswith("https://127.0.0.1:") for site in ("korea", "japan"))
    settings = read(house.configuration, {})
    assert {endpoint.ca_file for endpoint in settings.endpoints.values()} == {house.ca_file}
    port = house.server("korea").port
    assert answers(port, "/minio/health/live", ca_file=house.ca_file)
    assert not answers(port, "/minio/health/live")
    again = up(house.root, lambda _line: None, prefect=False)
    assert again.servers == house.servers


@pytest.mark.parametrize("kind", [LeanWire, LibraryWire], ids=["lean", "library"])
async def test_a_real_server_is_trusted_by_its_authority_alone(house, kind):
    """N15: the same MinIO is talked to with the authority's file, and refused without it."""
    trusting, strange = kind(house.url("korea"), ca_file=house.ca_file), kind(house.url("korea"))
    assert (await trusting.request("GET", "/minio/health/live", [("host", trusting.host)])).status == 200
    with pytest.raises(Untrusted):
        await strange.request("GET", "/minio/health/live", [("host", strange.host)])
    await trusting.close()
    await strange.close()


def test_boto3_trusts_by_the_same_rule_and_follows_no_region(house):
    """N17: the control plane signs for one region; a server of another says no, and boto3 does not go looking."""
    keys = house.keys("korea", "root")
    names = {"access_key": keys.access, "secret_key": keys.secret, "ca_file": house.ca_file}
    home = Control(house.url("korea"), region="ap-northeast-2", **names)
    home.make_bucket("control")
    home.close()
    strange = Control(house.url("korea"), region="eu-west-1", **names)
    sent: list[str] = []
    strange._client.meta.events.register("before-send.s3", lambda request, **_: sent.append(request.url))
    with pytest.raises(Exception, match=r"AuthorizationHeaderMalformed|region"):
        strange.set_versioning("control", "Enabled")
    strange.close()
    assert len(sent) == 1


@pytest.fixture(scope="module")
def migration(house) -> Path:
    """A migration of one bucket with a few large objects and many small ones, its memory bounded tightly."""
    settings = read(house.configuration, dict(os.environ))
    stores = S3Stores(settings, dict(os.environ), SystemClock())
    store = stores.of("korea", "application")
    body = random.Random(1).randbytes(PART_BYTES)

    async def seed() -> None:
        for number in range(2):
            upload = await store.create_upload("albums", f"large/{number}", checksum=False)
            parts = [await store.put_part("albums", f"large/{number}", upload, part, body) for part in range(1, PARTS + 1)]
            await store.complete_upload("albums", f"large/{number}", upload, parts)
        for number in range(60):
            await store.put("albums", f"small/{number:03}", body[: number * 100])
        await stores.close()

    uvloop.run(seed())
    text = yaml.safe_load(house.configuration.read_text())
    text["transfer"] = {"budget_bytes": BUDGET_BYTES}
    file = house.configuration.with_name("secure.yaml")
    file.write_text(yaml.safe_dump(text))
    subprocess.run([sys.executable, "-c", RUN, "probe", "--config", str(file)], capture_output=True, timeout=200, check=True)
    return file


def run(file: Path, **changes) -> tuple[dict, int]:
    """Run the command over a configuration with some of its values changed; return its document, and its peak memory in bytes."""
    text = {**yaml.safe_load(file.read_text()), **changes}
    changed = file.with_name("changed.yaml")
    changed.write_text(yaml.safe_dump(text))
    done = subprocess.run(
        [sys.executable, "-c", RUN, "run", "albums", "--json", "--config", str(changed)],
        cwd=Path(__file__).parents[2],
        env={name: value for name, value in os.environ.items() if not name.startswith("HIKKOSHI_")},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    return json.loads(done.stdout), int(done.stderr.split()[-1]) * 1024


def test_a_run_over_tls_is_whole_and_its_memory_bounded(migration):
    """I9: 192 MiB in parts, copied and read back over TLS with 32 MiB in flight: all verified, and no more than budget + 170 MB."""
    document, rss_bytes = run(migration)
    assert document["outcomes"]["verified"] == {"objects": 62, "bytes": 2 * PARTS * PART_BYTES + sum(n * 100 for n in range(60))}
    assert rss_bytes <= RSS_BYTES_MAX
    assert not [text for text in document["unknown"] if "country of the machine" in text]


def test_a_certificate_of_somebody_else_stops_the_run(migration, tmp_path, house):
    """N15: with another authority's file no object is asked for; the run stops at once, says what is wrong, and ends with 3."""
    endpoints = yaml.safe_load(migration.read_text())["endpoints"]
    other = up_other_authority(tmp_path)
    document, _ = run(migration, endpoints={name: {**each, "ca_file": str(other)} for name, each in endpoints.items()})
    assert document["exit_code"] == 3
    assert document["error"]["kind"] == "Untrusted"
    assert "comes from an authority that is not trusted here" in document["error"]["message"]


def up_other_authority(folder: Path) -> Path:
    from hikkoshi.local.certificates import make_certificates

    make_certificates(folder / "ca.pem", folder / "certs")
    return folder / "ca.pem"


def test_who_says_no_country_has_a_standing_unknown(migration):
    """The country of the machine through which all bytes passed is known, or said not to be."""
    document, _ = run(migration, worker={})
    assert [text for text in document["unknown"] if "country of the machine" in text]


def test_plain_servers_are_not_taken_for_secure_ones(tmp_path, monkeypatch, house):
    """`up` with TLS refuses a folder whose servers run without; they are not ended behind their user's back."""
    from hikkoshi.local import servers
    from hikkoshi.local.state import save

    state = dataclasses.replace(house, root=tmp_path, servers=tuple(dataclasses.replace(each, tls=False) for each in house.servers))
    (tmp_path / "var").mkdir(mode=0o700)
    save(state)
    with pytest.raises(Refusal, match="run without TLS"):
        servers.up(tmp_path, lambda _line: None, prefect=False, tls=True)
    assert all(server.running for server in house.servers)

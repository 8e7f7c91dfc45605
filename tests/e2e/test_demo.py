"""The demo, from nothing to its last line, in a folder of its own; then what it left behind, looked at by boto3 alone."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from hikkoshi.demo.independent import listing
from hikkoshi.demo.story import wipe
from hikkoshi.local import LocalState, status
from hikkoshi.local.configuration import REGIONS
from relocation.rules.errors import Refusal
from tests.command.calls import PROGRAM, environment

pytestmark = [pytest.mark.server, pytest.mark.timeout(900)]

PLACES = (("talk", "images/"), ("talk", "videos/"), ("files", ""), ("albums", ""))
KEPT = (
    "ContentType",
    "ContentEncoding",
    "ContentDisposition",
    "ContentLanguage",
    "CacheControl",
    "Metadata",
    "ETag",
    "ContentLength",
)


@dataclass(frozen=True, slots=True)
class Told:
    """What the demo printed, its exit code, and the servers that it left up."""

    code: int
    out: str
    err: str
    root: Path
    state: LocalState


def hikkoshi(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *arguments],
        env={**environment(), "HIKKOSHI_HOME": str(root)},
        cwd=root,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """The demo, told once; its servers are ended when the tests are over, as `make down` does."""
    root = tmp_path_factory.mktemp("demo")
    try:
        done = hikkoshi(root, "demo")
        yield Told(done.returncode, done.stdout, done.stderr, root, status(root))
    finally:
        hikkoshi(root, "local", "down")


def test_the_demo_ends_as_told(told):
    """Exit 0, every claim holds, each chapter is there: the move, somebody else's look, nothing written twice, both accidents."""
    assert told.code == 0, told.out + told.err
    assert "✗" not in told.out
    for claim in (
        r"2,\d{3} objects, 3\d\d\.\d MiB, put there",
        r"sticker-shop is in no category",
        r"talk-images: 1,800 objects, .* every one read back",
        r"the same\s+keys, sizes and ETags",
        r"the proxies saw [\d,]+ reads and 0 writes",
        r"✓ the flipped one came back with other bytes",
        r"✓ the rotten one could not be read",
        r"✓ exit code 1",
        r"✓ wave albums: Completed",
    ):
        assert re.search(claim, told.out), claim
    assert re.search(r"^    Prefect's UI +http://127\.0\.0\.1:\d+$", told.out, re.MULTILINE)
    for page in re.findall(r"/\S+report\.html", told.out):
        assert Path(page).is_file()


def test_everything_is_in_japan_byte_for_byte(told):
    """boto3 reads every object of both countries: bytes, ETag, headers, metadata and tags are equal, and nothing else is there."""
    for bucket, prefix in PLACES:
        korea, japan = (listing(told.state, site, bucket, prefix) for site in ("korea", "japan"))
        assert korea == japan
        assert korea
        with ThreadPoolExecutor(8) as pool:
            for key, sides in zip(korea, pool.map(lambda key, bucket=bucket: both(told.state, bucket, key), korea), strict=True):
                assert sides[0] == sides[1], f"{bucket}/{key}"


def both(state: LocalState, bucket: str, key: str) -> tuple[dict[str, object], ...]:
    return tuple(read(client(state, site), bucket, key) for site in ("korea", "japan"))


def client(state: LocalState, site: str, made={}):  # noqa: B006 — one client for each site
    if site not in made:
        keys = state.keys(site, "auditor")
        config = Config(proxies={}, s3={"addressing_style": "path"}, max_pool_connections=16)
        names = {"aws_access_key_id": keys.access, "aws_secret_access_key": keys.secret, "region_name": REGIONS[site]}
        made[site] = boto3.client("s3", endpoint_url=state.url(site), config=config, **names)
    return made[site]


def read(of, bucket: str, key: str) -> dict[str, object]:
    answer = of.get_object(Bucket=bucket, Key=key)
    with answer["Body"] as body:
        found = {name: answer.get(name) for name in KEPT} | {"sha256": hashlib.sha256(body.read()).hexdigest()}
    if answer.get("TagCount"):
        found["tags"] = sorted((tag["Key"], tag["Value"]) for tag in of.get_object_tagging(Bucket=bucket, Key=key)["TagSet"])
    return found


@pytest.mark.parametrize("category", ["talk-images", "talk-videos", "files", "albums"])
def test_every_etag_can_be_kept(told, category):
    """With `keep_etag: require` nothing of the demo's Korea is refused: every ETag stays."""
    text = told.state.configuration.read_text().replace("    owner:", "    policy: {keep_etag: require}\n    owner:")
    text = text.replace("    policy: {keep_etag: prefer, verify: read_back}\n", "")
    strict = told.state.configuration.with_name("strict.yaml")
    strict.write_text(text)
    done = hikkoshi(told.root, "plan", category, "--json", "--config", str(strict))
    document = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert document["refused"] == []
    assert document["counts"]["keep"] == document["counts"]["listed"]


def test_status_and_report_know_what_was_done(told):
    """The ledger tells how every wave stands, the one that went through Prefect too."""
    document = json.loads(hikkoshi(told.root, "status", "--json").stdout)
    stands = {(wave["category"], wave["wave"]): wave for wave in document["waves"]}
    for name in (("talk-images", "first"), ("talk-images", "rest"), ("talk-videos", "all"), ("files", "all"), ("albums", "all")):
        assert stands[name]["verified"] == stands[name]["listed"]
    assert stands["albums", "all"]["last_run"]["who"].startswith("prefect flow run")
    assert stands["pay", "all"]["last_run"] is None


def test_only_an_own_var_is_wiped(tmp_path):
    """A folder `var/` that somebody else filled is refused by name and left as it is; an own one, and an empty one, go."""
    theirs = tmp_path / "var"
    theirs.mkdir()
    (theirs / "thesis.txt").write_text("do not delete")
    with pytest.raises(Refusal, match="not made by hikkoshi"):
        wipe(tmp_path)
    assert (theirs / "thesis.txt").read_text() == "do not delete"
    (theirs / "local.json").write_text("{}")
    wipe(tmp_path)
    assert not theirs.exists()
    wipe(tmp_path)

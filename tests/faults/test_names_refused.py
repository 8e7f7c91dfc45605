"""Keys that a MinIO target would rename, refuse or hide are refused at the plan, by name, before a byte moves (D14, D25, D26).

The source is moto's server, which holds any key; the target is a real MinIO, probed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import pytest
from botocore.config import Config

from hikkoshi.local.state import Keys, write_profiles
from relocation.rules.names import Names
from tests.faults.stack import Case, behind_proxies, case_of

pytestmark = pytest.mark.server

RENAMED = ("/lead", "x__XLDIR__", "below/y__XLDIR__")
REFUSED_BY_MINIO = ("a//b", "./dot", "part/./dot", "part/../dots", "..", "long/" + "p" * 300)
HIDDEN_TOGETHER = ("foo", "foo/bar", "deep/er", "deep/er/and/deeper")
ORDINARY = ("plain", "foo-bar", "foobar/x", "p/" + "q" * 255, "dir/", "dots/...", "dots/.hidden", "a b", "写真/één.jpg")


@contextmanager
def from_moto(house, moto, folder, **options) -> Iterator[Case]:
    """Make a case whose source is moto's server."""
    config = Config(proxies={}, s3={"addressing_style": "path"}, request_checksum_calculation="when_required")
    client = boto3.client(
        "s3", endpoint_url=moto.url, region_name="us-east-1", config=config, aws_access_key_id="moto", aws_secret_access_key="moto"
    )
    write_profiles(folder / "moto-credentials", {"moto": Keys("moto", "moto")})
    more = {"urls": {"korea": moto.url}, "references": {"korea": "file:moto-credentials#moto"}, "clients": {"korea": client}}
    with case_of(house, folder, **more, **options) as made:
        client.create_bucket(Bucket=made.bucket)
        yield made


@pytest.fixture
def from_any(house, moto, tmp_path) -> Iterator[Case]:
    with from_moto(house, moto, tmp_path) as made:
        yield made


async def test_names_that_the_target_would_spoil_are_refused_by_name_and_the_others_copied(from_any):
    """D26, S6: every key that would be renamed, refused or hidden is named with its reason; nothing is missing without a word."""
    case = from_any
    spoilt = (*RENAMED, *REFUSED_BY_MINIO, *HIDDEN_TOGETHER)
    for key in (*spoilt, *ORDINARY):
        case.put(key, b"" if key.endswith("/") else key.encode())
    assert set(case.listed("korea")) == {*spoilt, *ORDINARY}
    summary = await case.run()
    assert {named.key for named in summary.refused} == set(spoilt)
    assert all(named.reason for named in summary.refused)
    assert set(case.listed("japan")) == set(ORDINARY)
    assert summary.outcomes["verified"].objects == len(ORDINARY)
    assert all(equation.holds for equation in summary.equations)
    assert not summary.failed


async def test_without_the_refusal_a_name_would_be_spoilt_in_silence_or_fail(from_any, monkeypatch):
    """Negative control: it is the plan that keeps these keys away from the target."""
    monkeypatch.setattr(Names, "refuses", lambda *_: None)
    monkeypatch.setattr(Names, "refuses_in_order", lambda *_: {})
    with pytest.raises(AssertionError):
        await test_names_that_the_target_would_spoil_are_refused_by_name_and_the_others_copied(from_any)
    assert "lead" in from_any.listed("japan")  # renamed, as was to be shown
    assert "foo/bar" not in from_any.listed("japan")  # there, and in no listing


async def test_a_hidden_pair_is_refused_also_when_two_waves_part_it(house, moto, tmp_path):
    """`foo` in one wave and `foo/bar` in the other would meet at the target: each wave refuses its half."""
    with from_moto(house, moto, tmp_path, waves=("{name: below, prefixes: [foo/]}", "{name: rest}")) as case:
        for key in ("foo", "foo/bar", "foo-bar", "foo/baz.d"):
            case.put(key, key.encode())
        below, rest = await case.run(wave="below"), await case.run(wave="rest")
        assert {named.key for named in below.refused} == {"foo/bar", "foo/baz.d"}
        assert {named.key for named in rest.refused} == {"foo"}
        assert set(case.listed("japan")) == {"foo-bar"}


async def test_a_hidden_pair_with_a_foreign_key_at_the_target_is_refused(from_any):
    """What somebody else put at the target counts: our key would be hidden below theirs, or theirs below ours."""
    case = from_any
    for key in ("theirs/below", "above", "free"):
        case.put(key, b"ours")
    for key in ("theirs", "above/theirs"):
        case.put(key, b"not ours", site="japan")
    summary = await case.run()
    assert {named.key for named in summary.refused} == {"theirs/below", "above"}
    assert set(case.listed("japan")) == {"theirs", "above/theirs", "free"}
    assert {named.key for named in summary.foreign} == {"theirs", "above/theirs"}


async def test_a_redirect_that_the_target_drops_is_a_declared_loss(from_any):
    """MinIO drops `x-amz-website-redirect-location` without a word: the report says that it is lost, of how many objects (D27)."""
    case = from_any
    case.put("moved", b"see there", WebsiteRedirectLocation="/there", ContentType="text/plain")
    case.put("stays", b"here", ContentType="text/plain")
    summary = await case.run()
    assert dict(summary.losses) == {"x-amz-website-redirect-location": 1}
    assert summary.outcomes["verified"].objects == 2


async def test_of_a_pair_that_is_refused_neither_half_is_written(from_any):
    """Counted at a proxy: the target gets no write for a refused key."""
    case = from_any
    for key in HIDDEN_TOGETHER:
        case.put(key, b"x")
    moto_url = case.urls["korea"]
    async with behind_proxies(case) as (_, japan):
        case.urls["korea"] = moto_url
        summary = await case.run()
        assert case.seen(japan, "PUT", "POST", "DELETE") == []
    assert {named.key for named in summary.refused} == set(HIDDEN_TOGETHER)

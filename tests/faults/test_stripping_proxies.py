"""Behind proxies that take a header away, probe, plan and copy take another safe way (S12, D27): all of it through the proxy."""

from __future__ import annotations

import pytest

from hikkoshi.fault_proxy import Call, Fault, Resign, StripRequestHeader
from relocation.rules.errors import Refusal
from relocation.transfer import write
from tests.faults.stack import MIB, Case, behind_proxies, case_of

pytestmark = pytest.mark.server


@pytest.fixture
def case(house, tmp_path):
    """A case that probes for itself: what stands in between is part of what it sees."""
    with case_of(house, tmp_path, probed=False) as made:
        yield made


def stripping_conditions(case: Case) -> list[Fault]:
    """Return the faults of a gateway that drops If-None-Match and signs what is left: for the target bucket, not for the vault."""
    keys = case.house.state.keys("japan", "root")
    target = f"^/{case.bucket}"
    return [
        Fault(StripRequestHeader("If-None-Match"), target=target),
        Fault(Resign(keys.access, keys.secret), target=target, header="authorization"),
    ]


def seed(case: Case) -> None:
    for number in range(10):
        case.put(f"plain/{number}", bytes([number]) * 200)
    case.put_parts("video", (b"a" * 5 * MIB, b"b" * 9))


async def test_where_if_none_match_is_stripped_a_versioned_target_is_looked_at_first(case):
    """S12: no write without a HEAD before it; what somebody else put there, before the plan or after it, stays untouched."""
    seed(case)
    case.put("plain/3", b"not ours", site="japan")

    async def appear() -> None:
        case.put("plain/7", b"not ours either", site="japan")

    async with behind_proxies(case) as (korea, japan):
        korea.faults = [Fault(Call(appear), method="GET", target="plain/", nth=1)]
        japan.faults = stripping_conditions(case)
        summary = await case.run()
        asked = [each.target for each in case.seen(japan, "HEAD")]
        begun = [each.target.partition("?")[0] for each in case.seen(japan, "PUT", "POST")]
    assert {named.key for named in summary.conflicts} == {"plain/3", "plain/7"}
    assert case.japan.get_object(Bucket=case.bucket, Key="plain/3")["Body"].read() == b"not ours"
    assert case.japan.get_object(Bucket=case.bucket, Key="plain/7")["Body"].read() == b"not ours either"
    assert summary.outcomes["verified"].objects == 9
    assert set(case.versions().values()) == {1}
    assert set(begun) <= set(asked)
    assert len(set(begun)) == 9


async def test_without_looking_first_somebody_elses_object_would_be_covered(case, monkeypatch):
    """Negative control: where the condition is stripped, the HEAD is all that keeps it."""

    async def not_looking(*_, **__) -> None: ...

    monkeypatch.setattr(write, "look_first", not_looking)
    monkeypatch.setattr("relocation.transfer.copy_parts.look_first", not_looking)
    with pytest.raises(AssertionError):
        await test_where_if_none_match_is_stripped_a_versioned_target_is_looked_at_first(case)


async def test_where_if_none_match_is_stripped_an_unversioned_target_is_refused(house, tmp_path):
    """S12: nothing would bring back what a race overwrites: nothing is written, and the way out is named."""
    with case_of(house, tmp_path, probed=False, versioned=False) as case:
        seed(case)
        async with behind_proxies(case) as (_, japan):
            japan.faults = stripping_conditions(case)
            with pytest.raises(Refusal, match="turn on versioning"):
                await case.run()
        assert case.listed("japan") == {}


async def test_where_the_checksum_is_stripped_copies_go_without_it_and_are_never_counted_as_received(case):
    """D27: the proxy does not sign: a request with the header would be refused. So none is sent, and every object is read back."""
    seed(case)
    async with behind_proxies(case) as (_, japan):
        japan.faults = [Fault(StripRequestHeader("x-amz-checksum-crc64nvme"), target=f"^/{case.bucket}")]
        summary = await case.run()
        refused = [each for each in case.seen(japan, "PUT", "POST") if each.status != 200]
    case.assert_reconciled(summary, objects=11)
    assert refused == []
    assert summary.proofs["received"] == 0
    assert summary.proofs["read_back"] == summary.proofs["same_etag"] == 11

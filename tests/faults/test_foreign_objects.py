"""What somebody else put at the target: other bytes are a conflict and stay, the same bytes are proved and kept (I3, D29)."""

from __future__ import annotations

import pytest

from hikkoshi.fault_proxy import Call, Fault
from relocation.transfer import write
from tests.faults.stack import MIB, WRITES, behind_proxies

pytestmark = pytest.mark.server


async def test_other_bytes_of_somebody_else_are_a_conflict_and_stay_untouched(case):
    """Before the plan or after it, whole or in parts: what is not ours is named as a conflict and never overwritten."""
    for key in ("planned", "same-size", "after"):
        case.put(key, b"ours: " + key.encode())
    case.put("free", b"nobody in the way")
    case.put_parts("video", (b"a" * 5 * MIB, b"b" * 9))
    case.put("planned", b"not ours", site="japan")
    case.put("same-size", b"not: " + b"same-size!", site="japan")

    async def appear() -> None:
        case.put("after", b"not ours either", site="japan")
        case.put("video", b"nor is this", site="japan")

    async with behind_proxies(case) as (korea, _):
        korea.faults = [Fault(Call(appear), method="GET", target="/(after|free|video)", nth=1)]
        summary = await case.run()
    assert {named.key for named in summary.conflicts} == {"planned", "same-size", "after", "video"}
    assert set(case.versions().values()) == {1}
    found = {key: case.japan.get_object(Bucket=case.bucket, Key=key)["Body"].read() for key in case.listed("japan")}
    assert found == {
        "planned": b"not ours",
        "same-size": b"not: same-size!",
        "after": b"not ours either",
        "video": b"nor is this",
        "free": b"nobody in the way",
    }
    assert case.uploads() == []
    assert all(equation.holds for equation in summary.equations)


async def test_without_the_condition_somebody_elses_object_would_be_overwritten(case, monkeypatch):
    """Negative control: the condition that every write carries is what keeps it."""
    monkeypatch.setattr(write, "write_conditions", lambda *_, **__: {})
    monkeypatch.setattr("relocation.transfer.copy_parts.write_conditions", lambda *_, **__: {})
    with pytest.raises(AssertionError):
        await test_other_bytes_of_somebody_else_are_a_conflict_and_stay_untouched(case)


async def test_the_same_bytes_of_somebody_else_are_proved_and_kept_without_a_write(case):
    """D29: read on both sides, whatever their part sizes, and from then on kept; nothing is written, now or later."""
    body = bytes(range(256)) * 4 * 1024 * 12
    for site in ("korea", "japan"):
        case.put("empty", b"", site=site)
        case.put("plain", b"the same", site=site)
        case.put("whole here, parts there", body, site=site)
    case.put_parts("parts", (body[: 6 * MIB], body[6 * MIB :]))
    case.put_parts("parts", (body[: 5 * MIB], body[5 * MIB : 11 * MIB], body[11 * MIB :]), site="japan")
    case.put_parts("whole here, parts there", (body[: 5 * MIB], body[5 * MIB :]), site="japan")
    before, versions = case.listed("japan"), case.versions()
    async with behind_proxies(case) as (_, japan):
        proved, kept = await case.run(), await case.run()
        assert case.seen(japan, *WRITES) == []
    assert proved.counts["prove"].objects == proved.outcomes["verified"].objects == 4
    assert proved.proofs["read_back"] == 4
    assert proved.proofs["same_etag"] == 2  # other part sizes, other ETags: the bytes are what counts
    assert kept.counts["keep"].objects == kept.outcomes["verified"].objects == 4
    assert case.listed("japan") == before
    assert case.versions() == versions

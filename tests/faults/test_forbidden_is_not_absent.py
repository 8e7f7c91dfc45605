"""A 403 never says that something is not there: neither at the source, nor at the target after a lost answer (N12)."""

from __future__ import annotations

import pytest

from connectors.s3.store import S3Store
from hikkoshi.fault_proxy import Answer, AnswerAfter, Fault
from relocation.rules.errors import Forbidden, NotFound
from tests.faults.stack import Case, behind_proxies

pytestmark = pytest.mark.server

DENIED = Answer(403, b"<Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>")
DENIED_HEAD = Answer(403, b"", (("x-minio-error-code", "AccessDenied"),))


async def forbid_two(case: Case) -> None:
    """One object may not be read at the source; of another the write's answer is lost, and then it may not be looked at."""
    case.transfer = {"concurrency": 1}
    for number in range(6):
        case.put(f"{number}", bytes([number]) * 99)
    async with behind_proxies(case) as (korea, japan):
        korea.faults = [Fault(DENIED, method="GET", target=f"^/{case.bucket}/1$")]
        japan.faults = [
            Fault(AnswerAfter(), method="PUT", target=f"^/{case.bucket}/4$", nth=1),
            Fault(DENIED_HEAD, method="HEAD", target=f"^/{case.bucket}/4$"),
        ]
        summary = await case.run()
        puts = [each.status for each in case.seen(japan, "PUT") if each.target.endswith("/4")]
    assert {named.key for named in summary.failed} == {"1", "4"}
    assert all("may not" in named.reason for named in summary.failed)
    assert (summary.gone, summary.conflicts, summary.drifted) == ((), (), ())
    assert puts in ([0, 412], [412])
    assert all(equation.holds for equation in summary.equations)


async def test_a_forbidden_object_is_a_failure_by_name_and_never_gone(case):
    """N12: what may not be read is not called gone, what may not be looked at is not written again; both come home later."""
    await forbid_two(case)
    case.assert_reconciled(await case.run(), objects=6)
    assert set(case.versions().values()) == {1}


@pytest.mark.parametrize("method", ["get", "head"])
async def test_where_a_403_were_taken_for_absence_an_object_would_be_given_up(case, monkeypatch, method):
    """Negative control: with 403 read as 404, the source's object is called gone, and our own at the target a conflict."""
    call = getattr(S3Store, method)

    async def mistaken(self, *args, **more):
        try:
            return await call(self, *args, **more)
        except Forbidden as error:
            raise NotFound(str(error)) from error

    monkeypatch.setattr(S3Store, method, mistaken)
    with pytest.raises(AssertionError):
        await forbid_two(case)


async def test_a_forbidden_listing_is_no_empty_one(case):
    """N12: where the source may not be listed, there is no inventory and no plan, and nothing is taken for deleted."""
    case.put("here", b"1")
    case.assert_reconciled(await case.run(), objects=1)
    async with behind_proxies(case) as (korea, japan):
        korea.faults = [Fault(DENIED, method="GET", target="list-type=2")]
        with pytest.raises(Forbidden, match="ListBucket"):
            await case.run()
        assert case.seen(japan, "PUT", "POST", "DELETE") == []
    case.assert_reconciled(await case.run(), objects=1)

"""The vault over the reference store: written once, locked, compared; and faults that are told from refusals."""

from __future__ import annotations

import hashlib

import pytest

from connectors.memory import Behaviour, MemoryService, MemoryStore
from connectors.state import belongs
from connectors.vault import ATTEMPTS_MAX, StoreVault
from relocation.rules.errors import NoSpace, ProtocolError, SlowDown, StateMismatch, Unreachable
from relocation.rules.objects import Written
from tests.unit.ledger_cases import LEASE_S, StillClock, ledger_at, run_of
from tests.unit.vault_claims import CLAIMS, days_until, vault_over


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def service(clock) -> MemoryService:
    service = MemoryService("japan", now=clock.now)
    service.make_bucket("evidence", object_lock=True)
    return service


class Failing:
    """A hook that raises the first few times that a right is asked for."""

    def __init__(self, action: str, error: Exception, times: int) -> None:
        self.action, self.error, self.left, self.seen = action, error, times, 0

    async def __call__(self, call) -> None:
        if call.action == self.action:
            self.seen += 1
            if self.left:
                self.left -= 1
                raise self.error


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.__name__)
async def test_over_the_reference_store(claim, service, clock):
    """The vault's promises, one by one."""
    await claim(MemoryStore(service, "vault"), "evidence", clock)


async def test_every_object_is_locked_for_the_days_of_the_configuration(service, clock):
    """AU-9: a COMPLIANCE retention goes out with the write itself, reckoned from that moment."""
    vault = await vault_over(MemoryStore(service, "vault"), "evidence", clock)
    await vault.put("one", b"1")
    clock.seconds += 3600
    await vault.put("two", b"2")
    kept = [service.buckets["evidence"].latest(f"korea-to-japan/{name}").retain_until for name in ("one", "two")]
    assert [days_until(iso, clock.now()) for iso in kept] == [30 - 1 / 24, 30]


async def test_a_bucket_without_object_lock_is_refused_when_opened(service, clock):
    """Evidence that could be changed is none: the message says how to make the bucket."""
    service.make_bucket("loose", versioning="Enabled")
    with pytest.raises(StateMismatch, match=r"japan/loose has no object lock.*--with-lock"):
        await vault_over(MemoryStore(service, "vault"), "loose", clock)


@pytest.mark.parametrize("error", [SlowDown("slow", retry_after_s=3.0), Unreachable("gone")])
async def test_a_fault_that_passes_is_waited_for(service, clock, error):
    """N9: a few transient faults end in the write; Retry-After is waited for."""
    vault = await vault_over(MemoryStore(service, "vault"), "evidence", clock)
    service.before = Failing("s3:PutObject", error, ATTEMPTS_MAX - 1)
    before = clock.now()
    await vault.put("one", b"1")
    assert service.before.seen == ATTEMPTS_MAX
    assert clock.now() - before > (error.retry_after_s or 0)
    assert await vault.get("one") == b"1"


async def test_a_fault_that_stays_is_let_through_after_a_few_attempts(service, clock):
    """N9: no retry storm: the attempts are counted, and the error is the store's own."""
    vault = await vault_over(MemoryStore(service, "vault"), "evidence", clock)
    service.before = Failing("s3:PutObject", Unreachable("gone"), 1000)
    with pytest.raises(Unreachable, match="gone"):
        await vault.put("one", b"1")
    assert service.before.seen == ATTEMPTS_MAX


async def test_a_refusal_is_not_retried(service, clock):
    """S3: a full drive is told at once."""
    vault = await vault_over(MemoryStore(service, "vault"), "evidence", clock)
    service.before = Failing("s3:PutObject", NoSpace("full"), 1000)
    with pytest.raises(NoSpace):
        await vault.put("one", b"1")
    assert service.before.seen == 1


async def test_a_write_whose_answer_was_lost_is_known_as_ours(service, clock):
    """N10: stored, but the 200 never came: the second attempt is refused by the store, and the bytes tell that they are ours."""
    vault = await vault_over(MemoryStore(service, "vault"), "evidence", clock)
    service.after = Failing("s3:PutObject", Unreachable("the answer was lost"), 1)
    assert await vault.put("one", b"1") == hashlib.sha256(b"1").hexdigest()
    versions = service.buckets["evidence"].keys["korea-to-japan/one"]
    assert len(versions) == 1


async def test_bytes_that_rot_in_the_vault_are_found_by_their_hash(service, clock):
    """N8: bytes that rot in the vault are found by their hash, whatever the store says of them."""
    vault = await vault_over(MemoryStore(service, "vault"), "evidence", clock)
    sha256 = await vault.put("one", b"evidence")
    service.rot("evidence", "korea-to-japan/one")
    with pytest.raises(StateMismatch, match="SHA-256"):
        await vault.get("one", sha256=sha256)


async def test_a_checksum_that_the_store_acknowledged_wrongly_is_refused(service, clock):
    """N8: an answer with another checksum than ours means that other bytes were stored."""

    class Lying(MemoryStore):
        async def put(self, *args, **kwargs) -> Written:
            await super().put(*args, **kwargs)
            return Written("etag", "", "AAAAAAAAAAA=")

    vault = await vault_over(Lying(service, "vault"), "evidence", clock)
    with pytest.raises(StateMismatch, match="checksum"):
        await vault.put("one", b"1")


async def test_a_listing_that_fails_midway_is_no_listing(service, clock):
    """S10: pages that came before a failed one are not an answer."""
    store = MemoryStore(service, "vault")
    vault = await vault_over(store, "evidence", clock)
    for number in range(1001):
        await vault.put(f"runs/{number:05}", b"")
    asked = []

    async def fail_the_second(call) -> None:
        asked.append(call)
        if len(asked) > 1:
            raise ProtocolError("half a page")

    service.before = fail_the_second
    with pytest.raises(ProtocolError):
        await vault.list("runs/")


@pytest.mark.parametrize("name", ["", "/lead", "a//b", "a/", "../a", "a/./b", "写真", "a b", "a\n", "a" * 201])
async def test_a_name_that_a_store_could_change_is_refused(service, clock, name):
    """D26: names in the vault are plain, so that no store renames or hides them."""
    vault = await vault_over(MemoryStore(service, "vault"), "evidence", clock)
    with pytest.raises(ValueError, match="no name for the vault"):
        await vault.put(name, b"")


async def test_an_empty_ledger_beside_a_vault_with_facts_is_refused(service, clock, tmp_path):
    """A ledger that is gone is not begun afresh: its intents alone told which unproved objects are ours."""
    vault = await vault_over(MemoryStore(service, "vault"), "evidence", clock)
    other = await vault_over(MemoryStore(service, "vault"), "evidence", clock, prefix="another-migration")
    async with ledger_at(tmp_path / "l.db", clock) as ledger:
        await belongs(ledger, vault)
        await other.put("runs/run-9/copy/00000-1.parquet", b"facts of others")
        for name in ("plan.json", "plan/00000.parquet", "inventory-source.parquet", "report-plan-0123.html"):
            await vault.put(f"runs/run-1/{name}", b"a dry run")
        await vault.put("probes/korea/talk/2021-06-01T000000Z.json", b"{}")
        await belongs(ledger, vault)
        await vault.put("runs/run-1/copy/00000-1.parquet", b"facts")
        with pytest.raises(StateMismatch, match=r"runs/run-1/copy/00000-1\.parquet.*backup"):
            await belongs(ledger, vault)
        run, lease = await ledger.open_run(run_of(), lease_s=LEASE_S)
        await ledger.close_run(lease, run)
        service.calls.clear()
        await belongs(ledger, vault)
        assert service.calls == []


async def test_a_store_that_does_not_honour_the_condition_is_seen_by_two_versions(clock):
    """S12, negative control: where If-None-Match is ignored, other bytes under a taken name go through, so the probe must ask."""
    service = MemoryService("japan", behaviour=Behaviour(if_none_match="ignored"), now=clock.now)
    service.make_bucket("evidence", object_lock=True)
    vault = await StoreVault.open(MemoryStore(service, "vault"), "evidence", prefix="m", retention_days=1, clock=clock)
    await vault.put("one", b"1")
    await vault.put("one", b"2")
    assert [stored.data for stored in service.buckets["evidence"].keys["m/one"]] == [b"1", b"2"]

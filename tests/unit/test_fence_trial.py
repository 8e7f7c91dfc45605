"""What a fence claims is tried without a trace, whatever the store makes of conditions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.memory.behaviour import Behaviour
from connectors.memory.service import MemoryService
from connectors.memory.store import MemoryStore
from relocation.rules.errors import Refusal
from relocation.rules.fences import FenceRecord
from relocation.stages.fence_trial import gets_through, stays_barred

POLICY = FenceRecord("a1", "korea", "talk", ("a/",), ("talk",), "iam", ("app",))
IGNORES = Behaviour(if_match_on_write="ignored", if_match_on_delete="ignored")


def application(*barred: str, behaviour: Behaviour = IGNORES) -> MemoryStore:
    service = MemoryService("korea", behaviour=behaviour)
    service.make_bucket("talk", versioning="Enabled")
    return MemoryStore(service, "application", forbidden=frozenset(barred))


@pytest.mark.parametrize(
    ("barred", "through"),
    [
        (("s3:PutObject",), "deletions"),
        (("s3:PutObject", "s3:DeleteObject"), "changes of tags"),
        (("s3:PutObject", "s3:DeleteObject", "s3:PutObjectTagging"), ""),
    ],
)
async def test_what_gets_through_is_named_and_leaves_nothing(barred, through):
    """A delete marker that a deletion laid in spite of its condition is taken away; a quota is asked for writes alone."""
    store = application(*barred)
    assert await gets_through(store, POLICY) == through
    assert (await store.list_versions("talk")).items == ()
    assert await gets_through(store, replace(POLICY, kind="quota")) == ""


async def test_a_write_that_a_store_let_in_in_spite_of_its_condition_is_taken_away():
    """No fence can be tried there without writing: that is refused, and said."""
    store = application()
    for look in (gets_through, stays_barred):
        with pytest.raises(Refusal, match="ignored If-Match on a PUT"):
            await look(store, POLICY)
    assert (await store.list_versions("talk")).items == ()


async def test_what_can_not_be_taken_away_is_named():
    """Nothing is left behind in silence."""
    with pytest.raises(Refusal, match=r"korea/talk/a/hikkoshi-canary/[0-9a-f]{12}/fence is to be removed by hand"):
        await gets_through(application("s3:PutObject", "s3:ListBucketVersions"), POLICY)

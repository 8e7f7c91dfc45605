"""Write fences: what they touch, what they deny, and whose they are in the ledger (C3)."""

from __future__ import annotations

import json
from dataclasses import replace
from fnmatch import fnmatchcase

import pytest

from connectors.fences.statements import for_users, in_bucket_policy, without_fence
from relocation.rules.errors import Refusal
from relocation.rules.fences import Claim, FenceRecord, bars, lets_through, refuse_others, touched
from tests.unit.ledger_cases import NOWHERE, dead, ledger_at

FENCE = FenceRecord("a1-b2", "korea", "talk", ("images/",), ("talk-images",), "iam", ("app",), by_run=True)
CLAIMS = (
    Claim("talk-images", "korea", "talk", "images/"),
    Claim("old-images", "korea", "talk", "images/2019/"),
    Claim("everything", "korea", "talk", ""),
    Claim("talk-videos", "korea", "talk", "videos/"),
    Claim("files", "korea", "files", ""),
    Claim("elsewhere", "japan", "talk", ""),
)


def test_a_fence_names_every_category_that_it_touches():
    """A prefix touches what lies below it and what it lies below; a quota the whole bucket, and no other."""
    names = touched(CLAIMS, endpoint="korea", bucket="talk", prefixes=("images/",), kind="iam")
    assert names == ("talk-images", "old-images", "everything")
    whole = touched(CLAIMS, endpoint="korea", bucket="talk", prefixes=("images/",), kind="quota")
    assert whole == ("talk-images", "old-images", "everything", "talk-videos")


def test_a_quota_is_said_to_bar_the_bucket_and_no_deletion():
    """Whoever relies on a fence reads how wide it is and what passes it."""
    quota = replace(FENCE, kind="quota")
    assert (bars(FENCE), bars(quota)) == (("images/",), ("",))
    (told,) = lets_through([FENCE, quota])
    assert "korea/talk" in told
    assert "deletions and changes of tags" in told


def test_a_fence_that_bars_others_is_refused_by_their_names():
    """Nobody's writers are stopped by a fence that was meant for somebody else's."""
    refuse_others(FENCE, "talk-images")
    with pytest.raises(Refusal, match=r"talk-videos .*--by iam"):
        refuse_others(replace(FENCE, categories=("talk-images", "talk-videos")), "talk-images")


def test_a_fence_denies_writes_below_its_prefix_and_no_reading():
    """People go on looking at their pictures behind the fence."""
    (statement,) = for_users(FENCE)["Statement"]
    assert (statement["Effect"], statement["Resource"]) == ("Deny", ["arn:aws:s3:::talk/images/*"])
    assert not [action for action in statement["Action"] if action.startswith(("s3:Get", "s3:List", "s3:*"))]


CHANGING = """AbortMultipartUpload BypassGovernanceRetention DeleteObject DeleteObjectAnnotation DeleteObjectTagging
    DeleteObjectVersion
    DeleteObjectVersionAnnotation DeleteObjectVersionTagging PutObject PutObjectAcl PutObjectAnnotation PutObjectLegalHold
    PutObjectRetention PutObjectTagging PutObjectVersionAcl PutObjectVersionAnnotation PutObjectVersionTagging ReplicateDelete
    ReplicateObject ReplicateObjectAnnotation ReplicateTags RestoreObject"""
"""Of the actions on objects that AWS lists, those that change one."""


@pytest.mark.parametrize("action", CHANGING.split())
def test_every_action_that_changes_an_object_is_denied(action):
    """An ACL that is written behind the fence is a change that nobody carries over."""
    for statement in (*for_users(FENCE)["Statement"], *json.loads(in_bucket_policy("", FENCE))["Statement"]):
        assert any(fnmatchcase(f"s3:{action}", denied) for denied in statement["Action"])


def test_a_buckets_own_policy_is_there_again_after_the_fence():
    """What a bucket's policy said before is said during and after; raising twice adds one statement."""
    own = json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "Own", "Effect": "Allow"}]})
    raised = in_bucket_policy(in_bucket_policy(own, FENCE), FENCE)
    assert [each["Sid"] for each in json.loads(raised)["Statement"]] == ["Own", "HikkoshiFencea1b2"]
    assert json.loads(without_fence(raised, FENCE)) == json.loads(own)
    assert without_fence(in_bucket_policy("", FENCE), FENCE) == ""


@pytest.mark.parametrize(
    ("holder", "by_run", "left"), [(dead, True, 1), (dead, False, 0), (None, True, 0), (lambda: NOWHERE, True, 0)]
)
async def test_only_the_fence_of_a_process_that_is_surely_dead_is_abandoned(tmp_path, holder, by_run, left):
    """C3: a living run's fence, a person's, and one of a machine that nothing is known of, stay."""
    path = tmp_path / "ledger.db"
    async with ledger_at(path, holder=holder() if holder else None) as ledger:
        await ledger.save_fence(replace(FENCE, by_run=by_run))
    async with ledger_at(path) as ledger:
        assert await ledger.fences() == (replace(FENCE, by_run=by_run),)
        assert len(await ledger.abandoned_fences()) == left
        await ledger.save_fence(replace(FENCE, state="lifted"))
        assert await ledger.fences() == await ledger.abandoned_fences() == ()

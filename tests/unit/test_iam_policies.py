"""The policies that the project ships hold to the design's roles, before any server sees them."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from hikkoshi.local.iam import FOLDER, ROLES, Scope, policy
from relocation.rules.errors import Refusal
from relocation.settings import RoleName

CLOUDS = ("minio", "aws")
NAMES = {"vault": "evidence", "routes": "routes", "account": "123456789012", "application_user": "talk", "fence_policy": "fence"}
SCOPE = Scope((("talk", "images/"), ("files", "")), NAMES)
WRITES = ("s3:Put", "s3:Create", "s3:Restore", "s3:Replicate")
OUR_ROLES = [role for role in get_args(RoleName) if role != "application"]
everywhere = pytest.mark.parametrize("cloud", CLOUDS)


def statements(role: str, cloud: str) -> list[dict]:
    return json.loads(policy(role, SCOPE, cloud=cloud))["Statement"]


def object_actions(role: str, cloud: str) -> set[str]:
    """Return what a role is allowed on objects (bucket configuration apart)."""
    allowed = (each["Action"] for each in statements(role, cloud) if each["Effect"] == "Allow")
    return {action for actions in allowed for action in actions if "Object" in action}


@everywhere
def test_every_role_of_the_configuration_has_a_policy(cloud):
    """What a configuration may name, this folder has a policy for, and nothing else."""
    assert {file.stem for file in (FOLDER / cloud).glob("*.json")} == set(get_args(RoleName))
    assert {role for roles in ROLES.values() for role in roles} == set(get_args(RoleName))


@everywhere
@pytest.mark.parametrize("role", OUR_ROLES)
def test_no_role_can_both_write_and_delete(cloud, role):
    """A role that puts objects deletes none, and the other way round; the prober may do both to its canaries alone."""
    actions = object_actions(role, cloud)
    writes = {action for action in actions if action.startswith(WRITES)}
    deletes = {action for action in actions if action.startswith("s3:Delete") and not action.endswith("Tagging")}
    if role != "prober":
        assert not (writes and deletes)
    assert "s3:*" not in actions


@everywhere
def test_the_prober_touches_its_canaries_alone(cloud):
    """Every object right of the prober ends at the reserved prefix, written with and without a leading slash."""
    objects = {"s3:PutObject", "s3:DeleteObject", "s3:GetObject"}
    touching = [each for each in statements("prober", cloud) if not objects.isdisjoint(each["Action"])]
    assert touching
    for statement in touching:
        for resource in statement["Resource"]:
            assert resource.partition(":::")[2].partition("/")[2].removeprefix("/").startswith("hikkoshi-canary/")


@everywhere
@pytest.mark.parametrize("role", ["reader", "auditor"])
def test_readers_change_nothing(cloud, role):
    """The roles that look are allowed nothing but Get and List."""
    for statement in statements(role, cloud):
        assert all(action.startswith(("s3:Get", "s3:List")) for action in statement["Action"])


@everywhere
@pytest.mark.parametrize("role", [role for role in OUR_ROLES if role != "vault"])
def test_nobody_may_bypass_a_retention(cloud, role):
    """No policy grants the way around a governance lock."""
    assert "s3:BypassGovernanceRetention" not in object_actions(role, cloud)


@everywhere
def test_no_star_stands_for_actions_that_are_allowed(cloud):
    """Every right is named; a star stands in refusals alone."""
    for role in get_args(RoleName):
        for statement in statements(role, cloud):
            if statement["Effect"] == "Allow":
                assert not [action for action in statement["Action"] if "*" in action]


@everywhere
def test_a_policy_has_what_the_cloud_wants(cloud):
    """Version, statements with unique names, effect, actions and resources; nothing left unfilled."""
    for role in get_args(RoleName):
        document = json.loads(policy(role, SCOPE, cloud=cloud))
        assert document["Version"] == "2012-10-17"
        assert "${" not in json.dumps(document)
        names = [each["Sid"] for each in document["Statement"]]
        assert len(names) == len(set(names))
        assert all(name.isalnum() for name in names)
        for each in document["Statement"]:
            assert set(each) <= {"Sid", "Effect", "Action", "Resource", "Condition"}
            assert each["Effect"] in ("Allow", "Deny")
            assert cloud == "minio" or each["Resource"]


def test_a_resource_is_repeated_for_each_move():
    """The placeholders of a template become every move's bucket and prefix."""
    resources = statements("writer", "minio")[1]["Resource"]
    assert resources == ["arn:aws:s3:::talk/images/*", "arn:aws:s3:::files/*"]


def test_a_placeholder_without_a_value_is_refused():
    """A policy is never made with a hole in it."""
    with pytest.raises(Refusal, match="vault"):
        policy("vault", Scope((), {}))


def test_a_role_that_there_is_not_is_refused():
    """A misspelt role gets no policy."""
    with pytest.raises(Refusal, match="reeder"):
        policy("reeder", SCOPE)

"""Each role may do what the design says, and is refused everything else by a real MinIO."""

from __future__ import annotations

import json

import pytest

from hikkoshi.local.configuration import REGIONS, VAULT
from hikkoshi.local.iam import EVERYWHERE, ROLES, Scope, _admin, make_user, new_keys, policy
from tests.local.role_verbs import Trial, allowed, s3_client

pytestmark = pytest.mark.server

LIST = {"list objects", "list versions", "list uploads", "get versioning"}
READ_BUCKET = LIST | {"get policy", "get acl"}  # MinIO asks for the same right for an object's ACL
LOOK = {"get", "get version", "head"}
READ = LOOK | {"get tags", "get attributes", "list parts"}
PUT = {"put", "put if none match", "create upload", "put part", "complete"}
WRITE = PUT | {"put with tags", "put tags", "abort"}
DELETE = {"delete", "delete version", "delete batch"}
NOTHING: set[str] = set()

# On MinIO s3:ListBucket lists versions too, s3:PutObject puts tags with the object, s3:DeleteObject deletes versions.
EXPECTED = {  # (role, place) → what succeeds, of all that is tried
    ("reader", "data"): READ_BUCKET | READ,
    ("reader", "canary"): READ_BUCKET | READ,
    ("reader", "vault"): READ_BUCKET | READ | {"get retention"},
    ("writer", "data"): LIST | READ | WRITE,
    ("writer", "canary"): LIST | READ | WRITE,
    ("writer", "vault"): NOTHING,
    ("prober", "data"): READ_BUCKET,
    ("prober", "canary"): READ_BUCKET | READ | WRITE | DELETE | {"delete tags"},
    ("prober", "vault"): READ_BUCKET,
    ("remover", "data"): LIST | LOOK | DELETE,
    ("remover", "canary"): LIST | LOOK | DELETE,
    ("remover", "vault"): NOTHING,
    ("fencer", "data"): {"list objects", "list versions", "get versioning", "get policy", "get acl", "put versioning", "set quota"},
    ("application", "data"): LIST | READ - {"get attributes"} | WRITE | DELETE | {"delete tags"},
    ("eraser", "data"): LIST | READ - {"list parts"} | {"delete version", "abort"},
    ("vault", "data"): NOTHING,
    ("vault", "vault"): LIST - {"list uploads"}
    | LOOK
    | PUT
    | {"put with tags", "get attributes", "get retention", "put retention"},
    ("switcher", "data"): NOTHING,
    ("switcher", "vault"): NOTHING,
    ("auditor", "data"): READ_BUCKET | READ,
    ("auditor", "vault"): READ_BUCKET | READ | {"get retention"},
}
PLACES = {"data": ("albums", "2019/"), "canary": ("albums", "hikkoshi-canary/"), "vault": (VAULT, "")}
CASES = [(site, role, place) for site, roles in ROLES.items() for role in roles for place in PLACES if (role, place) in EXPECTED]
CASES = [case for case in CASES if case[0] == "japan" or case[2] != "vault"]


def trial(house, site: str, keys, place: str) -> Trial:
    url = house.url(site)
    bucket, prefix = PLACES[place]
    owner = s3_client(url, REGIONS[site], house.keys(site, "root"))
    return Trial(url, bucket, prefix, owner, s3_client(url, REGIONS[site], keys), keys, place == "vault")


@pytest.mark.parametrize(("site", "role", "place"), CASES)
def test_a_role_may_do_what_the_design_says_and_nothing_else(house, site, role, place):
    """Every verb of S3 and of the server's administration is tried as that role; exactly the listed ones are not refused."""
    assert allowed(trial(house, site, house.keys(site, role), place)) == EXPECTED[role, place]


def test_every_role_of_both_sides_is_tried_on_data():
    """No role of the design goes untested."""
    assert {(site, role) for site, role, place in CASES if place == "data"} == {(s, r) for s, rs in ROLES.items() for r in rs}


def test_a_policy_that_is_one_action_too_wide_is_seen(house):
    """Negative control: a reader that may delete as well does not pass for a reader."""
    document = json.loads(policy("reader", Scope(EVERYWHERE, {})))
    document["Statement"][-1]["Action"].append("s3:DeleteObject")
    keys = new_keys("widened-reader")
    make_user(house.url("korea"), house.keys("korea", "root"), keys, json.dumps(document))
    found = allowed(trial(house, "korea", keys, "data"))
    assert found - EXPECTED["reader", "data"] == DELETE


@pytest.mark.parametrize("role", ["eraser", "remover"])
def test_a_role_that_deletes_reaches_the_buckets_of_the_case_alone(house, role):
    """Even on this machine a deleting role is refused outside the buckets that the configuration moves."""
    site = "korea" if role == "eraser" else "japan"
    url = house.url(site)
    owner = s3_client(url, REGIONS[site], house.keys(site, "root"))
    bucket = f"elsewhere-{role}"
    owner.create_bucket(Bucket=bucket)
    keys = house.keys(site, role)
    assert allowed(Trial(url, bucket, "", owner, s3_client(url, REGIONS[site], keys), keys, locked=False)) == NOTHING


@pytest.mark.parametrize("change", ["policy", "another policy", "secret", "switched off", "gone"])
def test_a_user_that_somebody_changed_is_put_right_and_one_that_is_right_is_left_alone(house, change):
    """Whatever was done to it, a user made again has its own policy and its own keys; nothing is written without need."""
    url, owner, keys = house.url("korea"), house.keys("korea", "root"), new_keys(f"changed-{change.replace(' ', '-')}")
    text = policy("auditor", Scope(EVERYWHERE, {"vault": VAULT}))
    wide = json.loads(text)
    wide["Statement"][0]["Action"] = ["s3:*"]
    admin, themselves = _admin(url, owner, None), _admin(url, keys, None)
    make_user(url, owner, keys, text)
    stands = json.loads(themselves.user_info(keys.access))
    make_user(url, owner, keys, text)
    assert json.loads(themselves.user_info(keys.access)) == stands  # the time of the last change is in it
    changes = {
        "policy": lambda: admin.policy_add(keys.access, policy=wide),
        "another policy": lambda: admin.policy_set("readwrite", user=keys.access),
        "secret": lambda: admin.user_add(keys.access, new_keys("any").secret),
        "switched off": lambda: admin.user_disable(keys.access),
        "gone": lambda: admin.user_remove(keys.access),
    }
    changes[change]()
    make_user(url, owner, keys, text)
    known = json.loads(themselves.user_info(keys.access))
    assert (known["status"], known["policyName"]) == ("enabled", keys.access)
    assert known["updatedAt"] > stands["updatedAt"]
    found = json.loads(admin.policy_info(keys.access))
    assert [set(each["Action"]) for each in found["Statement"]] == [set(each["Action"]) for each in json.loads(text)["Statement"]]

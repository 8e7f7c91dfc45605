"""What can't be reached or is not allowed: named as such, with what is missing, and exit code 3. `check` names all at once."""

from __future__ import annotations

import json

import pytest

from hikkoshi.exit_codes import ExitCode
from hikkoshi.local.iam import make_user, new_keys
from hikkoshi.local.state import Keys, write_profiles
from tests.command.calls import call
from tests.faults.stack import CATEGORY, Case
from tests.servers import free_ports

pytestmark = pytest.mark.server


def allowing(*actions: str, bucket: str) -> str:
    """Return a policy that allows these actions on one bucket, and nothing else."""
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": resources}]})


def with_user(case: Case, site: str, role: str, *actions: str) -> None:
    """Give a role at a site a user of its own that may do these actions alone."""
    keys = new_keys(f"{case.bucket}-{role}")
    policy = allowing(*actions, bucket=case.bucket)
    make_user(case.house.url(site), case.house.state.keys(site, "root"), keys, policy)
    with_keys(case, site, role, keys)


def with_keys(case: Case, site: str, role: str, keys: Keys) -> None:
    file = case.folder / "keys"
    write_profiles(file, {role: keys})
    text = case.config.read_text()
    old = f'{role}: "file:{case.house.state.credentials}#{site}-{role}"'
    assert old in text
    (case.folder / "other.yaml").write_text(text.replace(old, f'{role}: "file:{file}#{role}"'))


async def refused(case: Case, *, kind: str, words: tuple[str, ...], config: str = "other.yaml"):
    """Run with the other configuration; it must end with 3 and say these words; so must `check`."""
    done = call("run", CATEGORY, "--json", "--config", case.folder / config)
    assert done.code == ExitCode.STOPPED == done.document["exit_code"], done.err
    assert done.document["error"]["kind"] == kind
    for word in words:
        assert word in done.document["error"]["message"]
    assert "Traceback" not in done.err
    assert not case.listed("japan")
    return done


async def saved(case: Case) -> Case:
    case.put("a", b"a")
    async with case.context():
        return case


async def test_a_server_that_is_down_at_start(case):
    """Its name and address are told, and that nobody listens there; `check` says so too, and the other one is well."""
    await saved(case)
    (port,) = free_ports(1)
    case.urls["japan"] = f"http://127.0.0.1:{port}"
    await refused(case, kind="Unreachable", words=("japan", str(port)), config=case.config.name)
    checked = call("check", "--json", "--config", case.config)
    assert checked.code == ExitCode.STOPPED
    assert {each["name"]: each["answers"] for each in checked.document["endpoints"]} == {"korea": True, "japan": False}
    assert any(str(port) in problem["what"] for problem in checked.document["problems"])


async def test_status_needs_no_store(case):
    """With both servers out of reach `status` still answers, from the ledger alone."""
    await saved(case)
    assert call("run", CATEGORY, "--config", case.config).code == ExitCode.DONE
    case.urls = {site: f"http://127.0.0.1:{port}" for site, port in zip(("korea", "japan"), free_ports(2), strict=True)}
    done = call("status", "--json", "--config", case.config)
    assert done.code == ExitCode.DONE
    assert done.document["waves"][0]["verified"]["objects"] == 1


async def test_wrong_keys(case):
    """The role whose keys are wrong is named, by `run` and by `check`."""
    await saved(case)
    with_keys(case, "korea", "reader", Keys("nobody-knows-me", "s" * 40))
    await refused(case, kind="WrongCredentials", words=("korea", "reader"))
    checked = call("check", "--json", "--config", case.folder / "other.yaml")
    (problem,) = checked.document["problems"]
    assert problem["where"] == "korea, role reader"
    assert checked.code == ExitCode.STOPPED


async def test_a_missing_bucket(case):
    """The bucket is named, once."""
    await saved(case)
    text = case.config.read_text().replace(f"bucket: {case.bucket},", f"bucket: {case.bucket}-gone,", 1)
    (case.folder / "other.yaml").write_text(text)
    await refused(case, kind="BucketMissing", words=(f"{case.bucket}-gone", "korea"))
    checked = call("check", "--json", "--config", case.folder / "other.yaml")
    (problem,) = checked.document["problems"]
    assert problem["where"] == f"korea/{case.bucket}-gone"


async def test_no_right_to_list(case):
    """A reader that may read but not list: role, right and bucket are named."""
    await saved(case)
    with_user(case, "korea", "reader", "s3:GetObject")
    await refused(case, kind="Forbidden", words=("korea", "reader", "s3:ListBucket", case.bucket))
    checked = call("check", "--json", "--config", case.folder / "other.yaml")
    assert ["s3:ListBucket" in problem["what"] for problem in checked.document["problems"]] == [True]


async def test_no_right_to_write(case):
    """A writer that may list but not put: role, right and object are named, and the run stops instead of failing each object."""
    await saved(case)
    for number in range(20):
        case.put(f"more/{number}", b"b")
    with_user(case, "japan", "writer", "s3:ListBucket", "s3:GetObject")
    await refused(case, kind="Forbidden", words=("japan", "writer", "s3:PutObject", case.bucket))


async def test_check_finds_nothing_wrong(case):
    """With all in order `check` is exit 0, writes nothing, and shows the age of the last probe."""
    await saved(case)
    before = case.versions()
    done = call("check", "--json", "--config", case.config)
    assert done.code == ExitCode.DONE, done.document["problems"]
    assert all(all(each["roles"].values()) for each in done.document["endpoints"])
    assert {each["place"] for each in done.document["probes"] if each["age_s"] is not None} == {
        *(f"{site}/{case.bucket}" for site in ("korea", "japan")),
        "japan/evidence",
    }
    assert case.versions() == before
    assert "everything that the configuration names is there" in call("check", "--config", case.config).out


async def test_a_probe_tells_what_it_saw(case):
    """The answers come in words for people and as they are in JSON; no canary is left."""
    done = call("probe", "korea", "--json", "--config", case.config)
    (probe,) = done.document["probes"]
    assert probe["answers"]["put_if_none_match"] == "honoured"
    assert case.listed("korea") == {}
    assert "Condition on PUT" in call("probe", "korea", "--config", case.config).out
    assert call("probe", "nowhere", "--config", case.config).code == ExitCode.USAGE

"""Runs that an operator starts: what they do, what they show, and how they end. Real Prefect, worker and stores."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relocation.rules.records import RunRecord

pytestmark = pytest.mark.server

KEYS = ("images/2019/01/a.jpg", "images/2019/01/秘密 メモ.jpg", "images/2019/02/b.jpg", "images/2020/c.jpg")
SECRET_WORD = "秘密"


@pytest.fixture(scope="module")
def moved(office):
    """A wave as an operator does it: a dry run from the form as it stands, then the same with the switch off."""
    office.seed("talk", *KEYS)
    planned = office.end_of(office.start("wave-talk-images", wave="first"))
    before = office.keys("japan", "talk", "images/")
    done = office.end_of(office.start("wave-talk-images", wave="first", dry_run=False))
    return planned, before, done


def test_a_run_is_a_dry_run_unless_it_is_told_otherwise(office, moved):
    """The form as it stands writes nothing at the target, and says what would happen."""
    planned, before, _ = moved
    assert (planned.type, planned.state) == ("COMPLETED", "Completed")
    assert planned.name == "talk-images, wave first: dry run"
    assert before == set()
    assert "Ready to move: 3 objects" in planned.message
    assert "Nothing was written" in planned.message
    assert {"dry-run-talk-images-first"} <= set(office.artifacts(planned.id))


def test_a_wave_comes_home_and_its_report_is_an_artifact(office, moved):
    """With the switch off the wave's objects, and no others, are at the target; the report stands on the run's page."""
    _, _, done = moved
    assert (done.type, done.state) == ("COMPLETED", "Completed")
    assert office.keys("japan", "talk", "images/") == {key for key in KEYS if key.startswith("images/2019/")}
    artifacts = office.artifacts(done.id)
    report = artifacts["report-talk-images-first"]
    assert report["type"] == "markdown"
    assert "| Verified | 3 |" in report["data"]
    assert report["data"].count("report.html") == 1
    progress = artifacts["progress-talk-images-first"]
    assert (progress["type"], progress["data"]) == ("progress", 100)
    assert "read back" in progress["description"]
    assert office.task_runs(done.id) == {"copy lane 1": "Completed", "verify lane 1": "Completed"}


def test_logs_tell_the_stages_and_show_no_key_in_clear(office, moved):
    """What is worth reading is there; an object's name is personal data, and stands nowhere as it is."""
    _, _, done = moved
    logs = office.logs(done.id)
    for line in ("copy begins: 3 objects", "copy: 3 of 3 objects", "verify begins", "report page: "):
        assert any(each.startswith(line) for each in logs), (line, logs)
    report = office.artifacts(done.id)["report-talk-images-first"]["data"]
    assert SECRET_WORD not in "\n".join(logs) + report + done.message


def test_a_second_run_finds_nothing_to_do(office, moved):
    """Starting a wave again is safe: what is there and proved is left alone."""
    versions = office.client("japan").list_object_versions(Bucket="talk")["Versions"]
    again = office.end_of(office.start("wave-talk-images", wave="first", dry_run=False))
    assert (again.type, again.state) == ("COMPLETED", "Completed")
    assert office.client("japan").list_object_versions(Bucket="talk")["Versions"] == versions


def test_verify_only_proves_what_is_there(office, moved):
    """The verification is a deployment of its own, with a report of its own."""
    done = office.end_of(office.start("verify-talk-images", wave="first"))
    assert (done.type, done.state) == ("COMPLETED", "Completed")
    assert "| Verified | 3 |" in office.artifacts(done.id)["verification-talk-images-first"]["data"]


def test_a_wave_that_is_not_in_the_list_is_refused_before_it_starts(office):
    """A wrong wave, another category, or a parameter that nobody knows: 409, and no run is made."""
    for parameters in (
        {"wave": "second", "dry_run": False},
        {"wave": "first", "category": "pay"},
        {"wave": "first", "secret": "x"},
        {"wave": "first", "dry_run": "perhaps"},
        {},
    ):
        assert office.submit("wave-talk-images", **parameters).status_code == 409, parameters


async def test_a_wave_that_somebody_else_is_running_is_refused_clearly(office):
    """The second run says who is at work and what to do, and changes nothing."""
    office.seed("pay", "2021/record")
    mine = RunRecord(id="20210630T000000-00000000", category="pay", wave="all", kind="run", who="a colleague", host="here")
    async with office.ledger() as ledger:
        run, lease = await ledger.open_run(mine, lease_s=120)
        refused = office.end_of(office.start("wave-pay", wave="all", dry_run=False))
        await ledger.close_run(lease, replace(run, state="abandoned"))
    assert (refused.type, refused.state) == ("FAILED", "Failed")
    assert "a colleague is running wave all of pay" in refused.message
    assert "wait until it ends" in refused.message
    assert "changed nothing" in refused.message
    assert office.keys("japan", "pay") == set()


def test_what_can_not_move_is_in_the_name_of_the_state(office):
    """An object at the target that we did not write is left alone; the run is green, and its name says to look at it."""
    office.seed("official", "a", "b")
    office.seed("official", "a", site="japan", body=b"somebody else's")
    done = office.end_of(office.start("wave-official-accounts", wave="all", dry_run=False))
    assert (done.type, done.state) == ("COMPLETED", "CompletedWithRefusals")
    assert "Look at the report" in done.message
    assert office.client("japan").get_object(Bucket="official", Key="a")["Body"].read() == b"somebody else's"


def test_a_run_that_can_not_start_says_what_to_do(office):
    """A store that refuses the keys: the state's message names role and place, and no secret."""
    wrong = office.state.var / "wrong-credentials"
    wrong.write_text(office.state.credentials.read_text().replace(office.state.keys("korea", "reader").secret, "0" * 40))
    wrong.chmod(0o600)
    config = office.variant("wrong", ('reader: "file:../var/credentials#korea-', 'reader: "file:../var/wrong-credentials#korea-'))
    failed = office.end_of(office.start("dry-run-pay", config=config, wave="all"))
    assert (failed.type, failed.state) == ("FAILED", "Failed")
    assert "korea" in failed.message
    assert "reader" in failed.message
    assert "start it once more" in failed.message

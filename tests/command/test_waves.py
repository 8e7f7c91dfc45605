"""Plan, run and verify from a terminal: exit codes, the JSON document, and what a person reads."""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.assemble import assembled
from hikkoshi.exit_codes import ExitCode
from relocation.rules.evidence import merkle_root
from relocation.stages.wave_run import WaveRequest, new_run
from tests.command.calls import call
from tests.faults.stack import CATEGORY, Case, Watched

pytestmark = pytest.mark.server

SHAPE = {
    *("migration", "category", "wave", "run_id", "stage", "plan_sha256", "counts", "outcomes", "proofs", "mismatched", "failed"),
    *("refused", "conflicts", "drifted", "unclaimed", "unknown", "seconds", "bytes_per_second", "report"),
}
TWO_WAVES = ("{name: first, prefixes: [a/]}", "{name: rest}")


def fill(case: Case, *, objects: int = 6) -> None:
    for number in range(objects):
        case.put(f"{'a' if number % 2 else 'b'}/{number} 写真.jpg", b"x" * (number * 100), ContentType="image/jpeg")


def is_table(path: str) -> bool:
    return Path(path).read_bytes().startswith(b"\xef\xbb\xbflist,bucket,key,")


def is_page(path: str) -> bool:
    return Path(path).read_text().lower().startswith("<!doctype html>")


async def ready(case: Case) -> Path:
    """Save what the probe knows, and return the configuration."""
    async with case.context():
        return case.config


async def test_a_run_is_what_an_independent_listing_confirms(case):
    """Standard output holds one JSON document, whose counts are those of boto3's listings of both sides."""
    fill(case)
    done = call("run", CATEGORY, "--json", "--config", await ready(case))
    assert done.code == ExitCode.DONE, done.err
    document = done.document
    assert document.keys() >= SHAPE
    korea, japan = case.listed("korea"), case.listed("japan")
    assert korea == japan
    everything = {"objects": len(korea), "bytes": sum(size for size, _ in korea.values())}
    assert document["counts"]["listed"] == document["counts"]["copy"] == document["outcomes"]["verified"] == everything
    assert document["proofs"]["read_back"] == document["proofs"]["same_etag"] == len(korea)
    assert is_page(document["report"])


async def test_what_nobody_claims_and_what_nobody_can_know_is_no_failure(case):
    """Unclaimed buckets and standing unknowns are named, and alone leave the exit code at 0."""
    fill(case)
    done = call("run", CATEGORY, "--json", "--config", await ready(case))
    assert done.document["unclaimed"]
    assert done.document["unknown"]
    assert done.code == ExitCode.DONE


async def test_a_second_run_keeps_everything(case):
    """Run again: everything is kept, nothing is written at the target, and the exit code is 0."""
    fill(case)
    config = await ready(case)
    assert call("run", CATEGORY, "--config", config).code == ExitCode.DONE
    before = case.versions()
    done = call("run", CATEGORY, "--json", "--config", config)
    assert done.code == ExitCode.DONE
    assert done.document["counts"]["keep"]["objects"] == done.document["counts"]["listed"]["objects"] == 6
    assert case.versions() == before


async def test_a_dry_run_writes_nothing(case):
    """A dry run says what would happen, and neither side has changed after it."""
    fill(case)
    done = call("plan", CATEGORY, "--json", "--config", await ready(case))
    assert done.code == ExitCode.DONE
    assert done.document["counts"]["copy"]["objects"] == 6
    assert case.listed("japan") == {}


async def test_somebody_elses_object_is_exit_1_and_named(case):
    """Other bytes under a target key are a conflict: untouched, listed with a reason, exit code 1."""
    fill(case)
    case.put("a/1 写真.jpg", b"somebody else's", site="japan")
    done = call("run", CATEGORY, "--json", "--config", await ready(case))
    assert done.code == ExitCode.SOMETHING
    (conflict,) = done.document["conflicts"]
    assert conflict["key"] == "a/1%20%E5%86%99%E7%9C%9F.jpg"
    assert conflict["reason"]
    assert case.listed("japan")["a/1 写真.jpg"][0] == len(b"somebody else's")


async def test_options_may_stand_before_the_subcommand(case):
    """`--json --config FILE` mean the same before and after the subcommand."""
    fill(case, objects=2)
    config = await ready(case)
    before, after = call("--json", "--config", config, "plan", CATEGORY), call("plan", CATEGORY, "--json", "--config", config)
    assert before.code == after.code == ExitCode.DONE
    assert before.document["plan_sha256"] == after.document["plan_sha256"]
    assert before.document["counts"] == after.document["counts"]


async def test_all_waves_are_one_document_over_those_of_each(case):
    """Without --wave: `wave` null, counts summed, the root over the waves' roots, each wave's document under `waves`."""
    case.waves = TWO_WAVES
    fill(case)
    done = call("run", CATEGORY, "--json", "--config", await ready(case))
    document = done.document
    assert done.code == ExitCode.DONE, done.err
    assert document["wave"] is None
    assert [wave["wave"] for wave in document["waves"]] == ["first", "rest"]
    for name in ("listed", "copy"):
        assert document["counts"][name]["objects"] == sum(wave["counts"][name]["objects"] for wave in document["waves"]) == 6
    assert document["plan_sha256"] == merkle_root([wave["plan_sha256"] for wave in document["waves"]])
    assert is_page(document["report"])
    one = call("verify", CATEGORY, "--wave", "rest", "--json", "--config", case.config)
    assert one.document["wave"] == "rest"
    assert "waves" not in one.document


async def test_the_worst_wave_decides_the_exit_code(case):
    """A conflict in the first wave is exit code 1, though the last went well."""
    case.waves = TWO_WAVES
    fill(case)
    case.put("a/1 写真.jpg", b"somebody else's", site="japan")
    done = call("run", CATEGORY, "--json", "--config", await ready(case))
    assert [len(wave["conflicts"]) for wave in done.document["waves"]] == [1, 0]
    assert done.code == ExitCode.SOMETHING


async def test_a_wave_that_somebody_else_runs_is_exit_5_and_what_was_done_is_reported(case):
    """The second wave is taken: exit code 5, who has it, the first wave's document, and nothing of the second at the target."""
    case.waves = TWO_WAVES
    fill(case)
    config = await ready(case)
    async with assembled(case.settings(), os.environ, Watched(), who="somebody else") as context:
        run = replace(new_run(context, WaveRequest(CATEGORY, "rest"), "run"), id="theirs")
        _, lease = await context.ledger.open_run(run, lease_s=60)
        done = await asyncio.to_thread(call, "run", CATEGORY, "--json", "--config", config)
        status = await asyncio.to_thread(call, "status", "--json", "--config", config)
        await context.ledger.close_run(lease, run)
    assert done.code == ExitCode.BUSY == done.document["exit_code"]
    assert done.document["error"]["kind"] == "WaveBusy"
    assert "somebody else is running wave rest" in done.document["error"]["message"]
    assert [wave["wave"] for wave in done.document["waves"]] == ["first"]
    assert all(key.startswith("a/") for key in case.listed("japan"))
    assert [wave["running"] and wave["running"]["who"] for wave in status.document["waves"]] == [None, "somebody else"]


async def test_a_pipe_gets_plain_lines(case):
    """Without a terminal there is no control character on either stream; stages and the report's place are told."""
    fill(case)
    done = call("run", CATEGORY, "--config", await ready(case))
    for text in (done.out, done.err):
        assert not re.search(r"[^\n\x20-\x7e\x80-\U0010ffff]", text)
    for stage in ("plan", "copy", "verify"):
        assert re.search(rf"^{stage}: ", done.err, re.MULTILINE)
    assert f"{CATEGORY}, all waves: 6 objects" in done.out
    assert re.search(r"report +/.*report\.html$", done.out, re.MULTILINE)


async def test_reports_and_status_are_found_afterwards(case):
    """`report` says where the newest page lies; `status` tells what the last run came to."""
    fill(case)
    config = await ready(case)
    assert call("report", "--config", config).code == ExitCode.STOPPED
    done = call("run", CATEGORY, "--json", "--config", config)
    (page,) = call("report", CATEGORY, "--json", "--config", config).document["reports"]
    assert page["report"] == done.document["report"]
    (table,) = call("report", CATEGORY, "--csv", "--json", "--config", config).document["reports"]
    assert table["csv"] == page["report"].replace("report.html", "report.csv")
    assert is_table(table["csv"])
    (wave,) = call("status", "--json", "--config", config).document["waves"]
    assert wave["verified"] == wave["listed"] == done.document["counts"]["listed"]
    assert wave["last_run"]["id"] == done.document["run_id"]
    assert (wave["attention"], wave["running"]) == (0, None)
    assert f"{6} of {6}" in call("status", "--config", config).out

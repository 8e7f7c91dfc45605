"""The JSON of a report."""

import json
from dataclasses import replace
from urllib.parse import unquote

import pytest

from connectors.report.document import as_json
from relocation.rules.records import Action, Outcome, Proof
from relocation.rules.roll_up import merged
from relocation.rules.summary import Named, Summary
from tests.unit.report_samples import BAD, GOOD, HOSTILE_KEYS, PLAN, too_long

SURFACE = """
    migration category wave run_id stage plan_sha256 counts outcomes proofs mismatched failed refused conflicts drifted gone remove
    deleted_at_target foreign unclaimed unknown seconds bytes_per_second report
""".split()  # noqa: SIM905
MORE = """
    kind config_sha256 truncated losses declared histories equations sizes ages estimate probes probe_changes parity moves
    source_country target_country timezone residency deadline owner who host version versions started_at finished_at not_found
    since_last hidden second_listing unfinished_uploads lost unmatched
""".split()  # noqa: SIM905
EMPTY = Summary("m", "c", "w", "r", "plan", "plan", "", "")


@pytest.mark.parametrize("summary", [EMPTY, PLAN, GOOD, BAD])
def test_every_key_of_the_surface_is_always_there(summary: Summary) -> None:
    """A script finds every key in every report, and no other."""
    assert set(as_json(summary)) == {*SURFACE, *MORE}


@pytest.mark.parametrize("summary", [EMPTY, PLAN, GOOD, BAD])
def test_every_action_outcome_and_proof_is_there_with_zero_where_there_is_none(summary: Summary) -> None:
    """The sets are closed: an absent name never has to be guessed at."""
    document = as_json(summary)
    assert list(document["counts"]) == ["listed", *Action]
    assert list(document["outcomes"]) == [outcome for outcome in Outcome if outcome != Outcome.COPIED]
    assert list(document["proofs"]) == list(Proof)
    assert all(set(count) == {"objects", "bytes"} for count in (*document["counts"].values(), *document["outcomes"].values()))


@pytest.mark.parametrize("summary", [EMPTY, PLAN, GOOD, BAD, merged([PLAN, replace(PLAN, wave="rest")])])
def test_the_document_survives_json(summary: Summary) -> None:
    """What is written is what is read."""
    document = as_json(summary)
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_keys_are_percent_encoded_and_can_be_decoded_to_the_very_key() -> None:
    """Whatever a key holds, its line is printable ASCII and names that key alone."""
    keys = [line["key"] for line in as_json(BAD)["mismatched"]]
    assert all(key.isascii() and key.isprintable() and not set(key) & set("<>\"'`|\\ ") for key in keys)
    assert tuple(unquote(key, errors="surrogatepass") for key in keys) == HOSTILE_KEYS
    assert as_json(PLAN)["unclaimed"][0]["place"] == "korea/old-backup/"


def test_named_objects_have_bucket_key_and_reason_and_failures_their_attempts() -> None:
    """A failure can be followed up without another tool."""
    document = as_json(BAD)
    assert document["failed"][0] == {
        "bucket": "talk",
        "key": "images/rot/0.jpg",
        "reason": "unreadable or overloaded: the store kept answering 503 for this object",
        "attempts": 5,
    }
    assert set(document["refused"][0]) == {"bucket", "key", "reason"}


def test_lists_are_cut_at_a_thousand_and_say_so() -> None:
    """A cut list is never taken for the whole one."""
    document = as_json(too_long(1001))
    assert len(document["mismatched"]) == len(document["unknown"]) == 1000
    lists = SURFACE[SURFACE.index("mismatched") : SURFACE.index("seconds")]
    assert document["truncated"] == dict.fromkeys(lists, 1001)
    assert as_json(too_long(1000))["truncated"] == {}


def test_the_long_document_holds_everything() -> None:
    """The file beside the page is complete."""
    document = as_json(too_long(1001), rows_max=None)
    assert len(document["failed"]) == 1001
    assert document["truncated"] == {}


def test_equations_say_whether_they_hold() -> None:
    """A script need not add up."""
    assert [equation["holds"] for equation in as_json(BAD)["equations"]] == [True, False, False]


def test_several_waves_stand_as_documents_of_their_own() -> None:
    """The category's document has no wave, the sums, and each wave's document."""
    waves = [replace(PLAN, wave="first"), replace(PLAN, wave="rest")]
    document = as_json(merged(waves), waves=waves)
    assert document["wave"] is None
    assert document["waves"] == [as_json(wave) for wave in waves]
    assert document["counts"]["listed"]["objects"] == 2 * PLAN.counts["listed"].objects


def test_a_bucket_that_was_never_probed_has_no_age() -> None:
    """Unknown is null, never zero."""
    never = replace(PLAN.probes[0], at="", age_s=float("inf"))
    assert as_json(replace(PLAN, probes=(never,)))["probes"][0]["age_s"] is None


def test_a_reason_with_half_a_character_can_be_written() -> None:
    """A report never fails on what a store said."""
    document = as_json(replace(PLAN, refused=(Named("b", "k", "said \ud800"),), unknown=("\udcff",)))
    assert json.dumps(document, ensure_ascii=False).encode()

"""The exclusion list: what it names is held back by name, and a list with a slip in it does not go unnoticed."""

from __future__ import annotations

import pytest

from connectors.configuration.key_list import read_excluded
from connectors.report.words import translated
from relocation.rules.excluded import held_back, not_found, not_held
from relocation.rules.keys import shown
from relocation.rules.records import Action, PlanRow
from relocation.rules.summary import Named
from tests.unit.settings_cases import RIGHT, read_from, spoiled

ROW = PlanRow(Action.COPY, 0, "talk", "images/a", "talk", "images/a", 1, "e", "t")
HOLD = {"images/a": "court order 17", "images/b": ""}


def test_a_reason_stands_behind_a_tab_or_above(tmp_path):
    """D16: any key can be listed, one that begins with `#` too, and each keeps the reason that the list gives."""
    odd = "#\n\t写真 %"
    path = tmp_path / "hold.txt"
    path.write_text(f"\ufeff{shown('first')}\r\n# legal hold 2026/14\r\na\r\n{shown(odd)}\ttake-down 9 \r\n\r\n#\r\nlast\r\n")
    listed = {"first": "", "a": "legal hold 2026/14", odd: "take-down 9", "last": ""}
    assert read_excluded(path) == (listed, ())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"# held\n%ff\treason\n", "line 2: is not UTF-8; one key a line, percent-encoded as reports show them"),
        (b"a\t\xff\n", "line 1: is not UTF-8; one key a line, percent-encoded as reports show them"),
        (
            b"# nothing but a heading\n",
            "names no key; one a line, percent-encoded as reports show them, perhaps a tab and the reason after it",
        ),
    ],
)
def test_a_line_that_is_no_key_is_refused(tmp_path, text, problem):
    """A hold that is not understood must not be passed over: what it names would be moved."""
    path = tmp_path / "hold.txt"
    path.write_bytes(text)
    assert read_excluded(path)[1] == (problem,)


def test_a_list_lies_beside_the_configuration_and_decides(tmp_path):
    """Another list is another configuration; another path, or another reason, is not."""

    def read(name: str, text: str):
        (tmp_path / "config").mkdir(exist_ok=True)
        (tmp_path / "config" / name).write_text(text)
        return read_from(tmp_path, spoiled({"categories.talk-images.policy": {"excluded": name}}))

    one, moved, other = read("a.txt", "images/a\tx\n"), read("b.txt", "images/a\ty\n"), read("a.txt", "images/b\n")
    assert one.categories["talk-images"].policy.held_back == {"images/a": "x"}
    assert one.config_sha256() == moved.config_sha256() != other.config_sha256()
    assert read_from(tmp_path, RIGHT).config_sha256() != one.config_sha256()


@pytest.mark.parametrize("action", [Action.COPY, Action.KEEP, Action.PROVE, Action.REPLACE, Action.CONFLICT])
def test_what_is_listed_is_refused_whatever_else_would_be_done(action):
    """A hold stands above everything; what the target has already is said to be there, and is left alone."""
    there = held_back(ROW._replace(action=action, found_etag="f"), HOLD)
    assert there.action == Action.REFUSE
    assert there.reason == "on the exclusion list: court order 17; what the target holds under its name stays as it is"
    assert held_back(ROW._replace(source_key="images/b"), HOLD).reason == "on the exclusion list: no reason given"
    assert held_back(ROW._replace(source_key="images/A", action=action), HOLD).action == action


def test_what_is_listed_is_not_removed_either():
    """What is on legal hold is deleted nowhere, though it is gone at the source."""
    rows = [ROW._replace(action=Action.REMOVE), ROW._replace(action=Action.REMOVE, source_key="other")]
    assert [row.source_key for row in not_held(rows, HOLD)] == ["other"]


def test_a_listed_key_that_is_not_there_is_named():
    """A slip in the list, a key without its prefix, one that is gone: each is named, in the wave that should have shown it."""
    listed = {**HOLD, "a": "short", "images/elsewhere": ""}
    refused = [Named("talk", "images/a", "on the exclusion list: court order 17"), Named("talk", "images/z", "too long")]
    found = not_found(listed, refused, [("talk", "images/")], concerns=lambda key: key != "elsewhere")
    assert [(named.bucket, named.key) for named in found] == [("", "a"), ("talk", "images/b")]
    assert "no move of this category covers it" in found[0].reason
    assert all(translated(named.reason).ja != named.reason for named in found)

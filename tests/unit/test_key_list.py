"""Files of keys that waves name: each line a key, byte for byte, and none left out in silence."""

from __future__ import annotations

import pytest

from connectors.configuration.key_list import read_key_list
from relocation.rules.errors import ConfigurationError
from relocation.rules.keys import shown
from tests.unit.settings_cases import RIGHT, read_from, spoiled

WAVES = "categories.talk-images.waves"


def test_every_key_that_our_output_shows_is_read_back(tmp_path):
    """D16: newlines, percent signs, spaces and any script: what a report printed is what the list means."""
    keys = {"a\n", "100%", "+", "写真/é e\u0301", " ", "\r", "\u2028", "x\x85y"}
    path = tmp_path / "keys.txt"
    path.write_text("\ufeff" + "\r\n".join(map(shown, sorted(keys))) + "\n\n")
    assert read_key_list(path) == (keys, ())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"a\n%ff\n", "line 2: is not UTF-8; one key a line, percent-encoded as reports show them"),
        (b"\xff", "line 1: is not UTF-8; one key a line, percent-encoded as reports show them"),
        (b"a" * 1025, "line 1: is 1025 bytes long; a key has at most 1024"),
        (b"\n\n", "names no key; one a line, percent-encoded as reports show them"),
    ],
)
def test_a_line_that_is_no_key_is_named_and_not_left_out(tmp_path, text, problem):
    """What a list leaves out goes with another wave, or with none: nothing is skipped."""
    path = tmp_path / "keys.txt"
    path.write_bytes(text)
    assert read_key_list(path)[1] == (problem,)


def test_a_list_lies_beside_the_configuration_and_decides(tmp_path):
    """The path is relative to the file that names it; another list is another configuration, whatever its name."""
    (tmp_path / "vip.txt").write_text("2019/a.jpg\n")
    data = spoiled({f"{WAVES}.2": {"name": "vip", "keys_file": "../vip.txt"}})
    first = read_from(tmp_path, data)
    category = first.category_named("talk-images")
    assert category.partition().wave_of("2019/a.jpg", 1, "") == "vip"
    (tmp_path / "vip.txt").write_text("2019/b.jpg\n")
    assert read_from(tmp_path, data).config_sha256() != first.config_sha256() != read_from(tmp_path, RIGHT).config_sha256()
    assert "2019/a.jpg" not in repr(first)


def test_what_is_wrong_with_a_list_is_said_at_its_place(tmp_path):
    """A broken list stops everything before anything moves."""
    (tmp_path / "vip.txt").write_bytes(b"%e5%86")
    with pytest.raises(ConfigurationError) as caught:
        read_from(tmp_path, spoiled({f"{WAVES}.2": {"name": "vip", "keys_file": "../vip.txt"}}))
    assert caught.value.problems[0].startswith(f"{WAVES}.2.keys_file: line 1: is not UTF-8")

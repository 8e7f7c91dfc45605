"""How many processes, what each may take, and what they say to each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.processes.lines import Advanced, Failed, Noted, Sealed, decode, encode
from connectors.processes.share import count_of, share_of
from relocation.rules.errors import BadRequest, ConfigurationError, NoSpace, Refusal
from relocation.settings import Migration, Transfer
from relocation.settings.values import MIB
from tests.unit.settings_cases import RIGHT, read_from


def settings_of(folder: Path, **transfer) -> Migration:
    return read_from(folder, {**RIGHT, "transfer": transfer})


@pytest.mark.parametrize(("cores", "count"), [(1, 1), (2, 1), (4, 1), (8, 2), (32, 8)])
def test_auto_is_one_process_for_every_four_cores(tmp_path, cores, count):
    """On two cores there is one process: the servers and the kernel need the other core."""
    assert count_of(settings_of(tmp_path), cores=cores) == count
    assert count_of(settings_of(tmp_path, processes=3), cores=cores) == 3


def test_memory_and_requests_at_once_are_divided(tmp_path):
    """I9: several processes together take what one would; each can still hold two parts, and ask for one thing at a time."""
    settings = settings_of(tmp_path, budget_bytes=256 * MIB, concurrency=10)
    share = share_of(settings, 4).transfer
    assert (share.budget_bytes, share.concurrency) == (64 * MIB, 2)
    assert share_of(settings_of(tmp_path), 32).transfer.budget_bytes == 32 * MIB
    assert share_of(settings_of(tmp_path, budget_bytes=16 * MIB), 2).transfer.budget_bytes == 16 * MIB
    assert share_of(settings, 4).config_sha256() == settings.config_sha256()
    assert share_of(settings, 1) is settings


@pytest.mark.parametrize("line", [Advanced(1, 2, 3), Noted("object.refused", {"key": "\n"}), Sealed(4), Failed("NoSpace", "full")])
def test_a_line_says_what_was_said(line):
    """One line each, whatever the words hold."""
    text = encode(line)
    assert "\n" not in text
    assert decode(text.encode()) == line


@pytest.mark.parametrize("text", [b"", b"hello", b"[]", b'["sealed"]', b'["sealed", "4"]', b"{}", b"\xff", b'["advanced", 1, 2]'])
def test_what_is_no_word_of_ours_is_passed_over(text):
    """A library that prints does not end a run."""
    assert decode(text) is None


def test_what_failed_elsewhere_fails_here():
    """The error keeps its kind, and so the exit code; one that needs more than words becomes a refusal with its words."""
    assert type(Failed("NoSpace", "full").error()) is NoSpace
    for kind in (BadRequest, ConfigurationError):
        error = Failed(kind.__name__, "words").error()
        assert type(error) is Refusal
        assert str(error) == "words"
    for nonsense in ("annotations", "Exception", "__name__"):
        assert isinstance(Failed(nonsense, "words").error(), Refusal)


def test_control_the_number_of_processes_is_bounded(tmp_path):
    """None, or a thousand of them, is a mistake that is named."""
    for wrong in (0, 65, "many", 1.5, True):
        with pytest.raises(ConfigurationError, match=r"transfer\.processes"):
            settings_of(tmp_path, processes=wrong)
    assert Transfer().processes == "auto"

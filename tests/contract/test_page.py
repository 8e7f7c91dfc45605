"""The compatibility page says what the suite shows, and nothing else."""

from __future__ import annotations

from tests.contract.known_differences import KNOWN
from tests.contract.page import PAGE, render
from tests.contract.suite import ALL


def test_the_page_is_what_the_suite_renders() -> None:
    """`docs/compatibility.md` is rendered from the table; write it with `python -m tests.contract.page`."""
    assert PAGE.read_text(encoding="utf-8") == render()


def test_every_known_difference_is_one_of_a_claim() -> None:
    """A difference of a claim that is gone would never be noticed."""
    names = {claim.name for claim in ALL}
    assert all(set(known) <= names for known in KNOWN.values())

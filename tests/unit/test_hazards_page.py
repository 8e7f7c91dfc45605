"""`docs/hazards.md` tells the truth: each test that it names exists, and says itself which hazard it is about."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WANTED = (
    *(f"N{number}" for number in (*range(1, 14), 15, 17)),
    *(f"S{number}" for number in (*range(1, 14), 16)),
    *("C2", "C3", "C4", "C6"),
    *(f"D{number}" for number in (*range(1, 13), 14, 15, 16, 17, 20, 21, 22, 23, 24, 25, 26, 27, 28, 30, 31, 32)),
    *("V10", "X13"),
)
OPEN: set[str] = set()
"""Hazards that no test is about yet."""


def page() -> dict[str, tuple[list[str], list[str]]]:
    """Return hazard → (its tests, its controls), row by row."""
    found = {}
    for line in (ROOT / "docs" / "hazards.md").read_text(encoding="utf-8").splitlines():
        if re.match(r"\| [A-Z]\d+ \|", line):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            assert len(cells) == 5, line
            found[cells[0]] = (re.findall(r"`(test_\w+)`", cells[3]), re.findall(r"`(test_\w+)`", cells[4]))
    return found


@cache
def docstrings() -> dict[str, str]:
    """Return test function → docstrings of all of that name, in every file of tests."""
    found: dict[str, str] = {}
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                found[node.name] = f"{found.get(node.name, '')}\n{ast.get_docstring(node) or ''}"
    return found


def test_every_hazard_of_copying_has_its_row():
    """Nothing is left out in silence: what has no test yet is named as such."""
    rows = page()
    assert set(rows) == set(WANTED)
    assert {hazard for hazard, (tests, _) in rows.items() if not tests} == OPEN


@pytest.mark.parametrize("hazard", sorted(set(WANTED) - OPEN))
def test_what_a_row_names_exists_and_names_the_hazard(hazard):
    """A renamed or removed test, or one that is about something else, is noticed here."""
    tests, controls = page()[hazard]
    missing = [name for name in (*tests, *controls) if name not in docstrings()]
    assert missing == []
    silent = [name for name in tests if not re.search(rf"\b{hazard}\b", docstrings()[name])]
    assert silent == []


def test_a_name_that_there_is_not_would_be_noticed():
    """Negative control: the page is compared with what there is."""
    assert "test_of_something_that_nobody_wrote" not in docstrings()
    assert "test_a_name_that_there_is_not_would_be_noticed" in docstrings()

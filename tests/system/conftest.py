"""A test that needs a system package asks for it by a fixture, and is skipped by name where it can't be had."""

from __future__ import annotations

import pytest

from tests.system.parts import find


def _need(name: str) -> str:
    found = find(name)
    if not found:
        pytest.skip(f"left out: {name} is not installed (make test-system installs it where it may)")
    return found


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of the browser."""
    return _need("chromium")


@pytest.fixture(scope="session")
def japanese_font() -> str:
    """Return a font with Japanese letters."""
    return _need("japanese-fonts")

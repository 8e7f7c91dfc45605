"""The office of this folder's tests: one for the whole session."""

from __future__ import annotations

import pytest

from tests.flows import office as offices


@pytest.fixture(scope="session")
def office(tmp_path_factory):
    """Servers, worker and deployments, ended when the tests are over."""
    with offices.office(tmp_path_factory.mktemp("office")) as opened:
        yield opened

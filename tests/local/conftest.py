"""Two MinIO of our own, with the roles of the design, for the tests of this folder."""

from __future__ import annotations

import pytest

from hikkoshi.local import down, up


@pytest.fixture(scope="session")
def house(tmp_path_factory):
    """Both MinIO running in a folder of their own; ended when the tests are over."""
    root = tmp_path_factory.mktemp("house")
    try:
        yield up(root, prefect=False)
    finally:
        down(root)

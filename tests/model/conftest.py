"""Parts may be small here: a body of 5 MiB is hashed five times on its way, and these tests are about order, not about size."""

import pytest

from tests.model.world import PART


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    """Take `PART` for S3's 5 MiB, in the store and in the rule that cuts."""
    monkeypatch.setattr("connectors.memory.rules.PART_BYTES_MIN", PART)
    monkeypatch.setattr("relocation.rules.parts.PART_BYTES_MIN", PART)

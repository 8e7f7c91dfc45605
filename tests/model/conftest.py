"""What makes the model quick enough to be run hundreds of times, and changes nothing of what it shows."""

import pytest
from sqlalchemy import create_engine

from connectors import scratch
from relocation.stages import draw, plan, run_parts, standing
from tests.model.world import PART

ENGINES = []
"""The first engine. Its dialect, and the statements that it compiled, serve all later ones: that is a third of a small run."""


def one_dialect(url, **options):
    engine = create_engine(url, **options)
    if ENGINES:
        engine.dialect, engine._compiled_cache = ENGINES[0].dialect, ENGINES[0]._compiled_cache
    else:
        ENGINES.append(engine)
    return engine


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Compile each statement once; wait for no disk; take `PART` for S3's 5 MiB, in the store and in the rule that cuts.

    What dies here is a process, never the machine: a ledger need not be on the disk. A body of 5 MiB is hashed five times on its
    way, and these tests are about order, not about size.
    """
    monkeypatch.setattr("connectors.ledger.database.create_engine", one_dialect)
    monkeypatch.setattr("connectors.ledger.database.SYNCHRONOUS", "OFF")
    monkeypatch.setattr("connectors.memory.rules.PART_BYTES_MIN", PART)
    monkeypatch.setattr("relocation.rules.parts.PART_BYTES_MIN", PART)


@pytest.fixture
def cut_small(monkeypatch):
    """Make pieces, files and runs of a few rows, and let nothing stay in memory."""
    monkeypatch.setattr(draw, "PIECE_ROWS", 3)
    monkeypatch.setattr(plan, "FILE_ROWS", 4)
    monkeypatch.setattr(run_parts, "LISTED_ROWS", 2)
    monkeypatch.setattr(standing, "FOLDED_PLACES", 7)
    monkeypatch.setattr(scratch, "SORTED_ROWS", 5)
    monkeypatch.setattr(scratch, "BLOCK_ROWS", 2)
    monkeypatch.setattr(scratch, "MEMORY_ROWS", 6)

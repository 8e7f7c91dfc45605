"""What of the budget is for buffers, and where freed memory goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.memory_returned import payload_bytes, return_what_is_freed
from relocation.settings import MIB
from tests.unit.test_settings import migration


def resident_mib() -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) // 1024


def test_what_is_freed_between_buffers_in_use_goes_back_to_the_system():
    """C3, I9: every other of sixty buffers is given up: their memory is gone at once, although those around them stay."""
    return_what_is_freed()
    warm = [bytearray(20 * MIB) for _ in range(2)]  # without a fixed size, freeing these lets the next ones share a heap
    warm.clear()
    buffers = [bytearray(b"x") * (2 * MIB) for _ in range(60)]
    full = resident_mib()
    del buffers[::2]
    assert full - resident_mib() > 50
    assert len(buffers) == 30


@pytest.mark.parametrize(("url", "share"), [("http://127.0.0.1:9000", 1.0), ("https://store.example", 0.75)])
def test_tls_counts_in_the_budget(tmp_path, url, share):
    """I9: bytes that are being de- and encrypted are bytes in flight too: they take a quarter of the budget."""
    made = migration(tmp_path)
    endpoints = {name: each.model_copy(update={"url": url}) for name, each in made.endpoints.items()}
    assert payload_bytes(made.model_copy(update={"endpoints": endpoints})) == share * made.transfer.budget_bytes

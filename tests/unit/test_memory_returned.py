"""What of the budget is for buffers, and where freed memory goes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from connectors.memory_returned import payload_bytes
from tests.unit.test_settings import migration

FREED = """
from pathlib import Path
from connectors.memory_returned import return_what_is_freed

def resident_mib():
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) // 1024

MIB = 1024 * 1024
{first}
warm = [bytearray(20 * MIB) for _ in range(2)]  # without a fixed size, freeing these lets the next ones share a heap
warm.clear()
buffers = [bytearray(b"x") * (2 * MIB) for _ in range(60)]
full = resident_mib()
del buffers[::2]
print(full - resident_mib())
"""


@pytest.mark.parametrize(("first", "returned"), [("return_what_is_freed()", True), ("", False)], ids=["fixed", "control"])
def test_what_is_freed_between_buffers_in_use_goes_back_to_the_system(first, returned):
    """C3, I9: every other of sixty buffers is given up: their memory is gone at once, although those around them stay."""
    freed = subprocess.run([sys.executable, "-c", FREED.format(first=first)], capture_output=True, text=True, check=True)
    assert (int(freed.stdout) > 50) == returned


@pytest.mark.parametrize(("url", "share"), [("http://127.0.0.1:9000", 1.0), ("https://store.example", 0.75)])
def test_tls_counts_in_the_budget(tmp_path, url, share):
    """I9: bytes that are being de- and encrypted are bytes in flight too: they take a quarter of the budget."""
    made = migration(tmp_path)
    endpoints = {name: each.model_copy(update={"url": url}) for name, each in made.endpoints.items()}
    assert payload_bytes(made.model_copy(update={"endpoints": endpoints})) == share * made.transfer.budget_bytes

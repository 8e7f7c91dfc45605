"""Memory of large buffers that are given up goes back to the system at once, and TLS counts in the budget of bytes in flight.

glibc moves the size from which it maps a block of its own up to 32 MiB as such blocks are freed (mallopt(3), M_MMAP_THRESHOLD);
from then on buffers of many sizes share one heap, which can't shrink around those still in use. A mixed load took 314 MiB at its
peak without a fixed size, 292 with one of 1 MiB, 277 with that of the smallest buffer. Where the C library is another one, nothing
is changed.
"""

from __future__ import annotations

import ctypes

from relocation.settings import Migration
from relocation.transfer.budget import CLASS_BYTES_MIN

MAPPED_FROM_BYTES = CLASS_BYTES_MIN
"""Every buffer of the budget is mapped: it is used again and again, and once let go it leaves no hole."""
M_MMAP_THRESHOLD = -3
TLS_PARTS = 4
"""Of that many parts of the budget, TLS takes one: each connection holds half a MiB of bytes that are being de- and encrypted."""


def return_what_is_freed() -> None:
    """Fix the size from which a block is mapped, for this process."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, MAPPED_FROM_BYTES)


def payload_bytes(settings: Migration) -> int:
    """Return what of the budget is for buffers: all of it, or three quarters where an endpoint is reached over TLS."""
    budget_bytes = settings.transfer.budget_bytes
    over_tls = any(endpoint.url.startswith("https:") for endpoint in settings.endpoints.values())
    return budget_bytes - budget_bytes // TLS_PARTS if over_tls else budget_bytes

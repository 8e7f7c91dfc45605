"""How fast and how careful bytes are moved: every limit is named with its unit."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PlainValidator

from relocation.settings.values import GIB, KIB, MIB, Bytes, Count, Money, Seconds, Settings

PROCESSES_MAX = 64


def _processes(value: object) -> Literal["auto"] | int:
    if value == "auto":
        return "auto"
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= PROCESSES_MAX:
        raise ValueError(f"is no number of processes; `auto`, or a whole number from 1 to {PROCESSES_MAX}")
    return value


class Transfer(Settings):
    """How fast and how careful: limits of one command, shared by its `processes` on this machine (`auto`: one for every four
    cores), except `settle_s` and `attempts_max`, which are of one object.

    `concurrency` is the most at once; how many it is follows the endpoints' answers. An answer slower than `min_bytes_per_s` for
    `stall_s` is broken off (0: never). `overloaded_s`: how long an endpoint may refuse everything without saying until when.
    `cost_cap` is what the migration may spend on requests and traffic, in the currency of `prices`.
    """

    processes: Annotated[Literal["auto"] | int, PlainValidator(_processes)] = "auto"
    budget_bytes: Annotated[Bytes, Field(ge=16 * MIB, le=64 * GIB)] = 128 * MIB
    wire: Literal["lean", "library"] = "lean"
    stall_s: Annotated[Seconds, Field(ge=0.1, le=3600)] = 30.0
    connect_timeout_s: Annotated[Seconds, Field(ge=0.1, le=600)] = 10.0
    concurrency: Annotated[Count, Field(ge=1, le=1024)] = 256
    min_bytes_per_s: Annotated[Bytes, Field(ge=0, le=GIB)] = KIB
    overloaded_s: Annotated[Seconds, Field(ge=0, le=86_400)] = 300.0
    cost_cap: Money | None = None
    shard_objects: Annotated[Count, Field(ge=1, le=1_000_000)] = 10_000
    shard_bytes: Annotated[Bytes, Field(ge=1, le=1024 * GIB)] = 8 * GIB
    lease_s: Annotated[Seconds, Field(ge=1, le=3600)] = 30.0
    attempts_max: Annotated[Count, Field(ge=1, le=100)] = 6
    unreachable_s: Annotated[Seconds, Field(ge=0, le=3600)] = 60.0
    settle_s: Annotated[Seconds, Field(ge=0, le=86_400)] = 0.0
    intent_objects: Annotated[Count, Field(ge=1, le=10_000)] = 256

"""A proxy for one endpoint that does wrong what it is told to do wrong: for tests, and for the demo's broken object.

Guarantees: bytes pass untouched, the Host header included (signatures stay valid), but for the faults; every request is
counted in `requests`, with its status and the bytes of both bodies; a fault strikes by count and position, never by chance.
Listens on loopback only. Refuses https targets: it could not look inside. May import: the standard library alone, so that it shares
no parser and no signer with what it is to test.
"""

from __future__ import annotations

from hikkoshi.fault_proxy.faults import (
    Action,
    Answer,
    AnswerAfter,
    Blackhole,
    Call,
    Delay,
    Fault,
    FlipByte,
    Reset,
    Resign,
    SetResponseHeader,
    Stall,
    StripRequestHeader,
    StripResponseHeader,
    Truncate,
)
from hikkoshi.fault_proxy.proxy import FaultProxy, Seen

__all__ = [
    "Action",
    "Answer",
    "AnswerAfter",
    "Blackhole",
    "Call",
    "Delay",
    "Fault",
    "FaultProxy",
    "FlipByte",
    "Reset",
    "Resign",
    "Seen",
    "SetResponseHeader",
    "Stall",
    "StripRequestHeader",
    "StripResponseHeader",
    "Truncate",
]

"""Bodies on their way through: pass them on, flip what is to be flipped, end where they are to end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from hikkoshi.fault_proxy.faults import Action, FlipByte, Reset, Side, Stall, Truncate


class HangUp(Exception):
    """The connection ends here, by RST or in good order."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__("reset" if reset else "closed")
        self.reset = reset


class Hang(Exception):
    """Nothing more passes on this connection until the client gives up."""


async def pass_body(
    body: AsyncIterator[tuple[bytes, bool]],
    to: asyncio.StreamWriter,
    *,
    side: Side,
    actions: Sequence[Action],
    count: Callable[[int], None],
) -> None:
    """Write a body on, piece by piece; `count` hears how many payload bytes have passed so far.

    Raises `HangUp` or `Hang` where an action ends the body; what came before has then been handed to the kernel.
    """
    flips = sorted(action.at for action in actions if isinstance(action, FlipByte) and action.of == side)
    ends = sorted(
        ((action.after, action) for action in actions if isinstance(action, Truncate | Reset | Stall) and action.of == side),
        key=lambda end: end[0],
    )
    await to.drain()
    if ends and ends[0][0] == 0:
        raise _ended_by(ends[0][1])
    offset = 0
    async for data, payload in body:
        if not payload:
            to.write(data)
            continue
        passed = _flipped(data, [at - offset for at in flips])
        if cut := [end for end in ends if end[0] <= offset + len(data)]:
            passed = passed[: cut[0][0] - offset]
        offset += len(passed)
        count(offset)
        to.write(passed)
        await to.drain()
        if cut:
            raise _ended_by(cut[0][1])
    await to.drain()


def _ended_by(action: Truncate | Reset | Stall) -> HangUp | Hang:
    return Hang() if isinstance(action, Stall) else HangUp(reset=isinstance(action, Reset))


def _flipped(data: bytes, positions: Sequence[int]) -> bytes:
    here = [at for at in positions if 0 <= at < len(data)]
    if not here:
        return data
    edited = bytearray(data)
    for at in here:
        edited[at] ^= 0xFF
    return bytes(edited)

"""Hold a lease while work goes on: renewed in the background, and the work is stopped the moment it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from relocation.rules.records import Lease
from relocation.stages.context import Context
from relocation.transfer.crew import first_error


class Holder(Protocol):
    """Who works under a lease, and wants to know until when it surely holds."""

    expires_monotonic: float


@asynccontextmanager
async def held(context: Context, lease: Lease, holder: Holder | None = None) -> AsyncIterator[None]:
    """Renew the lease three times as often as it runs out. LeaseLost stops the work inside, and is raised.

    The holder's `expires_monotonic` counts from before each renewal, so that it ends before the ledger's does, also when this
    process was stopped in between.
    """
    lease_s = context.settings.transfer.lease_s

    async def renew_forever() -> None:
        while True:
            await asyncio.sleep(lease_s / 3)
            asked = context.clock.monotonic()
            await context.ledger.renew(lease, lease_s=lease_s)
            if holder is not None:
                holder.expires_monotonic = asked + lease_s

    with first_error():
        async with asyncio.TaskGroup() as group:
            renewing = group.create_task(renew_forever())
            try:
                yield
            finally:
                renewing.cancel()

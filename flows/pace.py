"""The flow `pace`: change how fast an endpoint is asked, pause it or let it go on, while waves run. Moves no data itself."""

from __future__ import annotations

import asyncio

from prefect import flow, get_run_logger, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from connectors.pace.orders import PaceChange, order_pace
from flows.conduct import settings
from relocation.rules.errors import HikkoshiError
from relocation.rules.values import byte_rate

PAUSED = {"as it is": None, "pause": True, "go on": False}


@flow(name="pace", flow_run_name="pace of {endpoint}: {what}", persist_result=False, retries=0)
async def pace(
    endpoint: str, what: str = "as it is", bandwidth: str = "", requests_per_s: float | None = None, clear: bool = False
) -> State[None]:
    """Order a pace, and say how it stands."""
    try:
        migration = settings()
        bytes_per_s = float(byte_rate(bandwidth)) if bandwidth not in {"", "none"} else 0.0 if bandwidth else None
        change = PaceChange(bytes_per_s, requests_per_s, paused=PAUSED[what], clear=clear)
        who = f"prefect flow run {runtime.flow_run.id}"
        standing = await asyncio.to_thread(lambda: asyncio.run(order_pace(migration, endpoint, change, who=who)))
    except (HikkoshiError, ValueError) as error:
        return Failed(message=f"{error}\nNothing was changed.")
    told = f"{endpoint}: {standing.told(migration.timezone)}"
    get_run_logger().info("%s", told)
    return Completed(message=f"{told}. {standing.processes} processes at work will keep to it within three seconds.")

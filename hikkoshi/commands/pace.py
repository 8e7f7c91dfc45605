"""`hikkoshi pace`: how fast an endpoint may be asked, changed while waves run. Asks and tells the ledger alone."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from hikkoshi.shell import ConfigOption, Json, JsonOption, shell_of
from hikkoshi.stopping import run_until_stopped

if TYPE_CHECKING:
    from connectors.pace.orders import PaceChange, PaceStanding

EndpointArgument = Annotated[str, typer.Argument(metavar="ENDPOINT", help="An endpoint of the configuration.", show_default=False)]
BandwidthOption = Annotated[
    str, typer.Option("--bandwidth", metavar="RATE", help="At most so much, as in 200MB/s; `none`: no limit.", show_default=False)
]
RequestsOption = Annotated[
    str, typer.Option("--requests", metavar="N", help="At most so many requests a second; `none`: no limit.", show_default=False)
]
PauseOption = Annotated[
    bool | None, typer.Option("--pause/--resume", help="Ask the endpoint for nothing, until --resume.", show_default=False)
]
ClearOption = Annotated[bool, typer.Option("--clear", help="Take earlier orders back: the configuration's limits hold again.")]


def pace(
    context: typer.Context,
    endpoint: EndpointArgument,
    *,
    bandwidth: BandwidthOption = "",
    requests: RequestsOption = "",
    pause: PauseOption = None,
    clear: ClearOption = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Change how fast an endpoint is asked, or pause it, while waves run; without an option, show it."""
    from connectors.pace.orders import order_pace

    shell = shell_of(context, config, json)
    settings = shell.settings(credentials=False)
    change = _change(bandwidth, requests, paused=pause, clear=clear)
    standing = run_until_stopped(order_pace(settings, endpoint, change, who=getpass.getuser()))
    if shell.json:
        shell.print_json(document(standing))
        return 0
    shell.out.print(f"{endpoint}: {standing.told(settings.timezone)}")
    if not change.is_none:
        at_work = f"{standing.processes} process{'' if standing.processes == 1 else 'es'} at work"
        shell.out.print(f"{at_work} will keep to it within three seconds" if standing.processes else "nobody is at work now")
    return 0


def document(standing: PaceStanding) -> Json:
    """Return the pace of an endpoint as JSON has it: rates for all processes together, 0 for no limit."""
    order = standing.order
    return {
        "endpoint": standing.endpoint,
        "bytes_per_s": standing.rates.bytes_per_s,
        "requests_per_s": standing.rates.requests_per_s,
        "paused_at": order.paused_at if order and order.paused_at else None,
        "ordered": asdict(order) if order else None,
        "waits": list(standing.waits),
    }


def _change(bandwidth: str, requests: str, *, paused: bool | None, clear: bool) -> PaceChange:
    from connectors.pace.orders import PaceChange

    return PaceChange(_number(bandwidth, "--bandwidth"), _number(requests, "--requests"), paused=paused, clear=clear)


def _number(text: str, option: str) -> float | None:
    """Return what an option says; None where it says nothing, 0 for `none`."""
    from relocation.rules.values import byte_rate

    if text in {"", "none"}:
        return 0.0 if text else None
    try:
        value = float(byte_rate(text)) if option == "--bandwidth" else float(text)
    except ValueError as error:
        said = str(error) if option == "--bandwidth" else "is no number of requests a second, as in 500"
        raise typer.BadParameter(f"{text!r} {said}", param_hint=option) from None
    if not 0 < value < 1e15:
        raise typer.BadParameter("has to be more than 0; `--pause` stops, `none` takes the limit away", param_hint=option)
    return value

"""The proxy as a process: prints its port on a line of its own and serves until it is ended."""

from __future__ import annotations

import argparse
import asyncio
import sys

from hikkoshi.fault_proxy import Fault, FaultProxy, FlipByte, StripRequestHeader, StripResponseHeader


async def serve(target: str, port: int, faults: list[Fault]) -> None:
    """Serve until cancelled."""
    async with FaultProxy(target, faults, port=port) as proxy:
        sys.stdout.write(f"{proxy.url.rpartition(':')[2]}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(prog="python -m hikkoshi.fault_proxy", description="A proxy that breaks what it is told to.")
    parser.add_argument("--target", required=True, help="http://HOST:PORT to forward to")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (0: any free one)")
    parser.add_argument("--strip-request-header", action="append", default=[], metavar="NAME")
    parser.add_argument("--strip-response-header", action="append", default=[], metavar="NAME")
    parser.add_argument("--flip", type=int, metavar="BYTE", help="flip this byte of every GET's body")
    options = parser.parse_args()
    faults = [Fault(StripRequestHeader(name)) for name in options.strip_request_header]
    faults += [Fault(StripResponseHeader(name)) for name in options.strip_response_header]
    if options.flip is not None:
        faults.append(Fault(FlipByte(options.flip), method="GET"))
    try:
        asyncio.run(serve(options.target, options.port, faults))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()

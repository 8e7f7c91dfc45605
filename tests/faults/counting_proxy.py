"""A relay in front of one server that counts PUTs by their target, in a process of its own so that it costs the test no time.

`python -m tests.faults.counting_proxy HOST:PORT` prints its port, relays every byte as it comes, and prints the counts as JSON when
its stdin ends. It reads request lines only: a connection carries one request at a time, and its head comes in one piece.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections import Counter

import uvloop

PUT = re.compile(rb"\APUT (\S+) HTTP/1\.1\r\n")


class Relay(asyncio.Protocol):
    """One end of a connection: what it hears goes to the other end. `puts` is where the client's end counts."""

    def __init__(self, puts: Counter[str] | None) -> None:
        self.puts = puts
        self.other: asyncio.Transport | None = None
        self.early: list[bytes] = []

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport

    def join(self, other: Relay) -> None:
        """Pass on to that end, beginning with what came before it was there."""
        self.other = other.transport
        self.other.writelines(self.early)

    def data_received(self, data: bytes) -> None:
        found = PUT.match(data) if self.puts is not None else None
        if self.puts is not None and found:
            self.puts[found[1].decode()] += 1
        if self.other is None:
            self.early.append(data)
        else:
            self.other.write(data)

    def connection_lost(self, _error: Exception | None) -> None:
        if self.other is not None:
            self.other.close()


async def main(target: str) -> None:
    host, _, port = target.partition(":")
    puts: Counter[str] = Counter()
    loop = asyncio.get_running_loop()
    joining: set[asyncio.Task[None]] = set()

    class Client(Relay):
        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            task = loop.create_task(join(self))
            joining.add(task)
            task.add_done_callback(joining.discard)

    async def join(client: Relay) -> None:
        _, upstream = await loop.create_connection(lambda: Relay(None), host, int(port))
        upstream.join(client)
        client.join(upstream)

    server = await loop.create_server(lambda: Client(puts), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps(puts), flush=True)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))

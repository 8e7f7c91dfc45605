"""A line that is long, not narrow: a TCP proxy that hands every byte on after half a round trip, each way.

    python delay.py TO_PORT ROUND_TRIP_MS          prints the port on which it listens, and runs until it is ended

All bytes of a process wait in one queue, because all wait equally long: its head alone needs a timer. A new connection's first
bytes wait for one round trip more, which is what its handshake would have taken. At 0 ms everything goes the same way.
Refuses nothing and reads nothing: TLS goes through as it is.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from typing import cast

import uvloop

HOST = "127.0.0.1"
BUFFER_BYTES = 64 * 1024 * 1024  # of one direction: 500 MB/s for 128 ms
Chunk = tuple[float, asyncio.Transport, bytes]


class Line:
    """What is under way, oldest first. An empty chunk is the end of a connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop, one_way_s: float) -> None:
        self.one_way_s = one_way_s
        self._loop = loop
        self._under_way: deque[Chunk] = deque()
        self._waiting = False

    def send(self, to: asyncio.Transport, data: bytes) -> None:
        self._under_way.append((self._loop.time() + self.one_way_s, to, data))
        self._wait()

    def _wait(self) -> None:
        if self._waiting or not self._under_way:
            return
        self._waiting = True
        if self.one_way_s:
            self._loop.call_at(self._under_way[0][0], self._arrive)
        else:
            self._loop.call_soon(self._arrive)

    def _arrive(self) -> None:
        now = self._loop.time() + 0.0005  # the loop's timers are no finer than a millisecond
        under_way, self._waiting = self._under_way, False
        while under_way and under_way[0][0] <= now:
            _, to, data = under_way.popleft()
            if data:
                to.write(data)
            else:
                to.close()
        self._wait()


class End(asyncio.Protocol):
    """One end of a connection through the line; `peer` is the other. What comes before there is a peer is kept."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.peer: End | None = None
        self.transport: asyncio.Transport | None = None
        self.kept: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is not of asyncio's classes
        self.transport.set_write_buffer_limits(high=BUFFER_BYTES)

    def data_received(self, data: bytes) -> None:
        if self.peer is None or self.peer.transport is None:
            self.kept.append(data)
        else:
            self.line.send(self.peer.transport, data)

    def connection_lost(self, _error: Exception | None) -> None:
        if self.peer is not None and self.peer.transport is not None:
            self.line.send(self.peer.transport, b"")

    def pause_writing(self) -> None:
        if self.peer is not None and self.peer.transport is not None:
            self.peer.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.peer is not None and self.peer.transport is not None:
            self.peer.transport.resume_reading()


class Front(End):
    """The end that a client connects to: it reads nothing until its handshake would be done and the server is reached."""

    def __init__(self, line: Line, port: int, opening: set[asyncio.Task[None]]) -> None:
        super().__init__(line)
        self.port = port
        self.opening = opening

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        assert self.transport is not None
        self.transport.pause_reading()
        task = asyncio.get_running_loop().create_task(self._open())
        self.opening.add(task)
        task.add_done_callback(self.opening.discard)

    async def _open(self) -> None:
        assert self.transport is not None
        if self.line.one_way_s:
            await asyncio.sleep(2 * self.line.one_way_s)
        back = End(self.line)
        back.peer = self
        try:
            await asyncio.get_running_loop().create_connection(lambda: back, HOST, self.port)
        except OSError:
            self.transport.abort()
            return
        self.peer = back
        assert back.transport is not None
        if self.transport.is_closing():
            back.transport.abort()
            return
        for data in self.kept:
            self.line.send(back.transport, data)
        self.kept.clear()
        self.transport.resume_reading()


async def serve(to_port: int, round_trip_ms: float) -> None:
    loop = asyncio.get_running_loop()
    line, opening = Line(loop, round_trip_ms / 2000), set[asyncio.Task[None]]()
    server = await loop.create_server(lambda: Front(line, to_port, opening), HOST, 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), float(sys.argv[2])))

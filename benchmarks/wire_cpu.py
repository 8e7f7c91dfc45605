"""CPU of the client for one request, lean wire next to library wire, against a trivial server in a process of its own.

    python -m benchmarks.wire_cpu [REQUESTS] [OBJECT_BYTES]

Prints microseconds of client CPU for a signed GET and a signed PUT, many at once, on uvloop.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from typing import cast

import uvloop

from connectors.signer import UNSIGNED_PAYLOAD, Signer
from connectors.wire import LeanWire, LibraryWire

FIELDS = (
    b'Accept-Ranges: bytes\r\nContent-Type: image/jpeg\r\nETag: "0123456789abcdef0123456789abcdef"\r\n'
    b"Last-Modified: Fri, 24 May 2013 00:00:00 GMT\r\nServer: toy\r\nVary: Origin\r\nX-Amz-Id-2: 0123456789abcdef\r\n"
    b"X-Amz-Request-Id: 0123456789ABCDEF\r\nX-Content-Type-Options: nosniff\r\nDate: Fri, 24 May 2013 00:00:00 GMT\r\n"
)
LANES = 16


class Toy(asyncio.Protocol):
    """Answers a GET with an object, and a PUT of `object_bytes` with nothing."""

    def __init__(self, object_bytes: int) -> None:
        self.object_bytes = object_bytes
        self.head = b""
        self.due_bytes = 0
        self.answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % object_bytes + FIELDS + b"\r\n" + bytes(object_bytes)
        self.done = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + FIELDS + b"\r\n"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        if self.due_bytes:
            self.take(len(data))
            return
        self.head += data
        end = self.head.find(b"\r\n\r\n")
        if end < 0:
            return
        rest_bytes, is_put = len(self.head) - end - 4, self.head.startswith(b"PUT")
        self.head = b""
        if is_put:
            self.due_bytes = self.object_bytes
            self.take(rest_bytes)
        else:
            self.transport.write(self.answer)

    def take(self, count: int) -> None:
        self.due_bytes -= count
        if not self.due_bytes:
            self.transport.write(self.done)


def serve(told: Connection, object_bytes: int) -> None:
    """Run the toy until its process is ended."""

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: Toy(object_bytes), "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(run())


async def measure(wire: LeanWire | LibraryWire, requests: int, object_bytes: int) -> tuple[float, float]:
    """Return microseconds of CPU for a GET and for a PUT."""
    signer = Signer("AKIAIOSFODNN7EXAMPLE", "not-a-secret", "", "us-east-1")
    body = os.urandom(object_bytes)

    async def get(buffer: memoryview) -> None:
        target, headers = signer.sign("GET", "/b/talk/images/1", [], [("host", wire.host)], UNSIGNED_PAYLOAD, time.time())
        answer = await wire.request("GET", target, headers, into=buffer)
        assert len(answer.body) == object_bytes

    async def put(_buffer: memoryview) -> None:
        fields = [("host", wire.host), ("content-type", "image/jpeg"), ("if-none-match", "*")]
        target, headers = signer.sign("PUT", "/b/talk/images/1", [], fields, UNSIGNED_PAYLOAD, time.time())
        assert (await wire.request("PUT", target, headers, body)).status == 200

    async def lane(work: Callable[[memoryview], Awaitable[None]], count: int) -> None:
        buffer = memoryview(bytearray(object_bytes))
        for _ in range(count):
            await work(buffer)

    figures = []
    for work in (get, put):
        await asyncio.gather(*(lane(work, 2) for _ in range(LANES)))
        begun = time.process_time()
        await asyncio.gather(*(lane(work, requests // LANES) for _ in range(LANES)))
        figures.append((time.process_time() - begun) / (requests // LANES * LANES) * 1e6)
    await wire.close()
    return figures[0], figures[1]


def main() -> None:
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 8_000
    object_bytes = int(sys.argv[2]) if len(sys.argv) > 2 else 16_384
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, object_bytes), daemon=True)
    server.start()
    port = ours.recv()
    print(f"{requests} requests, {object_bytes} bytes, {LANES} at once: microseconds of client CPU for a request")
    for wire in (LeanWire, LibraryWire):
        get_us, put_us = uvloop.run(measure(wire(f"http://127.0.0.1:{port}"), requests, object_bytes))
        print(f"{wire.__name__:12} GET {get_us:7.1f}   PUT {put_us:7.1f}")
    server.terminate()
    server.join()


if __name__ == "__main__":
    main()

"""The proxy itself: one upstream connection for each client connection, heads parsed, bodies passed on as they come.

Guarantees: a request is in `requests` before its first byte goes upstream, and its status before the client sees it; an upstream
that closes while idle closes the client's connection too, so that a client sees the same dead connection as without us.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from urllib.parse import urlsplit

from hikkoshi.fault_proxy.bodies import Hang, HangUp
from hikkoshi.fault_proxy.exchange import Exchange, read_request
from hikkoshi.fault_proxy.faults import Fault
from hikkoshi.fault_proxy.messages import HEAD_BYTES_MAX, PIECE_BYTES, Garbled, MessageHead


@dataclass(slots=True)
class Seen:
    """One request that came by. `status` is what the client got (0: nothing), bytes are those of the payloads that passed."""

    method: str
    target: str
    status: int = 0
    request_bytes: int = 0
    response_bytes: int = 0


class FaultProxy:
    """Stand between a client and `target_url`. `async with` runs in the caller's loop, `with` in a thread of its own."""

    def __init__(self, target_url: str, faults: Sequence[Fault] = (), *, port: int = 0) -> None:
        parts = urlsplit(target_url)
        if parts.scheme != "http" or parts.hostname is None:
            raise ValueError(f"the fault proxy forwards plain http only, not {target_url!r}")
        self._host, self._port_upstream = parts.hostname, parts.port or 80
        self._port = port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self.requests: list[Seen] = []
        self.faults = faults

    @property
    def faults(self) -> Sequence[Fault]:
        """The faults in force. Setting them starts their counts afresh; requests under way keep theirs."""
        return tuple(fault for fault, _ in self._counted)

    @faults.setter
    def faults(self, faults: Sequence[Fault]) -> None:
        self._counted = [(fault, [0]) for fault in faults]

    @property
    def url(self) -> str:
        """Where clients find the proxy."""
        return f"http://127.0.0.1:{self._port}"

    def count(self, *methods: str) -> int:
        """Return how many requests of these methods came by."""
        return sum(seen.method in methods for seen in self.requests)

    async def start(self) -> int:
        """Listen on loopback and return the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, limit=HEAD_BYTES_MAX)
        self._port = int(self._server.sockets[0].getsockname()[1])
        return self._port

    async def close(self) -> None:
        """Stop listening and break every connection."""
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    async def __aenter__(self) -> FaultProxy:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    def __enter__(self) -> FaultProxy:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.start(), self._loop).result(timeout=10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._loop is not None
        assert self._thread is not None
        asyncio.run_coroutine_threadsafe(self.close(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        upstream: asyncio.StreamWriter | None = None
        try:
            up_reader, upstream = await asyncio.open_connection(self._host, self._port_upstream, limit=HEAD_BYTES_MAX)
            for each in (writer, upstream):
                each.transport.set_write_buffer_limits(high=0)  # what is drained is with the kernel, so a cut is where we say
            while await self._one(Exchange(reader, writer, up_reader, upstream)):
                pass
        except HangUp as end:
            if end.reset:
                _arm_reset(writer)
        except (OSError, Garbled, asyncio.IncompleteReadError):
            _arm_reset(writer)  # either side broke: the other sees a broken connection too
        except asyncio.CancelledError:
            _arm_reset(writer)
            writer.transport.abort()
        finally:
            self._connections.discard(task)
            writer.close()
            if upstream is not None:
                upstream.close()

    async def _one(self, exchange: Exchange) -> bool:
        """Serve one request; false: the connection is over."""
        head = await read_request(exchange)
        if head is None:
            return False
        method, target = head.request_line()
        seen = Seen(method, target)
        self.requests.append(seen)
        actions = [fault.action for fault in self._struck(head)]
        try:
            return await exchange.run(head, seen, actions)
        except Hang:
            while await exchange.client.read(PIECE_BYTES):
                pass
            return False

    def _struck(self, head: MessageHead) -> list[Fault]:
        method, target = head.request_line()
        names = head.names()
        struck = []
        for fault, count in self._counted:
            if fault.matches(method, target, names):
                count[0] += 1
                if fault.nth in {0, count[0]}:
                    struck.append(fault)
        return struck


def _arm_reset(writer: asyncio.StreamWriter) -> None:
    """Have the next close of this connection send RST instead of FIN."""
    connection = writer.get_extra_info("socket")
    if connection is None:  # closed already, and forgotten
        return
    with contextlib.suppress(OSError):  # already gone: then there is nobody to send it to
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

"""Keep-alive connections to one endpoint: at most so many at once, the one used last first, and one watchdog for all.

Guarantees: a connection goes back only after a faultless exchange, and out again only while its socket is silent; a request
on which no byte moves for `stall_s` is ended. Refuses to make more than `connections_max`: callers wait their turn.
"""

from __future__ import annotations

import asyncio

from connectors.wire.address import Address, tls_fault
from connectors.wire.connection import Connection
from connectors.wire.slowness import Crawl, deadline_s
from relocation.rules.errors import Transient, Unreachable

_LOOKS_IN_A_STALL = 4  # the watchdog looks this often in `stall_s`, so that a stall ends after 1.0 to 1.25 of it
_CLOSE_S = 5.0


class Pool:
    """Connections to `address`. Lives on the loop that first uses it."""

    def __init__(
        self, address: Address, *, connections_max: int, connect_timeout_s: float, stall_s: float, min_bytes_per_s: float = 0.0
    ) -> None:
        self._address = address
        self._connect_timeout_s = connect_timeout_s
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()
        self._watchdog = Watchdog(stall_s, min_bytes_per_s=min_bytes_per_s)
        self.closed = False
        self.slots = asyncio.Semaphore(connections_max)

    def take_idle(self) -> Connection | None:
        """Return the connection that was used last and is still good, watched, or None."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_fresh():
                self._watchdog.watch(connection)
                return connection
            self._drop(connection)
        return None

    async def connect(self) -> Connection:
        """Open a connection, watched; `Unreachable` says why not (address, no answer in time), `Untrusted` whom it met."""
        address = self._address
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                _, connection = await asyncio.get_running_loop().create_connection(
                    lambda: Connection(name=str(address), over_tls=address.tls is not None),
                    address.host,
                    address.port,
                    ssl=address.tls,
                    server_hostname=address.host if address.tls else None,
                )
        except TimeoutError as error:
            raise Unreachable(f"{address} did not take a connection within {self._connect_timeout_s:g} s") from error
        except OSError as error:
            raise (tls_fault(address, error) or Unreachable(f"{address} can't be reached: {error}")) from error
        self._all.add(connection)
        if self.closed:
            self._drop(connection)
            raise Unreachable(f"{address}: the wire was closed")
        self._watchdog.watch(connection)
        return connection

    def put_back(self, connection: Connection) -> None:
        """Keep a connection for the next request, or drop it."""
        self._watchdog.unwatch(connection)
        if connection.reusable:
            self._idle.append(connection)
        else:
            self._drop(connection)

    def _drop(self, connection: Connection) -> None:
        connection.fail(Unreachable(f"{self._address}: the connection was dropped"))
        self._all.discard(connection)

    async def close(self) -> None:
        """Drop every connection and wait until their sockets are closed."""
        self.closed = True
        lost = [connection.lost for connection in self._all]
        for connection in list(self._all):
            connection.fail(Unreachable(f"{self._address}: the wire was closed"))
        self._all.clear()
        self._idle.clear()
        self._watchdog.stop()
        if lost:
            await asyncio.wait(lost, timeout=_CLOSE_S)


class Watchdog:
    """One timer of the loop that ends every request on which nothing moves, or too little, instead of one timer for each."""

    def __init__(self, stall_s: float, *, min_bytes_per_s: float = 0.0) -> None:
        self._stall_s = stall_s
        self._min_bytes_per_s = min_bytes_per_s
        self._watched: set[Connection] = set()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, connection: Connection) -> None:
        """Begin to look at `connection`, whose clock starts now."""
        loop = connection.loop
        connection.moved_mark, connection.moved_at_s = (connection.moved_bytes, 0), loop.time()
        connection.begun_s, connection.crawl = connection.moved_at_s, None
        self._watched.add(connection)
        if self._timer is None:
            self._timer = loop.call_later(self._stall_s / _LOOKS_IN_A_STALL, self._look, loop)

    def unwatch(self, connection: Connection) -> None:
        """Look at it no more."""
        self._watched.discard(connection)

    def stop(self) -> None:
        """Look at nothing any more."""
        self._watched.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now_s = loop.time()
        for connection in list(self._watched):
            mark = (connection.moved_bytes, connection.waits_to_send())
            if mark != connection.moved_mark:
                connection.moved_mark, connection.moved_at_s = mark, now_s
                if self._min_bytes_per_s:
                    self._look_for_crawl(connection, now_s)
            elif now_s - connection.moved_at_s >= self._stall_s:
                connection.fail(Transient(f"no byte moved for {self._stall_s:g} s, neither way: the connection was dropped"))
        self._timer = loop.call_later(self._stall_s / _LOOKS_IN_A_STALL, self._look, loop) if self._watched else None

    def _look_for_crawl(self, connection: Connection, now_s: float) -> None:
        """End a request whose body crawls, or that takes longer than its bytes may."""
        rate, stall_s = self._min_bytes_per_s, self._stall_s
        moved_bytes = connection.bulk_bytes()
        if moved_bytes is None:
            connection.crawl = None
        elif connection.crawl is None:
            connection.crawl = Crawl(now_s, moved_bytes, min_bytes_per_s=rate, window_s=stall_s)
        elif connection.crawl.is_too_slow(now_s, moved_bytes):
            connection.fail(Transient(f"less than {rate:g} bytes/s moved for {stall_s:g} s: the connection was dropped"))
        may_take_s = deadline_s(connection.due_bytes, min_bytes_per_s=rate, stall_s=stall_s)
        if now_s - connection.begun_s > may_take_s:
            connection.fail(Transient(f"not done after {may_take_s:g} s: the connection was dropped"))

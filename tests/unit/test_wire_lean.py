"""What the lean wire does with its connections: when one is used again, when it is given up, what it holds back."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest
import uvloop

from connectors.wire import LeanWire
from connectors.wire.connection import TLS_WRITE_BYTES, WRITE_BYTES, Connection
from connectors.wire.pool import Watchdog
from relocation.rules.errors import Transient, Unreachable
from tests.unit.wire_peer import OK, Authority, Peer, Visit, answer_of

BODY_BYTES = 32 * 1024 * 1024


@pytest.fixture(params=[asyncio.DefaultEventLoopPolicy, uvloop.EventLoopPolicy], ids=["asyncio", "uvloop"])
def event_loop_policy(request):
    """Each claim on both loops."""
    return request.param()


async def ask(wire, method="GET", *, body=b"", into=None):
    """Send one request with a host header."""
    return await wire.request(method, "/b/k", [("host", wire.host)], body, into=into)


def idle_of(wire: LeanWire) -> list[Connection]:
    """Return the connections that wait for a request, the one used last at the end."""
    return wire._pool._idle


async def hang_up(visit: Visit, _request: bytes) -> None:
    """Close without an answer."""
    visit.close()


async def test_a_stray_answer_is_never_taken_for_the_next_one():
    """Bytes that wait on an idle connection, unread by the loop, keep it from being used: the next request gets its own answer."""
    async with Peer(OK, answer_of(b"mine")) as peer:
        wire = LeanWire(peer.url)
        await ask(wire)
        stray = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"
        os.write(peer.visits[0].writer.get_extra_info("socket").fileno(), stray)
        answer = await ask(wire, "PUT")
        await wire.close()
    assert (answer.status, bytes(answer.body)) == (200, b"mine")
    assert len(peer.visits) == 2


async def test_bytes_on_an_idle_connection_end_it():
    """A byte that nobody asked for closes the connection as soon as the loop sees it."""
    async with Peer(OK) as peer:
        wire = LeanWire(peer.url)
        await ask(wire)
        (idle,) = idle_of(wire)
        peer.visits[0].writer.write(b"x")
        async with asyncio.timeout(5):
            await idle.lost
        assert not idle.is_fresh()
        await ask(wire)
        await wire.close()
    assert len(peer.visits) == 2


async def test_a_connection_that_its_peer_closed_is_not_used_for_a_write():
    """A PUT meets a fresh connection when the kept one was closed meanwhile, even before the loop has seen the end."""
    async with Peer(OK) as peer:
        wire = LeanWire(peer.url)
        await ask(wire, "PUT")
        descriptor = os.dup(peer.visits[0].writer.get_extra_info("socket").fileno())
        socket.socket(fileno=descriptor).shutdown(socket.SHUT_RDWR)
        assert (await ask(wire, "PUT")).status == 200
        await wire.close()
    assert len(peer.requests) == 2


async def test_the_connection_used_last_is_used_next():
    """After three at once, requests in turn all take the one that came back last; the others may rest."""
    async with Peer(OK) as peer:
        wire = LeanWire(peer.url)
        await asyncio.gather(*(ask(wire) for _ in range(3)))
        last = idle_of(wire)[-1]
        for _ in range(4):
            await ask(wire)
            assert idle_of(wire)[-1] is last
        await wire.close()
    assert len(peer.visits) == 3


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: foo, Close\r\n\r\n",
        OK + b"x",
    ],
)
async def test_a_connection_that_is_not_kept_is_closed(answer):
    """After HTTP/1.0, `connection: close` or stray bytes the connection is closed by us too."""
    async with Peer(answer) as peer:
        wire = LeanWire(peer.url)
        for _ in range(2):
            await ask(wire)
            assert idle_of(wire) == []
        await wire.close()
    assert len(peer.visits) == 2


async def test_a_read_is_repeated_only_after_silence():
    """A GET is sent again only where a kept connection broke without a byte: not on a new one, not after half a head."""

    async def half_a_head(visit: Visit, _request: bytes) -> None:
        visit.writer.write(b"HTTP/1.1 2")
        visit.close()

    for answers, requests in (((hang_up, OK), 1), ((OK, half_a_head, OK), 2), ((OK, hang_up, hang_up, OK), 3)):
        async with Peer(*answers) as peer:
            wire = LeanWire(peer.url)
            ended = await asyncio.gather(ask(wire), return_exceptions=True)
            if len(answers) > 2:
                ended = await asyncio.gather(ask(wire), return_exceptions=True)
            assert isinstance(ended[0], Unreachable)
            await wire.close()
        assert len(peer.requests) == requests


async def test_failures_give_their_place_back():
    """With room for one connection, ten failures and five cancellations later a request still finds its place."""

    async def silent(_visit: Visit, _request: bytes) -> None:
        heard.set()
        await asyncio.Event().wait()

    async with Peer(*[hang_up] * 10, *[silent] * 5, OK) as peer:
        wire = LeanWire(peer.url, connections_max=1)
        for _ in range(10):
            with pytest.raises(Unreachable):
                await ask(wire)
        for _ in range(5):
            heard = asyncio.Event()
            request = asyncio.create_task(ask(wire))
            await heard.wait()
            request.cancel()
            await asyncio.gather(request, return_exceptions=True)
        async with asyncio.timeout(5):
            assert (await ask(wire)).status == 200
        await wire.close()


async def test_a_body_is_received_in_place():
    """Once the head is read, the loop is handed the caller's own buffer: the body is copied nowhere."""
    rooms = []

    class Seen(Connection):
        def get_buffer(self, sizehint):
            rooms.append(super().get_buffer(sizehint))
            return rooms[-1]

    buffer = bytearray(BODY_BYTES)
    async with Peer(answer_of(bytes(BODY_BYTES))) as peer:
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Seen(name="peer", over_tls=False), "127.0.0.1", peer.port
        )
        answer = await connection.exchange("GET", b"GET / HTTP/1.1\r\n\r\n", memoryview(b""), into=memoryview(buffer))
        connection.fail(Unreachable("the test is over"))
        await connection.lost
    assert answer.body.obj is buffer
    assert sum(room.obj is buffer for room in rooms) > len(rooms) / 2


async def test_a_buffer_is_its_owners_again_as_soon_as_the_read_returns():
    """I9: nothing of the wire or of the loop holds on to it, in the very step in which the answer came: it can be lent again."""
    async with Peer(answer_of(b"body")) as peer:
        wire = LeanWire(peer.url)
        buffer = bytearray(4)
        into = memoryview(buffer)
        await ask(wire, into=into)
        into.release()
        buffer.append(0)  # a BufferError while anybody holds a view
        await wire.close()


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_a_slow_peer_slows_the_sender_down(secure, tmp_path, monkeypatch):
    """No more of a body is handed to the transport than it has room for: memory does not grow with the object."""
    full, read_on = asyncio.Event(), asyncio.Event()
    received = 0

    async def slow(visit: Visit) -> None:
        nonlocal received
        visit.reader._transport.pause_reading()
        await read_on.wait()
        visit.reader._transport.resume_reading()
        await visit.reader.readuntil(b"\r\n\r\n")
        while received < BODY_BYTES:
            received += len(await visit.reader.read(1 << 20))
        visit.writer.write(OK)
        await asyncio.Event().wait()

    def pause_writing(self: Connection) -> None:
        self._paused = True
        full.set()

    monkeypatch.setattr(Connection, "pause_writing", pause_writing)
    authority = Authority(tmp_path)
    async with Peer(by_hand=slow, tls=authority.server() if secure else None) as peer:
        wire = LeanWire(peer.url, ca_file=authority.file)
        request = asyncio.create_task(ask(wire, "PUT", body=bytes(BODY_BYTES)))
        async with asyncio.timeout(10):
            await full.wait()
        (connection,) = wire._pool._all
        assert connection.waits_to_send() <= (256 * 1024 if secure else 4 * WRITE_BYTES)
        assert connection.moved_bytes * (TLS_WRITE_BYTES if secure else WRITE_BYTES) < BODY_BYTES / 2
        read_on.set()
        async with asyncio.timeout(30):
            assert (await request).status == 200
        await wire.close()
    assert received == BODY_BYTES


class Clock:
    """A loop's clock and timer, moved by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.timers: list[tuple[float, object]] = []

    def time(self) -> float:
        return self.now_s

    def call_later(self, delay_s, look, *args) -> Clock:
        self.timers.append((self.now_s + delay_s, look))
        return self

    def cancel(self) -> None:
        self.timers.clear()

    def pass_s(self, seconds: float) -> None:
        """Let time pass and call what is due."""
        end_s = self.now_s + seconds
        while self.timers and self.timers[0][0] <= end_s:
            self.now_s, look = self.timers.pop(0)
            look(self)
        self.now_s = end_s


class Line:
    """What the watchdog sees of a connection."""

    loop: Clock

    def __init__(self) -> None:
        self.moved_bytes, self.waiting_bytes = 0, 0
        self.moved_mark, self.moved_at_s = (0, 0), 0.0
        self.begun_s, self.crawl, self.due_bytes = 0.0, None, 0
        self.bulk: int | None = None
        self.errors: list[Transient] = []

    def waits_to_send(self) -> int:
        return self.waiting_bytes

    def bulk_bytes(self) -> int | None:
        return self.bulk

    def fail(self, error: Transient) -> None:
        self.errors.append(error)


def test_one_timer_watches_all_and_ends_only_what_stalls(monkeypatch):
    """Bytes that come or go, however few, keep a request alive; after `stall_s` without any it ends; idle, nothing ticks."""
    clock = Clock()
    monkeypatch.setattr(Line, "loop", clock, raising=False)
    watchdog = Watchdog(stall_s=30)
    receiving, sending, silent = Line(), Line(), Line()
    sending.waiting_bytes = 1000
    for line in (receiving, sending, silent):
        watchdog.watch(line)
    assert len(clock.timers) == 1
    clock.pass_s(29)
    assert silent.errors == []
    for _ in range(20):
        receiving.moved_bytes += 1
        sending.waiting_bytes -= 1
        clock.pass_s(29)
    assert receiving.errors == sending.errors == []
    assert "30 s" in str(silent.errors[0])
    for line in (receiving, sending, silent):
        watchdog.unwatch(line)
    clock.pass_s(100)
    assert clock.timers == []


def test_a_body_that_crawls_is_ended_and_an_answer_that_is_worked_on_is_not(monkeypatch):
    """N6: a byte a second is no stall; with a minimum rate it ends all the same, but not where a store only keeps the line open."""
    clock = Clock()
    monkeypatch.setattr(Line, "loop", clock, raising=False)
    for rate, ends in ((1024.0, True), (0.0, False)):  # without the rate it would go on for ever
        watchdog = Watchdog(stall_s=30, min_bytes_per_s=rate)
        crawling, fast, worked_on = Line(), Line(), Line()
        for line in (crawling, fast, worked_on):
            watchdog.watch(line)
        crawling.bulk = fast.bulk = 0
        for _ in range(100):
            for line, step in ((crawling, 1), (fast, 5000), (worked_on, 1)):
                line.moved_bytes += step
            crawling.bulk, fast.bulk = crawling.moved_bytes, fast.moved_bytes
            clock.pass_s(1)
        assert bool(crawling.errors) == ends
        assert fast.errors == worked_on.errors == []
        watchdog.stop()
        clock.timers.clear()


def test_a_request_may_take_as_long_as_its_bytes_and_no_longer(monkeypatch):
    """N6: whatever keeps a request alive, its time is counted: twenty stalls, and what its bytes take at the minimum rate."""
    clock = Clock()
    monkeypatch.setattr(Line, "loop", clock, raising=False)
    watchdog = Watchdog(stall_s=30, min_bytes_per_s=1000)
    small, large = Line(), Line()
    large.due_bytes = 600_000
    for line in (small, large):
        watchdog.watch(line)
    ended = {}
    for second in range(1400):
        for name, line in (("small", small), ("large", large)):
            line.moved_bytes += 1
            if line.errors:
                ended.setdefault(name, second)
        clock.pass_s(1)
    assert 600 <= ended["small"] < 615
    assert 1200 <= ended["large"] < 1215
    watchdog.stop()


async def test_a_readonly_buffer_is_a_mistake_that_is_named():
    """`into` that can't be written is refused before anything is sent."""
    wire = LeanWire("http://127.0.0.1:9")
    with pytest.raises(ValueError, match="writable"):
        await ask(wire, into=memoryview(b"abc"))
    await wire.close()


async def test_session_keys_are_written_nowhere(tmp_path, monkeypatch):
    """SSLKEYLOGFILE in the environment does not make the wire write down what would decrypt its traffic."""
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    authority = Authority(tmp_path)
    async with Peer(OK, tls=authority.server()) as peer:
        wire = LeanWire(peer.url, ca_file=authority.file)
        assert (await ask(wire)).status == 200
        await wire.close()
    assert not (tmp_path / "keys").exists()

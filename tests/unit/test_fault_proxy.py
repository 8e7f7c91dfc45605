"""The fault proxy tells the truth about what passed, and breaks exactly what it was told to break."""

from __future__ import annotations

import asyncio
import threading
import urllib.request
from collections.abc import AsyncIterator

import pytest

from hikkoshi.fault_proxy import (
    Answer,
    AnswerAfter,
    Blackhole,
    Call,
    Fault,
    FaultProxy,
    FlipByte,
    Reset,
    SetResponseHeader,
    Stall,
    StripRequestHeader,
    StripResponseHeader,
    Truncate,
)

BODY = bytes(range(256)) * 1024


class Upstream:
    """A toy server: records raw heads and bodies, answers every request with `BODY` (HEAD and DELETE: nothing)."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.port = 0
        self.connections = 0
        self.writers: list[asyncio.StreamWriter] = []
        self.chunked = False

    async def start(self) -> asyncio.Server:
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
                if b"expect" in lines:
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                self.bodies.append(await reader.readexactly(int(lines.get(b"content-length", b"0"))))
                if head.startswith((b"HEAD", b"DELETE")):
                    length = b"Content-Length: 0" if head.startswith(b"DELETE") else b"Content-Length: %d" % len(BODY)
                    writer.write(b"HTTP/1.1 200 OK\r\n" + length + b"\r\nX-Kept: yes\r\n\r\n")
                elif self.chunked:
                    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                    for at in range(0, len(BODY), 65_536):
                        writer.write(b"10000\r\n" + BODY[at : at + 65_536] + b"\r\n")
                    writer.write(b"0\r\n\r\n")
                else:
                    writer.write(b"HTTP/1.1 200 OK\r\nX-Kept: yes\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """A toy server that is gone after the test, its connections too."""
    upstream = Upstream()
    server = await upstream.start()
    yield upstream
    server.close()
    for writer in upstream.writers:
        writer.close()
    await server.wait_closed()


class Client:
    """One raw connection to the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def to(cls, proxy: FaultProxy) -> Client:
        return cls(*await asyncio.open_connection("127.0.0.1", int(proxy.url.rpartition(":")[2])))

    async def ask(self, raw: bytes) -> tuple[bytes, bytes]:
        """Send a request, return head and body of the answer (as far as it came)."""
        self.writer.write(raw)
        head = await self.reader.readuntil(b"\r\n\r\n")
        while head.startswith(b"HTTP/1.1 1"):
            head = await self.reader.readuntil(b"\r\n\r\n")
        if raw.startswith(b"HEAD"):
            return head, b""
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        body = b""
        while len(body) < length and (data := await self.reader.read(length - len(body))):
            body += data
        return head, body

    async def close(self) -> None:
        self.writer.close()
        await asyncio.gather(self.writer.wait_closed(), return_exceptions=True)


def get(target: str = "/talk/a") -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: korea.example:9100\r\nX-Odd:  two  spaces\r\n\r\n".encode()


def put(body: bytes, target: str = "/talk/a", more: str = "") -> bytes:
    return f"PUT {target} HTTP/1.1\r\nHost: h\r\nIf-None-Match: *\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def one(upstream: Upstream, raw: bytes, *faults: Fault) -> tuple[FaultProxy, bytes, bytes]:
    """Ask once through a proxy with these faults."""
    async with FaultProxy(f"http://127.0.0.1:{upstream.port}", faults) as proxy:
        client = await Client.to(proxy)
        try:
            return proxy, *await client.ask(raw)
        finally:
            await client.close()


async def test_bytes_pass_untouched(upstream: Upstream) -> None:
    """Without faults the server sees the client's own bytes, the Host header and odd spacing included, so signatures stay valid."""
    _, head, body = await one(upstream, get("/talk/%E5%86%99%20a//b/../c?list-type=2"))
    assert upstream.heads == [get("/talk/%E5%86%99%20a//b/../c?list-type=2")]
    assert body == BODY
    assert b"X-Kept: yes" in head


async def test_every_request_is_counted_with_its_bytes(upstream: Upstream) -> None:
    """The count by which "a second run writes nothing" is shown holds every request, its status and both bodies' bytes."""
    async with FaultProxy(f"http://127.0.0.1:{upstream.port}") as proxy:
        client = await Client.to(proxy)
        await client.ask(put(b"x" * 70_000))
        await client.ask(get())
        await client.ask(b"HEAD /talk/a HTTP/1.1\r\nHost: h\r\n\r\n")
        await client.ask(b"DELETE /talk/a HTTP/1.1\r\nHost: h\r\n\r\n")
        await client.close()
    assert [(seen.method, seen.status, seen.request_bytes, seen.response_bytes) for seen in proxy.requests] == [
        ("PUT", 200, 70_000, len(BODY)),
        ("GET", 200, 0, len(BODY)),
        ("HEAD", 200, 0, 0),
        ("DELETE", 200, 0, 0),
    ]
    assert upstream.connections == 1
    assert upstream.bodies[0] == b"x" * 70_000
    assert proxy.count("PUT", "DELETE") == 2


async def test_expect_continue_passes(upstream: Upstream) -> None:
    """A client that waits for `100 Continue` gets the server's own, then sends its body."""
    async with FaultProxy(f"http://127.0.0.1:{upstream.port}") as proxy:
        client = await Client.to(proxy)
        client.writer.write(b"PUT /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert (await client.ask(b"abc"))[1] == BODY
        await client.close()
    assert upstream.bodies == [b"abc"]


async def test_headers_are_stripped_and_set(upstream: Upstream) -> None:
    """A proxy that drops a condition or an answer's header drops that one alone."""
    _, head, _ = await one(
        upstream,
        put(b"abc"),
        Fault(StripRequestHeader("if-none-match")),
        Fault(StripResponseHeader("x-kept")),
        Fault(SetResponseHeader("ETag", '"forged"')),
    )
    assert upstream.heads == [put(b"abc").replace(b"If-None-Match: *\r\n", b"")[:-3]]
    assert b"X-Kept" not in head
    assert b'ETag: "forged"' in head


async def test_a_body_whose_length_is_stripped_passes_whole(upstream: Upstream) -> None:
    """Taking Content-Length away leaves the body alone: an answer then ends with its connection, a request is still read whole."""
    faults = [Fault(StripResponseHeader("content-length")), Fault(StripRequestHeader("content-length"))]
    async with FaultProxy(f"http://127.0.0.1:{upstream.port}", faults) as proxy:
        client = await Client.to(proxy)
        client.writer.write(put(b"abc"))
        answer = await asyncio.wait_for(client.reader.read(), 5)
        await client.close()
    assert answer.partition(b"\r\n\r\n")[2] == BODY
    assert proxy.requests[0].request_bytes == 3


async def test_exactly_the_meant_byte_flips(upstream: Upstream) -> None:
    """One byte of the body differs, the one that was named, on the way back or on the way in."""
    _, _, body = await one(upstream, get(), Fault(FlipByte(70_001)))
    assert [at for at in range(len(BODY)) if body[at] != BODY[at]] == [70_001]
    await one(upstream, put(b"abc"), Fault(FlipByte(1, of="request")))
    assert upstream.bodies[-1] == b"a\x9dc"


async def test_a_flip_counts_the_payload_of_a_chunked_body(upstream: Upstream) -> None:
    """The framing of a chunked answer stays whole: the flipped byte is one of the payload."""
    upstream.chunked = True
    async with FaultProxy(f"http://127.0.0.1:{upstream.port}", [Fault(FlipByte(65_536))]) as proxy:
        body = await asyncio.to_thread(lambda: urllib.request.urlopen(proxy.url + "/a", timeout=10).read())
    assert [at for at in range(len(BODY)) if body[at] != BODY[at]] == [65_536]


@pytest.mark.parametrize("after", [0, 1, 65_536, len(BODY) - 1])
async def test_truncation_and_reset_come_after_that_many_bytes(upstream: Upstream, after: int) -> None:
    """A cut body ends where it was to end: by a clean close, or by a broken connection."""
    proxy, _, body = await one(upstream, get(), Fault(Truncate(after)))
    assert body == BODY[:after]
    assert proxy.requests[0].response_bytes == after
    async with FaultProxy(f"http://127.0.0.1:{upstream.port}", [Fault(Reset(after))]) as proxy:
        client = await Client.to(proxy)
        with pytest.raises(ConnectionResetError):
            await client.ask(get())
        await client.close()


async def test_a_reset_upload_never_reaches_the_server_whole(upstream: Upstream) -> None:
    """A request that breaks after n bytes of its body gets no answer, and the server never had the rest."""
    async with FaultProxy(f"http://127.0.0.1:{upstream.port}", [Fault(Reset(2, of="request"))]) as proxy:
        client = await Client.to(proxy)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await client.ask(put(b"abc"))
        await client.close()
    assert upstream.bodies == []
    assert proxy.requests[0].request_bytes == 2
    assert proxy.requests[0].status == 0


async def test_an_answer_in_the_servers_place_leaves_the_server_alone(upstream: Upstream) -> None:
    """A 503 that the proxy gives itself never touches the server."""
    fault = Fault(Answer(503, b"<Error/>", (("Retry-After", "7"),)), method="PUT|POST")
    proxy, head, body = await one(upstream, put(b"abc"), fault)
    assert head.startswith(b"HTTP/1.1 503")
    assert b"Retry-After: 7" in head
    assert body == b"<Error/>"
    assert upstream.heads == []
    assert proxy.requests[0].status == 503
    assert proxy.requests[0].request_bytes == 3


async def test_a_lost_answer_leaves_the_work_done(upstream: Upstream) -> None:
    """The server did the work, the client saw a broken connection, or a 500."""
    async with FaultProxy(
        f"http://127.0.0.1:{upstream.port}", [Fault(AnswerAfter(), nth=1), Fault(AnswerAfter(500), nth=2)]
    ) as proxy:
        client = await Client.to(proxy)
        with pytest.raises(ConnectionResetError):
            await client.ask(put(b"abc"))
        await client.close()
        client = await Client.to(proxy)
        assert (await client.ask(put(b"def")))[0].startswith(b"HTTP/1.1 500")
        await client.close()
    assert upstream.bodies == [b"abc", b"def"]
    assert [seen.status for seen in proxy.requests] == [0, 500]


async def test_a_fault_strikes_the_nth_match_alone(upstream: Upstream) -> None:
    """Faults strike by count of what matches method, target and header, never by chance."""
    fault = Fault(Answer(500), method="GET", target="^/talk/images/", nth=2)
    async with FaultProxy(f"http://127.0.0.1:{upstream.port}", [fault, Fault(Answer(412), header="If-Match")]) as proxy:
        for target in ("/talk/images/1", "/other", "/talk/images/2", "/talk/images/3"):
            client = await Client.to(proxy)
            await client.ask(get(target))
            await client.close()
        client = await Client.to(proxy)
        await client.ask(b"GET /x HTTP/1.1\r\nHost: h\r\nIf-match: y\r\n\r\n")
        await client.close()
    assert [seen.status for seen in proxy.requests] == [200, 200, 500, 200, 412]


@pytest.mark.parametrize("fault", [Blackhole(), Stall(10)])
async def test_silence_lasts_until_the_client_gives_up(upstream: Upstream, fault: Blackhole | Stall) -> None:
    """A blackhole answers nothing, a stalled body stops; neither closes the connection, and closing the proxy ends both."""
    async with FaultProxy(f"http://127.0.0.1:{upstream.port}", [Fault(fault)]) as proxy:
        client = await Client.to(proxy)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.ask(get()), 0.2)
        assert not client.reader.at_eof()
        await client.close()


async def test_a_call_runs_before_the_server_sees_the_request(upstream: Upstream) -> None:
    """A test can overwrite an object or kill a server just before a given request."""
    seen: list[int] = []

    async def look() -> None:
        seen.append(len(upstream.heads))

    await one(upstream, get(), Fault(Call(look)))
    assert seen == [0]


async def test_a_server_that_closes_an_idle_connection_is_seen_by_the_client(upstream: Upstream) -> None:
    """An idle connection dies through the proxy as it would die without it."""
    async with FaultProxy(f"http://127.0.0.1:{upstream.port}") as proxy:
        client = await Client.to(proxy)
        await client.ask(get())
        upstream.writers[0].close()
        assert await asyncio.wait_for(client.reader.read(), 5) == b""
        await client.close()


async def test_a_dead_server_is_a_broken_connection() -> None:
    """Nobody behind the proxy: the client sees a connection that breaks, and no answer."""
    async with FaultProxy("http://127.0.0.1:9") as proxy:
        client = await Client.to(proxy)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await client.ask(get())
        await client.close()


def test_it_runs_in_a_thread_of_its_own(upstream_thread: int) -> None:
    """Code that has no loop, or blocks its own, can stand behind the proxy too; faults can be changed on the way."""
    with FaultProxy(f"http://127.0.0.1:{upstream_thread}") as proxy:
        assert urllib.request.urlopen(proxy.url + "/a", timeout=10).read() == BODY
        proxy.faults = [Fault(FlipByte(0))]
        assert urllib.request.urlopen(proxy.url + "/a", timeout=10).read() == b"\xff" + BODY[1:]
    assert proxy.count("GET") == 2


@pytest.fixture
def upstream_thread() -> AsyncIterator[int]:
    """The toy server in a loop and thread of its own; its port."""
    upstream, loop = Upstream(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(upstream.start(), loop).result(5)
    yield upstream.port

    async def stop() -> None:
        server.close()
        for writer in upstream.writers:
            writer.close()
        await server.wait_closed()
        await asyncio.sleep(0)

    asyncio.run_coroutine_threadsafe(stop(), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


def test_https_is_refused() -> None:
    """A target that the proxy could not look into is refused."""
    with pytest.raises(ValueError, match="plain http only"):
        FaultProxy("https://127.0.0.1:9000")

"""What both wires promise, each claim over the lean one and the library one, on asyncio's loop and on uvloop's."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest
import uvloop

from connectors.wire import LeanWire, LibraryWire
from relocation.ports import Blocks
from relocation.rules.errors import BadRequest, CutShort, ProtocolError, Transient, Unreachable
from tests.unit.wire_peer import OK, Authority, Peer, Visit, answer_of

SEVERAL_MIB = bytes(range(256)) * 4096 * 5  # 5 MiB
LARGE_BYTES = 32 * 1024 * 1024  # more than the sockets between two processes hold


@pytest.fixture(params=[asyncio.DefaultEventLoopPolicy, uvloop.EventLoopPolicy], ids=["asyncio", "uvloop"])
def event_loop_policy(request):
    """Each claim on both loops."""
    return request.param()


@pytest.fixture(params=[LeanWire, LibraryWire], ids=["lean", "library"])
def kind(request):
    """Each claim over both wires."""
    return request.param


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    """A certificate authority of our own."""
    return Authority(tmp_path_factory.mktemp("authority"))


async def ask(wire, method="GET", target="/b/k", *, headers=(), body=b"", into=None):
    """Send one request with a host header."""
    return await wire.request(method, target, [("host", wire.host), *headers], body, into=into)


TARGETS = ["/b/a//b", "/b/.", "/b/../c", "/b/%2F", "/b/%2f", "/b/x%20y?list-type=2", "//b", "/b/a+b;c:d@e", "/b/[x]|^`{}\"'"]
TARGETS += ["/b/%E5%BC%95", "/b/%zz%", "/b?uploads", "/b?prefix=a%2Fb&x=%2B+", "/b/?x=%00", "/?list-type=2", "/"]


@pytest.mark.parametrize("target", [target.replace('"', "") for target in TARGETS])
async def test_a_target_goes_out_as_it_is(kind, target):
    """No wire quotes, unquotes, joins or normalises a key."""
    async with Peer(OK) as peer:
        wire = kind(peer.url)
        await ask(wire, target=target)
        await wire.close()
    assert peer.requests[0].split(b"\r\n")[0] == f"GET {target} HTTP/1.1".encode()


async def test_nothing_is_added_to_a_request(kind):
    """A request holds the given fields, a length where it has a body or could have one, and nothing else."""
    async with Peer(OK) as peer:
        wire = kind(peer.url)
        for method, body in (("GET", b""), ("DELETE", b""), ("PUT", b""), ("POST", b"abc"), ("PUT", memoryview(b"xyz"))):
            await ask(wire, method, headers=[("x-amz-date", "1")], body=body)
        await wire.close()
    for request, length in zip(peer.requests, (None, None, 0, 3, 3), strict=True):
        fields = dict(line.lower().split(b": ", 1) for line in request.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:])
        if kind is LibraryWire and request.startswith(b"DELETE"):
            assert fields.pop(b"content-length") == b"0"  # aiohttp's own, and harmless
        assert fields.pop(b"content-length", None) == (None if length is None else b"%d" % length)
        assert fields == {b"host": wire.host.encode(), b"x-amz-date": b"1"}


async def test_a_body_is_received_into_the_callers_buffer(kind):
    """A known length, chunks, and a body up to the end of the connection all land in `into`, cut to what arrived."""
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"

    async def until_close(visit: Visit, _request: bytes) -> None:
        visit.writer.write(b"HTTP/1.1 200 OK\r\n\r\nbye")
        visit.close()

    async with Peer(answer_of(SEVERAL_MIB, status="206 Partial Content"), chunked, until_close) as peer:
        wire = kind(peer.url)
        buffer = memoryview(bytearray(len(SEVERAL_MIB) + 10))
        for wanted in (SEVERAL_MIB, b"hello", b"bye"):
            answer = await ask(wire, into=buffer)
            assert answer.body == wanted
            assert buffer[: len(wanted)] == wanted
        await wire.close()


async def test_the_body_of_an_error_never_touches_the_callers_buffer(kind):
    """`into` is for the body of a 2xx answer; an error's XML comes in bytes of its own."""
    async with Peer(answer_of(b"<Error/>", status="404 Not Found")) as peer:
        wire = kind(peer.url)
        buffer = memoryview(bytearray(b"untouched"))
        answer = await ask(wire, into=buffer)
        await wire.close()
    assert (answer.status, bytes(answer.body), bytes(buffer)) == (404, b"<Error/>", b"untouched")


async def test_a_body_longer_than_its_room_is_refused(kind):
    """More bytes than `into` holds, announced or chunked, are an error, not a cut body."""
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    for answer in (answer_of(b"hello"), chunked):
        async with Peer(answer) as peer:
            wire = kind(peer.url)
            with pytest.raises(ProtocolError, match="longer than the room"):
                await ask(wire, into=memoryview(bytearray(4)))
            await wire.close()


async def test_a_body_of_its_own_has_a_limit(kind):
    """Without `into` a wire holds at most 16 MiB, whatever a server announces."""
    async with Peer(b"HTTP/1.1 200 OK\r\nContent-Length: 17000000\r\n\r\n") as peer:
        wire = kind(peer.url)
        with pytest.raises(ProtocolError, match="longer than the room"):
            await ask(wire)
        await wire.close()


async def test_answers_without_a_body_are_whole(kind):
    """HEAD, 204 and 304 end with their head, whatever length they speak of, and the connection goes on."""
    no_body = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nETag: x\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 N\r\n\r\n",
    ]
    async with Peer(*no_body, OK) as peer:
        wire = kind(peer.url)
        answers = [await ask(wire, method) for method in ("HEAD", "DELETE", "GET", "GET")]
        await wire.close()
    assert [(answer.status, bytes(answer.body)) for answer in answers] == [(200, b""), (204, b""), (304, b""), (200, b"ok")]
    assert answers[0].headers["content-length"] == "99"
    assert len(peer.visits) == 1


async def test_interim_answers_are_passed_over(kind):
    """A 100 or 103 before the answer is not the answer."""
    async with Peer(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK) as peer:
        wire = kind(peer.url)
        answer = await ask(wire)
        await wire.close()
    assert (answer.status, bytes(answer.body), "link" in answer.headers) == (200, b"ok", False)


async def test_nothing_is_decoded_followed_or_remembered(kind):
    """A gzip body comes as sent, a redirect is an answer like any other, a cookie is not sent back."""
    redirect = answer_of(b"", "Location: http://127.0.0.1:1/", "Set-Cookie: a=b", status="307 Temporary Redirect")
    async with Peer(answer_of(b"\x1f\x8bnot really gzip", "Content-Encoding: gzip"), redirect, OK) as peer:
        wire = kind(peer.url.replace("127.0.0.1", "localhost"))  # cookie jars pass over addresses in figures
        assert bytes((await ask(wire)).body) == b"\x1f\x8bnot really gzip"
        assert (await ask(wire)).status == 307
        await ask(wire)
        await wire.close()
    assert not any(b"cookie" in request.lower() for request in peer.requests)


async def test_the_environment_names_no_proxy(kind, monkeypatch):
    """Payload goes to the endpoint and to nobody that a variable names."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with Peer(OK) as peer:
        wire = kind(peer.url)
        assert (await ask(wire)).status == 200
        await wire.close()


async def test_fields_travel_as_bytes(kind):
    """A value in UTF-8 or in Latin-1 comes as its bytes and leaves as the same bytes; a repeated name is joined."""
    for raw in ("引越し".encode(), b"caf\xe9"):
        async with Peer(answer_of(b"", f"X-Amz-Meta-A: {raw.decode('latin-1')}", "Vary: a", "vary:  b ")) as peer:
            wire = kind(peer.url)
            answer = await ask(wire)
            assert answer.headers["vary"] == "a, b"
            assert answer.headers["x-amz-meta-a"].encode("latin-1") == raw
            if kind is LibraryWire and raw == b"caf\xe9":
                with pytest.raises(BadRequest, match="UTF-8"):
                    await ask(wire, headers=[("x-amz-meta-a", answer.headers["x-amz-meta-a"])])
            else:
                await ask(wire, headers=[("x-amz-meta-a", answer.headers["x-amz-meta-a"])])
                assert b"x-amz-meta-a: " + raw + b"\r\n" in peer.requests[1]
            await wire.close()


async def test_a_large_body_arrives_whole(kind):
    """Five MiB sent while the peer reads slowly arrive byte for byte."""

    async def digest(visit: Visit, request: bytes) -> None:
        visit.writer.write(answer_of(hashlib.sha256(request.partition(b"\r\n\r\n")[2]).hexdigest().encode()))

    async with Peer(digest) as peer:
        wire = kind(peer.url)
        answer = await ask(wire, "PUT", body=memoryview(SEVERAL_MIB))
        await wire.close()
    assert bytes(answer.body).decode() == hashlib.sha256(SEVERAL_MIB).hexdigest()


async def in_blocks(body: bytes, *, block_bytes: int, fails: Exception | None = None):
    """Give a body through one buffer that is written over as soon as the next block is asked for."""
    buffer = bytearray(block_bytes)
    for start in range(0, len(body), block_bytes):
        piece = body[start : start + block_bytes]
        buffer[: len(piece)] = piece
        yield memoryview(buffer)[: len(piece)]
        buffer[:] = bytes(block_bytes)
        await asyncio.sleep(0)
    if fails:
        raise fails


async def test_a_body_in_blocks_arrives_whole(kind):
    """A body that is never in memory whole arrives byte for byte, though its one buffer is written over between the blocks."""

    async def digest(visit: Visit, request: bytes) -> None:
        visit.writer.write(answer_of(hashlib.sha256(request.partition(b"\r\n\r\n")[2]).hexdigest().encode()))

    async with Peer(digest) as peer:
        wire = kind(peer.url)
        for block_bytes in (1 << 20, 700_001):
            blocks = in_blocks(SEVERAL_MIB, block_bytes=block_bytes)
            answer = await ask(wire, "PUT", body=Blocks(len(SEVERAL_MIB), blocks))
            assert bytes(answer.body).decode() == hashlib.sha256(SEVERAL_MIB).hexdigest()
        await wire.close()
    assert len(peer.visits) == 1


async def test_a_body_whose_next_block_fails_never_arrives_whole(kind):
    """An error in the middle of a body is the request's error, as it is; the connection is dropped before the announced end."""
    arrived = asyncio.get_running_loop().create_future()

    async def read_all(visit: Visit) -> None:
        await visit.reader.readuntil(b"\r\n\r\n")
        arrived.set_result(len(await visit.reader.read()))

    async with Peer(by_hand=read_all) as peer:
        wire = kind(peer.url)
        blocks = in_blocks(SEVERAL_MIB[:-1], block_bytes=1 << 20, fails=ProtocolError("other bytes than before"))
        with pytest.raises(ProtocolError, match="other bytes than before"):
            await ask(wire, "PUT", body=Blocks(len(SEVERAL_MIB), blocks))
        async with asyncio.timeout(5):
            assert await arrived < len(SEVERAL_MIB)
        await wire.close()


@pytest.mark.parametrize("announced", [len(SEVERAL_MIB) - 1, len(SEVERAL_MIB) + 1])
async def test_blocks_that_do_not_make_the_announced_length_are_a_mistake(kind, announced):
    """A body is never cut or stretched to the length that was announced for it."""
    async with Peer(OK) as peer:
        wire = kind(peer.url)
        with pytest.raises(ValueError, match="was announced"):
            await ask(wire, "PUT", body=Blocks(announced, in_blocks(SEVERAL_MIB, block_bytes=1 << 20)))
        await wire.close()
    assert not peer.requests


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/b/k\r\nx-evil: 1", []),
        ("/b/k x", []),
        ("/b/\x00", []),
        ("/b/ü", []),
        ("/b/k#f", []),
        ("b/k", []),
        ("http://other/", []),
        ("/b", [("x-a", "b\r\nx-evil: 1")]),
        ("/b", [("x-a", "b\nc")]),
        ("/b", [("x-a", "b\x00")]),
        ("/b", [("x-a", "引")]),
        ("/b", [("x-a: b\r\nx-evil", "1")]),
        ("/b", [("x a", "1")]),
        ("/b", [("x:a", "1")]),
        ("/b", [("", "1")]),
    ],
)
async def test_what_could_inject_a_field_is_refused_before_a_byte_is_sent(kind, target, headers):
    """Line ends, NUL, blanks and names that are none: refused as a BadRequest, and no connection is even made."""
    async with Peer(OK) as peer:
        wire = kind(peer.url)
        with pytest.raises(BadRequest) as refused:
            await ask(wire, target=target, headers=headers)
        await wire.close()
    assert refused.value.code == "NotSendable"
    assert peer.visits == []


@pytest.mark.parametrize("headers", [[("content-length", "3")], [("Transfer-Encoding", "chunked")], [("Expect", "100-continue")]])
async def test_fields_of_framing_are_the_wires_own(kind, headers):
    """A caller can't say a second length, and a request without a host is a mistake that is named."""
    wire = kind("http://127.0.0.1:9")
    with pytest.raises(ValueError, match="wire alone"):
        await ask(wire, headers=headers)
    with pytest.raises(ValueError, match="host"):
        await wire.request("GET", "/", [])
    await wire.close()


async def test_an_answer_cut_short_is_no_answer(kind):
    """A body shorter than announced is `CutShort`, never a short body; so is a chunked one without its end."""
    for cut in (
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ):

        async def broken(visit: Visit, _request: bytes, cut: bytes = cut) -> None:
            visit.writer.write(cut)
            visit.close()

        async with Peer(broken) as peer:
            wire = kind(peer.url)
            with pytest.raises(CutShort):
                await ask(wire, "PUT", into=memoryview(bytearray(99)))
            await wire.close()


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
async def test_a_write_is_never_sent_twice(kind, method):
    """When a kept connection breaks before the answer, a write may have happened: it is reported, not repeated."""

    async def hang_up(visit: Visit, _request: bytes) -> None:
        visit.close()

    async with Peer(OK, hang_up, OK) as peer:
        wire = kind(peer.url)
        await ask(wire, method)
        with pytest.raises(Unreachable):
            await ask(wire, method)
        await wire.close()
    assert len(peer.requests) == 2


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_read_is_sent_once_more_on_a_new_connection(kind, method):
    """A kept connection that its peer closed costs a GET or HEAD nothing."""

    async def hang_up(visit: Visit, _request: bytes) -> None:
        visit.close()

    async with Peer(OK if method == "GET" else OK[:-2], hang_up, OK if method == "GET" else OK[:-2]) as peer:
        wire = kind(peer.url)
        await ask(wire, method)
        assert (await ask(wire, method)).status == 200
        await wire.close()
    assert (len(peer.requests), len(peer.visits)) == (3, 2)


async def test_connections_are_kept_and_bounded(kind):
    """Twenty requests at once share two connections, and twenty in turn use one of them again."""
    async with Peer(OK) as peer:
        wire = kind(peer.url, connections_max=2)
        await asyncio.gather(*(ask(wire) for _ in range(20)))
        for _ in range(20):
            await ask(wire)
        await wire.close()
    assert (len(peer.requests), len(peer.visits)) == (40, 2)


async def test_a_cancelled_request_leaves_nothing_behind(kind):
    """Cancelling closes the connection; nothing is written into the caller's buffer afterwards, and the next request works."""
    heard, left = asyncio.Event(), asyncio.Event()

    async def silent(visit: Visit, _request: bytes) -> None:
        visit.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhell")
        heard.set()
        while await visit.reader.read(100):
            pass
        left.set()
        visit.close()

    async with Peer(silent, OK) as peer:
        wire = kind(peer.url)
        request = asyncio.create_task(ask(wire, into=memoryview(bytearray(9))))
        await heard.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        async with asyncio.timeout(5):
            await left.wait()
        assert bytes((await ask(wire)).body) == b"ok"
        await wire.close()
    assert len(peer.visits) == 2


async def test_a_silent_peer_is_given_up(kind):
    """A request on which no byte moves for `stall_s` ends as a Transient that says so, before the head and in the body."""
    for said in (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhell"):
        async with Peer(said) as peer:
            wire = kind(peer.url, stall_s=0.2)
            async with asyncio.timeout(5):
                with pytest.raises(Transient, match="no byte moved"):
                    await ask(wire)
            await wire.close()


async def test_a_peer_that_does_not_read_is_given_up(kind):
    """A body that the peer takes no byte of is a stall too."""

    async def deaf(visit: Visit) -> None:
        visit.reader._transport.pause_reading()
        await asyncio.Event().wait()

    async with Peer(by_hand=deaf) as peer:
        wire = kind(peer.url, stall_s=0.2)
        async with asyncio.timeout(10):
            with pytest.raises(Transient, match="no byte moved"):
                await ask(wire, "PUT", body=bytes(LARGE_BYTES))
        await wire.close()


async def test_an_answer_may_overtake_its_request(kind):
    """A refusal that comes before the body was read is the answer; what is left of the body goes nowhere."""

    async def refuse(visit: Visit) -> None:
        await visit.reader.readuntil(b"\r\n\r\n")
        visit.writer.write(answer_of(b"no", status="403 Forbidden"))
        await asyncio.Event().wait()

    async with Peer(by_hand=refuse) as peer:
        wire = kind(peer.url)
        async with asyncio.timeout(5):
            for _ in range(2):
                assert (await ask(wire, "PUT", body=bytes(LARGE_BYTES))).status == 403
        await wire.close()
    assert len(peer.visits) == 2


async def test_closing_waits_for_no_peer_that_reads_nothing(kind):
    """A worker that stops does not hang on a body that is half on its way to a store that is stuck."""
    heard = asyncio.Event()

    async def stuck(visit: Visit) -> None:
        await visit.reader.readuntil(b"\r\n\r\n")
        heard.set()
        await asyncio.Event().wait()

    async with Peer(by_hand=stuck) as peer:
        wire = kind(peer.url)
        under_way = asyncio.ensure_future(ask(wire, "PUT", body=bytes(LARGE_BYTES)))
        await heard.wait()
        async with asyncio.timeout(5):
            await wire.close()
        under_way.cancel()
        await asyncio.gather(under_way, return_exceptions=True)


async def test_a_buffer_is_the_callers_again_when_the_answer_is_there(kind):
    """A peer that refuses early and reads on gets nothing that the caller wrote into the buffer afterwards."""
    rest = bytearray()
    answered = asyncio.Event()

    async def refuse_then_read(visit: Visit) -> None:
        await visit.reader.readuntil(b"\r\n\r\n")
        visit.writer.write(answer_of(b"no", status="403 Forbidden"))
        await answered.wait()
        while data := await visit.reader.read(1 << 20):
            rest.extend(data)

    body = bytearray(b"a" * LARGE_BYTES)
    async with Peer(by_hand=refuse_then_read) as peer:
        wire = kind(peer.url)
        assert (await ask(wire, "PUT", body=memoryview(body))).status == 403
        body[:] = b"b" * LARGE_BYTES
        answered.set()
        await asyncio.gather(*peer.tasks, return_exceptions=True)
        await wire.close()
    assert len(rest) < LARGE_BYTES
    assert b"b" not in rest


async def test_a_broken_answer_is_a_protocol_error(kind):
    """What is not HTTP, two lengths, a length beside chunks and a switch of protocols are refused by both wires."""
    broken = [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    ]
    for answer in broken:
        async with Peer(answer) as peer:
            wire = kind(peer.url)
            with pytest.raises(ProtocolError):
                await ask(wire, "PUT")
            await wire.close()


async def test_a_closed_door_is_unreachable(kind):
    """Nobody at the port: `Unreachable`, with the address in the message."""
    async with Peer(OK) as peer:
        pass
    wire = kind(peer.url)
    with pytest.raises(Unreachable, match=str(peer.port)):
        await ask(wire)
    await wire.close()


async def test_close_ends_what_is_under_way(kind):
    """After `close` no socket is open, and a request that was waiting has ended with an error."""
    heard = asyncio.Event()

    async def silent(visit: Visit) -> None:
        await visit.read_request()
        heard.set()
        assert await visit.reader.read() == b""

    async with Peer(by_hand=silent) as peer:
        wire = kind(peer.url)
        request = asyncio.create_task(ask(wire, "PUT"))
        await heard.wait()
        await wire.close()
        async with asyncio.timeout(5):
            with pytest.raises(Unreachable):
                await request
            await asyncio.gather(*peer.tasks)
    with pytest.raises(RuntimeError, match="closed"):
        await ask(wire)


@pytest.mark.parametrize("url", ["ftp://h", "http://", "h:9000", "http://h/path", "https://u:p@h", "http://h?x", "http://h:99999"])
def test_an_address_that_is_none_is_refused(kind, url):
    """Scheme, host and port, and nothing else; a password in an address is not shown again."""
    with pytest.raises(ValueError) as refused:
        kind(url)
    assert "u:p" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://127.0.0.1:9100", "127.0.0.1:9100"),
        ("https://s3.ap-northeast-1.amazonaws.com/", "s3.ap-northeast-1.amazonaws.com"),
        ("https://h:443", "h"),
        ("http://[::1]:9000", "[::1]:9000"),
    ],
)
def test_the_host_field_is_the_one_that_signers_expect(kind, url, host):
    """Host and port, without the scheme's own port."""
    assert kind(url).host == host


# TLS


async def test_tls_carries_bodies_both_ways(kind, authority):
    """Five MiB out and back over TLS, on one connection, byte for byte."""

    async def echo(visit: Visit, request: bytes) -> None:
        visit.writer.write(answer_of(request.partition(b"\r\n\r\n")[2]))

    async with Peer(echo, tls=authority.server()) as peer:
        wire = kind(peer.url, ca_file=authority.file)
        for _ in range(2):
            buffer = memoryview(bytearray(len(SEVERAL_MIB)))
            answer = await ask(wire, "PUT", body=SEVERAL_MIB, into=buffer)
            assert answer.body == SEVERAL_MIB
        await wire.close()
    assert len(peer.visits) == 1


async def test_over_tls_a_body_without_a_length_is_refused(kind, authority):
    """Where the end of a body is the end of the connection, a cut looks like the end: refused."""

    async def until_close(visit: Visit, _request: bytes) -> None:
        visit.writer.write(b"HTTP/1.1 200 OK\r\n\r\nbye")
        visit.close()

    async with Peer(until_close, tls=authority.server()) as peer:
        wire = kind(peer.url, ca_file=authority.file)
        with pytest.raises(ProtocolError, match="no length"):
            await ask(wire, "PUT")
        await wire.close()


def test_a_ca_file_that_is_none_is_named(kind, tmp_path):
    """A missing or broken file of authorities is an error at once, never a fall-back to other authorities."""
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    for file in (tmp_path / "missing.pem", broken, Path("/")):
        with pytest.raises(ValueError, match="certificate authorities"):
            kind("https://h", ca_file=file)

"""Our reader of answers against h11's: whatever ours accepts, h11 accepts with the same status, headers and body, at every cut.

What ours refuses beyond h11 is the table `BEYOND_H11`; the same rows stand in docs/decisions/0001-our-own-http.md. The
connection is driven directly, without a socket: these are claims about bytes.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.wire import head
from connectors.wire.connection import Connection
from connectors.wire.head import Breach, Refused
from relocation.ports import Response
from relocation.rules.errors import Transient

BARE_LF = re.compile(rb"(?<!\r)\n")

# Each row: an answer that h11 accepts and ours refuses, and for which reason.
BEYOND_H11: dict[Breach, bytes] = {
    Breach.STATUS_LINE: b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    Breach.LINE_END: b"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
    Breach.CONTROL: b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Amz-Meta-A: a\x07b\r\n\r\n",
    Breach.FOLDING: b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: a\r\n b\r\n\r\n",
    Breach.INTERIM: b"HTTP/1.1 100 Continue\r\n\r\n" * 9 + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    Breach.LENGTH: b"HTTP/1.1 204 No Content\r\nContent-Length: 1234567890123456789\r\n\r\n",
    Breach.CODING: b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    Breach.LENGTH_AND_CODING: b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    Breach.CHUNK: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2 \r\nok\r\n0\r\n\r\n",
    Breach.TRAILER: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n",
    Breach.TOO_LONG: b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" + b"x" * 70_000,
    Breach.UNFRAMED: b"HTTP/1.1 200 OK\r\n\r\nok",
}
# These two have no row: h11 refuses the same.
ALSO_REFUSED_BY_H11 = {Breach.FIELD, Breach.HEAD_SIZE}
INTO_BYTES = 65_536


@dataclass(frozen=True)
class Outcome:
    """How one answer ended: read whole, refused (for `breach`, if it was for its bytes), or still not at its end."""

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    reusable: bool = False
    refused: bool = False
    breach: Breach | None = None

    @property
    def accepted(self) -> bool:
        return self.status > 0

    @property
    def message(self) -> tuple[object, ...]:
        return self.status, self.headers, self.body


class Bench:
    """Stands in for a transport."""

    def __init__(self) -> None:
        self.aborted = False

    def get_extra_info(self, _name: str) -> Bench:
        return self

    def fileno(self) -> int:
        return 0

    def write(self, _data: object) -> None:
        pass

    def set_write_buffer_limits(self, high: int) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def abort(self) -> None:
        self.aborted = True


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """One loop for thousands of exchanges."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def feed(connection: Connection, data: bytes) -> None:
    """Hand bytes to a connection as a loop does: as many at once as it has room for."""
    while data:
        room = connection.get_buffer(-1)
        assert len(room) > 0, "a loop closes a connection that offers no room"
        count = min(len(room), len(data))
        room[:count] = data[:count]
        connection.buffer_updated(count)
        data = data[count:]


async def read_ours(
    method: str, segments: Sequence[bytes], *, end: bool, over_tls: bool = False, kind: type[Connection] = Connection
) -> Outcome:
    """Read the answer to `method` with our connection; with `end` the peer closes after the last segment."""
    bench = Bench()
    connection = kind(name="peer", over_tls=over_tls)
    connection.connection_made(bench)
    into = memoryview(bytearray(INTO_BYTES))
    task = asyncio.ensure_future(connection.exchange(method, b"", memoryview(b""), into=into))
    await asyncio.sleep(0)
    for segment in segments:
        if not bench.aborted:
            feed(connection, segment)
    if end and not bench.aborted:
        connection.eof_received()
    reusable = connection.reusable
    if end or bench.aborted:
        connection.connection_lost(None)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    if not task.done():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return Outcome()
    return outcome_of(task, reusable=reusable)


def outcome_of(task: asyncio.Task[Response], *, reusable: bool) -> Outcome:
    """Turn what an exchange did into an outcome; an error that is not of the family is a bug and goes on."""
    error = task.exception()
    if error is None:
        answer = task.result()
        headers = {**answer.headers}
        if "transfer-encoding" in headers:  # h11 gives the coding in lower case
            headers["transfer-encoding"] = headers["transfer-encoding"].lower()
        return Outcome(answer.status, tuple(sorted(headers.items())), bytes(answer.body), reusable)
    if not isinstance(error, Transient):
        raise error
    return Outcome(refused=True, breach=error.breach if isinstance(error, Refused) else None)


def read_h11(method: str, segments: Sequence[bytes], *, end: bool) -> Outcome:
    """Read the same with h11."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=head.HEAD_BYTES_MAX)
    connection.send(h11.Request(method=method, target="/", headers=[("host", "peer")]))
    connection.send(h11.EndOfMessage())
    status, body, headers = 0, b"", {}
    try:
        for segment in [*segments, *([b""] if end else [])]:
            connection.receive_data(segment)
            while (event := connection.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                if isinstance(event, h11.Response):
                    status = event.status_code
                    for name, value in event.headers:
                        text = value.decode("latin-1")
                        known = headers.get(name.decode())
                        headers[name.decode()] = text if known is None else f"{known}, {text}"
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    reusable = connection.their_state is h11.DONE and not connection.trailing_data[0]
                    return Outcome(status, tuple(sorted(headers.items())), body, reusable)
                elif isinstance(event, h11.ConnectionClosed):
                    return Outcome(refused=True)
    except h11.RemoteProtocolError:
        return Outcome(refused=True)
    return Outcome()


def assert_no_more_than_h11(ours: Outcome, theirs: Outcome, stream: bytes) -> None:
    """The claim, and its other half: a refusal that h11 does not share has a row in the table."""
    if ours.accepted:
        assert theirs.accepted, f"ours accepts {ours}, h11 does not: {stream!r}"
        assert ours.message == theirs.message, stream
        assert theirs.reusable or not ours.reusable, f"h11 would not use this connection again: {stream!r}"
    elif theirs.accepted:
        if ours.breach is None:
            assert BARE_LF.search(stream), f"ours waits for more of {stream!r}"
        else:
            assert ours.breach in BEYOND_H11, f"{ours.breach} has no row: {stream!r}"


def cut(stream: bytes, places: Sequence[int]) -> list[bytes]:
    """Cut a stream at these places."""
    edges = [0, *sorted({place % (len(stream) + 1) for place in places}), len(stream)]
    return [stream[begin:end] for begin, end in itertools.pairwise(edges) if end > begin]


# Streams: what honest servers send, and then what can go wrong with it.

NAMES = st.sampled_from(["ETag", "x-amz-meta-a", "X-Amz-Meta-A", "Date", "Connection", "Vary", "content-type", "Server"])
VALUES = st.one_of(
    st.sampled_from(["close", "keep-alive", '"abc"', "", "a, b", "ü", "\t a ", "Close, x"]),
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=12),
)
STATUSES = st.sampled_from([200, 200, 200, 206, 204, 304, 403, 404, 500, 503, 301, 599])
BODIES = st.binary(max_size=60)


@st.composite
def chunked_bodies(draw) -> bytes:
    """A chunked body with extensions and a trailer now and then."""
    out = b""
    for data in draw(st.lists(st.binary(min_size=1, max_size=20), max_size=4)):
        extension = draw(st.sampled_from([b"", b"", b"", b";a=b", b";x"]))
        out += b"%x" % len(data) + extension + b"\r\n" + data + b"\r\n"
    trailer = draw(st.sampled_from([b"", b"", b"x-amz-checksum-crc64nvme: abc=\r\n", b"A:\r\nB: c\r\n"]))
    return out + draw(st.sampled_from([b"0", b"000", b"0;last"])) + b"\r\n" + trailer + b"\r\n"


@st.composite
def answers(draw) -> bytes:
    """An answer as it should be: interim answers, then a head, then a body of one of the four kinds."""
    out = b"".join(
        draw(st.lists(st.sampled_from([b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 x\r\nLink: a\r\n\r\n"]), max_size=2))
    )
    fields = [f"{name}: {value}" for name, value in draw(st.lists(st.tuples(NAMES, VALUES), max_size=4))]
    body = draw(BODIES)
    kind = draw(st.sampled_from(["length", "length", "length twice", "chunked", "close"]))
    if kind.startswith("length"):
        fields += [f"Content-Length: {len(body)}"] * (2 if kind == "length twice" else 1)
    elif kind == "chunked":
        fields.append(draw(st.sampled_from(["Transfer-Encoding: chunked", "transfer-encoding:Chunked"])))
        body = draw(chunked_bodies())
    fields = draw(st.permutations(fields))
    version = draw(st.sampled_from(["1.1", "1.1", "1.1", "1.0"]))
    reason = draw(st.sampled_from([" OK", " ", "", " Not Found", " ü\t"]))
    start = f"HTTP/{version} {draw(STATUSES)}{reason}"
    return out + "\r\n".join([start, *fields, "", ""]).encode("latin-1") + body


PIECES = st.sampled_from(
    [
        *(b"\r", b"\n", b"\r\n", b" ", b"\t", b"\x00", b"\x07", b"\x7f", b"\xff", b":", b",", b";", b"0", b"1", b"f", b"-1", b"+5"),
        *(b"\r\n folded", b"\r\nContent-Length: 3", b"\r\nContent-Length: 4, 4", b"\r\nTransfer-Encoding: gzip", b"\r\n\r\n"),
        *(
            b"\r\nTransfer-Encoding: chunked",
            b"\r\nConnection: close",
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 101 x\r\n\r\n",
            b"0x5",
            b"5\r\n",
        ),
    ]
)


@st.composite
def mutated(draw) -> bytes:
    """An answer after a few small accidents: bytes put in, taken out, replaced, cut off, said twice."""
    stream = draw(answers())
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(stream)))
        to = draw(st.integers(at, min(len(stream), at + 6)))
        accident = draw(st.sampled_from(["insert", "insert", "delete", "replace", "cut", "append", "twice", "bare"]))
        if accident in {"insert", "replace"}:
            stream = stream[:at] + draw(PIECES) + stream[at if accident == "insert" else to :]
        elif accident == "delete":
            stream = stream[:at] + stream[to:]
        elif accident == "cut":
            stream = stream[:at]
        elif accident == "append":
            stream += draw(st.one_of(BODIES, st.just(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")))
        elif accident == "twice":
            stream = stream[:to] + stream[at:]
        else:
            stream = stream.replace(b"\r\n", b"\n", 1)
    return stream


METHODS = st.sampled_from(["GET", "GET", "PUT", "HEAD"])
CUTS = st.lists(st.integers(0, 400), max_size=6)


@settings(max_examples=150, deadline=None)
@given(method=METHODS, stream=answers(), places=CUTS)
def test_an_honest_answer_is_read_as_h11_reads_it(loop, method, stream, places):
    """Every well-formed answer of every kind is accepted at every cut, with h11's status, headers, body and view of reuse."""
    ours = loop.run_until_complete(read_ours(method, cut(stream, places), end=True))
    theirs = read_h11(method, [stream], end=True)
    if ours.breach is not None and ours.breach in BEYOND_H11:
        assert b"HTTP/1.0" in stream
        return
    assert ours.accepted
    assert_no_more_than_h11(ours, theirs, stream)


@settings(max_examples=200, deadline=None)
@given(method=METHODS, stream=mutated(), places=CUTS, end=st.booleans())
def test_ours_accepts_nothing_that_h11_refuses_or_reads_differently(loop, method, stream, places, end):
    """Whatever ours accepts, h11 accepts with the same status, headers and body; what only ours refuses is in the table."""
    ours = loop.run_until_complete(read_ours(method, cut(stream, places), end=end))
    assert_no_more_than_h11(ours, read_h11(method, [stream], end=end), stream)
    whole = loop.run_until_complete(read_ours(method, [stream], end=end))
    assert (ours.accepted, ours.message, ours.refused) == (whole.accepted, whole.message, whole.refused)


FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: x\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nT: x\r\n\r\n"
SHORT = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"
CONFLICT = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 4\r\n\r\nhello"
NO_CHUNK_END = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n"
CORPUS = [
    FINE,
    CHUNKED,
    SHORT,
    CONFLICT,
    NO_CHUNK_END,
    FINE + b"extra",
    b"HTTP/1.1 100 Continue\r\n\r\n" + FINE,
    b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" + FINE,
    b"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nno field\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n: empty\r\n\r\n",
    *(stream for breach, stream in BEYOND_H11.items() if breach is not Breach.TOO_LONG),
]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("stream", CORPUS, ids=range(len(CORPUS)))
def test_every_single_cut_gives_the_same_answer(loop, stream, method):
    """Cut anywhere in two, or byte by byte: the outcome is that of the whole stream, and never more than h11 accepts."""
    for end in (True, False):
        theirs = read_h11(method, [stream], end=end)
        whole = loop.run_until_complete(read_ours(method, [stream], end=end))
        assert_no_more_than_h11(whole, theirs, stream)
        cuts = [[stream[i : i + 1] for i in range(len(stream))]] + [cut(stream, [i]) for i in range(1, len(stream))]
        for segments in cuts:
            ours = loop.run_until_complete(read_ours(method, segments, end=end))
            assert (ours.accepted, ours.message, ours.refused) == (whole.accepted, whole.message, whole.refused)


@pytest.mark.parametrize("breach", BEYOND_H11, ids=lambda breach: breach.name)
def test_each_row_of_the_table_is_real(loop, breach):
    """For each reason in the table there is an answer that h11 accepts and ours refuses for that reason."""
    stream = BEYOND_H11[breach]
    over_tls = breach is Breach.UNFRAMED
    ours = loop.run_until_complete(read_ours("GET", [stream], end=True, over_tls=over_tls))
    assert ours.breach is breach
    assert read_h11("GET", [stream], end=True).accepted


def test_the_table_is_whole_and_written_down():
    """Every reason to refuse is in the table or is one that h11 shares, and the decision record lists each by name."""
    assert set(Breach) == set(BEYOND_H11) | ALSO_REFUSED_BY_H11
    record = (Path(__file__).parents[2] / "docs/decisions/0001-our-own-http.md").read_text()
    assert [breach.name for breach in Breach if f"`{breach.name}`" not in record] == []


@pytest.mark.parametrize(
    ("stream", "breach"),
    [
        (b"HTTP/1.1 200 OK\r\nno field\r\n\r\n", Breach.FIELD),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * head.HEAD_BYTES_MAX + b"\r\n\r\n", Breach.HEAD_SIZE),
        (CONFLICT, Breach.LENGTH),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", Breach.INTERIM),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", Breach.CODING),
        (NO_CHUNK_END, Breach.CHUNK),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"0" * 300, Breach.CHUNK),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * 2000 + b"\r\n", Breach.TRAILER),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n", Breach.TOO_LONG),
        (b"HTTP/1.1 404 x\r\nContent-Length: 16777217\r\n\r\n", Breach.TOO_LONG),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (INTO_BYTES + 1), Breach.TOO_LONG),
    ],
)
def test_a_broken_answer_is_refused_for_its_reason(loop, stream, breach):
    """A refusal says what was wrong, not only that something was."""
    assert loop.run_until_complete(read_ours("GET", [stream], end=True)).breach is breach


def test_a_head_may_be_as_long_as_the_limit_and_not_a_byte_longer(loop):
    """The limit on heads is exact, and a head that grew slowly meets the same one."""
    for bytes_over, accepted in ((0, True), (1, False)):
        start, end = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: ", b"\r\n\r\n"
        stream = start + b"x" * (head.HEAD_BYTES_MAX + bytes_over - len(start) - len(end)) + end
        for segments in ([stream], cut(stream, range(0, len(stream), 999))):
            assert loop.run_until_complete(read_ours("GET", segments, end=False)).accepted is accepted


def test_extra_bytes_leave_the_answer_and_cost_the_connection(loop):
    """Bytes behind a whole answer, in the same packet or later: the answer stands, the connection is not used again."""
    for segments in ([FINE + b"x"], [FINE, b"x"]):
        ours = loop.run_until_complete(read_ours("GET", segments, end=False))
        assert ours.body == b"hello"
        assert not ours.reusable
    assert loop.run_until_complete(read_ours("GET", [FINE], end=False)).reusable


def test_a_body_that_ended_with_its_connection_leaves_none(loop):
    """A connection whose end was the end of a body is not used again (h11 leaves that to whoever sees the socket close)."""
    ours = loop.run_until_complete(read_ours("GET", [b"HTTP/1.1 200 OK\r\n\r\nbye"], end=True))
    assert (ours.body, ours.reusable) == (b"bye", False)


@pytest.mark.parametrize("segments", [[], [FINE[:-1]], [SHORT], [CONFLICT]])
def test_an_exchange_that_does_not_end_well_ends_its_connection(loop, segments):
    """Cancelled before the answer, in its body, or refused: the connection is dead and holds nothing of the caller's."""

    async def give_up() -> None:
        bench, buffer = Bench(), bytearray(INTO_BYTES)
        connection = Connection(name="peer", over_tls=False)
        connection.connection_made(bench)
        task = asyncio.ensure_future(connection.exchange("GET", b"", memoryview(b""), into=memoryview(buffer)))
        await asyncio.sleep(0)
        for segment in segments:
            feed(connection, segment)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert bench.aborted
        assert not connection.is_fresh()
        assert connection.get_buffer(-1).obj is not buffer
        held = [name for name, value in vars(connection).items() if isinstance(value, memoryview) and value.obj is buffer]
        assert held == []

    loop.run_until_complete(give_up())


# Negative controls: readers with one protection taken out. Each must be caught by the claims above.


class AcceptsShortBodies(Connection):
    """Takes what is there for the whole when the peer closes early."""

    def connection_lost(self, error):
        if self._head is not None and self._answer is not None and not self._answer.done():
            self._complete(self._body[: self._received], extra_bytes=0)
        super().connection_lost(error)


class KeepsSpoiltConnections(Connection):
    """Uses a connection again whatever came behind the answer."""

    def _complete(self, body, *, extra_bytes):
        super()._complete(body, extra_bytes=0)


def is_caught(loop, stream: bytes, kind: type[Connection] = Connection) -> bool:
    """Return whether the claim goes red on this stream."""
    ours = loop.run_until_complete(read_ours("GET", [stream], end=True, kind=kind))
    try:
        assert_no_more_than_h11(ours, read_h11("GET", [stream], end=True), stream)
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize(("kind", "stream"), [(AcceptsShortBodies, SHORT), (KeepsSpoiltConnections, FINE + b"x")])
def test_a_reader_without_a_protection_is_caught(loop, kind, stream):
    """The claims can fail: a connection that accepts short bodies, or goes on after stray bytes, turns them red."""
    assert is_caught(loop, stream, kind)
    assert not is_caught(loop, stream)


def test_a_parser_without_a_protection_is_caught(loop, monkeypatch):
    """The claims can fail: first length wins, and chunks that need no end, turn them red."""
    assert not is_caught(loop, CONFLICT)
    assert not is_caught(loop, NO_CHUNK_END)
    monkeypatch.setattr(head, "_parse_length", lambda headers: int(headers.get("content-length", "0").split(",")[0]))
    assert is_caught(loop, CONFLICT)
    monkeypatch.undo()
    monkeypatch.setattr(head.ChunkedBody, "_chunk_end", lambda self, line: setattr(self, "_step", self._size_line))
    assert is_caught(loop, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX\r\n0\r\n\r\n")

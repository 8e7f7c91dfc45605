"""One keep-alive connection, one request at a time. A body of known length is received straight into its buffer.

Guarantees: an answer is given out whole or not at all; after `exchange` returned or raised, nothing writes into the
caller's `into` or reads from its `body` any more; a connection on which anything was out of order is never used again.
Refuses: everything in `head.Breach`, and bytes that come while nobody asked.
"""

from __future__ import annotations

import asyncio
import select
from enum import Enum, auto
from typing import cast

from connectors.wire.head import HEAD_BYTES_MAX, Breach, ChunkedBody, Refused, ResponseHead, Sink, parse_head
from connectors.wire.slowness import Crawl
from relocation.ports import Blocks, Response
from relocation.rules.errors import CutShort, HikkoshiError, ProtocolError, Unreachable

OWN_BODY_BYTES_MAX = 16 * 1024 * 1024
INTERIM_ANSWERS_MAX = 8
JOIN_BYTES_MAX = 65_536  # a body up to here leaves with its head: one system call, one segment
WRITE_BYTES = 262_144  # a longer one leaves in slices, each when the one before is nearly gone
TLS_WRITE_BYTES = 65_536  # over TLS a slice is held once more, encrypted, and its transport would keep 512 KiB of them


class Phase(Enum):
    """What the next byte from the peer is."""

    IDLE = auto()  # nothing is due: a byte now is a fault
    HEAD = auto()
    COUNTED = auto()  # a body of known length
    CHUNKED = auto()
    UNTIL_CLOSE = auto()
    DEAD = auto()


class Connection(asyncio.BufferedProtocol):
    """A protocol for `loop.create_connection`; `name` (the endpoint's address) is for messages, `over_tls` a rule of framing."""

    def __init__(self, *, name: str, over_tls: bool) -> None:
        self._name = name
        self._over_tls = over_tls
        self._write_bytes = TLS_WRITE_BYTES if over_tls else WRITE_BYTES
        self._scratch = bytearray(HEAD_BYTES_MAX)
        self._view = memoryview(self._scratch)
        self._filled = 0
        self._phase = Phase.IDLE
        self._room: asyncio.Future[None] | None = None
        self._paused = False
        self._poll = select.poll()
        self._reset(head_only=False, into=None)
        self.reusable = False
        self.heard = False  # a byte of the answer came
        self.peer_closed = False
        self.moved_bytes = 0
        self.moved_mark = (0, 0)  # the watchdog's own notes
        self.moved_at_s = 0.0
        self.begun_s = 0.0
        self.crawl: Crawl | None = None
        self.due_bytes = 0
        self._sent_bytes = 0

    def _reset(self, *, head_only: bool, into: memoryview | None) -> None:
        """Forget the last request. Buffers of a caller are never held longer than its call."""
        self._head_only = head_only
        self._into = into
        self._head: ResponseHead | None = None
        self._interim = 0
        self._body = memoryview(b"")
        self._received = 0
        self._chunks: ChunkedBody | None = None
        self._sink: Sink | None = None
        self._answer: asyncio.Future[list[Response]] | None = None

    # what the caller does

    async def exchange(self, method: str, head: bytes, body: memoryview | Blocks, *, into: memoryview | None) -> Response:
        """Send one request and return its whole answer; on any error, and when cancelled, the connection is dead."""
        if self._phase is not Phase.IDLE:
            raise RuntimeError("a connection carries one request at a time")
        self._reset(head_only=method == "HEAD", into=into)
        self._filled = 0
        self._phase = Phase.HEAD
        self.reusable = self.heard = False
        self.due_bytes = (body.size if isinstance(body, Blocks) else len(body)) + (0 if into is None else len(into))
        answer: asyncio.Future[list[Response]] = self.loop.create_future()
        self._answer = answer
        try:
            if isinstance(body, Blocks):
                sent_whole = await self._send_blocks(head, body, answer)
            else:
                sent_whole = await self._send(head, body, answer)
            # Taken out: a future, and with it the caller's buffer, lives on until the step that it woke has ended.
            response = (await answer).pop()
        except BaseException:
            self._die()
            raise
        # An answer that overtook its request is an answer, but what is left of the request may not follow it.
        self.reusable = self.reusable and sent_whole and not self._transport.get_write_buffer_size()
        self._reset(head_only=False, into=None)
        return response

    async def _send(self, head: bytes, body: memoryview, answer: asyncio.Future[list[Response]]) -> bool:
        """Write the request. Returns whether all of it was handed over: the peer may answer before it has read it."""
        if len(body) <= JOIN_BYTES_MAX:
            self._transport.write(head + body if body else head)
            return True
        self._transport.write(head)
        step = self._write_bytes
        for start in range(0, len(body), step):
            if answer.done():
                return False
            self._transport.write(body[start : start + step])
            self.moved_bytes += 1
            self._sent_bytes += step
            if self._paused:
                self._room = self.loop.create_future()
                await self._room
        return True

    async def _send_blocks(self, head: bytes, body: Blocks, answer: asyncio.Future[list[Response]]) -> bool:
        """Do as `_send` does with a body that comes block by block. Slices are copied: the transport may send them late."""
        self._transport.write(head)
        left_bytes = body.size
        async for block in body.blocks:
            left_bytes -= len(block)
            if left_bytes < 0:
                break
            for start in range(0, len(block), self._write_bytes):
                if answer.done():
                    return False
                self._transport.write(bytes(block[start : start + self._write_bytes]))
                self.moved_bytes += 1
                self._sent_bytes += self._write_bytes
                if self._paused:
                    self._room = self.loop.create_future()
                    await self._room
        if left_bytes and not answer.done():
            raise ValueError(f"a body of {body.size} bytes was announced, its blocks hold {body.size - left_bytes}")
        return not left_bytes

    def is_fresh(self) -> bool:
        """Return whether an idle connection can carry a request: kept open, and nothing waits on it, no byte and no end.

        The socket itself is asked: an answer of "408, I am closing" that the loop has not read yet would else be taken for
        the answer to the next request.
        """
        return self._phase is Phase.IDLE and self.reusable and not self._transport.is_closing() and not self._poll.poll(0)

    def fail(self, error: HikkoshiError) -> None:
        """Give up: whoever waits gets `error`, the connection is dropped at once."""
        answer, self._answer = self._answer, None
        self._die()
        if answer is not None and not answer.done():
            answer.set_exception(error)
        self._make_room()

    def waits_to_send(self) -> int:
        """Return how many bytes of a request the kernel has not taken yet."""
        return self._transport.get_write_buffer_size()

    def bulk_bytes(self) -> int | None:
        """Return how much of a body of data has moved so far, either way, while one is under way; else None."""
        waits_bytes = self.waits_to_send()
        receives = self._into is not None and self._phase in {Phase.COUNTED, Phase.CHUNKED, Phase.UNTIL_CLOSE}
        return self.moved_bytes + self._sent_bytes - waits_bytes if receives or waits_bytes else None

    def _die(self) -> None:
        self._phase = Phase.DEAD
        self._reset(head_only=False, into=None)
        self.reusable = False
        self._transport.abort()

    # what the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.loop = asyncio.get_running_loop()  # which asks the system for the process id, each time
        if self._over_tls:
            self._transport.set_write_buffer_limits(high=TLS_WRITE_BYTES)
        self.lost: asyncio.Future[None] = self.loop.create_future()
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
        self.reusable = True

    def connection_lost(self, error: Exception | None) -> None:
        if self._phase is not Phase.DEAD:
            reason = str(error) if error else "it closed the connection"
            kind = CutShort if self.heard else Unreachable
            self.fail(kind(f"{self._name} broke off before its whole answer was there: {reason}"))
            self.peer_closed = True
        self._make_room()
        if not self.lost.done():
            self.lost.set_result(None)

    def eof_received(self) -> bool:
        if self._phase is Phase.UNTIL_CLOSE and self._sink is not None:
            self._complete(self._sink.view(), extra_bytes=0)
        return False  # the transport closes itself; connection_lost says the rest

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._make_room()

    def _make_room(self) -> None:
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - the loop's guess is of no use here
        if self._phase is Phase.COUNTED:
            return self._body[self._received :]
        # An empty buffer would close the connection, so there is room in every phase, also where no byte is due.
        return self._view[self._filled :] if self._phase is Phase.HEAD else self._view

    def buffer_updated(self, count: int) -> None:
        self.moved_bytes += count
        if self._phase is Phase.COUNTED:
            self._received += count
            if self._received == len(self._body):
                self._complete(self._body, extra_bytes=0)
            return
        try:
            if self._phase is Phase.HEAD:
                self.heard = True
                self._filled += count
                self._read_head()
            elif self._phase in {Phase.CHUNKED, Phase.UNTIL_CLOSE}:
                self._read_body(self._view[:count])
            else:
                self._die()  # a byte that nobody asked for
        except ProtocolError as error:
            self.fail(_named(error, self._name))

    # what an answer goes through

    def _read_head(self) -> None:
        while True:
            end = self._scratch.find(b"\r\n\r\n", 0, self._filled)
            if end < 0:
                if self._filled == HEAD_BYTES_MAX:
                    raise Refused(Breach.HEAD_SIZE)
                return
            head = parse_head(bytes(self._view[:end]))
            if head.status >= 200:
                break
            self._interim += 1
            if head.status == 101 or self._interim > INTERIM_ANSWERS_MAX:
                raise Refused(Breach.INTERIM, head.status)
            rest = self._scratch[end + 4 : self._filled]
            self._filled = len(rest)
            self._view[: self._filled] = rest
        self._head = head
        self._begin_body(head, self._view[end + 4 : self._filled])

    def _begin_body(self, head: ResponseHead, data: memoryview) -> None:
        """Choose how the body ends (RFC 9112 §6.3), and take what of it came with the head."""
        into = self._into if 200 <= head.status < 300 else None
        if self._head_only or head.status in {204, 304}:
            self._complete(memoryview(b""), extra_bytes=len(data))
        elif head.length is not None:
            self._begin_counted(head.length, into, data)
        else:
            if not head.chunked and self._over_tls:
                raise Refused(Breach.UNFRAMED)
            self._sink = Sink(into, bytes_max=OWN_BODY_BYTES_MAX)
            self._chunks = ChunkedBody(self._sink) if head.chunked else None
            self._phase = Phase.CHUNKED if head.chunked else Phase.UNTIL_CLOSE
            self._read_body(data)

    def _begin_counted(self, length: int, into: memoryview | None, data: memoryview) -> None:
        room_bytes = OWN_BODY_BYTES_MAX if into is None else len(into)
        if length > room_bytes:
            raise Refused(Breach.TOO_LONG, f"{length} bytes, room for {room_bytes}")
        self._body = memoryview(bytearray(length)) if into is None else into[:length]
        self._received = min(length, len(data))
        self._body[: self._received] = data[: self._received]
        if self._received == length:
            self._complete(self._body, extra_bytes=len(data) - length)
        else:
            self._phase = Phase.COUNTED

    def _read_body(self, data: memoryview) -> None:
        assert self._sink is not None
        if self._chunks is None:
            self._sink.take(data)
            return
        extra_bytes = self._chunks.feed(data)
        if extra_bytes is not None:
            self._complete(self._sink.view(), extra_bytes=extra_bytes)

    def _complete(self, body: memoryview, *, extra_bytes: int) -> None:
        """Hand out the answer. Bytes behind it are nobody's: the answer stands, the connection does not."""
        head, answer = self._head, self._answer
        assert head is not None
        self.reusable = head.reusable and not extra_bytes and self._phase is not Phase.UNTIL_CLOSE
        self._phase = Phase.IDLE
        if answer is not None and not answer.done():
            answer.set_result([Response(head.status, head.headers, body)])
        self._make_room()


def _named(error: ProtocolError, name: str) -> ProtocolError:
    error.args = (f"{name} sent an answer that is not used: {error.args[0]}",)
    return error

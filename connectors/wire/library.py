"""The wire on aiohttp: the fallback, and the other stack, over which a copy is proved again.

Guarantees what the port `Wire` promises, with aiohttp's parser and connections: raw targets, nothing decoded, no redirect,
no cookie, no proxy. Refuses a target or field that aiohttp would change, and what aiohttp lets through but nobody may rely on.
Two differences: aiohttp repeats a GET or HEAD also when a *new* connection broke before its head, and a DELETE says
`content-length: 0`.
"""

from __future__ import annotations

import asyncio
import contextlib
import types
from pathlib import Path

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from multidict import CIMultiDict
from yarl import URL

from connectors.wire.address import parse_address, tls_fault
from connectors.wire.head import HEAD_BYTES_MAX, Breach, Refused, Sink
from connectors.wire.outgoing import announces_length, checked_fields
from connectors.wire.slowness import Crawl, deadline_s
from relocation.ports import Blocks, Body, Headers, Response
from relocation.rules.errors import BadRequest, CutShort, HikkoshiError, ProtocolError, Transient, Unreachable

OWN_BODY_BYTES_MAX = 16 * 1024 * 1024
WRITE_BYTES = 262_144
CLOSE_S = 0.5
_AUTOMATIC = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
_CUT_SHORT = "Not enough data"  # how aiohttp's parser says that the peer left in the middle of a body
_REPEATABLE = frozenset({"GET", "HEAD"})


class LibraryWire:
    """The port `Wire` over one `aiohttp.ClientSession`, on the loop that first uses it."""

    def __init__(
        self,
        url: str,
        *,
        ca_file: Path | None = None,
        connections_max: int = 64,
        connect_timeout_s: float = 10.0,
        stall_s: float = 30.0,
        min_bytes_per_s: float = 1024.0,
    ) -> None:
        self._address = parse_address(url, ca_file=ca_file)
        self._connections_max = connections_max
        self._connect_timeout_s = connect_timeout_s
        self._stall_s = stall_s
        self._min_bytes_per_s = min_bytes_per_s
        self._slots = asyncio.Semaphore(connections_max)
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    @property
    def host(self) -> str:
        """What the `host` header of every request must say."""
        return self._address.authority

    async def request(
        self,
        method: str,
        target: str,
        headers: Headers,
        body: Body = b"",
        *,
        into: memoryview | None = None,
    ) -> Response:
        """Send one request and return its whole answer; see the port for every promise and error."""
        if into is not None and into.readonly:
            raise ValueError("`into` must be writable")
        payload = body if isinstance(body, Blocks) else memoryview(body).cast("B")
        body_bytes = payload.size if isinstance(payload, Blocks) else len(payload)
        fields = _fields(method, checked_fields(method, target, headers), body_bytes)
        url = self._url(target)
        async with self._slots:
            deadline = asyncio.timeout(self._connect_timeout_s + self._stall_s)
            due_bytes = body_bytes + (0 if into is None else len(into))
            moved = _Progress(deadline, self._stall_s, min_bytes_per_s=self._min_bytes_per_s, due_bytes=due_bytes)
            sending = _Body(payload, body_bytes, moved)
            try:
                async with deadline:
                    return await self._exchange(method, url, fields=fields, body=sending, into=into)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                if sending.failed is not None:
                    raise sending.failed from None
                raise self._said(error, stalled=deadline.expired(), heard=moved.heard) from error

    async def _exchange(self, method: str, url: URL, *, fields: CIMultiDict[str], body: _Body, into: memoryview | None) -> Response:
        answer = await self._open_session().request(
            method, url, headers=fields, data=body if body.size else None, allow_redirects=False, trace_request_ctx=body.moved
        )
        body.moved.heard = True
        try:
            head = _head_of(answer, over_tls=self._address.tls is not None, head_only=method == "HEAD")
            sink = Sink(into.cast("B") if into is not None and 200 <= answer.status < 300 else None, bytes_max=OWN_BODY_BYTES_MAX)
            if method != "HEAD" and answer.content_length is not None:
                sink.expect(answer.content_length)
            while data := await answer.content.readany():
                body.moved.mark(len(data) if into is not None else 0)
                sink.take(memoryview(data))
        except BaseException:
            answer.close()
            raise
        return Response(answer.status, head, sink.view())

    def _url(self, target: str) -> URL:
        url = URL(f"{self._address}{target}", encoded=True)
        if url.raw_path_qs != target:
            raise BadRequest(
                f"the request target {target[:200]!r} can't pass through aiohttp unchanged: use the lean wire",
                code="NotSendable",
                status=0,
            )
        return url

    def _open_session(self) -> aiohttp.ClientSession:
        if self._closed:
            raise RuntimeError("the wire is closed")
        if self._session is None:
            trace = aiohttp.TraceConfig()
            trace.on_request_headers_sent.append(_headers_sent)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections_max, ssl=self._address.tls or True),
                timeout=aiohttp.ClientTimeout(total=None, connect=self._connect_timeout_s),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=_AUTOMATIC,
                auto_decompress=False,
                trust_env=False,
                max_line_size=HEAD_BYTES_MAX,
                max_field_size=HEAD_BYTES_MAX,
                middlewares=(_never_twice,),
                trace_configs=[trace],
            )
        return self._session

    def _said(self, error: Exception, *, stalled: bool, heard: bool) -> HikkoshiError:
        """Translate what aiohttp raised. `heard`: the answer had begun."""
        if stalled:
            return Transient(f"no byte moved for {self._stall_s:g} s, neither way: the connection was dropped")
        broke = _why_no_connection(error)
        if broke is not None and (fault := tls_fault(self._address, broke)):
            return fault
        if isinstance(error, TimeoutError):
            return Unreachable(f"{self._address} did not take a connection within {self._connect_timeout_s:g} s")
        broken = isinstance(error, aiohttp.ClientResponseError) or isinstance(error.__cause__, aiohttp.http.HttpProcessingError)
        if broken and _CUT_SHORT not in str(error):
            return ProtocolError(f"{self._address} sent an answer that is not used: {error}")
        if heard:
            return CutShort(f"{self._address} broke off before its whole answer was there: {error!r}")
        return Unreachable(f"{self._address} can't be reached, or broke off before its answer: {error!r}")

    async def close(self) -> None:
        """Close every connection; one whose peer reads nothing is left after `CLOSE_S`: aiohttp would wait for ever."""
        self._closed = True
        if self._session is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await self._session.close()


class _Progress:
    """Moves a request's deadline on whenever bytes moved, unless too few of them do."""

    def __init__(self, deadline: asyncio.Timeout, stall_s: float, *, min_bytes_per_s: float, due_bytes: int) -> None:
        self._deadline = deadline
        self._stall_s = stall_s
        self._rate = min_bytes_per_s
        self._moved_bytes = 0
        self._crawl: Crawl | None = None
        self._end_s = asyncio.get_running_loop().time() + deadline_s(due_bytes, min_bytes_per_s=min_bytes_per_s, stall_s=stall_s)
        self.heard = False  # the answer's head is there

    def mark(self, bulk_bytes: int = 0) -> None:
        """Something moved; `bulk_bytes` of it were a body of data."""
        if self._deadline.expired():
            return
        now_s = asyncio.get_running_loop().time()
        if bulk_bytes and self._is_too_slow(now_s, bulk_bytes):
            self._deadline.reschedule(now_s)
        else:
            self._deadline.reschedule(min(now_s + self._stall_s, self._end_s))

    def _is_too_slow(self, now_s: float, more_bytes: int) -> bool:
        self._moved_bytes += more_bytes
        if self._crawl is None:
            self._crawl = Crawl(now_s, self._moved_bytes, min_bytes_per_s=self._rate, window_s=self._stall_s)
        return self._crawl.is_too_slow(now_s, self._moved_bytes)


class _Body(aiohttp.Payload):
    """A request's body, copied out slice by slice, so that no transport keeps a view of the caller's buffer.

    aiohttp stops asking for more, and closes the connection, as soon as the answer is there.
    """

    def __init__(self, body: memoryview | Blocks, size: int, moved: _Progress) -> None:
        super().__init__(body)
        self._size = size
        self._body = body
        self.moved = moved
        self.failed: Exception | None = None  # why there was no next block: aiohttp would hide it behind an error of its own

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002
        raise TypeError("payload is never text")

    async def write(self, writer: AbstractStreamWriter) -> None:
        self._consumed = True
        if not isinstance(self._body, Blocks):
            await self._write(writer, self._body)
            return
        try:
            await self._write_blocks(writer, self._body)
        except Exception as error:
            if not isinstance(error, (aiohttp.ClientError, OSError)):
                self.failed = error
            raise

    async def _write_blocks(self, writer: AbstractStreamWriter, body: Blocks) -> None:
        left_bytes = body.size
        async for block in body.blocks:
            left_bytes -= len(block)
            if left_bytes < 0:
                break
            await self._write(writer, block)
        if left_bytes:
            raise ValueError(f"a body of {body.size} bytes was announced, its blocks hold {body.size - left_bytes}")

    async def _write(self, writer: AbstractStreamWriter, view: memoryview) -> None:
        for start in range(0, len(view), WRITE_BYTES):
            await writer.write(bytes(view[start : start + WRITE_BYTES]))
            self.moved.mark(min(WRITE_BYTES, len(view) - start))


def _why_no_connection(error: Exception) -> BaseException | None:
    """Return what kept a connection from being made; None for what broke one that was there."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return error.certificate_error
    return error.os_error if isinstance(error, aiohttp.ClientConnectorError) else None


async def _headers_sent(
    _session: aiohttp.ClientSession, context: types.SimpleNamespace, _sent: aiohttp.TraceRequestHeadersSentParams
) -> None:
    context.trace_request_ctx.mark()


async def _never_twice(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from repeating a PUT or DELETE by itself: it does so for two errors only, so they leave as another."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        if request.method in _REPEATABLE:
            raise
        raise aiohttp.ClientConnectionError(str(error)) from error


def _fields(method: str, headers: Headers, body_bytes: int) -> CIMultiDict[str]:
    """Return the fields for aiohttp, which writes UTF-8, so that the bytes on the wire are the Latin-1 of `headers`."""
    fields: CIMultiDict[str] = CIMultiDict()
    for name, value in headers:
        try:
            fields.add(name, value if value.isascii() else value.encode("latin-1").decode("utf-8"))
        except UnicodeDecodeError as error:  # aiohttp would drop such bytes without a word
            message = f"the header field {name!r} is not UTF-8 and can't pass through aiohttp: use the lean wire"
            raise BadRequest(message, code="NotSendable", status=0) from error
    if announces_length(method, body_bytes):
        fields["content-length"] = str(body_bytes)
    return fields


def _head_of(answer: aiohttp.ClientResponse, *, over_tls: bool, head_only: bool) -> dict[str, str]:
    """Return the header fields by lower-case name, Latin-1; refuses what aiohttp lets through."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in answer.raw_headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1").strip(" \t")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if answer.status == 101:
        raise Refused(Breach.INTERIM, answer.status)
    length, coding = headers.get("content-length"), headers.get("transfer-encoding")
    if length is not None and coding is not None:
        raise Refused(Breach.LENGTH_AND_CODING)
    if coding is not None and coding.lower() != "chunked":
        raise Refused(Breach.CODING, coding)
    if over_tls and length is None and coding is None and not head_only and answer.status not in {204, 304}:
        raise Refused(Breach.UNFRAMED)
    return headers

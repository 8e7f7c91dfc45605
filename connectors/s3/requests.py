"""One signed request to one endpoint with one role's keys, and its answer: what every call of `S3Store` goes through.

Guarantees: signed just before it is sent, path-style, the key percent-encoded and never normalised; an answer comes back only if
its status is one of those expected. Refuses a request about an object without a key: it would hit the whole bucket.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import ParamSpec, Protocol, TypeVar
from urllib.parse import urlsplit

from connectors.pace.gate import LIST, OTHER, READ, WRITE, Gate
from connectors.pace.silence import Silence
from connectors.s3.answers import Asked, is_error_body, refusal
from connectors.signer import UNSIGNED_PAYLOAD, Signer, quote_key
from relocation.ports import Blocks, Body, Clock, Response, Wire
from relocation.rules.errors import (
    BadRequest,
    CutShort,
    Forbidden,
    HikkoshiError,
    ProtocolError,
    SlowDown,
    Transient,
    Unreachable,
    Untrusted,
    WrongCredentials,
)
from relocation.rules.values import is_loopback

Answer = TypeVar("Answer")
Given = ParamSpec("Given")
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
AS_IT_IS = ("accept-encoding", "identity")
"""Without it any encoding is acceptable (RFC 9110 §12.5.3). Not signed: some proxies rewrite it."""


Renew = Callable[[], Signer | None]
"""Reads the role's keys again; a signer with the new ones, None where they are the same."""


class HostedWire(Wire, Protocol):
    """A wire that says what the `host` header must be: `127.0.0.1:9100`."""

    @property
    def host(self) -> str: ...


@dataclass(slots=True)
class Request:
    """What is asked. `action` is the IAM action that it needs. Without `key` it concerns the bucket, without both the endpoint."""

    action: str
    method: str
    bucket: str
    key: str = ""
    query: Sequence[tuple[str, str]] = ()
    headers: Sequence[tuple[str, str]] = field(default=(), repr=False)
    body: Body = field(default=b"", repr=False)


class Requests:
    """A wire with a signer. `sign_payload` None: the body's hash is signed unless the wire leads to this machine."""

    def __init__(
        self,
        endpoint: str,
        role: str,
        wire: HostedWire,
        signer: Signer,
        *,
        clock: Clock,
        sign_payload: bool | None,
        gate: Gate | None = None,
        renew: Renew | None = None,
        silence: Silence | None = None,
    ) -> None:
        self._silence = silence
        self._endpoint = endpoint
        self._role = role
        self._wire = wire
        self._signer = signer
        self._renew = renew
        self._clock = clock
        self._gate = gate or Gate(endpoint, clock)
        self._host = ("host", wire.host)
        self.sign_payload = must_sign_payload(f"http://{wire.host}") if sign_payload is None else sign_payload

    def object(
        self, request: Request, *, expected: tuple[int, ...] = (200,), into: memoryview | None = None
    ) -> Coroutine[object, object, Response]:
        """Send a request about an object. Without a key it would be one about the bucket (DELETE!): BadRequest, nothing is sent."""
        if not request.key:
            raise BadRequest(f"{self._asked(request)}: an object without a key", code="InvalidKey", status=0)
        return self.bucket(request, expected=expected, into=into)

    async def bucket(self, request: Request, *, expected: tuple[int, ...] = (200,), into: memoryview | None = None) -> Response:
        """Send a request; return the answer if its status is one of `expected`, else raise what it stands for."""
        signer = self._signer
        response = await self.send(request, into=into)
        if response.status in expected and not (into is None and response.body and is_error_body(response.body)):
            return response
        error = refusal(self._asked(request), response, now=self._clock.now())
        if isinstance(error, (WrongCredentials, Forbidden)) and self._has_newer_than(signer):
            return await self._once_more(request, error, expected=expected, into=into)
        raise await self._judged(request, error, response.status) if isinstance(error, Transient) else error

    async def _once_more(
        self, request: Request, refused: HikkoshiError, *, expected: tuple[int, ...], into: memoryview | None
    ) -> Response:
        """Send what was refused again, with the new keys. If these are refused too, that stands."""
        if isinstance(request.body, Blocks):  # they can't be had twice here; whoever cut them can
            raise Transient(f"{refused}; there are new keys now")
        response = await self.send(request, into=into)
        if response.status in expected and not (into is None and response.body and is_error_body(response.body)):
            return response
        raise refusal(self._asked(request), response, now=self._clock.now())

    def _has_newer_than(self, used: Signer) -> bool:
        """Say whether there are other keys than those that were refused; reads them again unless another request just has."""
        if self._signer is used and self._renew is not None:
            self._signer = self._renew() or used
        return self._signer is not used

    async def send(self, request: Request, *, into: memoryview | None = None) -> Response:
        """Send a request when its turn has come, and return whatever came."""
        gate, body = self._gate, request.body
        is_read = into is not None
        size = len(into) if into is not None else body.size if isinstance(body, Blocks) else len(body)
        if not gate.enter(size):
            await gate.turn(size)
        began_s = gate.monotonic()
        try:
            target, headers = self._signed(request)
            response = await self._wire.request(request.method, target, headers, body, into=into)
        except BaseException as error:
            gate.gave_up()
            if isinstance(error, Transient):
                gate.faltered()
            if self._silence is not None and isinstance(error, Unreachable) and not isinstance(error, CutShort):
                self._silence.unanswered(began_s, gate.monotonic(), good_s=gate.good_s)
            if isinstance(error, (Unreachable, Untrusted)):
                raise self._named(error) from error
            raise
        if is_read:
            gate.gets += 1
            gate.bytes_out += size
            kind = READ
        elif request.method == "PUT" and request.key:
            gate.puts += 1
            gate.bytes_in += size
            kind = WRITE
        else:
            kind, size = self._counted(request, response)
        gate.answered(began_s, kind, size, response.status)
        return response

    def _counted(self, request: Request, response: Response) -> tuple[int, int]:
        """Count what moves no object; return what it is to the window, and of how many bytes."""
        gate, size = self._gate, len(response.body)
        if request.method not in {"GET", "HEAD"}:
            gate.puts += request.method != "DELETE"
            return OTHER, size
        gate.bytes_out += size
        if request.key:
            gate.gets += 1
            return OTHER, size
        gate.lists += 1
        return (LIST if request.method == "GET" else OTHER), size

    async def _judged(self, request: Request, error: Transient, status: int) -> HikkoshiError:
        """Return what a fault is to be taken for, once the gate has heard of it: one object's, or the whole endpoint's."""
        if not isinstance(error, SlowDown):
            self._gate.faltered()
            return error
        of_all = status == 429 or not request.key

        async def ask() -> bool:
            try:
                answer = await self._wire.request("HEAD", *self._signed(Request("s3:ListBucket", "HEAD", request.bucket)))
            except Transient:
                return True
            return answer.status in {429, 503}

        everywhere = await self._gate.refused(asked_s=error.retry_after_s, of_all=of_all, ask=ask)
        if self._gate.is_exhausted:
            return Unreachable(f"{error}; it has refused everything for minutes, and does not say until when")
        return SlowDown(str(error), retry_after_s=error.retry_after_s, everywhere=everywhere)

    def _signed(self, request: Request) -> tuple[str, list[tuple[str, str]]]:
        """Return the request target and the headers, signed for now."""
        path = f"/{request.bucket}/{quote_key(request.key)}" if request.key else f"/{request.bucket}"
        payload = _sha256_of(request.body) if self.sign_payload else UNSIGNED_PAYLOAD
        headers = [self._host, *request.headers]
        target, signed = self._signer.sign(request.method, path, request.query, headers, payload, self._clock.now())
        signed.append(AS_IT_IS)
        return target, signed

    def _named(self, error: Unreachable | Untrusted) -> HikkoshiError:
        """Return a fault of the wire with the endpoint's name: the wire knows an address, people know a name."""
        if isinstance(error, Unreachable):
            return type(error)(f"{self._endpoint}: {error}", retry_after_s=error.retry_after_s)
        return Untrusted(f"{self._endpoint}: {error}")

    def read(self, request: Request, reader: Callable[Given, Answer], *args: Given.args, **kwargs: Given.kwargs) -> Answer:
        """Return what `reader` makes of the answer; a ProtocolError of it gets the name of what was asked."""
        try:
            return reader(*args, **kwargs)
        except ProtocolError as error:
            raise ProtocolError(f"{self._asked(request)}: {error}") from None

    def _asked(self, request: Request) -> Asked:
        return Asked(self._endpoint, self._role, request.action, request.bucket, request.key)

    async def close(self) -> None:
        """Close the wire."""
        await self._wire.close()


def _sha256_of(body: Body) -> str:
    if not isinstance(body, Blocks):
        return hashlib.sha256(body).hexdigest() if body else EMPTY_SHA256
    if not body.sha256:
        raise BadRequest("a body that comes in blocks can't be signed without its SHA-256", code="PayloadNotSigned", status=0)
    return body.sha256


def must_sign_payload(url: str) -> bool:
    """Whether a body's hash must be signed: on plain http to another machine, where it could be changed on its way."""
    parts = urlsplit(url)
    return parts.scheme != "https" and not is_loopback(parts.hostname or "")

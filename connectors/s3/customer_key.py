"""Requests that carry a customer's own key (SSE-C): what reads, writes or completes an object is sent with its three headers.

Guarantees: the key goes over TLS only, shows in no repr and in no message, and is sent with no request that has no use for it
(listings, tags, deletes). A write never goes out without it. What is there without it (an object of somebody else's) is read as it
is: stores refuse a key for what it does not encrypt. A key that is not the object's is `CustomerKeyWrong`.
Source: AWS, "Using server-side encryption with customer-provided keys (SSE-C)".
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace

from connectors.credentials import Secret
from connectors.s3.requests import Request, Requests
from relocation.ports import Response
from relocation.rules.errors import BadRequest, CustomerKeyNeeded, CustomerKeyWrong, Forbidden
from relocation.rules.objects import SSE_CUSTOMER

SELECTORS = frozenset({"partNumber", "versionId"})
UPLOADS = frozenset({"partNumber", "uploadId", "uploads", "max-parts", "part-number-marker"})
UNFIT = frozenset({"InvalidRequest", "400"})
"""What a store says to a key for an object that it does not encrypt; a HEAD of AWS says no more than 400."""
WRONG = "it is encrypted with another customer's key (SSE-C) than the one that policy.customer_keys names; name the right one"


class CustomerKey:
    """A customer's key, as the headers that carry it. `key` is 32 bytes in base64."""

    __slots__ = ("_key",)

    def __init__(self, key: Secret) -> None:
        self._key = key

    def headers(self) -> list[tuple[str, str]]:
        """Return the three headers; the last one is the key's MD5, by which a store sees that it arrived whole."""
        text = self._key.reveal()
        digest = hashlib.md5(base64.b64decode(text), usedforsecurity=False).digest()
        key = "x-amz-server-side-encryption-customer-key"
        return [(SSE_CUSTOMER, "AES256"), (key, text), (f"{key}-md5", base64.b64encode(digest).decode())]

    def __repr__(self) -> str:
        return "CustomerKey(***)"


class KeyedRequests:
    """Requests of one role that carry a customer's key wherever S3 has a use for it; used in the place of `Requests`."""

    def __init__(self, requests: Requests, key: CustomerKey) -> None:
        self._requests = requests
        self._headers = key.headers()
        self.sign_payload = requests.sign_payload
        self.bucket, self.send, self.read, self.close = requests.bucket, requests.send, requests.read, requests.close

    async def object(self, request: Request, *, expected: tuple[int, ...] = (200,), into: memoryview | None = None) -> Response:
        """Send a request about an object, with the key if it has a use for one."""
        names = {name for name, _ in request.query}
        reads = request.method in {"GET", "HEAD"} and names <= SELECTORS
        if not (reads or (request.method != "DELETE" and names <= UPLOADS)):
            return await self._requests.object(request, expected=expected, into=into)
        others = [header for header in request.headers if header[0] != SSE_CUSTOMER]
        keyed = replace(request, headers=[*others, *self._headers])
        try:
            return await self._requests.object(keyed, expected=expected, into=into)
        except (BadRequest, Forbidden) as error:
            if not reads or (isinstance(error, BadRequest) and error.code not in UNFIT):
                raise
            return await self._without(request, error, expected=expected, into=into)

    async def _without(
        self, request: Request, refused: BadRequest | Forbidden, *, expected: tuple[int, ...], into: memoryview | None
    ) -> Response:
        """Read what the key was refused for as it is: what does that without it is not encrypted with a customer's key."""
        try:
            if isinstance(refused, BadRequest):
                return await self._requests.object(request, expected=expected, into=into)
            await self._requests.object(replace(request, method="HEAD"), expected=expected)
        except CustomerKeyNeeded as error:
            raise _wrong(refused, error) from error
        except BadRequest as error:
            if error.code not in UNFIT:
                raise
            raise _wrong(refused, error) from error
        except Forbidden:
            pass  # whether there is one may not be asked: the first refusal stands
        raise refused


def _wrong(refused: BadRequest | Forbidden, needed: BadRequest) -> CustomerKeyWrong:
    return CustomerKeyWrong(f"{refused}; {WRONG}", code=needed.code, status=needed.status)

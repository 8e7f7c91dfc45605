"""AWS Signature Version 4 for S3, in about 10 microseconds. Pure: the time is an argument.

Guarantees: what is signed is what is sent: the path is taken as it is (S3 neither normalises nor quotes it twice), the query is
quoted and sorted once and returned in the target. Refuses to show the secret: no repr, no pickle.
Sources: AWS, "Signature Version 4: create a signed AWS API request" and "Authenticating Requests: Using the Authorization
Header (AWS Signature Version 4)", whose examples are in the tests.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import NoReturn
from urllib.parse import quote

from relocation.rules.errors import BadRequest

UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"  # over TLS or loopback only: whoever calls sees to that
_ALGORITHM = "AWS4-HMAC-SHA256"
_INNER_PAD, _OUTER_PAD = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
_PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/"


def quote_key(key: str) -> str:
    """Percent-encode a key's UTF-8 for a request path: RFC 3986's unreserved characters and `/` stay, nothing is normalised.

    A key with lone surrogates has no UTF-8: BadRequest."""
    if key.isascii() and not key.encode().translate(None, _PLAIN):
        return key
    return _quote(key, "/~")


def _quote(text: str, safe: str) -> str:
    try:
        return quote(text, safe=safe)
    except UnicodeEncodeError as error:
        message = f"{ascii(text)[:200]} holds half a character (a lone surrogate) and has no UTF-8: no store can hold it"
        raise BadRequest(message, code="InvalidKey", status=0) from error


class Signer:
    """Signs with one access key for one region. Holds the day's signing key and nothing else that changes."""

    __slots__ = (
        "_access_key",
        "_day",
        "_inner",
        "_outer",
        "_region",
        "_scope",
        "_second",
        "_secret",
        "_service",
        "_stamp",
        "_token",
    )

    def __init__(self, access_key: str, secret_key: str, session_token: str, region: str, service: str = "s3") -> None:
        self._access_key = access_key
        self._secret = ("AWS4" + secret_key).encode()
        self._token = session_token
        self._region = region
        self._service = service
        self._second = -1
        self._stamp = self._day = self._scope = ""
        self._inner = self._outer = hashlib.sha256()

    def __repr__(self) -> str:
        return f"Signer({self._access_key!r}, region={self._region!r}, service={self._service!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signer holds a secret and is not to be pickled: pass the credentials' reference")

    def sign(  # noqa: PLR0917 - in the order in which a request is written
        self,
        method: str,
        path: str,
        query: Sequence[tuple[str, str]],
        headers: Sequence[tuple[str, str]],
        payload_sha256: str,
        now: float,
    ) -> tuple[str, list[tuple[str, str]]]:
        """Return the request target and the headers with `x-amz-date`, `x-amz-content-sha256`, `authorization` and the token.

        `path` is percent-encoded already, `query` is not; every one of `headers` is signed, `host` must be among them.
        `payload_sha256` is in hex, or `UNSIGNED_PAYLOAD`; `now` in seconds since the epoch. BadRequest: a query without UTF-8,
        or a header beyond Latin-1 (a character here is a byte on the wire).
        """
        if int(now) != self._second:
            self._set_time(int(now))
        signed = [*headers, ("x-amz-content-sha256", payload_sha256), ("x-amz-date", self._stamp)]
        if self._token:
            signed.append(("x-amz-security-token", self._token))
        names, fields = _canonical_headers(signed)
        asked = "&".join(sorted_query(query)) if query else ""
        request = _bytes(f"{method}\n{path}\n{asked}\n{fields}\n{names}\n{payload_sha256}")
        text = f"{_ALGORITHM}\n{self._stamp}\n{self._scope}\n{hashlib.sha256(request).hexdigest()}"
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(text.encode())
        outer.update(inner.digest())
        signature = outer.hexdigest()
        credential = f"{self._access_key}/{self._scope}"
        proof = f"{_ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
        signed.append(("authorization", proof))
        return (f"{path}?{asked}" if asked else path), signed

    def _set_time(self, second: int) -> None:
        self._second = second
        self._stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
        if self._stamp[:8] != self._day:
            self._day = self._stamp[:8]
            self._scope = f"{self._day}/{self._region}/{self._service}/aws4_request"
            key = self._secret
            for part in (self._day, self._region, self._service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            # HMAC as RFC 2104 has it, with the day's key worked in already: half of what hmac.digest costs.
            self._inner, self._outer = (hashlib.sha256(key.ljust(64, b"\0").translate(pad)) for pad in (_INNER_PAD, _OUTER_PAD))


def sorted_query(query: Sequence[tuple[str, str]]) -> list[str]:
    """Return `name=value` pairs, quoted, in the order in which they are signed: by quoted name, then value."""
    return [f"{name}={value}" for name, value in sorted((_quote(name, "~"), _quote(value, "~")) for name, value in query)]


def _bytes(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError as error:
        message = f"a header to be signed holds {text[error.start]!r}, which is beyond Latin-1: nothing was sent"
        raise BadRequest(message, code="NotSendable", status=0) from error


def _canonical_headers(headers: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Return the signed names and the lines that are signed; a name that comes twice has its values joined by a comma.

    Characters are bytes here, as on the wire, so that only ASCII blanks are folded."""
    names, order = _arrangement(tuple([name for name, _ in headers]))
    fields = "".join([f"{name}:{headers[place][1]}\n" for name, place in order])
    if order and "  " not in fields and "\t" not in fields and ": " not in fields and " \n" not in fields:
        return names, fields
    return _folded_headers(headers)


@lru_cache(maxsize=512)
def _arrangement(names: tuple[str, ...]) -> tuple[str, tuple[tuple[str, int], ...]]:
    """Return the signed names, and each with its place in the request, in order; no places where a name comes twice."""
    order = sorted((name.lower(), place) for place, name in enumerate(names))
    joined = ";".join(name for name, _ in order)
    return joined, tuple(order) if len({name for name, _ in order}) == len(names) else ()


def _folded_headers(headers: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Do the same for any headers: with blanks to fold, or names that come twice."""
    by_name: dict[str, str] = {}
    for name, value in headers:
        lower, folded = name.lower(), value
        if "  " in value or "\t" in value or value != value.strip(" "):
            folded = b" ".join(_bytes(value).split()).decode("latin-1")
        by_name[lower] = f"{by_name[lower]},{folded}" if lower in by_name else folded
    names = sorted(by_name)
    return ";".join(names), "".join([f"{name}:{by_name[name]}\n" for name in names])

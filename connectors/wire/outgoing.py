"""The head of a request as bytes. Pure.

Guarantees: what leaves is one request with exactly the given fields; the target goes out as it is. Refuses, before a byte
is sent, every target or field that could end a line, begin another field, or be read as something else (RFC 9112 §3, §5).
Text is Latin-1 in both directions: a byte of a field is a character here, so that fields in UTF-8 travel unchanged.
"""

from __future__ import annotations

import re

from relocation.ports import Headers
from relocation.rules.errors import BadRequest

_METHOD = re.compile(r"[A-Z]{1,16}").fullmatch
_TARGET = re.compile(r"/[!-\"$-~]*").fullmatch  # visible ASCII; no fragment
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_VALUE = re.compile(r"[\t -~\x80-\xff]*").fullmatch
_METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE"})
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection", "expect", "upgrade"})


def request_head(method: str, target: str, headers: Headers, body_bytes: int) -> bytes:
    """Return the head that announces a body of `body_bytes`.

    BadRequest (code `NotSendable`) names a target or field that HTTP/1.1 can't carry; ValueError is a caller's mistake: no
    `host`, or a field that is the wire's own.
    """
    lines = [f"{method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in checked_fields(method, target, headers)]
    if announces_length(method, body_bytes):
        lines.append(f"content-length: {body_bytes}")
    lines.append("\r\n")
    return "\r\n".join(lines).encode("latin-1")


def announces_length(method: str, body_bytes: int) -> bool:
    """Return whether the request says how long its body is."""
    return body_bytes > 0 or method in {"PUT", "POST"}


def checked_fields(method: str, target: str, headers: Headers) -> Headers:
    """Return `headers` when every part of the request can be sent as it is; raises as `request_head` does."""
    names = [_names.get(name) or _checked_name(name) for name, _ in headers]
    if "host" not in names:
        raise ValueError("a request needs a host field: pass the wire's `host`, and sign it")
    text = "".join([target, *[value for _, value in headers]])
    ordinary = text.isascii() and text.isprintable() and target[:1] == "/" and " " not in target and "#" not in target
    if not (ordinary and method in _METHODS):
        _check_each(method, target, headers)
    return headers


def _check_each(method: str, target: str, headers: Headers) -> None:
    """Look at what is not visible ASCII throughout: it may still be sendable."""
    if not _METHOD(method):
        raise ValueError(f"{method!r} is no method")
    if not _TARGET(target):
        raise _not_sendable(f"the request target {target[:200]!r} is not visible ASCII that begins with a slash")
    for name, value in headers:
        if not _VALUE(value):
            raise _not_sendable(f"the header field {name!r} holds a line end, a control character or one beyond Latin-1")


_names: dict[str, str] = {}
"""Names that were checked before, in lower case. A migration sends a dozen names and a million values."""
_NAMES_MAX = 1_024


def _checked_name(name: str) -> str:
    if not _NAME(name):
        raise _not_sendable(f"{name[:200]!r} is no name of a header field")
    lower = name.lower()
    if lower in _FRAMING:
        raise ValueError(f"{name!r} is set by the wire alone")
    if len(_names) >= _NAMES_MAX:
        _names.clear()
    _names[name] = lower
    return lower


def _not_sendable(message: str) -> BadRequest:
    return BadRequest(f"{message}: nothing was sent", code="NotSendable", status=0)

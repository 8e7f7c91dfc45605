"""What a peer may say: heads of responses (RFC 9112 §4, §5) and how their bodies end (§6, §7.1). Pure, over bytes.

Guarantees: whatever is accepted here means the same to every strict reader: one status, one set of fields, one length.
Refuses what HTTP/1.1 forbids, and beyond that everything in `Breach` that servers have no honest reason to send.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

from relocation.rules.errors import ProtocolError

HEAD_BYTES_MAX = 65_536
TRAILER_BYTES_MAX = 8_192
CHUNK_LINE_BYTES_MAX = 256
_LENGTH_DIGITS_MAX = 18

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_STATUS_LINE = re.compile(r"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: [^\r\n]*)?").fullmatch
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;[\t -~\x80-\xff]*)?").fullmatch
_FRAMING = frozenset({"content-length", "transfer-encoding"})
_CONTROLS = bytes(code for code in [*range(32), 127] if code not in b"\t\r\n")


class Breach(Enum):
    """Every reason for which an answer is refused."""

    STATUS_LINE = "the status line is not one of HTTP/1.1 or HTTP/1.0 with a status from 100 to 599"
    LINE_END = "a line does not end with CR LF"
    CONTROL = "a control character stands in the head"
    FOLDING = "a field is folded over two lines"
    FIELD = "a line of the head is no header field"
    HEAD_SIZE = f"the head is longer than {HEAD_BYTES_MAX} bytes"
    INTERIM = "too many interim answers, or a switch of protocols that nobody asked for"
    LENGTH = "Content-Length is no number, or says two different ones"
    CODING = "Transfer-Encoding is something other than chunked, or comes with HTTP/1.0"
    LENGTH_AND_CODING = "Content-Length and Transfer-Encoding stand together"
    CHUNK = "a chunk does not begin or end as it must"
    TRAILER = f"the trailer is malformed or longer than {TRAILER_BYTES_MAX} bytes"
    TOO_LONG = "the body is longer than the room for it"
    UNFRAMED = "over TLS the body has no length: its end can't be told from a cut"


class Refused(ProtocolError):
    """An answer that is not used. `breach` is the reason, the message adds what was seen."""

    def __init__(self, breach: Breach, seen: object = "") -> None:
        super().__init__(f"{breach.value}: {str(seen)[:120]!r}" if seen != "" else breach.value)
        self.breach = breach


class ResponseHead(NamedTuple):
    """One parsed head. `length` is None where none was given; `reusable` says that the peer keeps the connection open."""

    status: int
    headers: dict[str, str]
    length: int | None
    chunked: bool
    reusable: bool


def parse_head(block: bytes) -> ResponseHead:
    """Parse a head without the blank line that ends it; `Refused` says why not."""
    lines = block.decode("latin-1").split("\r\n")
    status, modern = _starts.get(lines[0]) or _parse_start(lines[0])
    headers = parse_fields(lines[1:])
    coding = headers.get("transfer-encoding")
    length = _parse_length(headers)
    if coding is not None:
        if length is not None:
            raise Refused(Breach.LENGTH_AND_CODING)
        if coding.lower() != "chunked" or not modern:
            raise Refused(Breach.CODING, coding)
    reusable = modern and "close" not in headers.get("connection", "").lower()
    return ResponseHead(status, headers, length, coding is not None, reusable)


_starts: dict[str, tuple[int, bool]] = {}
"""Status lines that were parsed before: there are a dozen."""
_STARTS_MAX = 64


def _parse_start(line: str) -> tuple[int, bool]:
    """Return the status, and whether the peer speaks HTTP/1.1."""
    _check_line(line)
    match = _STATUS_LINE(line)
    if match is None:
        raise Refused(Breach.STATUS_LINE, line)
    start = (int(match[2]), match[1] == "1")
    if len(_starts) < _STARTS_MAX and len(line) <= _LINE_CHARS_MAX:
        _starts[line] = start
    return start


def parse_fields(lines: list[str]) -> dict[str, str]:
    """Return header fields by lower-case name; the values of a name that came twice are joined by `, `."""
    headers: dict[str, str] = {}
    for line in lines:
        name, value = _lines.get(line) or _parse_line(line)
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


_lines: dict[str, tuple[str, str]] = {}
"""Lines that were parsed before. A server says most of its lines in every answer: this halves what a head costs."""
_LINES_MAX = 1_024
_LINE_CHARS_MAX = 256
_names: dict[str, str] = {}
"""Names that were checked before, in lower case."""
_NAMES_MAX = 1_024
_NEVER_AGAIN = frozenset({"etag", "x-amz-request-id", "x-amz-checksum-crc64nvme", "x-amz-version-id", "content-range"})
"""What differs from answer to answer is not kept: it would drive out what comes again, and the caches of the processor with it."""


def _parse_line(line: str) -> tuple[str, str]:
    _check_line(line)
    said, colon, value = line.partition(":")
    name = _names.get(said) if colon else ""
    if not name:
        name = _checked_name(line, said, colon)
    field = (name, value.strip(" \t"))
    if name not in _NEVER_AGAIN and len(line) <= _LINE_CHARS_MAX:
        if len(_lines) >= _LINES_MAX:
            _lines.clear()
        _lines[line] = field
    return field


def _checked_name(line: str, said: str, colon: str) -> str:
    if not colon or not _TOKEN(said):
        raise Refused(Breach.FOLDING if line[:1] in {" ", "\t"} else Breach.FIELD, line)
    name = said.lower()
    if len(_names) < _NAMES_MAX and len(said) <= _LINE_CHARS_MAX:
        _names[said] = name
    return name


def _check_line(line: str) -> None:
    """Refuse a line with a control character, or with half a line end: `Breach` says which."""
    if line.isascii() and line.isprintable():
        return
    data = line.encode("latin-1")
    if len(data.translate(None, _CONTROLS)) != len(data):
        raise Refused(Breach.CONTROL)
    if b"\r" in data or b"\n" in data:
        raise Refused(Breach.LINE_END)


def _parse_length(headers: dict[str, str]) -> int | None:
    text = headers.get("content-length")
    if text is None:
        return None
    if "," in text:  # repeated, which is harmless only where all say the same (RFC 9112 §6.3)
        said = {part.strip(" \t") for part in text.split(",")}
        text = said.pop() if len(said) == 1 else ""
        headers["content-length"] = text
    if not text.isdecimal() or len(text) > _LENGTH_DIGITS_MAX:
        raise Refused(Breach.LENGTH, text)
    return int(text)


class Sink:
    """Where a body of unknown length goes: the caller's `into`, or bytes of our own up to `bytes_max`."""

    def __init__(self, into: memoryview | None, *, bytes_max: int) -> None:
        self._into = into
        self._own = bytearray()
        self._bytes_max = bytes_max if into is None else len(into)
        self.received = 0

    def expect(self, count: int) -> None:
        """Refuse early a body that announces more than there is room for."""
        if self.received + count > self._bytes_max:
            raise Refused(Breach.TOO_LONG, f"more than {self._bytes_max} bytes")

    def take(self, data: memoryview) -> None:
        """Copy `data` behind what came before."""
        self.expect(len(data))
        if self._into is None:
            self._own += data
        else:
            self._into[self.received : self.received + len(data)] = data
        self.received += len(data)

    def view(self) -> memoryview:
        """Return what arrived."""
        return memoryview(self._own) if self._into is None else self._into[: self.received]


class ChunkedBody:
    """Reads a chunked body at any cut. After `feed` returned a number, the body is whole and that many bytes are left over."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._line = bytearray()
        self._chunk_left = 0
        self._step = self._size_line
        self._trailer: list[str] = []
        self._trailer_bytes = 0
        self._ended = False

    def feed(self, data: memoryview) -> int | None:
        """Take the next bytes. Returns None while more are due, else how many of these were not ours."""
        at = 0
        while at < len(data):
            if self._chunk_left:
                count = min(self._chunk_left, len(data) - at)
                self._sink.take(data[at : at + count])
                self._chunk_left -= count
                at += count
                if not self._chunk_left:
                    self._step = self._chunk_end
                continue
            at = self._take_line(data, at)
            if self._ended:
                return len(data) - at
        return None

    def _take_line(self, data: memoryview, at: int) -> int:
        """Gather one line; when its CR LF is there, hand it to the current step. Returns where the next byte is."""
        bytes_max = TRAILER_BYTES_MAX if self._step == self._trailer_line else CHUNK_LINE_BYTES_MAX
        window = bytes(data[at : at + bytes_max + 2])
        end = window.find(b"\n")
        self._line += window if end < 0 else window[: end + 1]
        if len(self._line) > bytes_max:
            raise Refused(Breach.TRAILER if self._step == self._trailer_line else Breach.CHUNK, "a line without an end")
        if end < 0:
            return at + len(window)
        line = bytes(self._line)
        self._line.clear()
        if line[-2:] != b"\r\n" or line.count(b"\r") != 1:
            raise Refused(Breach.LINE_END, line)
        self._step(line[:-2])
        return at + end + 1

    def _size_line(self, line: bytes) -> None:
        match = _CHUNK_LINE(line)
        if match is None:
            raise Refused(Breach.CHUNK, line)
        self._chunk_left = int(match[1], 16)
        self._sink.expect(self._chunk_left)
        if not self._chunk_left:
            self._step = self._trailer_line

    def _chunk_end(self, line: bytes) -> None:
        if line:
            raise Refused(Breach.CHUNK, line)
        self._step = self._size_line

    def _trailer_line(self, line: bytes) -> None:
        if not line:
            if not _FRAMING.isdisjoint(parse_fields(self._trailer)):
                raise Refused(Breach.TRAILER, "it speaks of the body's length")
            self._ended = True  # the trailer was checked and is forgotten: it may not change what the head said
            return
        self._trailer_bytes += len(line) + 2
        if self._trailer_bytes > TRAILER_BYTES_MAX or len(line.translate(None, _CONTROLS)) != len(line):
            raise Refused(Breach.TRAILER, line)
        self._trailer.append(line.decode("latin-1"))

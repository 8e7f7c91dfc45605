"""HTTP/1.1 heads and bodies, read only as far as a proxy needs to see where a message ends, and kept as the bytes they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

PIECE_BYTES = 64 * 1024
HEAD_BYTES_MAX = 256 * 1024


class Garbled(Exception):
    """One side said something that is no HTTP/1.1; the connection is dropped."""


@dataclass(slots=True)
class MessageHead:
    """A request's or an answer's head: the first line and the header lines, each with its line end."""

    first: bytes
    lines: list[bytes]

    @classmethod
    async def read(cls, reader: asyncio.StreamReader) -> MessageHead | None:
        """Read one head; None if the peer closed before its first byte. `Garbled` if it closed within."""
        try:
            raw = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as end:
            if not end.partial:
                return None
            raise Garbled("the connection ended within a head") from end
        except asyncio.LimitOverrunError as over:
            raise Garbled(f"a head of more than {HEAD_BYTES_MAX} bytes") from over
        first, *lines = raw[:-2].splitlines(keepends=True)
        return cls(first, lines)

    def get(self, name: str) -> str:
        """Return the value of a header, or an empty string."""
        for line in self.lines:
            found, _, value = line.partition(b":")
            if found.strip().lower() == name.lower().encode():
                return value.strip().decode("latin-1")
        return ""

    def names(self) -> frozenset[str]:
        """Return the header names in lower case."""
        return frozenset(line.partition(b":")[0].strip().lower().decode("latin-1") for line in self.lines)

    def copy(self) -> MessageHead:
        """Return a head of its own with the same lines."""
        return MessageHead(self.first, list(self.lines))

    def drop(self, name: str) -> None:
        """Drop every header of that name."""
        wanted = name.lower().encode()
        self.lines = [line for line in self.lines if line.partition(b":")[0].strip().lower() != wanted]

    def add(self, name: str, value: str) -> None:
        """Append a header."""
        self.lines.append(f"{name}: {value}\r\n".encode("latin-1"))

    def raw(self) -> bytes:
        """Return the head as it goes out."""
        return self.first + b"".join(self.lines) + b"\r\n"

    def request_line(self) -> tuple[str, str]:
        """Return method and raw target of a request."""
        words = self.first.decode("latin-1").split(" ")
        if len(words) != 3:
            raise Garbled(f"no request line: {self.first!r}")
        return words[0], words[1]

    def status(self) -> int:
        """Return the status of an answer."""
        words = self.first.split(None, 2)
        if len(words) < 2 or not words[1].isdigit():
            raise Garbled(f"no status line: {self.first!r}")
        return int(words[1])

    def closes(self) -> bool:
        """Say whether the connection ends with this message."""
        return "close" in self.get("connection").lower()


async def pieces(reader: asyncio.StreamReader, head: MessageHead, *, until_close: bool) -> AsyncIterator[tuple[bytes, bool]]:
    """Yield a body as it arrives, each piece with whether it is payload (else the framing of a chunked body).

    A body without length ends with the connection if `until_close` (an answer), and is empty otherwise (a request).
    """
    if "chunked" in head.get("transfer-encoding").lower():
        async for piece in _chunked(reader):
            yield piece
    elif length := head.get("content-length"):
        async for data in _counted(reader, int(length)):
            yield data, True
    elif until_close:
        while data := await reader.read(PIECE_BYTES):
            yield data, True


async def _counted(reader: asyncio.StreamReader, length: int) -> AsyncIterator[bytes]:
    while length:
        data = await reader.read(min(PIECE_BYTES, length))
        if not data:
            raise Garbled(f"the connection ended {length} bytes before the body did")
        length -= len(data)
        yield data


async def _chunked(reader: asyncio.StreamReader) -> AsyncIterator[tuple[bytes, bool]]:
    while True:
        line = await reader.readline()
        try:
            size = int(line.split(b";")[0], 16)
        except ValueError as error:
            raise Garbled(f"no chunk size: {line[:40]!r}") from error
        yield line, False
        if not size:
            break
        async for data in _counted(reader, size):
            yield data, True
        yield await reader.readexactly(2), False
    while (line := await reader.readline()) not in {b"\r\n", b""}:
        yield line, False
    yield line, False

"""A peer for wires: a server on loopback that says exactly the bytes that a test scripted, and its certificates."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Visit:
    """One connection, as the peer sees it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def read_request(self) -> bytes:
        """Return one request, head and body."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        return head + await self.reader.readexactly(length)

    def close(self) -> None:
        """Break the connection off."""
        self.writer.close()


Answer = bytes | Callable[[Visit, bytes], Awaitable[None]]


class Peer:
    """Answers the n-th request with the n-th of `answers` (the last one for all that follow).

    An answer is bytes, or a function that gets the connection and the request; the connection stays open after both. With
    `by_hand`, that function has a connection for itself and reads on its own.
    """

    def __init__(
        self, *answers: Answer, tls: ssl.SSLContext | None = None, by_hand: Callable[[Visit], Awaitable[None]] | None = None
    ) -> None:
        self._answers = answers
        self._tls = tls
        self._by_hand = by_hand
        self.tasks: set[asyncio.Task[None]] = set()
        self.requests: list[bytes] = []
        self.visits: list[Visit] = []
        self.open_now = self.open_max = 0

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._visited, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for visit in self.visits:
            visit.writer.transport.abort()
        await asyncio.sleep(0)

    async def _visited(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        visit = Visit(reader, writer)
        self.visits.append(visit)
        self.open_now += 1
        self.open_max = max(self.open_max, self.open_now)
        try:
            await (self._by_hand(visit) if self._by_hand else self._serve(visit))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client left, which some tests are about
        except asyncio.CancelledError:
            pass  # the test is over; the stream server would report it
        finally:
            self.open_now -= 1
            writer.close()

    async def _serve(self, visit: Visit) -> None:
        while not visit.writer.is_closing():
            request = await visit.read_request()
            answer = self._answers[min(len(self.requests), len(self._answers) - 1)]
            self.requests.append(request)
            if callable(answer):
                await answer(visit, request)
            else:
                visit.writer.write(answer)
                await visit.writer.drain()


def answer_of(body: bytes, *fields: str, status: str = "200 OK") -> bytes:
    """Return a plain answer of known length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class Authority:
    """A certificate authority in a folder, for one test session."""

    def __init__(self, folder: Path, name: str = "test authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._build(self._name, self._key, days=(-1, 30), names=[], is_authority=True)
        self.file = folder / f"{name.replace(' ', '-')}.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _build(self, subject, key, *, days: tuple[int, int], names: Sequence[x509.GeneralName], is_authority: bool):
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days=days[0]))
            .not_valid_after(now + datetime.timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def server(self, *, host: str = "127.0.0.1", days: tuple[int, int] = (-1, 30), self_signed: bool = False) -> ssl.SSLContext:
        """Return a server's TLS context with a certificate for `host`, valid between the two days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            name: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            name = x509.DNSName(host)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        signer = self if not self_signed else Authority.__new__(Authority)
        if self_signed:
            signer._key, signer._name = key, subject
        certificate = signer._build(subject, key, days=days, names=[name], is_authority=False)
        file = self._folder / "server.pem"
        file.write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

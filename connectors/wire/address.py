"""Where a wire leads: scheme, host and port out of a URL, and the TLS context for it.

Guarantees: TLS 1.2 or newer, the certificate and the host's name are checked, and nothing can turn that off; keys of a
session are written nowhere (SSLKEYLOGFILE is not obeyed). Refuses a URL that says more than an address.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """One endpoint's address; `tls` is None for plain http."""

    scheme: str
    host: str
    port: int
    tls: ssl.SSLContext | None

    @property
    def authority(self) -> str:
        """Return the value for the `host` header: `127.0.0.1:9100`; the scheme's own port is left out, as signers expect."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


def parse_address(url: str, *, ca_file: Path | None) -> Address:
    """Read `http[s]://host[:port]`; ValueError says what is wrong with it. `ca_file` (PEM) replaces the system's authorities."""
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError(f"{url!r} is no address of an endpoint: write http://HOST:PORT or https://HOST:PORT")
    if parts.path not in {"", "/"} or parts.query or parts.fragment or parts.username is not None:
        raise ValueError(f"the address of {parts.hostname} must hold nothing but scheme, host and port")
    if not parts.hostname.isascii():
        raise ValueError(f"the host {parts.hostname!r} is not ASCII: write it in its xn-- form")
    tls = tls_context(ca_file) if parts.scheme == "https" else None
    return Address(parts.scheme, parts.hostname, parts.port or PORTS[parts.scheme], tls)


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Build a client's TLS context; ValueError when `ca_file` can't be read or holds no certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks certificate and host name by default
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if ca_file is None:
        context.load_default_certs()
        return context
    try:
        context.load_verify_locations(cafile=ca_file)
    except OSError as error:  # ssl.SSLError is one too
        raise ValueError(f"{ca_file} can't be used as a file of certificate authorities (PEM): {error}") from error
    return context

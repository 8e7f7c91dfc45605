"""Where a wire leads: scheme, host and port out of a URL, and the TLS context for it.

Guarantees: TLS 1.2 or newer, the certificate and the host's name are checked, and nothing can turn that off: no setting, and no
variable of the environment (SSL_CERT_FILE, PYTHONHTTPSVERIFY, OPENSSL_CONF …); keys of a session are written nowhere
(SSLKEYLOGFILE is not obeyed). Refuses a URL that says more than an address.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from relocation.rules.errors import HikkoshiError, Unreachable, Untrusted

PORTS = {"http": 80, "https": 443}
USUAL_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
"""Where systems keep their authorities, for a Python whose OpenSSL was built with other paths."""
NO_COMMON_VERSION = frozenset({"TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "NO_PROTOCOLS_AVAILABLE"})
NO_TLS_AT_ALL = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"})


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
        _trust_the_system(context)
        return context
    try:
        context.load_verify_locations(cafile=ca_file)
    except OSError as error:  # ssl.SSLError is one too
        raise ValueError(f"{ca_file} can't be used as a file of certificate authorities (PEM): {error}") from error
    return context


def _trust_the_system(context: ssl.SSLContext) -> None:
    """Load the system's authorities from the paths that OpenSSL was built with; its own way would obey SSL_CERT_FILE."""
    built = ssl.get_default_verify_paths()
    files = [path for path in (built.openssl_cafile, *USUAL_BUNDLES) if Path(path).is_file()]
    if Path(built.openssl_capath).is_dir():
        context.load_verify_locations(capath=built.openssl_capath)  # read as far as a certificate asks for it
    elif files:
        context.load_verify_locations(cafile=files[0])


# OpenSSL's X509_V_ERR_* (openssl/x509_vfy.h): what is wrong with a certificate, and what to do about it
_STRANGER = (
    "comes from an authority that is not trusted here",
    "name the authority's file as `ca_file`, if it is the endpoint's own",
)
_OTHERS = ("is for another host", "see that the address is the endpoint's own, as its certificate has it")
_FAULTS = {
    7: _STRANGER,  # an authority of the same name, with another key
    9: ("is not valid yet", "see this machine's clock, and when the certificate begins"),
    10: ("has expired", "have it renewed"),
    18: ("is self-signed: nobody vouches for it", "if it is the endpoint's own, name it as `ca_file`"),
    19: _STRANGER,
    20: _STRANGER,
    21: _STRANGER,
    62: _OTHERS,
    64: _OTHERS,
}


def tls_fault(address: Address, error: BaseException) -> HikkoshiError | None:
    """Return what a failed handshake means, in words; None where it is not about TLS. Verification itself is never given up."""
    if isinstance(error, ssl.SSLCertVerificationError):
        what, then = _FAULTS.get(error.verify_code, ("is not in order", "see what is wrong with it"))
        return Untrusted(f"{address} shows a certificate that is not accepted: it {what} ({error.verify_message}); {then}")
    if isinstance(error, ssl.SSLError):
        if error.reason in NO_COMMON_VERSION:
            return Untrusted(
                f"{address} offers no TLS 1.2 or newer ({error.reason}): nothing older is spoken; have it brought up to date"
            )
        if error.reason in NO_TLS_AT_ALL:
            return Untrusted(
                f"{address} does not speak TLS ({error.reason}); see its port: plain http would be refused on most lines"
            )
        return Unreachable(f"{address}: no TLS connection came about: {error}")
    if address.tls is not None and isinstance(error, ConnectionResetError | ConnectionAbortedError):
        return Unreachable(f"{address} broke off before a TLS connection came about: does it speak TLS 1.2 or newer? ({error!r})")
    return None

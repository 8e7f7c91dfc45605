"""Certificates for the servers of this machine: an authority made for them alone, and one certificate for loopback.

Guarantees: the authority's key is never written down, so nothing else can be signed with it; what is about to run out is made anew.
Refuses nothing: what it finds that is not in order, it replaces.
"""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hikkoshi.local.listening import HOST
from hikkoshi.local.state import write_private

VALID = datetime.timedelta(days=90)
MADE_ANEW = datetime.timedelta(days=7)
NAMES: tuple[x509.GeneralName, ...] = (x509.IPAddress(ipaddress.ip_address(HOST)), x509.DNSName("localhost"))


def make_certificates(ca_file: Path, folder: Path) -> None:
    """Write the authority's certificate to `ca_file`, and the servers' `public.crt` and `private.key` below `folder`.

    What is there and holds for another week stays.
    """
    if _holds(folder / "public.crt") and (folder / "private.key").exists() and ca_file.exists():
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hikkoshi local")])
    authority = _certificate(ca_name, ca_key.public_key(), ca_name, ca=True).sign(ca_key, hashes.SHA256())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    server = _certificate(name, key.public_key(), ca_name, ca=False).sign(ca_key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    write_private(folder / "private.key", private)
    write_private(folder / "public.crt", server.public_bytes(serialization.Encoding.PEM).decode())
    write_private(ca_file, authority.public_bytes(serialization.Encoding.PEM).decode())


def _holds(file: Path) -> bool:
    try:
        ends = x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc
    except (FileNotFoundError, ValueError):
        return False
    return ends - datetime.datetime.now(datetime.UTC) > MADE_ANEW


def _certificate(subject: x509.Name, key: ec.EllipticCurvePublicKey, issuer: x509.Name, *, ca: bool) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + VALID)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    return builder if ca else builder.add_extension(x509.SubjectAlternativeName(NAMES), critical=False)

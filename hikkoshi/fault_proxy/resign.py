"""SigV4 anew for a request whose headers were edited: over the same day, region and payload hash that it came with.

Source: AWS, "Create a signed AWS API request"; S3 takes the path as it stands, without normalising it.
"""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import quote, unquote

from hikkoshi.fault_proxy.faults import Resign
from hikkoshi.fault_proxy.messages import Garbled, MessageHead


def resign(head: MessageHead, keys: Resign) -> None:
    """Replace the Authorization header by one that fits what the request holds now. `Garbled` if it carries no SigV4."""
    fields = dict(field.strip().split("=", 1) for field in head.get("authorization").partition(" ")[2].split(",") if "=" in field)
    if "Credential" not in fields or "SignedHeaders" not in fields:
        raise Garbled("a request that carries no SigV4 can't be signed anew")
    _, scope = fields["Credential"].split("/", 1)
    names = head.names()
    signed = ";".join(name for name in fields["SignedHeaders"].split(";") if name in names)
    canonical = _canonical(head, signed)
    to_sign = "\n".join(
        ("AWS4-HMAC-SHA256", head.get("x-amz-date"), scope, hashlib.sha256(canonical.encode("latin-1")).hexdigest())
    )
    key = f"AWS4{keys.secret_key}".encode()
    for word in (*scope.split("/"), to_sign):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    head.drop("authorization")
    credential = f"{keys.access_key}/{scope}"
    head.add("authorization", f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={signed}, Signature={key.hex()}")


def _canonical(head: MessageHead, signed: str) -> str:
    method, target = head.request_line()
    path, _, query = target.partition("?")
    fields = (field.partition("=") for field in query.split("&") if field)
    pairs = sorted((quote(unquote(name), safe=""), quote(unquote(value), safe="")) for name, _, value in fields)
    return "\n".join(
        (
            method,
            quote(unquote(path), safe="/"),
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{' '.join(head.get(name).split())}" for name in signed.split(";")),
            "",
            signed,
            head.get("x-amz-content-sha256") or "UNSIGNED-PAYLOAD",
        )
    )

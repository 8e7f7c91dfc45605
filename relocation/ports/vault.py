"""Where evidence is kept."""

from __future__ import annotations

from typing import Protocol


class Vault(Protocol):
    """The WORM bucket. Every object is written once, with If-None-Match and a retention; nothing here deletes."""

    async def put(self, name: str, data: bytes, *, content_type: str = "application/octet-stream") -> str:
        """Write and return the SHA-256 (hex). The same name with the same bytes is fine, with others a `StateMismatch`."""
        ...

    async def get(self, name: str, *, sha256: str = "") -> bytes:
        """Read, and compare with `sha256` where one is given (`StateMismatch`)."""
        ...

    async def list(self, prefix: str) -> tuple[str, ...]: ...

    async def close(self) -> None: ...

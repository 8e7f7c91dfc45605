"""Bit rot, made by hand: one byte of an object's data inverted in the file on Japan's drive."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hikkoshi.local import LocalState
from relocation.rules.errors import Refusal

AT_BYTE = 2000
KNOWN_BYTES = 64


@contextmanager
def rotten(state: LocalState, bucket: str, key: str, body: bytes) -> Iterator[Path]:
    """Invert one byte of an object's stored data, whose `body` tells where it is; put it back at the end.

    MinIO keeps the data of a small object within its `xl.meta`, and others beside it. `Refusal` where they are found nowhere.
    """
    file, at = _found(state.var / "minio" / "japan" / bucket / key, body[AT_BYTE : AT_BYTE + KNOWN_BYTES])
    _invert(file, at)
    try:
        yield file
    finally:
        _invert(file, at)


def _found(folder: Path, known: bytes) -> tuple[Path, int]:
    for file in sorted(each for each in folder.rglob("*") if each.is_file()):
        at = file.read_bytes().find(known)
        if at >= 0:
            return file, at
    raise Refusal(f"the data of the object do not lie below {folder} as they were sent: this MinIO keeps them in another way")


def _invert(file: Path, at: int) -> None:
    with file.open("r+b") as opened:
        opened.seek(at)
        byte = opened.read(1)[0]
        opened.seek(at)
        opened.write(bytes([byte ^ 0xFF]))

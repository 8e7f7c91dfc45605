"""N12: keys that expire or are changed in the middle of a run."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from connectors.clock import SystemClock
from connectors.configuration import read
from connectors.stores import S3Stores
from relocation.rules.errors import Forbidden, Refusal, Transient, WrongCredentials
from tests.unit.settings_cases import RIGHT, write
from tests.unit.wire_peer import Peer, Visit, answer_of

OLD, NEW = "AKIAOLD", "AKIANEW"


def refused(code: str, status: str = "403 Forbidden") -> bytes:
    return answer_of(f"<Error><Code>{code}</Code></Error>".encode(), status=status)


def put_keys(file: Path, access_key: str) -> None:
    """Replace the file whole, as whoever rotates keys should."""
    new = file.with_name("new")
    new.touch(mode=0o600)
    new.write_text(f"[korea]\naws_access_key_id={access_key}\naws_secret_access_key=s3cret\n")
    new.replace(file)


class Rotation:
    """A store that takes the new key alone; the file with the keys is changed once the old one was refused."""

    def __init__(self, folder: Path, *, code: str, changes: bool) -> None:
        self.file = folder / "keys"
        self._code, self._changes = code, changes
        put_keys(self.file, OLD)
        self.keys: list[str] = []

    async def answer(self, visit: Visit, request: bytes) -> None:
        key = OLD if OLD.encode() in request else NEW
        self.keys.append(key)
        if key == OLD and self._changes:
            put_keys(self.file, NEW)
        body = request.partition(b"\r\n\r\n")[2]
        visit.writer.write(refused(self._code) if key == OLD else answer_of(b"", f'ETag: "{len(body)}"'))


def stores_for(peer: Peer, folder: Path) -> S3Stores:
    text = {**RIGHT, "endpoints": {name: dict(each) for name, each in RIGHT["endpoints"].items()}}
    text["endpoints"]["korea"] |= {"url": peer.url, "credentials": {"reader": "file:../keys#korea"}}
    settings = read(write(folder, text), dict(os.environ))
    return S3Stores(settings, {}, SystemClock())


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidAccessKeyId", "AccessDenied"])
async def test_new_keys_are_read_once_and_used(tmp_path, code):
    """N12: what the old keys are refused is asked once more with the new ones, body and all; later requests use these at once."""
    rotation = Rotation(tmp_path, code=code, changes=True)
    async with Peer(rotation.answer) as peer:
        stores = stores_for(peer, tmp_path)
        store = stores.of("korea", "reader")
        assert (await store.put("b", "k", b"12345")).etag == "5"
        assert (await store.put("b", "l", b"1")).etag == "1"
        await stores.close()
    assert rotation.keys == [OLD, NEW, NEW]


async def test_many_requests_under_way_read_the_keys_once(tmp_path, monkeypatch):
    """N12: of many requests that are refused together, one reads the file; all are asked again."""
    rotation = Rotation(tmp_path, code="ExpiredToken", changes=True)
    async with Peer(rotation.answer) as peer:
        stores = stores_for(peer, tmp_path)
        store = stores.of("korea", "reader")
        read_files, call = [], stores._keys
        monkeypatch.setattr(stores, "_keys", lambda *role: read_files.append(role) or call(*role))
        await asyncio.gather(*(store.put("b", f"k{number}", b"1") for number in range(8)))
        await stores.close()
    assert rotation.keys.count(NEW) == 8
    assert len(read_files) == 1


@pytest.mark.parametrize(("code", "error"), [("ExpiredToken", WrongCredentials), ("AccessDenied", Forbidden)])
async def test_keys_that_did_not_change_are_refused_for_good(tmp_path, code, error):
    """N12, control: with the same file as before there is no second request, and the refusal is none that is retried."""
    rotation = Rotation(tmp_path, code=code, changes=False)
    async with Peer(rotation.answer) as peer:
        stores = stores_for(peer, tmp_path)
        with pytest.raises(error) as caught:
            await stores.of("korea", "reader").put("b", "k", b"1")
        await stores.close()
    assert rotation.keys == [OLD]
    assert isinstance(caught.value, Refusal)
    assert not isinstance(caught.value, Transient)


async def test_new_keys_that_are_refused_too_stop_it(tmp_path):
    """N12: a second refusal stands; nobody goes round in circles."""
    file = tmp_path / "keys"
    put_keys(file, OLD)

    async def never(visit: Visit, _request: bytes) -> None:
        put_keys(file, NEW)
        visit.writer.write(refused("InvalidAccessKeyId"))

    async with Peer(never) as peer:
        stores = stores_for(peer, tmp_path)
        with pytest.raises(WrongCredentials):
            await stores.of("korea", "reader").put("b", "k", b"1")
        await stores.close()
    assert len(peer.requests) == 2


async def test_a_file_that_is_gone_leaves_the_stores_word(tmp_path):
    """N12: keys that can't be read at that moment hide nothing: the store's refusal is what is said."""
    rotation = Rotation(tmp_path, code="ExpiredToken", changes=False)
    async with Peer(rotation.answer) as peer:
        stores = stores_for(peer, tmp_path)
        store = stores.of("korea", "reader")
        rotation.file.unlink()
        with pytest.raises(WrongCredentials, match="ExpiredToken"):
            await store.put("b", "k", b"1")
        await stores.close()
    assert rotation.keys == [OLD]

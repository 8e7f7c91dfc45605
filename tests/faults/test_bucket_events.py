"""A pass narrowed by the events that a real MinIO sends of its own bucket, for keys in odd spellings (D14, D28)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from minio import Minio

from hikkoshi.local.configuration import REGIONS
from relocation.stages.catch_up import CatchUpRequest, catch_up
from tests.faults.stack import CATEGORY, Case, case_of
from tests.faults.test_versions import remover_of

pytestmark = pytest.mark.server

ODD = (
    "a b+c",
    "100%/%2F",
    "写真 #1?.jpg",
    "tab\there",
    "new\nline",
    "e\u0301",
    "😀",
    "<&\"'>",
    "dir/",
    "end ",
    "*[]\\",
    "{json}",
    "%7B",
)


@contextmanager
def events_of(case: Case, file: Path) -> Iterator[None]:
    """Write the bucket's events to a file, a line each, from now on until the block is left and nothing came for a while."""
    keys = case.house.state.keys("korea", "root")
    address = case.house.url("korea").removeprefix("http://")
    client = Minio(address, access_key=keys.access, secret_key=keys.secret, secure=False, region=REGIONS["korea"])
    came: list[str] = []

    def listen() -> None:
        with client.listen_bucket_notification(case.bucket, events=("s3:ObjectCreated:*", "s3:ObjectRemoved:*")) as events:
            for event in events:
                came.append(json.dumps(event))
                if "last" in came[-1]:
                    return

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    _until(case, "ready", lambda: bool(came))
    yield
    _until(case, "last", lambda: not listener.is_alive())
    file.write_text("\n".join(came))


def _until(case: Case, key: str, done) -> None:
    """Put a key again and again until its event was heard: when the server begins to send them, it does not say."""
    for _ in range(100):
        case.put(key, b"x")
        time.sleep(0.1)
        if done():
            return
    raise AssertionError(f"no event of {key}")


async def test_a_buckets_own_events_name_every_key_that_changed(house, tmp_path):
    """D14, D28: put, overwritten and deleted keys, whatever their spelling, come level from MinIO's own event lines alone."""
    with case_of(house, tmp_path, name="events") as case:
        case.remover = remover_of(house, tmp_path, case.bucket)
        for number, key in enumerate(ODD):
            if number % 3:
                case.put(key, key.encode())
        await case.run()
        with events_of(case, tmp_path / "events.jsonl"):
            for number, key in enumerate(ODD):
                if number % 3 == 2:
                    case.korea.delete_object(Bucket=case.bucket, Key=key)
                else:
                    case.put(key, key.encode() * 2)
        async with case.context() as context:
            request = CatchUpRequest(CATEGORY, "all", changed=tmp_path / "events.jsonl", only_changed=True)
            summary = await catch_up(context, request)
        korea, japan = case.listed("korea"), case.listed("japan")
        assert len(korea) == len([number for number in range(len(ODD)) if number % 3 != 2]) + 2
        # Of a key that ends in a slash MinIO keeps no versions, whatever the bucket does: a delete could not be taken back.
        assert {key: japan[key] for key in japan if key != "dir/"} == korea
        assert [(each.key, "keeps no versions of it" in each.reason) for each in summary.remove] == [("dir/", True)]
        assert not (*summary.failed, *summary.refused, *summary.conflicts)

"""A wave moves while its source is in use, changed 50 times a second; nothing differs in the end, tags included (D28).

`python -m tests.faults.live_writer --seconds 120 --objects 20000`
The writer is the application's own user. It goes on until the write fence refuses it; then the last pass is made. Both sides are
compared past everything of ours: keys, sizes, ETags by boto3's listings, tags object by object. Exit code 1 where anything differs.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import uvloop
from botocore.exceptions import ClientError

from hikkoshi.local import down
from relocation.rules.fences import FenceRecord
from relocation.rules.summary import Summary
from relocation.stages.catch_up import CatchUpRequest, catch_up
from relocation.stages.fence import FenceRequest, fenced
from tests.faults.house import House
from tests.faults.stack import CATEGORY, Case, case_of
from tests.faults.test_fence import application, fencer_of
from tests.faults.test_versions import remover_of

CHANGES_PER_S = 50


class Writer(threading.Thread):
    """The application: changes something now and then, `per_s` times a second, until it is refused."""

    def __init__(self, case: Case, keys: list[str], *, per_s: float, seed: int) -> None:
        super().__init__(daemon=True)
        self.done: Counter[str] = Counter()
        self.error: BaseException | None = None
        self._client, self._bucket = application(case), case.bucket
        self._keys, self._pause_s, self._random = keys, 1 / per_s, random.Random(seed)
        self._given_up = threading.Event()

    def run(self) -> None:
        due = time.monotonic()
        try:
            while not self._given_up.wait(max(0.0, due - time.monotonic())):
                due = max(due + self._pause_s, time.monotonic() - 1)
                name = self._random.choice(("put", "overwrite", "overwrite", "delete", "tag", "tag"))
                getattr(self, f"do_{name}")()
                self.done[name] += 1
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDenied":
                self.error = error
        except BaseException as error:
            self.error = error
            raise

    def give_up(self) -> None:
        self._given_up.set()

    def do_put(self) -> None:
        key = f"new/{len(self._keys)}.jpg"
        self._write(key, Tagging=f"n={len(self._keys)}")
        self._keys.append(key)

    def do_overwrite(self) -> None:
        self._write(self._random.choice(self._keys))

    def _write(self, key: str, **more: str) -> None:
        body = self._random.randbytes(self._random.randrange(1, 2000))
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="image/jpeg", **more)

    def do_delete(self) -> None:
        at = self._random.randrange(len(self._keys))
        self._client.delete_object(Bucket=self._bucket, Key=self._keys[at])
        if len(self._keys) > 10:
            self._keys[at] = self._keys[-1]
            self._keys.pop()

    def do_tag(self) -> None:
        tags = [{"Key": "seen", "Value": str(self._random.randrange(1000))}] if self._random.random() < 0.8 else []
        try:
            self._client.put_object_tagging(Bucket=self._bucket, Key=self._random.choice(self._keys), Tagging={"TagSet": tags})
        except self._client.exceptions.NoSuchKey:
            return


@dataclass(frozen=True)
class Lived:
    """What the writer did meanwhile, the last report, and what differs between both sides after it."""

    changes: Counter[str]
    seconds: float
    summary: Summary
    differ: list[str]


async def live(case: Case, *, objects: int, seconds: float, seed: int = 1, per_s: float = CHANGES_PER_S) -> Lived:
    """Move a wave under a live writer, catch up, fence, make the last pass, and compare."""
    keys = [f"u{number % 97}/{number:06}.jpg" for number in range(objects)]
    await case.house.seed(case.bucket, ((key, key.encode() * 3) for key in keys))
    writer = Writer(case, keys, per_s=per_s, seed=seed)
    began = time.monotonic()
    writer.start()
    try:
        await case.run()
        async with case.context() as context:
            request = CatchUpRequest(CATEGORY, "all", until_objects=per_s)
            while time.monotonic() - began < seconds and writer.is_alive():
                await catch_up(context, request)
            took_s = time.monotonic() - began
            behind = partial(fenced, context, FenceRequest(CATEGORY))
            summary = await catch_up(context, request, fenced=partial(_once_silent, behind, writer))
    finally:
        writer.give_up()
        writer.join(30)
    if writer.error is not None:
        raise writer.error
    return Lived(writer.done, took_s, summary, await asyncio.to_thread(differences, case))


class _once_silent:  # noqa: N801 — a context manager, called like a function
    """The fence, entered for good once the writer itself was refused: what it had begun before has landed then."""

    def __init__(self, behind, writer: Writer) -> None:
        self._fence, self._writer = behind(), writer

    async def __aenter__(self) -> tuple[FenceRecord, ...]:
        fences = await self._fence.__aenter__()
        await asyncio.to_thread(self._writer.join, 30)
        assert not self._writer.is_alive(), "the fence is up, and the application still writes"
        return fences

    async def __aexit__(self, *error) -> bool | None:
        return await self._fence.__aexit__(*error)


def differences(case: Case) -> list[str]:
    """Return every key that is not on both sides with the same size, ETag and tags."""
    korea, japan = case.listed("korea"), case.listed("japan")
    differ = [key for key in korea.keys() | japan.keys() if korea.get(key) != japan.get(key)]

    def tags(site: str, key: str) -> list[tuple[str, str]]:
        found = case.client(site).get_object_tagging(Bucket=case.bucket, Key=key)["TagSet"]
        return sorted((each["Key"], each["Value"]) for each in found)

    both = sorted(korea.keys() & japan.keys())
    with ThreadPoolExecutor(8) as pool:
        of_korea, of_japan = (list(pool.map(partial(tags, site), both)) for site in ("korea", "japan"))
    tagged = zip(both, of_korea, of_japan, strict=True)
    return sorted(differ) + [f"{key}: tags {there}, {here}" for key, there, here in tagged if there != here]


def furnish(case: Case, house: House, folder: Path) -> Case:
    """Give a case the roles that a catch-up behind a fence needs."""
    case.remover = remover_of(house, folder, case.bucket)
    case.fencer = fencer_of(house, folder, case.bucket, cloud="minio-by-policy")
    return case


async def main(options: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="live-") as name:
        folder = Path(name)
        house = House(folder / "house")
        try:
            with case_of(house, folder / "case", name="live") as case:
                case.transfer = {"intent_objects": 256, "concurrency": 32}
                furnish(case, house, folder / "case")
                async with asyncio.timeout(options.within):
                    lived = await live(case, objects=options.objects, seconds=options.seconds, seed=options.seed)
        finally:
            down(folder / "house")
    done = sum(lived.changes.values())
    print(f"seed {options.seed}: {done} changes in {lived.seconds:.0f} s ({dict(lived.changes)})")
    for number, each in enumerate(lived.summary.passes, 1):
        figures = (each.found.objects, each.copied.objects, each.removed.objects, each.refreshed)
        print(f"pass {number}: found {figures[0]}, copied {figures[1]}, removed {figures[2]}, refreshed {figures[3]}")
    print(lived.summary.passes_end)
    print("\n".join(lived.differ[:20]) or "nothing differs, tags included")
    return 1 if lived.differ else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--objects", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--within", type=float, default=1800, metavar="SECONDS", help="give up after so long")
    sys.exit(uvloop.run(main(parser.parse_args())))

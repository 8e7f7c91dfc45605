"""Read a list of keys that somebody else keeps (`policy.keys`), one after another, however many there are.

Refuses a list of which nothing belongs to the move that it is held against: that is another list, or its keys are not whole.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import IO

from relocation.rules.errors import Refusal
from relocation.rules.key_lines import keys_of_csv, keys_of_lines
from relocation.rules.keys import is_canary, shown
from relocation.settings import Side
from relocation.stages.keys_apart import breathing

CSV = (".csv", ".csv.gz")


async def listed_keys(path: Path, side: Side) -> AsyncIterator[str]:
    """Yield those keys of a list that lie in the bucket and under the prefix of a side; `Refusal` where there are none."""
    found = False
    async for bucket, key in breathing(_pairs(path)):
        if bucket in {"", side.bucket} and key.startswith(side.prefix) and not is_canary(key):
            found = True
            yield key
    if not found:
        whole = f"{side.bucket},{shown(side.prefix)}…" if path.name.endswith(CSV) else f"{shown(side.prefix)}…"
        place = f"{side.endpoint}/{side.bucket}/{shown(side.prefix)}"
        raise Refusal(f"policy.keys: {path.name} names no key of {place}: whole keys are wanted (`{whole}`)")


def _pairs(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (bucket, key) of each entry; the bucket is empty where the list does not say."""
    try:
        with gzip.open(path) if path.name.endswith(".gz") else path.open("rb") as file:
            yield from _entries(path, file)
    except (OSError, EOFError) as error:
        raise Refusal(f"policy.keys: {path.name} can't be read ({error}); a file that you may read") from error
    except Refusal as refusal:
        raise Refusal(f"policy.keys: {path.name}: {refusal}") from refusal


def _entries(path: Path, file: IO[bytes] | gzip.GzipFile) -> Iterator[tuple[str, str]]:
    if path.name.endswith(CSV):
        return keys_of_csv(io.TextIOWrapper(file, encoding="utf-8-sig", newline=""))
    return keys_of_lines(file)

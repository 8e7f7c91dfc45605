"""Name every bucket and top-level prefix of the source that no category claims: what was forgotten shows up here."""

from __future__ import annotations

from dataclasses import dataclass

from relocation.ports import Store
from relocation.rules.errors import Forbidden
from relocation.rules.objects import Listed
from relocation.rules.summary import Unclaimed
from relocation.settings import Migration
from relocation.stages.context import Context
from relocation.stages.inventory import Saying, list_all
from relocation.transfer.retry import Patience, Tries


@dataclass(slots=True)
class _Sum:
    objects: int = 0
    bytes: int = 0
    newest: str = ""

    def add(self, listed: Listed) -> None:
        self.objects += 1
        self.bytes += listed.size
        self.newest = max(self.newest, listed.last_modified)


async def unclaimed(context: Context, endpoint: str) -> tuple[Unclaimed, ...]:
    """Return what stands at an endpoint outside every move of every category, with objects, bytes and the newest date.

    A bucket that the reader may not list is named with -1 objects: it is there, and nobody knows what it holds.
    """
    store = context.stores.of(endpoint, "reader")
    tries = Tries(Patience(context.settings.transfer.attempts_max, unreachable_s=5.0), context.clock)
    vault = context.settings.vault
    found: list[Unclaimed] = []
    looked, buckets = 0, 0
    for bucket in sorted(await tries.run(store.list_buckets)):
        claims = _claims(context.settings, endpoint, bucket)
        if "" not in claims and (endpoint, bucket) != (vault.endpoint, vault.bucket):
            saying = Saying(context, f"{endpoint}/{bucket}, for what nobody claims")
            found += await _in_bucket(context, store, bucket, claims, saying)
            looked, buckets = looked + saying.objects, buckets + 1
    if buckets:
        context.progress.note("unclaimed.looked", objects=looked, buckets=buckets, places=len(found))
    return tuple(found)


def _claims(settings: Migration, endpoint: str, bucket: str) -> set[str]:
    moves = (move for category in settings.categories.values() for move in category.moves)
    return {move.source.prefix for move in moves if (move.source.endpoint, move.source.bucket) == (endpoint, bucket)}


async def _in_bucket(context: Context, store: Store, bucket: str, claims: set[str], saying: Saying) -> list[Unclaimed]:
    """Sum up what no claim covers: a bucket without any claim as a whole, else by top-level prefix."""
    place = f"{store.endpoint}/{bucket}"
    sums: dict[str, _Sum] = {} if claims else {"": _Sum()}
    claimed = tuple(claims)
    try:
        async for listed in list_all(context, store, bucket, "", on_page=saying):
            if not listed.key.startswith(claimed):
                head, slash, _ = listed.key.partition("/")
                sums.setdefault(f"/{head}/" if claims and slash else "", _Sum()).add(listed)
    except Forbidden:
        return [Unclaimed(place, -1, -1, "")]
    return [Unclaimed(place + prefix, each.objects, each.bytes, each.newest) for prefix, each in sorted(sums.items())]

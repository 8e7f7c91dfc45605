"""Name every bucket and top-level prefix of the source that no category claims: what was forgotten shows up here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from relocation.ports import Store
from relocation.rules.errors import Forbidden
from relocation.rules.objects import Listed, Place
from relocation.rules.summary import Unclaimed
from relocation.settings import Migration
from relocation.stages.context import Context
from relocation.stages.inventory import Saying
from relocation.stages.pages import list_all
from relocation.transfer.retry import Patience, Tries

WALKED_MAX = 200
"""So many prefixes beside the claims are looked into one by one; a bucket that has more is listed through."""


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
        claims = claims_of(context.settings, Place(endpoint, bucket))
        if "" not in claims and (endpoint, bucket) != (vault.endpoint, vault.bucket):
            saying = Saying(context, f"{endpoint}/{bucket}, for what nobody claims")
            found += await _in_bucket(context, store, bucket, claims, saying)
            looked, buckets = looked + saying.objects, buckets + 1
    if buckets:
        context.progress.note("unclaimed.looked", objects=looked, buckets=buckets, places=len(found))
    return tuple(found)


def claims_of(settings: Migration, place: Place) -> tuple[str, ...]:
    """Return the prefixes of a bucket of the source that any category moves."""
    moves = (move for category in settings.categories.values() for move in category.moves)
    return tuple({move.source.prefix for move in moves if Place(move.source.endpoint, move.source.bucket) == place})


async def _in_bucket(context: Context, store: Store, bucket: str, claims: tuple[str, ...], saying: Saying) -> list[Unclaimed]:
    """Sum up what no claim covers: a bucket without any claim as a whole, else by top-level prefix."""
    place = f"{store.endpoint}/{bucket}"
    look = _Look(context, store, bucket, claims, saying)
    try:
        if not claims or not await look.beside("", budget=WALKED_MAX):
            await look.through("")
    except Forbidden:
        return [Unclaimed(place, -1, -1, "")]
    return [Unclaimed(place + prefix, each.objects, each.bytes, each.newest) for prefix, each in sorted(look.sums.items())]


class _Look:
    """One bucket under inspection. What is claimed is not listed once more, where a few prefixes tell it apart."""

    def __init__(self, context: Context, store: Store, bucket: str, claimed: tuple[str, ...], saying: Saying) -> None:
        self._list = partial(list_all, context, store, bucket, on_page=saying)
        self._claimed = claimed
        self.sums: dict[str, _Sum] = {} if claimed else {"": _Sum()}

    async def beside(self, prefix: str, *, budget: int) -> int:
        """Look at what lies under a prefix, level by level, past the claims; return what is left of the budget of prefixes.

        Once that is used up, 0 is returned, and nothing has been summed up.
        """
        under: list[str] = []
        beside: list[str] = []
        found: list[Listed] = []
        async for listed in self._list(prefix, delimiter="/"):
            if listed.etag:
                found.append(listed)
            elif not listed.key.startswith(self._claimed):
                (under if any(claim.startswith(listed.key) for claim in self._claimed) else beside).append(listed.key)
            if len(under) + len(beside) >= budget:
                return 0
        budget -= len(under) + len(beside)
        for deeper in under:
            budget = await self.beside(deeper, budget=budget)
            if not budget:
                self.sums.clear()
                return 0
        for whole in beside:
            await self.through(whole)
        self._add(found)
        return budget

    async def through(self, prefix: str) -> None:
        """List all that lies under a prefix."""
        async for listed in self._list(prefix):
            self._add((listed,))

    def _add(self, found: Iterable[Listed]) -> None:
        for listed in found:
            if not listed.key.startswith(self._claimed):
                head, slash, _ = listed.key.partition("/")
                self.sums.setdefault(f"/{head}/" if self._claimed and slash else "", _Sum()).add(listed)

"""Count unfinished multipart uploads: below a category's moves at both sides, and at the source what no category claims.

Guarantees: reads only; canaries left out; memory does not grow with the uploads. A listing that can't be had, or that the store
was not seen to tell whole, is a doubt in words, and stops nothing. Bytes are those of the parts of the first `PARTS_LOOKED_MAX`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass, field
from functools import partial

from relocation.ports import Store
from relocation.rules.errors import BadRequest, Forbidden, NotFound, Transient
from relocation.rules.keys import is_canary
from relocation.rules.objects import ListedUpload, Page, Place
from relocation.rules.records import Answers
from relocation.rules.summary import Unfinished
from relocation.rules.unfinished import doubt_of
from relocation.settings import Category
from relocation.stages.context import Context
from relocation.stages.pages import by_token
from relocation.stages.unclaimed import claims_of

PARTS_LOOKED_MAX = 300
"""So many uploads of a report are asked for their parts; the others are counted, and not looked into."""
NOT_TOLD = (Forbidden, BadRequest, Transient)
"""What a listing of uploads may end in: nothing of it is moved, so it stops nothing; the report says that it is not known."""


@dataclass(slots=True)
class _Sum:
    uploads: int = 0
    ours: int = 0
    looked_into: int = 0
    bytes: int = 0
    oldest: str = ""


@dataclass(slots=True)
class _Walk:
    """One bucket of one side: what of it the category moves, what any category claims, and what was found below which prefix."""

    side: str
    place: Place
    doubt: str
    claims: tuple[str, ...] | None = None
    """What every category claims of it; None: what nobody claims is not counted here."""
    sums: dict[str, _Sum] = field(default_factory=dict)
    """By prefix of a move."""
    beside: dict[str, _Sum] = field(default_factory=dict)
    """What nobody claims, by what its place is called after the bucket."""

    def sum_of(self, key: str) -> _Sum | None:
        """Return where an upload counts; none where it is another category's."""
        for prefix, below in self.sums.items():
            if key.startswith(prefix):
                return below
        if self.claims is None or key.startswith(self.claims):
            return None
        head, slash, _ = key.partition("/")
        return self.beside.setdefault(f"/{head}/" if self.claims and slash else "", _Sum())

    def lines(self) -> list[Unfinished]:
        """Return a line for each move's prefix, and one for each place of nobody's that has any."""
        place = str(self.place)
        of_moves = [self._line(self.side, f"{place}/{prefix}", found) for prefix, found in self.sums.items()]
        return of_moves + [self._line("unclaimed", place + name, found) for name, found in sorted(self.beside.items())]

    def _line(self, side: str, place: str, found: _Sum) -> Unfinished:
        return Unfinished(side, place, found.uploads, found.ours, found.bytes, found.looked_into, found.oldest, self.doubt)


async def unfinished_of(context: Context, category_name: str, sides: Sequence[tuple[Answers, Answers]]) -> tuple[Unfinished, ...]:
    """Return what was begun and is not completed, by move and side; `sides` holds what each move's two buckets answered last."""
    category = context.settings.category_named(category_name)
    ours = frozenset(upload.upload_id for upload in await context.ledger.open_uploads(category_name))
    walks = await _walks(context, category, sides)
    parts = _Parts(context)
    for walk in walks:
        try:
            async for upload in _uploads(context, walk.place):
                if (found := walk.sum_of(upload.key)) is not None:
                    found.uploads += 1
                    found.ours += walk.side == "target" and upload.upload_id in ours
                    found.oldest = min(found.oldest or upload.initiated, upload.initiated)
                    parts.remember(found, walk.place, upload)
        except NOT_TOLD as error:
            walk.doubt = f"they could not be listed: {error}"
    await parts.look()
    return tuple(line for walk in walks for line in walk.lines())


async def _walks(context: Context, category: Category, sides: Sequence[tuple[Answers, Answers]]) -> list[_Walk]:
    """Return every bucket to look at: those of the moves, then what else the source's endpoints have."""
    walks: dict[tuple[str, Place], _Walk] = {}
    for move, answers in zip(category.moves, sides, strict=True):
        for name, side, told in (("source", move.source, answers[0]), ("target", move.target, answers[1])):
            place = Place(side.endpoint, side.bucket)
            claims = claims_of(context.settings, place) if name == "source" else None
            walk = walks.setdefault((name, place), _Walk(name, place, doubt_of(told), claims))
            walk.sums[side.prefix] = _Sum()
    vault = Place(context.settings.vault.endpoint, context.settings.vault.bucket)
    for endpoint in dict.fromkeys(move.source.endpoint for move in category.moves):
        doubt = next((walk.doubt for walk in walks.values() if walk.place.endpoint == endpoint and walk.doubt), "")
        store = context.stores.of(endpoint, "reader")
        for bucket in sorted(await context.tries().run(store.list_buckets)):
            place = Place(endpoint, bucket)
            claims = claims_of(context.settings, place)
            if place != vault and "" not in claims:
                walks.setdefault(("source", place), _Walk("source", place, doubt, claims))
    return list(walks.values())


async def _uploads(context: Context, place: Place) -> AsyncIterator[ListedUpload]:
    """Yield every unfinished upload of a bucket, canaries left out. Asked without a prefix: some stores show none by one."""
    store = context.stores.of(place.endpoint, "reader")

    def ask(token: str) -> Awaitable[Page[ListedUpload]]:
        return store.list_uploads(place.bucket, token=token)

    async for page in by_token(context, f"the uploads listing of {place}", ask):
        for upload in page.items:
            if not is_canary(upload.key):
                yield upload


class _Parts:
    """The uploads that are asked for their parts, a bounded number, as many at once as their endpoint takes."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._wanted: dict[str, list[tuple[_Sum, Place, ListedUpload]]] = {}
        self._left = PARTS_LOOKED_MAX

    def remember(self, found: _Sum, place: Place, upload: ListedUpload) -> None:
        """Note an upload to be looked into, where there is room."""
        if self._left:
            self._left -= 1
            self._wanted.setdefault(place.endpoint, []).append((found, place, upload))

    async def look(self) -> None:
        """Add up the parts of what was noted."""
        for endpoint, wanted in self._wanted.items():
            store, step = self._context.stores.of(endpoint, "reader"), max(self._context.stores.at_once(endpoint), 1)
            for begin in range(0, len(wanted), step):
                async with asyncio.TaskGroup() as group:
                    for found, place, upload in wanted[begin : begin + step]:
                        group.create_task(self._look_into(store, found, place, upload))

    async def _look_into(self, store: Store, found: _Sum, place: Place, upload: ListedUpload) -> None:
        try:
            parts = await self._context.tries().run(partial(store.list_parts, place.bucket, upload.key, upload.upload_id))
        except (*NOT_TOLD, NotFound):  # completed or aborted meanwhile, or not to be seen: counted, and not looked into
            return
        found.looked_into += 1
        found.bytes += sum(part.size for part in parts)

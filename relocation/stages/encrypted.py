"""Look, before anything moves, whether what the source encrypts can be read: with the keys of a key service, or a customer's own.

No listing shows how an object is encrypted, and a HEAD of each would cost more than many a copy. So of what a move is to write, a
few objects evenly spread over it are asked by HEAD, and of each key that shows up one object is read, one byte of it. Only where
one of these can't be read is every object of that move looked at, so that each is refused by name, with its key.
Guarantees: reads only; no ordinary object costs a request beyond the sample. What else goes wrong here is for the copy to tell.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from relocation.ports import Store
from relocation.rules.errors import (
    BadRequest,
    CustomerKeyNeeded,
    CustomerKeyWrong,
    CutShort,
    Drift,
    Forbidden,
    NotFound,
    Refusal,
    Transient,
    Unreachable,
)
from relocation.rules.objects import SSE, SSE_KEY, Head
from relocation.rules.records import Action, PlanRow
from relocation.settings import Category
from relocation.stages.context import Context
from relocation.transfer.crew import work_all
from relocation.transfer.pinned import pinned
from relocation.transfer.read import read_head, read_piece
from relocation.transfer.retry import Patience, Tries

SAMPLE = 16
"""How many objects of a move are asked; the first and the last are among them."""
WRITTEN = (Action.COPY, Action.REPLACE)


async def refuse_unreadable(context: Context, category: Category, rows: list[PlanRow]) -> list[PlanRow]:
    """Turn into Refuse what is encrypted at the source with a key that we do not have, or may not use."""
    rows = list(rows)
    for index, move in enumerate(category.moves):
        key = category.policy.customer_keys.source or ""
        look = _Look(context, context.stores.of(move.source.endpoint, "reader", customer_key=key), key, rows)
        written = [place for place, row in enumerate(rows) if row.move == index and row.action in WRITTEN]
        if await look.at(_spread(written)):
            await look.at(written)
        look.refuse()
    return rows


def _spread(places: Sequence[int]) -> Sequence[int]:
    """Return a few of these, evenly spread, the first and the last among them."""
    if len(places) <= SAMPLE:
        return places
    return [places[number * (len(places) - 1) // (SAMPLE - 1)] for number in range(SAMPLE)]


@dataclass(slots=True)
class _Look:
    """One move's objects under inspection. `keys` holds, for each key met so far, why it can't be used (empty: it can)."""

    context: Context
    store: Store
    customer_key: str
    rows: list[PlanRow]
    keys: dict[str, str] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Of a key that many show at once, one object is read."""

    async def at(self, places: Sequence[int]) -> bool:
        """Look at these rows that were not looked at before; tell whether any of them is to be refused."""
        await work_all(_each(places), partial(self._one), size=self.context.settings.transfer.concurrency)
        return bool(self.refused)

    def refuse(self) -> None:
        """Write the refusals into the rows."""
        for place, reason in self.refused.items():
            self.rows[place] = self.rows[place]._replace(action=Action.REFUSE, reason=reason)

    async def _one(self, place: int) -> None:
        row = self.rows[place]
        if place in self.refused:
            return
        try:
            reason = await self._reason(row)
        except Unreachable as error:
            if not isinstance(error, CutShort):
                raise
        except (Transient, Drift, BadRequest, Forbidden, NotFound):  # not about keys: the copy says how it ends
            return
        else:
            if reason:
                self.refused[place] = reason

    async def _reason(self, row: PlanRow) -> str:
        """Say why an object can't be read for want of a key; empty where it can. Raises what is not about keys."""
        store = pinned(self.store, row.source_version_id)
        place = (row.source_bucket, row.source_key)
        try:
            head = await read_head(store, place, etag=row.source_etag, tries=self._tries())
        except (BadRequest, Forbidden) as refused:
            return self._named(refused) or self._named(await self._read(store, row))
        label = _label(head)
        if not label or not row.size:
            return ""
        async with self.reading:
            if label not in self.keys:
                error = await self._read(store, row)
                self.keys[label] = str(error) if error else ""
        reason = self.keys[label]
        return f"it is encrypted at the source with {label}, which can't be used: {reason}" if reason else ""

    async def _read(self, store: Store, row: PlanRow) -> BadRequest | Forbidden | None:
        """Read one byte; return the error of it, if it says that it never will be ours to read."""
        last = min(row.size, 1) - 1
        try:
            await read_piece(
                store,
                (row.source_bucket, row.source_key),
                memoryview(bytearray(last + 1)),
                etag=row.source_etag,
                tries=self._tries(),
                byte_range=(0, last) if row.size else None,
            )
        except (BadRequest, Forbidden) as error:
            return error
        return None

    def _named(self, error: Refusal | None) -> str:
        """Return an error's words if they are about keys. An error of HEAD may have none: then those of a GET tell."""
        if isinstance(error, CustomerKeyNeeded):
            return (
                f"it is encrypted at the source with a customer's own key (SSE-C): name it in policy.customer_keys.source ({error})"
            )
        if isinstance(error, CustomerKeyWrong):
            return f"the key {self.customer_key} of policy.customer_keys.source is not the one that encrypts it ({error})"
        return str(error) if error is not None and "kms:" in str(error).lower() else ""

    def _tries(self) -> Tries:
        return Tries(Patience(2, unreachable_s=5.0), self.context.clock)


def _label(head: Head) -> str:
    """Return which key encrypts an object, as its store tells: the key's id, or how it is encrypted; empty for neither."""
    rarer = dict(head.rarer) if head.rarer else {}
    return " ".join(filter(None, (rarer.get(SSE), rarer.get(SSE_KEY))))


async def _each(places: Sequence[int]) -> AsyncIterator[int]:
    for place in places:
        yield place

"""One listing from one key on, page by page, by protocol: a failed page means no listing.

Guarantees: a page that repeats a key, shows one from elsewhere, or a token that leads nowhere is refused (`ProtocolError` after the
retries), so that a partial listing is never taken for a whole one. Canaries are left out where objects are handed out.
"""

from __future__ import annotations

import asyncio
import math
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from itertools import islice
from operator import lt
from typing import Generic, TypeVar

from relocation.ports import Store
from relocation.rules.errors import ProtocolError
from relocation.rules.keys import CANARY_PREFIX, is_canary, shown
from relocation.rules.objects import Listed, ListedVersion, Page, columns_of
from relocation.stages.context import Context

PAGES_MAX = 10_000_000
Item = TypeVar("Item")
Shown = TypeVar("Shown", bound=Listed | ListedVersion)
OnPage = Callable[[Sequence[Listed]], None]
"""Is told each page's objects as they come, canaries left out."""
_CANARIES = ("/" + CANARY_PREFIX, CANARY_PREFIX)


class Apart(ProtocolError):
    """A store that does not begin where it is told to, or whose ranges do not add up to one listing: one range must do."""


class Walk(ABC, Generic[Shown]):
    """A listing under way. `after`: begins with the first key behind this one. What comes out of order is still listed, and said:
    keys that come again in no order at all are refused where they are put into order."""

    def __init__(self, context: Context, name: str, prefix: str, after: str, ask: Callable[..., Awaitable[Page[Shown]]]) -> None:
        """`ask` takes `token`, `start_after` and `page_keys` as the store's listings do."""
        self._context = context
        self._ask = ask
        self.name = name
        """What is listed, in words."""
        self.prefix = prefix
        self._after = after
        self._tokens: set[str] = set()
        self.last = ""
        self.ordered = True
        self.ahead = False
        """Whether a page is asked for while the one before it is taken."""
        self.more = False
        self.by_key = False
        """Whether each page is asked for by the last key of the one before, not by its token: a store may prepare all that follows
        a token, and nobody may come to fetch it."""
        self.page_s = math.inf
        """How long a page took at least, from the request to its objects."""

    async def pages(self) -> AsyncGenerator[Sequence[Shown], None]:
        """Yield every page that holds anything, canaries included."""
        pending = asyncio.ensure_future(self._page("", self._after))
        try:
            for _ in range(PAGES_MAX):
                page = await pending
                token = page.next_token
                whole = self._whole(page.items) if token else ()
                if token in self._tokens and not (self.by_key and whole):  # then the key is what must go on
                    raise ProtocolError(f"{self.name} goes round in a circle: not a listing to be trusted")
                self._tokens.add(token)
                self.more = bool(token)
                ahead = self.more and self.ahead
                if ahead:
                    pending = asyncio.ensure_future(self._page(token))
                if page.items:
                    self._check(whole or page.items)
                    yield whole or page.items
                if not token:
                    return
                if not ahead:
                    by_key = self.by_key and whole and self.ordered
                    pending = asyncio.ensure_future(self._page("", self.last) if by_key else self._page(token))
            raise ProtocolError(f"{self.name} did not end after {PAGES_MAX} pages")
        finally:
            pending.cancel()

    async def first_behind(self, point: str) -> str | None:
        """Return the first key behind a point; None where there is none. `BadRequest` where the store does not take the point."""
        page = await self._context.tries().run(lambda: self._ask(start_after=point, page_keys=1))
        if not page.items:
            if page.next_token:
                raise Apart(f"{self.name} shows nothing after {shown(point)} but goes on")
            return None
        first = page.items[0]
        self._refuse_before(point, first)
        self._refuse_elsewhere(first.key)
        return first.key

    async def _page(self, token: str, after: str = "") -> Page[Shown]:
        begun_s = self._context.clock.monotonic()
        page = await self._context.tries().run(lambda: self._ask(token=token, start_after=after))
        self.page_s = min(self.page_s, self._context.clock.monotonic() - begun_s)
        if page.items:
            self._refuse_before(after, page.items[0])
        return page

    def _whole(self, items: Sequence[Shown]) -> Sequence[Shown]:
        """Return what a page shows of keys of which the next page shows nothing: behind the last of these, a page may begin."""
        return items

    @abstractmethod
    def _check(self, items: Sequence[Shown]) -> None:
        """Refuse a page that can't be one of an honest listing; note its last key, and whether all came in order so far."""

    def _refuse_before(self, after: str, first: Shown) -> None:
        """Refuse a beginning that is not the first of what was asked for."""
        if after and first.key <= after:
            raise Apart(f"{self.name} was asked for what follows {shown(after)} and shows {shown(first.key)}")

    def _refuse_elsewhere(self, key: str) -> None:
        if not key.startswith(self.prefix):
            raise ProtocolError(f"{self.name} under {shown(self.prefix)} shows {shown(key)}: not a listing to be trusted")


class ObjectsWalk(Walk[Listed]):
    """The objects under a prefix, each key once."""

    def __init__(self, context: Context, store: Store, bucket: str, prefix: str, *, after: str = "", delimiter: str = "") -> None:
        ask = partial(store.list_objects, bucket, prefix=prefix, delimiter=delimiter)
        super().__init__(context, f"the listing of {store.endpoint}/{bucket}", prefix, after, ask)
        self._firsts: set[str] = set()

    def _check(self, items: Sequence[Listed]) -> None:
        keys = columns_of(items)[0]
        first, before = keys[0], self.last
        self.last = keys[-1]
        rising = before < first and all(map(lt, keys, islice(keys, 1, None)))
        self.ordered = self.ordered and rising
        for key in (first, keys[-1]) if rising else keys:  # what is between two keys under a prefix is under it too
            self._refuse_elsewhere(key)
        if not self.ordered:
            self._refuse_repeated(keys, before)
        self._firsts.add(first)

    def _refuse_repeated(self, keys: Sequence[str], before: str) -> None:
        for number, key in enumerate(keys):
            if key == before or (not number and key in self._firsts):
                raise ProtocolError(f"{self.name} repeats {shown(key)}: not a listing to be trusted")
            before = key


async def by_token(context: Context, listing: str, ask: Callable[[str], Awaitable[Page[Item]]]) -> AsyncGenerator[Page[Item], None]:
    """Yield every page of a listing, each asked for by the token of the one before; refuse one that does not come to an end."""
    tokens: set[str] = set()
    token = ""
    for _ in range(PAGES_MAX):
        page = await context.tries().run(partial(ask, token))
        yield page
        token = page.next_token
        if not token:
            return
        if token in tokens:
            raise ProtocolError(f"{listing} goes round in a circle: not a listing to be trusted")
        tokens.add(token)
    raise ProtocolError(f"{listing} did not end after {PAGES_MAX} pages")


def without_canaries(items: Sequence[Shown], *, ordered: bool = False) -> Sequence[Shown]:
    """Return what is not the probe's; where keys are in order, their ends tell whether any can be."""
    if ordered and not any(items[0].key <= f"{prefix}\U0010ffff" and items[-1].key >= prefix for prefix in _CANARIES):
        return items
    return [listed for listed in items if not is_canary(listed.key)]


async def pages_of(
    context: Context, store: Store, bucket: str, prefix: str, *, delimiter: str = ""
) -> AsyncIterator[Sequence[Listed]]:
    """Yield every page of objects under a prefix, canaries left out."""
    walk = ObjectsWalk(context, store, bucket, prefix, delimiter=delimiter)
    walk.ahead = True
    async for items in walk.pages():
        yield without_canaries(items)


async def list_all(
    context: Context, store: Store, bucket: str, prefix: str, *, on_page: OnPage | None = None, delimiter: str = ""
) -> AsyncIterator[Listed]:
    """Yield every object under a prefix, canaries left out.

    With `delimiter` what lies deeper is folded into common prefixes, which have no `etag`.
    """
    async for page in pages_of(context, store, bucket, prefix, delimiter=delimiter):
        if on_page is not None:
            on_page(page)
        for listed in page:
            yield listed

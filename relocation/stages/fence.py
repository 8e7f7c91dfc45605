"""Raise a write fence around a wave's source, see that it holds, and lift it: by command, by the run's end, or after a dead owner.

Guarantees: a fence is in the ledger, with every category that it touches, before it is raised; it counts only after all that its
kind claims to bar was refused to the application's user below each of its prefixes, and as lifted only after a write was not
(`fence_trial.py`). Every way out of `fenced` lifts it; after a `kill -9` whoever comes next does (`lift_abandoned`).
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from typing import NamedTuple

from relocation.ports import Fences, Store
from relocation.rules.errors import BadRequest, Forbidden, Refusal
from relocation.rules.evidence import sha256_of
from relocation.rules.fences import KINDS, Claim, FenceKind, FenceRecord, FenceState, refuse_others, touched
from relocation.settings import Migration
from relocation.stages.context import Context
from relocation.stages.fence_trial import gets_through, stays_barred
from relocation.stages.shards import timestamp

SETTLE_S = 15.0
"""How long a store may take to make a policy felt everywhere."""
LOOK_S = 0.25


@dataclass(frozen=True, slots=True)
class FenceRequest:
    """Around which category (or only one of its waves); `by`: this kind alone, whatever else it touches; `by_run`: for as long as
    this process lives."""

    category: str
    wave: str = ""
    by: FenceKind | None = None
    by_run: bool = False


class _Place(NamedTuple):
    """One bucket of a source, and the prefixes to bar."""

    endpoint: str
    bucket: str
    prefixes: tuple[str, ...]


async def raise_fences(context: Context, request: FenceRequest) -> tuple[FenceRecord, ...]:
    """Raise a fence around each source bucket of a category, and return those that hold. Where one can't be had, none is left."""
    raised: list[FenceRecord] = []
    try:
        for place in _places(context.settings, request):
            raised += [await _raise_one(context, request, place)]
    except BaseException:
        for fence in raised:
            await lift_fence(context, fence)
        raise
    return tuple(raised)


async def lift_fence(context: Context, fence: FenceRecord) -> FenceRecord:
    """Take a fence away, see that the application may write again, and record it."""
    await _fences(context).lift_fence(fence)
    lifted = replace(fence, state=FenceState.LIFTED)
    if not await _others_around(context, fence) and await _in_the_end(context, fence, stays_barred):
        still = (
            f"{fence.endpoint}/{fence.bucket}: the fence {fence.id} was taken away, and the application's writes are still refused"
        )
        raise Refusal(f"{still}; something else bars them, or the store needs longer: look, then `hikkoshi fence lift` again")
    await context.ledger.save_fence(lifted)
    await _said(context, "fence.lifted", lifted)
    return lifted


async def lift_fences(context: Context, category: str = "") -> tuple[FenceRecord, ...]:
    """Lift every fence that touches a category, or all there are."""
    found = [fence for fence in await context.ledger.fences() if not category or category in fence.categories]
    return tuple([await lift_fence(context, fence) for fence in found])


async def lift_abandoned(context: Context) -> tuple[FenceRecord, ...]:
    """Lift the fences of processes that are dead for certain; a person's fence stays until a person lifts it."""
    return tuple([await lift_fence(context, fence) for fence in await context.ledger.abandoned_fences()])


@asynccontextmanager
async def fenced(context: Context, request: FenceRequest) -> AsyncIterator[tuple[FenceRecord, ...]]:
    """Keep the application from writing to a category's source while the block runs; yields the fences."""
    raised = await raise_fences(context, replace(request, by_run=True))
    try:
        yield raised
    finally:
        for fence in raised:
            await lift_fence(context, fence)


async def holds(context: Context, fence: FenceRecord) -> bool:
    """Tell whether all that a fence claims to bar is refused to the application below every prefix of it, at this moment."""
    return not await gets_through(context.stores.of(fence.endpoint, "application"), fence)


async def _raise_one(context: Context, request: FenceRequest, place: _Place) -> FenceRecord:
    """Raise the first kind of fence that holds; what was tried before is taken away again."""
    fences = _fences(context)
    why: list[str] = []
    for kind in (request.by,) if request.by else KINDS:
        fence = _planned(context, request, place, kind)
        try:
            if not request.by:
                refuse_others(fence, request.category)
            fence = replace(fence, undo=await fences.prepare(fence))
            await context.ledger.save_fence(fence)
            await fences.raise_fence(fence)
            through = await _in_the_end(context, fence, gets_through)
            if not through:
                up = replace(fence, state=FenceState.UP)
                await context.ledger.save_fence(up)
                await _said(context, "fence.raised", up)
                return up
            why.append(f"{kind}: {through} as the application went through all the same")
        except Refusal as error:
            why.append(f"{kind}: {error}")
        await _taken_back(context, fence)
    raise Refusal(f"no write fence around {place.endpoint}/{place.bucket} can be had, and none is left there: {'; '.join(why)}")


async def _taken_back(context: Context, fence: FenceRecord) -> None:
    """Undo a fence that did not come to hold. Whoever may not raise it may not lift it either: nothing is there to take away."""
    known = any(each.id == fence.id for each in await context.ledger.fences())
    if not known:
        return
    try:
        await _fences(context).lift_fence(fence)
    except (Forbidden, BadRequest) as error:
        context.progress.note("fence.not_taken_back", id=fence.id, kind=fence.kind, reason=str(error))
        if not isinstance(error, Forbidden):
            raise
    await context.ledger.save_fence(replace(fence, state=FenceState.LIFTED))


def _planned(context: Context, request: FenceRequest, place: _Place, kind: FenceKind) -> FenceRecord:
    claims = _claims(context.settings)
    return FenceRecord(
        id=secrets.token_hex(6),
        endpoint=place.endpoint,
        bucket=place.bucket,
        prefixes=place.prefixes,
        categories=touched(claims, endpoint=place.endpoint, bucket=place.bucket, prefixes=place.prefixes, kind=kind),
        kind=kind,
        users=_fences(context).users(place.endpoint),
        who=context.who,
        host=context.host,
        at=timestamp(context),
        by_run=request.by_run,
    )


def _places(settings: Migration, request: FenceRequest) -> list[_Place]:
    """Return each source bucket of a category with the prefixes to bar: the wave's where prefixes are all that it asks for."""
    category = settings.category_named(request.category)
    below: tuple[str, ...] = ("",)
    if request.wave:
        (wave,) = settings.waves_of(request.category, request.wave)
        below = wave.prefixes or ("",)
    found: dict[tuple[str, str], dict[str, None]] = {}
    for move in category.moves:
        prefixes = found.setdefault((move.source.endpoint, move.source.bucket), {})
        prefixes.update(dict.fromkeys(move.source.prefix + each for each in below))
    return [_Place(endpoint, bucket, tuple(prefixes)) for (endpoint, bucket), prefixes in found.items()]


def _claims(settings: Migration) -> list[Claim]:
    return [
        Claim(name, move.source.endpoint, move.source.bucket, move.source.prefix)
        for name, category in settings.categories.items()
        for move in category.moves
    ]


async def _others_around(context: Context, fence: FenceRecord) -> bool:
    """Tell whether another fence stands around the same bucket, so that a refused write says nothing of this one."""
    here = (fence.endpoint, fence.bucket)
    return any((each.endpoint, each.bucket) == here and each.id != fence.id for each in await context.ledger.fences())


async def _in_the_end(context: Context, fence: FenceRecord, look: Callable[[Store, FenceRecord], Awaitable[str]]) -> str:
    """Look as the application until there is nothing to name any more, or for as long as a store may take; return what there is."""
    until = context.clock.monotonic() + SETTLE_S
    store = context.stores.of(fence.endpoint, "application")
    while (found := await look(store, fence)) and context.clock.monotonic() < until:
        await context.clock.sleep(LOOK_S)
    return found


def _fences(context: Context) -> Fences:
    if context.fences is None:
        raise Refusal("this program was built without write fences")
    return context.fences


async def _said(context: Context, event: str, fence: FenceRecord) -> None:
    place = f"{fence.endpoint}/{fence.bucket}"
    context.progress.note(event, id=fence.id, place=place, kind=fence.kind, touches=fence.categories)
    await context.ledger.audit(event, f"{place}/{fence.id}", sha256_of(asdict(fence)), context.who)

"""Catch up while the source stays live: pass after pass brings level what differs, until little is left or no less than before.

Guarantees: a pass where nothing changed reads no body and writes nothing; deletions are followed as the policy says; the last pass
is whole, and looks at metadata, tags and locks too. Why it was the last is said in words: without a write fence the source may have
changed again by then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

from relocation.rules.amounts import amount
from relocation.rules.errors import Refusal
from relocation.rules.fences import FenceRecord, lets_through
from relocation.rules.plan import WRITES
from relocation.rules.summary import Pass, Summary
from relocation.stages.context import Context
from relocation.stages.plan import SealedPlan
from relocation.stages.versions import moves_versions
from relocation.stages.wave import Lanes, WaveRequest, catch_up_pass

PASSES_MAX = 10
BLIND = "tags, metadata and locks of what is kept were not looked at: the category moves all versions (policy.versions: all)"
Fenced = Callable[[], AbstractAsyncContextManager[Sequence[FenceRecord]]]
"""Keeps the source from changing until it is left again."""


@dataclass(frozen=True, slots=True)
class CatchUpRequest:
    """Which wave, at most how many passes, and how few differing objects are few enough."""

    category: str
    wave: str
    passes_max: int = PASSES_MAX
    until_objects: int = 0
    changed: Path | None = None
    """A feed of changes: the first pass asks for its keys alone, and lists nothing."""
    only_changed: bool = False
    """That pass is made alone; a whole one is still due."""


@dataclass(slots=True)
class _Judge:
    """Says of each plan whether its pass is the last, and why."""

    request: CatchUpRequest
    fenced: bool
    behind_fence: bool = False
    passes: list[Pass] = field(default_factory=list)
    end: str = ""
    let_through: tuple[str, ...] = ()
    """What the fence of the last pass does not bar."""

    def looks(self, plan: SealedPlan) -> bool:
        """Judge a plan, and return whether its pass is to look at all that is kept: whether it is the last one."""
        if not self.end:
            self.end = self._why(plan)
        return bool(self.end) and (self.behind_fence or not self.fenced)

    @property
    def said_end(self) -> str:
        """Return why a pass was the last, empty for one that was not."""
        if not self.fenced:
            return self.end
        return f"{self.end}; then one more was made behind a write fence" if self.behind_fence else ""

    def _why(self, plan: SealedPlan) -> str:
        found = plan.expects(WRITES).objects + plan.removals.objects
        whole = [each for each in self.passes if not each.narrowed]
        before = whole[-1].found.objects if whole else None
        differ = amount(found, "object")
        if found <= self.request.until_objects:
            return f"the difference was small enough: {differ} (at most {self.request.until_objects} were asked for)"
        if before is not None and found >= before:
            return f"the difference stopped shrinking: {amount(before, 'object')} in the pass before, {found} in this one"
        if len(whole) + 1 >= self.request.passes_max:
            return f"as many passes were made as were allowed ({self.request.passes_max}); {differ} differed in the last"
        return ""


async def catch_up(
    context: Context, request: CatchUpRequest, lanes: Lanes | None = None, *, fenced: Fenced | None = None
) -> Summary:
    """Make passes until one is the last; with `fenced`, one more behind the fence. Returns the last pass's summary, with all."""
    if request.passes_max < 1 or request.until_objects < 0:
        raise Refusal("a catch-up takes at least one pass, and a difference is never below 0 objects")
    judge = _Judge(request, fenced is not None)
    if request.only_changed and (request.changed is None or fenced is not None):
        raise Refusal("a pass of a feed's changes alone wants a feed, and no fence: behind a fence the last pass is whole")
    if request.changed is not None:
        summary = await _one(context, judge, lanes, is_last=_never, changed=request.changed)
        if request.only_changed:
            return summary
    while not judge.end:
        summary = await _one(context, judge, lanes, is_last=judge.looks)
    if fenced is None:
        return summary
    async with fenced() as fences:
        judge.behind_fence, judge.let_through = True, lets_through(fences)
        return await _one(context, judge, lanes, is_last=judge.looks)


def _never(_plan: SealedPlan) -> bool:
    """Say that a narrowed pass is not the last: what the feed left out may still differ."""
    return False


async def _one(
    context: Context,
    judge: _Judge,
    lanes: Lanes | None,
    *,
    is_last: Callable[[SealedPlan], bool],
    changed: Path | None = None,
) -> Summary:
    def said(summary: Summary) -> Summary:
        end = judge.said_end
        judge.passes.append(replace(summary.passes[0], last=bool(end), narrowed=changed is not None))
        blind = (BLIND,) if end and moves_versions(context, judge.request.category) else ()
        return replace(summary, passes=tuple(judge.passes), passes_end=end, unknown=(*summary.unknown, *blind, *judge.let_through))

    request = WaveRequest(judge.request.category, judge.request.wave)
    return await catch_up_pass(context, request, lanes, is_last=is_last, said=said, changed=changed)

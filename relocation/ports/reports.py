"""What people are shown, while a run goes on and when it has ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from relocation.rules.records import RunRecord
from relocation.rules.summary import Named, Summary


class Reports(Protocol):
    """Where a summary goes so that people can read it: a page, a document, and a copy of both in the vault."""

    async def publish(self, summary: Summary) -> Summary:
        """Write the report and return the summary with `report` set to where its page lies."""
        ...

    def losses(self, run: RunRecord) -> AbstractContextManager[Callable[[Sequence[Named]], None]]:
        """Open what lies beside a run's report and names every object that lost something: whole at the end, or not there."""
        ...


class Progress(Protocol):
    """What people watch. Best effort: no call may fail or wait."""

    def stage(self, name: str, *, objects: int = 0, bytes_: int = 0) -> None:
        """A stage begins, with what it expects to do (0: unknown)."""
        ...

    def advance(self, *, objects: int = 0, bytes_: int = 0, errors: int = 0) -> None: ...

    def note(self, event: str, **facts: object) -> None:
        """One line worth reading: an event with nouns (`object.refused key=… reason=…`)."""
        ...

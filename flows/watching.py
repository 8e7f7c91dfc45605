"""The port `Progress` for operators: a progress artifact, renewed every few seconds, and log lines worth reading.

Best effort by construction: the stages only count; a thread of its own talks to Prefect, and is left behind if Prefect does not
answer. Guarantees: no call here fails, waits, or shows a key in clear.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

from prefect import runtime
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate

from connectors.report.figures import duration, number, rate, size
from flows.artifacts import Log, create
from relocation.rules.amounts import amount
from relocation.rules.events import sentence
from relocation.rules.keys import shown

PROGRESS_S = 5.0
LOG_S = 60.0
LEAVE_S = 2.0
NOTED_S = 20.0
"""For how long what was noted is shown beside the figures: afterwards it may not be true any more."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a stage is. `objects_due` 0: it is not known how many there will be. `over` says how the last one ended."""

    stage: str = "waiting"
    began: float = 0.0
    objects: int = 0
    bytes: int = 0
    errors: int = 0
    objects_due: int = 0
    bytes_due: int = 0
    over: str = ""

    def percent(self) -> float:
        """Return how much is done, by bytes where they are known."""
        if self.over:
            return 100.0
        if self.bytes_due:
            return min(100.0, 100 * self.bytes / self.bytes_due)
        return min(100.0, 100 * self.objects / self.objects_due) if self.objects_due else 0.0

    def told(self, now: float) -> str:
        """Return it as one line."""
        if self.over:
            return self.over
        seconds = max(now - self.began, 0.001)
        of = f" of {number(self.objects_due)}" if self.objects_due else ""
        if not (self.objects or self.objects_due):
            return f"{self.stage}: {duration(seconds).en} so far" if self.began else self.stage
        listed = "" if self.objects_due else " listed"
        words = [f"{self.stage}: {number(self.objects)}{of} object{'s' if of or self.objects != 1 else ''}{listed}"]
        if self.bytes_due:
            words.append(f"{size(self.bytes)} of {size(self.bytes_due)}")
        if self.bytes:
            words.append(rate(self.bytes / seconds))
        if 0 < self.percent() < 100:
            words.append(f"{duration(seconds * (100 - self.percent()) / self.percent()).en} left")
        if self.errors or self.objects_due:
            words.append(f"{number(self.errors) if self.errors else 'no'} error{'' if self.errors == 1 else 's'}")
        return ", ".join(words).replace("\u00a0", " ")


class Board(Protocol):
    """Where progress is shown."""

    def show(self, standing: Standing, told: str) -> None:
        """Show it. May fail, and may take its time."""
        ...


class Watching:
    """Counts what the stages report; `logs` and shows it on a `board` now and then."""

    def __init__(self, log: Log, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._standing = Standing(began=clock())
        self._noted, self._noted_at = "", 0.0

    def stage(self, name: str, *, objects: int = 0, bytes_: int = 0) -> None:
        """A stage begins: what came before it is told, and it counts from zero."""
        self.tell_end()
        self._standing = Standing(name, self._clock(), objects_due=objects, bytes_due=bytes_)
        self._noted = ""
        due = f": {amount(objects, 'object')}, {size(bytes_)} to look at".replace("\u00a0", " ") if objects else ""
        self._log.info("%s begins%s", name, due)

    def advance(self, *, objects: int = 0, bytes_: int = 0, errors: int = 0) -> None:
        """So much more is done."""
        now = self._standing
        self._standing = replace(now, objects=now.objects + objects, bytes=now.bytes + bytes_, errors=now.errors + errors)

    def finish(self, words: str) -> None:
        """All stages are over: `words` say how it ended."""
        self.tell_end()
        self._standing = Standing(over=words.replace("\u00a0", " "))

    def note(self, event: str, **facts: object) -> None:
        """One sentence, also shown beside the figures for a while."""
        self._noted = sentence(event, {name: _printable(value) for name, value in facts.items()})
        self._noted_at = self._clock()
        self._log.info("%s", self._noted)

    def standing(self) -> Standing:
        """Return how far the stage is now."""
        return self._standing

    def tell(self) -> str:
        """Return the standing as one line, with what was noted lately."""
        now = self._clock()
        also = f"; {self._noted}" if self._noted and now - self._noted_at < NOTED_S and not self._standing.over else ""
        return self._standing.told(now) + also

    def tell_end(self) -> None:
        """Log how the stage that is under way ended, if one is."""
        if self._standing.objects and not self._standing.over:
            self._log.info("%s", self._standing.told(self._clock()))


def _printable(value: object) -> str:
    text = str(value)
    return text if text.isascii() and text.isprintable() else shown(text)


class ArtifactBoard:
    """One progress artifact of a flow run, created at the first showing and updated from then on."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._flow_run_id = runtime.flow_run.id
        self._artifact_id: UUID | None = None

    def show(self, standing: Standing, told: str) -> None:
        """Create or update the artifact. Raises what Prefect's client raises."""
        if self._artifact_id is None:
            run = UUID(self._flow_run_id) if self._flow_run_id else None
            artifact = ArtifactCreate(key=self._key, type="progress", description=told, data=standing.percent(), flow_run_id=run)
            self._artifact_id = create(artifact)
            return
        with get_client(sync_client=True) as client:
            client.update_artifact(self._artifact_id, ArtifactUpdate(data=standing.percent(), description=told))


@contextmanager
def watched(watching: Watching, board: Board, log: Log) -> Iterator[None]:
    """Show progress on the board every few seconds while work goes on inside, and once more at its end."""
    stop = threading.Event()
    # A daemon that is waited for a moment only: a board that does not answer keeps nobody.
    thread = threading.Thread(target=_show_forever, args=(watching, board, log, stop), name="hikkoshi-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(LEAVE_S)
        watching.tell_end()


def _show_forever(watching: Watching, board: Board, log: Log, stop: threading.Event) -> None:
    logged = time.monotonic()
    failed = False
    while True:
        last = stop.wait(PROGRESS_S)
        try:
            board.show(watching.standing(), watching.tell())
            failed = False
        except Exception as error:  # noqa: BLE001 - whatever Prefect raises: what people look at is never worth a wave
            if not failed:
                log.warning("progress can't be shown for now (%s); the work goes on", type(error).__name__)
            failed = True
        if last:
            return
        if time.monotonic() - logged >= LOG_S:
            logged = time.monotonic()
            log.info("%s", watching.tell())

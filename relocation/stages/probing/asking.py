"""Put one question after the other, and make an answer of a failure too: the word that says what happened.

A bucket that is not there, or is full, ends the probe; a store that falters is asked three times.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from relocation.ports import Clock
from relocation.rules.errors import BadRequest, BucketMissing, Forbidden, NoSpace, Refusal, Transient, WrongCredentials
from relocation.rules.questions import NOT_ASKED, Question
from relocation.stages.probing.canaries import ATTEMPTS, PAUSE_S, Canaries

Found: TypeAlias = dict[Question, str]
Asker: TypeAlias = Callable[[Canaries, Found], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A function that asks, and the questions that it answers. `by_header`: what it asks for stands in a header alone.

    Where such a request is refused as not allowed or wrongly signed, while the same without the header was taken, the header
    does not get through (something in between takes it away, and the signature covered it): the answer is `ignored`.
    """

    ask: Asker
    questions: tuple[Question, ...]
    by_header: bool = False


async def ask_all(inquiries: Sequence[Inquiry], canaries: Canaries, clock: Clock) -> Found:
    """Put every inquiry and return all answers; what could not be answered has the word of its failure."""
    found: Found = {}
    for inquiry in inquiries:
        found |= await _ask(inquiry, canaries, clock)
    return found


async def _ask(inquiry: Inquiry, canaries: Canaries, clock: Clock) -> Found:
    word = NOT_ASKED
    for attempt in range(ATTEMPTS):
        found: Found = {}
        try:
            await inquiry.ask(canaries, found)
        except (BucketMissing, NoSpace):
            raise
        except (Refusal, Transient) as error:
            word = failure_word(error)
            if isinstance(error, Forbidden | WrongCredentials) and inquiry.by_header:
                word = "ignored"
            if isinstance(error, Transient) and attempt + 1 < ATTEMPTS:
                await clock.sleep(PAUSE_S)
                continue
        break
    return {question: found.get(question, word) for question in inquiry.questions}


def failure_word(error: Refusal | Transient) -> str:
    """Return the answer that a failure stands for."""
    if isinstance(error, BadRequest):
        return f"refused {error.code}"
    if isinstance(error, Forbidden):
        return "forbidden"
    return f"error {type(error).__name__}"

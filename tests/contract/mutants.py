"""Makers of broken reference stores; `mutants_table.py` has one for each claim, on which the claim must go red.

A mutant is one of: a script (`Behaviour`), a rule replaced, an argument not listened to, an answer falsified.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from connectors.memory import Behaviour, MemoryStore
from relocation.rules.errors import HikkoshiError
from tests.contract.lab import Claim, Lab
from tests.contract.labs import memory_lab

Change = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A broken store: its name says what is broken."""

    name: str
    behaviour: Behaviour
    kind: type[MemoryStore]

    def lab(self) -> Lab:
        return memory_lab(self.behaviour, make=self.kind)


def script(name: str, **changes: Any) -> Mutant:
    """A store that behaves by another script."""
    return Mutant(name, Behaviour(**changes), MemoryStore)


def rule(name: str, **methods: Change) -> Mutant:
    """A store with methods replaced; each is called as (self, super's method, *arguments)."""

    def replaced(method: str, change: Change) -> Change:
        def call(self: MemoryStore, *args: Any, **kwargs: Any) -> Any:
            return change(self, partial(getattr(MemoryStore, method), self), *args, **kwargs)

        return call

    kind = type("Mutant", (MemoryStore,), {method: replaced(method, change) for method, change in methods.items()})
    return Mutant(name, Behaviour(), kind)


def deaf(name: str, method: str, **forced: Any) -> Mutant:
    """A store that does not listen to an argument of a call."""

    def call(self: MemoryStore, original: Change, *args: Any, **kwargs: Any) -> Any:
        return original(*args, **{**kwargs, **forced})

    return rule(name, **{method: call})


def liar(name: str, method: str, change: Callable[[Any], Any], *also: str) -> Mutant:
    """A store whose answers to a call are false."""

    async def call(self: MemoryStore, original: Change, *args: Any, **kwargs: Any) -> Any:
        return change(await original(*args, **kwargs))

    return rule(name, **dict.fromkeys((method, *also), call))


def forgiving(name: str, method: str, *kinds: type[HikkoshiError], answer: Any = None) -> Mutant:
    """A store that answers a call that it must refuse as if all were well."""

    async def call(self: MemoryStore, original: Change, *args: Any, **kwargs: Any) -> Any:
        try:
            return await original(*args, **kwargs)
        except kinds:
            return answer

    return rule(name, **{method: call})


def renaming(name: str, change: Callable[[str], str]) -> Mutant:
    """A store that keeps keys under other names."""
    return rule(name, _stored_name=lambda self, original, bucket, key: original(bucket, change(key)))


async def fails(claim: Claim, lab: Lab) -> None:
    """Assert that a claim goes red: by an assertion or an error of the store, not by a crash of the mutant."""
    try:
        await claim.hold(lab)
    except (AssertionError, HikkoshiError):
        return
    raise AssertionError(f"{claim.name} holds on a store that is broken: it proves nothing")

"""The demo's voice: numbered chapters, sentences, and claims that are held against what was counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

INDENT = 4


class Teller:
    """Says what happens; remembers every claim, and whether it held."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._begun_s = clock()
        self._chapters = 0
        self.apart_s = 0.0
        """For how long something else was waited for, that is not part of the story."""
        self.claims: list[tuple[str, bool]] = []

    @property
    def broken(self) -> list[str]:
        """Return the claims that did not hold, with what was seen instead."""
        return [text for text, holds in self.claims if not holds]

    @property
    def seconds(self) -> float:
        """Return for how long the story has been told, without what was waited for apart from it."""
        return self._clock() - self._begun_s - self.apart_s

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Do what is not part of the story."""
        begun_s = self._clock()
        try:
            yield
        finally:
            self.apart_s += self._clock() - begun_s

    def title(self, text: str) -> None:
        """Begin the story."""
        self._console.print()
        self._console.print(Text(f" {text}", style="bold"))

    def chapter(self, title: str, *sentences: str) -> None:
        """Begin a chapter: its number and title, and what it is about."""
        self._chapters += 1
        self._console.print()
        self._console.print(Rule(Text(f"{self._chapters}  {title}", style="bold cyan"), align="left", style="dim"))
        for sentence in sentences:
            self.say(sentence)

    def say(self, text: str, style: str = "") -> None:
        """Say a sentence."""
        self._console.print(Padding(Text(text, style=style), (0, 2, 0, INDENT)))

    def typed(self, command: str) -> None:
        """Say which command does the same."""
        self._console.print(Padding(Text(f"$ {command}", style="green"), (0, 2, 0, INDENT)))

    def claim(self, holds: bool, text: str, otherwise: str = "") -> None:
        """Say a sentence that must be true; one that is not is remembered, with what was seen instead."""
        if holds:
            self.claims.append((text, True))
            self._console.print(Padding(Text.assemble(("✓ ", "bold green"), text), (0, 2, 0, INDENT)))
            return
        said = f"not so: {text}" + (f" ({otherwise})" if otherwise else "")
        self.claims.append((said, False))
        self._console.print(Padding(Text.assemble(("✗ ", "bold red"), said), (0, 2, 0, INDENT)))

    def line(self, name: str, text: str) -> None:
        """Print a name and something that must not be cut: a path, an address."""
        self._console.print(Text.assemble((f"{' ' * INDENT}{name:<14}", "bold"), text), soft_wrap=True)

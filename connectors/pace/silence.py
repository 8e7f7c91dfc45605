"""Whether an endpoint answers at all: said to people a few seconds after it stopped, long before anybody gives up.

One for each endpoint, shared by all its stores. Costs nothing while requests succeed: it is told of those that found nobody.
"""

from __future__ import annotations

from collections.abc import Callable

SILENT_S = 5.0
SAY_EVERY_S = 15.0
APART_S = 30.0
"""Two failures further apart than that are two silences: whoever waits asks again far more often."""


class Silence:
    """What is known of an endpoint that does not answer. `patience_s`: how long it is waited for at most."""

    def __init__(self, endpoint: str, say: Callable[..., None], *, patience_s: float) -> None:
        self._endpoint = endpoint
        self._say = say
        self._patience_s = patience_s
        self._since_s = 0.0
        self._last_s = float("-inf")
        self._said_s = float("-inf")

    def unanswered(self, began_s: float, now_s: float, *, good_s: float) -> None:
        """Take in a request that found nobody: when it was sent, and when the endpoint last answered any other."""
        if good_s > self._last_s or now_s - self._last_s > APART_S:
            self._since_s, self._said_s = max(began_s, good_s), float("-inf")
        self._last_s = now_s
        silent_s = now_s - self._since_s
        if silent_s >= SILENT_S and now_s - self._said_s >= SAY_EVERY_S:
            self._said_s = now_s
            self._say("endpoint.silent", endpoint=self._endpoint, seconds=round(silent_s), patience=round(self._patience_s))

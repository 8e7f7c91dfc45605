"""An endpoint that does not answer is said to be silent while it is waited for, not only when it is given up."""

from __future__ import annotations

from connectors.pace.silence import Silence


class Heard:
    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, object]]] = []

    def __call__(self, event: str, **facts: object) -> None:
        self.events.append((event, facts))


def test_a_silent_endpoint_is_named_after_five_seconds_and_again_every_fifteen() -> None:
    """Whoever watches learns which store is gone and how long it is waited for, soon, and not at every attempt."""
    heard = Heard()
    silence = Silence("japan", heard, patience_s=60.0)
    for now_s in range(100, 130):
        silence.unanswered(float(now_s), float(now_s), good_s=99.0)
    assert [facts["seconds"] for _, facts in heard.events] == [5, 20]
    assert heard.events[0] == ("endpoint.silent", {"endpoint": "japan", "seconds": 5, "patience": 60})


def test_a_connection_that_hangs_counts_from_its_beginning() -> None:
    """A store behind a wall that swallows packets fails only after the connection's own limit: said with that first failure."""
    heard = Heard()
    Silence("japan", heard, patience_s=60.0).unanswered(100.0, 110.0, good_s=99.0)
    assert [facts["seconds"] for _, facts in heard.events] == [10]


def test_an_endpoint_that_answered_meanwhile_is_not_called_silent() -> None:
    """A refused connection now and then, with answers between them, is no silence."""
    heard = Heard()
    silence = Silence("japan", heard, patience_s=60.0)
    for now_s in range(100, 160, 2):
        silence.unanswered(float(now_s), float(now_s), good_s=now_s - 1.0)
    silence.unanswered(500.0, 500.0, good_s=159.0)
    assert heard.events == []

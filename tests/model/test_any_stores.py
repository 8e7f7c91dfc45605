"""Any two stores, any route, people at work at any step: in the end both sides are equal, or every difference is named.

`HIKKOSHI_EXAMPLES=300` looks at so many cases, others each time; a failure prints its case. The fast suite's few stay the same.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from connectors.memory import Behaviour
from relocation.rules.plan import decide
from relocation.rules.records import Action
from tests.model.people import BODIES, Act, Case, Timed, play

FEW = 4
EXAMPLES = int(os.environ.get("HIKKOSHI_EXAMPLES", str(FEW)))
ACTS = st.builds(
    Act,
    side=st.sampled_from(["korea", "japan"]),
    key=st.sampled_from(["a", "b", "c", "写"]),
    verb=st.sampled_from(["put", "put", "delete", "tag", "note"]),
    body=st.integers(0, len(BODIES) - 1),
    word=st.sampled_from(["", "x", "y"]),
    tick_s=st.integers(0, 1),
)
TIMED = st.lists(st.builds(Timed, step=st.integers(1, 40), act=ACTS), max_size=4).map(tuple)
CASES = st.builds(
    Case,
    seeds=st.lists(ACTS.map(lambda act: act._replace(verb="put")), max_size=6).map(tuple),
    ran_before=st.booleans(),
    during_run=TIMED,
    route=st.sampled_from(["source", "source", "target_first", "target"]),
    erased=st.sampled_from([False, False, False, True]),
    between=st.lists(ACTS, max_size=4).map(tuple),
    during=TIMED,
    source_versioned=st.booleans(),
    target_versioned=st.booleans(),
    target=st.builds(
        Behaviour, if_match_on_delete=st.sampled_from(["honoured", "ignored"]), etag=st.sampled_from(["md5", "opaque"])
    ),
    settle_s=st.sampled_from([0.0, 0.5]),
    again=st.sampled_from(["run", "catch_up"]),
)


def played(case: Case) -> None:
    with tempfile.TemporaryDirectory(prefix="hikkoshi-any-") as folder:
        asyncio.run(play(Path(folder), case))


@pytest.mark.timeout(3600)
@settings(
    max_examples=EXAMPLES,
    derandomize=EXAMPLES == FEW,
    deadline=None,
    database=None,
    print_blob=True,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
@given(case=CASES)
def test_in_the_end_both_sides_are_equal_or_every_difference_is_named(case):
    """I1, I3, I5, I7, I10, X13, V10: whatever stood there, whatever people do meanwhile, and wherever the readers go."""
    played(case)


OBJECT = Act("korea", "a", "put", 1)


def test_where_the_route_were_not_asked_what_we_erased_would_go_at_the_target_too(monkeypatch):
    """The control to X13: with every route taken for `source`, the only copy that is left would be removed."""
    forget_routes(monkeypatch)
    with pytest.raises(AssertionError, match="X13: removed"):
        played(Case(seeds=(OBJECT,), erased=True, between=(Act("korea", "a", "delete"),)))


def test_where_the_route_were_not_asked_what_people_deleted_would_come_back(monkeypatch):
    """The control to V10 and I10: the same, for what was deleted in the new country."""
    forget_routes(monkeypatch)
    with pytest.raises(AssertionError, match="I10: a was deleted"):
        played(Case(seeds=(OBJECT,), route="target", between=(Act("japan", "a", "delete"),)))


def test_where_a_conflict_were_replaced_what_is_somebody_elses_would_be_gone(monkeypatch):
    """The control to I3: a plan that calls others' objects ours is found out by what people miss."""

    def greedy(*args, **options):
        row = decide(*args, **options)
        return row._replace(action=Action.REPLACE, ours=True) if row.action == Action.CONFLICT else row

    monkeypatch.setattr("relocation.stages.draw.decide", greedy)
    with pytest.raises(AssertionError, match="I3: a of somebody else"):
        played(Case(seeds=(OBJECT, Act("japan", "a", "put", 3)), ran_before=False))


def test_without_the_last_look_a_change_of_metadata_alone_would_be_said_by_nobody(monkeypatch):
    """The control to D28: the clock stands still, so that not even the time of the change shows in a listing."""

    async def blind(*_args):
        return None

    monkeypatch.setattr("relocation.stages.look.look", blind)
    with pytest.raises(AssertionError, match="metadata differ, and nobody says so"):
        played(Case(seeds=(OBJECT,), between=(Act("korea", "a", "note", word="x"), Act("korea", "a", "tag"))))


def forget_routes(monkeypatch) -> None:
    async def as_ever(*_args):
        return "source", False

    for stage in ("draw", "remove"):
        monkeypatch.setattr(f"relocation.stages.{stage}.route_of", as_ever)

"""What stands of a place, folded from its facts: at once, bit by bit, or in any cut of them (I5, I9)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from relocation.rules.plan import STAGES, fold_in
from relocation.rules.records import Fact, Outcome, Removal

OUTCOMES = (*(outcome.value for outcome in Outcome), *(removal.value for removal in Removal))


@st.composite
def facts(draw) -> Fact:
    """Return any fact about one of two places, with what folding looks at."""
    key, etag = draw(st.sampled_from("ab")), draw(st.sampled_from(("", "e1", "e2")))
    return Fact(draw(st.sampled_from(STAGES)), draw(st.sampled_from(OUTCOMES)), "talk", key, "talk", key, 1, "e", "t")._replace(
        target_etag=etag,
        xxh3=draw(st.sampled_from(("", "x1", "x2"))),
        proofs=draw(st.sampled_from(((), ("read_back",), ("received",)))),
        ours=draw(st.booleans()),
    )


def folded(*pieces: list[Fact]) -> dict[tuple[str, str], Fact]:
    standing: dict[tuple[str, str], Fact] = {}
    for piece in pieces:
        fold_in(standing, piece)
    return standing


@given(said=st.lists(facts(), max_size=12), cut=st.integers(0, 12))
def test_what_stands_of_some_facts_may_take_their_place(said, cut):
    """The first facts, however many, may be let go for what stands of them: with all that comes after, it comes to the same."""
    first = list(folded(said[:cut]).values())
    assert folded(first, said[cut:]) == folded(said)

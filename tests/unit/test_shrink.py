"""A source that shows far fewer objects than it did to the last plan is refused, with both figures."""

from __future__ import annotations

import pytest

from relocation.rules.errors import Refusal
from relocation.rules.shrink import FEW, Shown, refuse_shrink
from tests.unit.settings_cases import problems_of, read_from, spoiled

HALF = 500_000
BEFORE = Shown(1000, "2021-05-01T00:00:00Z", "run-1")


def held(before: int, now: int, bound: int = HALF) -> None:
    refuse_shrink("talk/all", Shown(before, BEFORE.at, BEFORE.run_id), Shown(now, "2021-05-02T00:00:00Z"), shrink_max_ppm=bound)


@pytest.mark.parametrize(("before", "now"), [(1, 0), (1000, 0), (1000, 499), (10_000_000, 4_999_999)])
def test_less_than_the_bound_is_refused(before, now):
    """S10: nothing where there was something, or less than half of it, is no inventory to plan from."""
    with pytest.raises(Refusal):
        held(before, now)


@pytest.mark.parametrize(("before", "now"), [(0, 0), (0, 9), (1000, 500), (1000, 1000), (1000, 2000), (FEW, 1)])
def test_what_people_delete_is_no_shrink(before, now):
    """S10: half of a wave may go, and most of a very small one; a source that grew is none at all."""
    held(before, now)


def test_the_whole_may_go_where_the_policy_says_so():
    """S10: an operator who deleted all of it on purpose says so, in the policy."""
    held(1000, 0, 1_000_000)
    held(1000, 100, 900_000)
    with pytest.raises(Refusal, match="the policy lets 90% go"):
        held(1000, 99, 900_000)


def test_the_refusal_says_both_figures_both_times_and_what_to_do():
    """S10: who reads it knows what was shown when, and what to look at."""
    with pytest.raises(Refusal) as raised:
        held(1000, 10)
    for words in ("10 objects", "1,000", "run-1", "2021-05-01", "2021-05-02", "99%", "50%", "Nothing was planned", "shrink_max"):
        assert words in str(raised.value)
    with pytest.raises(Refusal, match="shows 1 object "):
        held(1000, 1)


def test_the_bound_is_a_share_and_decides_no_action(tmp_path):
    """S10: a bound raised for one run leaves every plan and approval as it is."""
    place = "categories.talk-images.policy.shrink_max"
    plain, raised = read_from(tmp_path / "a", spoiled({})), read_from(tmp_path / "b", spoiled({place: "100%"}))
    assert [each.categories["talk-images"].policy.shrink_max for each in (plain, raised)] == [500_000, 1_000_000]
    assert plain.config_sha256() == raised.config_sha256()
    assert "is no share" in problems_of(tmp_path, spoiled({place: 60}))[0]

"""Several waves as one category."""

from dataclasses import replace

import pytest

from relocation.rules.errors import StateMismatch
from relocation.rules.evidence import merkle_root
from relocation.rules.roll_up import merged
from relocation.rules.summary import Count, Equation, Estimate, ProbeAge, Unclaimed
from tests.unit.report_samples import BAD, GOOD, PLAN

FIRST = replace(GOOD, wave="first", run_id="A", plan_sha256="1" * 64)
REST = replace(BAD, wave="rest", run_id="B", plan_sha256="2" * 64)


def test_counts_are_summed_and_the_wave_is_none() -> None:
    """A category's figures are the sums of its waves' figures."""
    found = merged([FIRST, REST])
    assert found.wave is None
    for name, count in found.counts.items():
        assert count == FIRST.counts[name] + REST.counts[name]
    for name, count in found.outcomes.items():
        assert count == FIRST.outcomes.get(name, Count()) + REST.outcomes.get(name, Count())
    assert found.proofs["read_back"] == FIRST.proofs["read_back"] + REST.proofs["read_back"]
    assert found.losses == {"Last-Modified": 4292}
    assert found.seconds == FIRST.seconds + REST.seconds


def test_the_seal_is_the_root_over_the_waves_roots_in_their_order() -> None:
    """Whoever has the waves' roots can compute the category's."""
    assert merged([FIRST, REST]).plan_sha256 == merkle_root(["1" * 64, "2" * 64])
    assert merged([FIRST, REST]).plan_sha256 != merged([REST, FIRST]).plan_sha256


def test_one_wave_without_a_seal_leaves_the_category_without_one() -> None:
    """A root over half of the plans would pass for one over all."""
    assert merged([FIRST, replace(REST, plan_sha256="")]).plan_sha256 == ""


def test_lists_are_joined_and_the_same_line_stands_once() -> None:
    """A foreign object under a prefix that two waves share is one object."""
    found = merged([FIRST, REST])
    assert found.foreign == FIRST.foreign
    assert found.mismatched == REST.mismatched
    assert found.unknown == FIRST.unknown


def test_a_broken_equation_is_never_summed_away() -> None:
    """One object too many here and one too few there do not make a sum that holds."""
    more = replace(FIRST, equations=(Equation("source", Count(10, 10), (("copy", Count(11, 10)),)),))
    less = replace(REST, equations=(Equation("source", Count(10, 10), (("copy", Count(9, 10)),)),))
    found = merged([more, less]).equations
    assert [(equation.name, equation.holds) for equation in found] == [
        ("source", True),
        ("source · first", False),
        ("source · rest", False),
    ]


def test_equations_that_hold_are_summed_term_by_term() -> None:
    """Terms that only one wave has are kept."""
    one = replace(FIRST, equations=(Equation("source", Count(3, 3), (("copy", Count(3, 3)),)),))
    two = replace(REST, equations=(Equation("source", Count(3, 4), (("copy", Count(1, 1)), ("keep", Count(2, 3)))),))
    assert merged([one, two]).equations == (Equation("source", Count(6, 7), (("copy", Count(4, 4)), ("keep", Count(2, 3)))),)


def test_what_all_waves_see_alike_is_not_counted_twice() -> None:
    """Unclaimed places and probes are the category's, not each wave's; the newest probe stands."""
    place = Unclaimed("korea/x/", 1, 1, "")
    older = replace(FIRST, probes=(ProbeAge("japan/talk", "2026-01-01T00:00:00Z", 9.0),), unclaimed=(place,))
    newer = replace(REST, probes=(ProbeAge("japan/talk", "2026-01-02T00:00:00Z", 1.0),), unclaimed=(place,))
    found = merged([newer, older])
    assert [probe.at for probe in found.probes] == ["2026-01-02T00:00:00Z"]
    assert len(found.unclaimed) == 1


def test_estimates_add_up_only_where_every_wave_has_one() -> None:
    """An estimate of some waves is none of the category; money needs one currency and all the prices."""
    one, two = (replace(PLAN, wave=name, estimate=Estimate(2.0, 10, 1.5, "JPY", "assumed")) for name in ("first", "rest"))
    assert merged([one, two]).estimate == Estimate(4.0, 20, 3.0, "JPY", "assumed")
    assert merged([one, replace(two, estimate=None)]).estimate is None
    dear = replace(two, estimate=Estimate(2.0, 10, 1.5, "USD", "assumed"))
    assert merged([one, dear]).estimate == Estimate(4.0, 20, None, "", "assumed")


def test_reports_that_do_not_belong_together_are_refused() -> None:
    """Two categories, or two configurations, are never summed."""
    with pytest.raises(StateMismatch, match="do not belong together"):
        merged([FIRST, replace(REST, config_sha256="f" * 64)])
    with pytest.raises(StateMismatch, match="do not belong together"):
        merged([FIRST, PLAN])
    with pytest.raises(StateMismatch, match="no wave was reported"):
        merged([])

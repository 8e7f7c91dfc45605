"""What a plan will take."""

from dataclasses import dataclass
from decimal import Decimal

import pytest

from relocation.rules.estimate import ASSUMED, Prices, Work, estimate, measured
from relocation.rules.summary import Count
from relocation.settings import EndpointPrices

MIB = 1024**2


@dataclass(frozen=True)
class Charged:
    """One provider's charges."""

    egress_per_gb: Decimal | None = None
    ingress_per_gb: Decimal | None = None
    get_per_1000: Decimal | None = None
    put_per_1000: Decimal | None = None
    list_per_1000: Decimal | None = None


FREE = Charged(*[Decimal(0)] * 5)


def test_time_is_what_objects_and_bytes_take_at_the_stated_rates() -> None:
    """400 objects a second and 50 MiB a second, added up: 400 objects of 50 MiB together take two seconds."""
    found = estimate(Work(copy=Count(400, 50 * MIB)))
    assert found.seconds == pytest.approx(2.0)
    assert found.basis == "assumed: 400 objects/s and 50 MiB/s"


def test_what_is_compared_costs_like_what_is_copied_and_what_is_read_back_half() -> None:
    """Nothing that the run will read is left out of the time."""
    count = Count(800, 100 * MIB)
    assert estimate(Work(prove=count)).seconds == estimate(Work(copy=count)).seconds == 2 * estimate(Work(keep=count)).seconds


def test_a_measured_run_sets_the_pace() -> None:
    """A run that took half of the assumed time halves the next estimate, and the report says what was measured."""
    rates = measured(Count(400, 50 * MIB), 1.0)
    found = estimate(Work(copy=Count(4000, 500 * MIB)), rates=rates)
    assert found.seconds == pytest.approx(10.0)
    assert found.basis == f"measured: the last run did 400 objects with {50 * MIB:,} bytes in 1.0 s"


@pytest.mark.parametrize(("done", "seconds"), [(Count(), 3.0), (Count(5, 5), 0.0)])
def test_a_run_that_did_nothing_measures_nothing(done: Count, seconds: float) -> None:
    """An idle run does not promise an infinite speed."""
    assert measured(done, seconds) == ASSUMED


def test_requests_are_counted_one_by_one() -> None:
    """Each copy is a GET, a PUT and a GET back; further parts the same; an upload is begun and completed; listings by the page."""
    work = Work(
        copy=Count(10, 0), prove=Count(3, 0), keep=Count(2, 0), extra_parts=4, uploads=1, source_listed=2001, target_listed=0
    )
    assert estimate(work).requests == 3 * 10 + 3 * 4 + 2 + 2 * 3 + 2 + 3 + 1


def test_no_prices_means_no_money() -> None:
    """A cost is never made up."""
    found = estimate(Work(copy=Count(1, 1)))
    assert found.money is None
    assert found.currency == ""


def test_money_follows_from_the_prices_given() -> None:
    """Requests by the thousand, bytes by 10⁹, each side by its own price."""
    source = Charged(Decimal("0.10"), Decimal(0), Decimal("0.4"), Decimal(5), Decimal(5))
    target = Charged(Decimal("0.20"), Decimal("0.01"), Decimal("0.3"), Decimal(4), Decimal(6))
    work = Work(copy=Count(1000, 10**9), source_listed=1000, target_listed=0)
    found = estimate(work, prices=Prices("USD", source, target))
    assert found.money == pytest.approx(0.4 + 0.005 + 0.10 + 4 + 0.01 + 0.3 + 0.006 + 0.20)
    assert found.currency == "USD"


def test_one_price_that_is_lacking_leaves_no_sum_and_is_named() -> None:
    """A sum without its largest part would be worse than none."""
    found = estimate(Work(copy=Count(1, 1)), prices=Prices("JPY", Charged(None, *[Decimal(1)] * 4), FREE))
    assert found.money is None
    assert found.basis.endswith("; no price for source egress_per_gb")


def test_a_price_that_is_not_needed_may_lack() -> None:
    """Where nothing is written, nobody has to know what a PUT costs."""
    target = Charged(Decimal(0), None, Decimal(0), None, Decimal(0))
    assert estimate(Work(keep=Count(5, 5)), prices=Prices("JPY", FREE, target)).money == 0.0


def test_the_prices_of_the_configuration_fit() -> None:
    """What `config/` holds can be handed in as it is."""
    prices = Prices("JPY", EndpointPrices(), EndpointPrices())
    assert estimate(Work(copy=Count(1, 1)), prices=prices).money is None

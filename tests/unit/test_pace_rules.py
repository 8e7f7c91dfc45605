"""The laws of the pace: how many at once, when a 503 is the endpoint's, how often to try again, how fast, when, for how much."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relocation.rules.errors import ConfigurationError
from relocation.rules.pace import (
    CLASSES,
    KINDS,
    REFUSED_SHARE,
    Limit,
    Meter,
    PaceOrder,
    Rates,
    Refusals,
    RetryBudget,
    Tariff,
    Traffic,
    Window,
    backoff_s,
    rates_now,
)
from relocation.rules.values import byte_rate, minutes_of
from tests.unit.pace_cases import simulated
from tests.unit.settings_cases import RIGHT, read_from

NEAR = {"workers": 2, "service_s": 0.001, "latency_s": 0.0002}


def test_near_a_server_the_window_stays_small_and_the_server_busy():
    """N1: on one machine, two workers of a millisecond do 2,000 a second with some 16 requests; 256 would only wait in line."""
    settled = simulated(**NEAR)
    assert settled.per_s > 1950
    assert 12 <= settled.usual <= 32
    assert settled.most <= 48


@pytest.mark.parametrize("jitter", [0.0, 0.3])
@pytest.mark.parametrize("latency_s", [0.03, 0.08])
def test_far_from_a_server_the_window_grows_until_the_rate_is_that_of_near(latency_s, jitter):
    """N1: 30 or 80 ms away, with jitter, the rate is at least nine tenths of that near by, without a flag."""
    near, far = simulated(**NEAR), simulated(**{**NEAR, "latency_s": latency_s}, jitter=jitter)
    assert far.per_s >= 0.9 * near.per_s
    assert far.usual > 2000 * latency_s


def test_a_fixed_number_at_once_would_lose_what_is_far_away():
    """The control: 16 at once, which is best near by, do a fifth of the rate at 80 ms."""
    assert simulated(**{**NEAR, "latency_s": 0.08}, most=16).per_s < 0.2 * simulated(**NEAR).per_s


def test_a_route_that_grows_longer_is_learned_anew():
    """N1: a best round trip is forgotten after half a minute: else a detour would look like a queue for ever."""
    window = Window(256)
    now_s = 0.0
    for trip_s, for_s in ((0.005, 2.0), (0.1, 60.0)):
        end_s = now_s + for_s
        while now_s < end_s:
            batch = window.limit
            for _ in range(batch):
                window.answered(now_s + trip_s, now_s, 15, batch)
            now_s += trip_s
    assert window.limit >= 200


SIZE_CLASSES = st.integers(0, KINDS * CLASSES - 1)


@given(
    st.integers(1, 300),
    st.lists(
        st.tuples(st.floats(0, 5), st.floats(0, 3), SIZE_CLASSES, st.integers(1, 400), st.booleans()),
        max_size=200,
    ),
)
def test_a_window_is_never_below_one_nor_above_its_most(most, events):
    """Whatever answers come, however late, in whatever order: at least 1, at most `concurrency`."""
    window, now_s = Window(most), 0.0
    for step_s, took_s, size_class, in_flight, is_refused in events:
        now_s += step_s
        if is_refused:
            window.refused(now_s)
        else:
            window.answered(now_s, now_s - took_s, size_class, in_flight)
        assert 1 <= window.limit <= most


def test_it_halves_once_a_round_trip_and_not_once_a_request():
    """N9: forty refusals of one moment halve the window once; the next round trip's halve it again; then it recovers."""
    window = Window(64, start=64)
    for _ in range(64):
        window.answered(1.0, 0.9, 15, 64)
    for _ in range(40):
        window.refused(1.0)
    assert window.limit == 32
    assert [window.refused(1.1), window.refused(1.3)] == [False, True]
    assert window.limit == 16
    now_s = 2.0
    while window.limit < 32 and now_s < 60:
        batch = window.limit
        for _ in range(batch):
            window.answered(now_s + 0.1, now_s, 15, batch)
        now_s += 0.1
    assert now_s < 4.0


def test_one_object_that_is_refused_while_others_go_through_says_nothing_of_the_endpoint():
    """S16: one in twenty stays far below the share that counts; a burst passes it within five refusals."""
    rot, good = Refusals(), 0
    for _ in range(200):
        good += 19
        assert rot.refused(good) < REFUSED_SHARE / 2
    burst = Refusals()
    assert [burst.refused(1000) >= REFUSED_SHARE for _ in range(5)] == [False] * 4 + [True]


def test_second_tries_are_a_fifth_of_what_goes_well():
    """N9: an outage is no storm: after 32 failures in a row nothing is left; a hundred good answers give twenty back."""
    budget = RetryBudget()
    assert [budget.spend(0) for _ in range(40)].count(True) == 32
    assert [budget.spend(100) for _ in range(40)].count(True) == 20


def test_the_wait_between_tries_has_full_jitter_and_an_end():
    """N9: anything from nothing to the whole, which doubles up to eight seconds, so that many do not come back at once."""
    chance = random.Random(1)
    waits = [backoff_s(20, chance.random()) for _ in range(1000)]
    assert max(waits) <= 8.0
    assert min(waits) < 0.1
    assert [backoff_s(strikes, 1.0) for strikes in (0, 1, 2)] == [0.2, 0.4, 0.8]


@given(st.lists(st.tuples(st.floats(0, 0.5), st.integers(1, 5000)), min_size=20, max_size=100))
def test_what_is_metered_never_exceeds_its_rate_by_more_than_a_burst_and_one_request(asked):
    """Whenever whoever asks: what went is at most rate × time, a twentieth of a second, and the last one."""
    meter, now_s, went = Meter(), 0.0, 0
    meter.set(1000.0, now_s)
    for step_s, amount in asked:
        now_s += step_s
        now_s += meter.wait_s(now_s)
        meter.take(amount)
        went += amount
        assert went <= 1000 * (now_s + 0.05) + amount + 1e-6


def test_a_changed_rate_holds_at_once():
    """What was taken at the old rate runs off at the new one: a crawl that is lifted keeps nobody waiting for hours."""
    meter = Meter()
    meter.set(10.0, 0.0)
    meter.take(1000)
    assert meter.wait_s(0.0) > 99
    meter.set(100_000.0, 0.0)
    assert meter.wait_s(0.0) == 0.0
    meter.set(0.0, 0.0)
    assert meter.wait_s(0.0) == 0.0


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("window", "utc", "holds"),
    [
        ("08:00-23:00", "2021-06-30T22:59", False),  # 07:59 in Seoul
        ("08:00-23:00", "2021-06-30T23:00", True),
        ("08:00-23:00", "2021-06-30T13:59", True),
        ("08:00-23:00", "2021-06-30T14:00", False),
        ("22:00-06:00", "2021-06-30T13:00", True),
        ("22:00-06:00", "2021-06-30T21:00", False),
        ("00:00-24:00", "2021-06-30T15:00", True),
    ],
)
def test_a_limit_holds_at_its_hours_in_its_own_time_zone(window, utc, holds):
    """Seoul's working day is Seoul's, whatever the clock of the machine says; a night goes over midnight."""
    first, end = minutes_of(window)
    assert Limit(Rates(1.0), first, end, "Asia/Seoul").holds(at(utc)) is holds


def test_of_several_limits_the_tightest_holds_and_an_order_before_all():
    """What an operator orders holds in place of the configuration's, rate by rate; 0 takes a limit away."""
    day = Limit(Rates(200.0, 50.0), 480, 1380, "Asia/Seoul")
    always = Limit(Rates(500.0, 0.0), 0, 0, "Asia/Seoul")
    noon, night = at("2021-06-30T03:00"), at("2021-06-30T18:00")
    assert rates_now((day, always), None, noon) == Rates(200.0, 50.0)
    assert rates_now((day, always), None, night) == Rates(500.0, 0.0)
    assert rates_now((day,), None, night) == Rates()
    assert rates_now((day, always), PaceOrder("korea", bytes_per_s=10.0), noon) == Rates(10.0, 50.0)
    assert rates_now((day, always), PaceOrder("korea", bytes_per_s=0.0), noon) == Rates(0.0, 50.0)
    assert Rates(300.0, 30.0).shared_by(3) == Rates(100.0, 10.0)


def test_cost_is_counted_from_requests_and_bytes():
    """A thousand GETs at 0.4, a GB out at 9: to the last digit, in decimals."""
    tariff = Tariff(get_per_1000=Decimal("0.4"), put_per_1000=Decimal(5), egress_per_gb=Decimal(9))
    assert tariff.cost(Traffic(gets=2500, puts=100, bytes_out=500_000_000)) == Decimal("6.0")


@pytest.mark.parametrize(("text", "rate"), [("200MB/s", 200_000_000), ("1.5 MiB/s", 1_572_864), (4096, 4096)])
def test_a_bandwidth_is_bytes_a_second(text, rate):
    """Text says its unit and that it is a rate."""
    assert byte_rate(text) == rate


@pytest.mark.parametrize("text", ["200MB", "fast", "200Mbit/s", True, None])
def test_what_is_no_bandwidth_is_named(text):
    """Bits, bare sizes and words are not guessed at."""
    with pytest.raises(ValueError, match="as in `200MB/s`"):
        byte_rate(text)


def test_limits_stand_at_their_endpoint_and_leave_the_hash_as_it_is(tmp_path):
    """Pace and the cap on cost decide nothing about what is moved: an approval does not go void by them."""
    slow = {**RIGHT, "endpoints": {name: dict(each) for name, each in RIGHT["endpoints"].items()}}
    slow["endpoints"]["korea"]["limits"] = [
        {"bandwidth": "200MB/s", "requests_per_s": 500, "window": "08:00-23:00", "timezone": "Asia/Seoul"}
    ]
    slow["transfer"] = {**RIGHT.get("transfer", {}), "cost_cap": "100.50", "concurrency": 8}
    settings = read_from(tmp_path, slow)
    (limit,) = settings.endpoints["korea"].limits
    assert limit.limit() == Limit(Rates(200_000_000, 500.0), 480, 1380, "Asia/Seoul")
    assert settings.transfer.cost_cap == Decimal("100.50")
    assert settings.config_sha256() == read_from(tmp_path, RIGHT).config_sha256()


def test_hours_that_no_day_has_are_refused(tmp_path):
    """The message says what would be right."""
    wrong = {**RIGHT, "endpoints": {name: dict(each) for name, each in RIGHT["endpoints"].items()}}
    wrong["endpoints"]["korea"]["limits"] = [{"bandwidth": "1MB/s", "window": "8-23"}]
    with pytest.raises(ConfigurationError, match=r"endpoints\.korea\.limits\.0\.window: is no window of hours"):
        read_from(tmp_path, wrong)

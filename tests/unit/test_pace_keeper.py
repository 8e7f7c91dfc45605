"""Orders for the pace in the ledger, and the keeper that holds a process to them: shares, pauses, what was spent, the cap."""

from __future__ import annotations

from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from connectors.ledger.leases import Holder
from connectors.pace.keeper import Keeper, tariffs
from connectors.pace.orders import PaceChange, changed, standing_of
from relocation.rules.errors import ConfigurationError, CostCapReached, NoSpace
from relocation.rules.pace import PaceOrder, Rates, Tariff, Traffic
from relocation.settings import EndpointPrices, Prices
from tests.unit.ledger_cases import ledger_at, run_of
from tests.unit.pace_cases import YieldingClock, gate_of
from tests.unit.settings_cases import RIGHT, read_from

FREE = {name: Decimal(0) for name in ("get_per_1000", "put_per_1000", "list_per_1000", "egress_per_gb", "ingress_per_gb")}
PRICES = Prices(
    currency="JPY",
    endpoints={
        "korea": EndpointPrices(**{**FREE, "get_per_1000": Decimal(1000)}),
        "japan": EndpointPrices(**FREE),
    },
)


@asynccontextmanager
async def kept(tmp_path, *, prices: Prices = PRICES, **transfer):
    """A keeper over a ledger, with two gates; what is configured of korea is 1,000 requests a second."""
    data = {**RIGHT, "endpoints": {name: dict(each) for name, each in RIGHT["endpoints"].items()}, "transfer": transfer}
    data["endpoints"]["korea"]["limits"] = [{"requests_per_s": 1000}]
    settings = read_from(tmp_path, data)
    clock = YieldingClock()
    gates = {"korea": gate_of(clock), "japan": gate_of(clock)}
    async with ledger_at(tmp_path / "ledger.db", clock) as ledger:
        yield Keeper(settings, gates, ledger, clock, prices), gates, ledger, settings


async def test_a_pause_that_was_ordered_holds_at_the_next_look_and_so_does_its_end(tmp_path):
    """Looked at once a second: an order is obeyed within two; the ledger says who waits, and since when."""
    async with kept(tmp_path) as (keeper, gates, ledger, settings):
        await ledger.order_pace(changed(None, "korea", PaceChange(paused=True), who="mina", now=1000.0))
        await keeper.look()
        assert gates["korea"].waits() == ("paused", 0.0)
        assert gates["japan"].waits() == ("", 0.0)
        heard = await ledger.hear_pace()
        assert [(each.endpoint, each.reason) for each in heard.waiting] == [("korea", "paused")]
        assert "paused since" in standing_of(settings, "korea", heard, now=2000.0).told("Asia/Tokyo")
        assert "by mina" in standing_of(settings, "korea", heard, now=2000.0).told("Asia/Tokyo")
        await ledger.order_pace(changed(heard.orders["korea"], "korea", PaceChange(paused=False), who="mina", now=1100.0))
        await keeper.look()
        assert gates["korea"].waits() == ("", 0.0)
        assert (await ledger.hear_pace()).waiting == ()


async def test_without_a_look_an_order_would_be_a_word_only(tmp_path):
    """The control: what is in the ledger changes no gate by itself."""
    async with kept(tmp_path) as (_, gates, ledger, _settings):
        await ledger.order_pace(PaceOrder("korea", paused_at=1.0))
        assert gates["korea"].waits() == ("", 0.0)


async def test_rates_are_shared_by_the_processes_at_work(tmp_path):
    """Two more processes hold leases: a third of the rate is this one's; one whose lease ran out has no share."""
    async with kept(tmp_path) as (keeper, gates, ledger, _):
        await keeper.look()
        assert gates["korea"]._requests.rate_per_s == 1000.0
        for number, wave in enumerate(("a", "b"), start=2):
            other = Holder("elsewhere", number, f"boot/ns/{number}")
            async with ledger_at(tmp_path / "ledger.db", ledger._clock, holder=other) as theirs:
                await theirs.open_run(run_of(id=f"run-{wave}", wave=wave), lease_s=30.0)
        await keeper.look()
        assert gates["korea"]._requests.rate_per_s == pytest.approx(1000 / 3)
        ledger._clock.seconds += 31
        await keeper.look()
        assert gates["korea"]._requests.rate_per_s == 1000.0


async def test_an_order_takes_the_place_of_the_configuration_until_it_is_taken_back(tmp_path):
    """Rate by rate; `clear` brings the configuration's limits back."""
    async with kept(tmp_path) as (keeper, gates, ledger, _):
        first = changed(None, "korea", PaceChange(bytes_per_s=5e6), who="mina", now=1.0)
        second = changed(first, "korea", PaceChange(requests_per_s=0.0), who="mina", now=2.0)
        await ledger.order_pace(second)
        await keeper.look()
        assert (gates["korea"]._bytes.rate_per_s, gates["korea"]._requests.rate_per_s) == (5e6, 0.0)
        await ledger.order_pace(changed(second, "korea", PaceChange(clear=True), who="mina", now=3.0))
        await keeper.look()
        assert (gates["korea"]._bytes.rate_per_s, gates["korea"]._requests.rate_per_s) == (0.0, 1000.0)


async def test_why_an_endpoint_makes_us_wait_stands_in_the_ledger_while_it_does(tmp_path):
    """S13: a Retry-After of an hour is seen by whoever asks for the status: since when, until when, why."""
    async with kept(tmp_path) as (keeper, gates, ledger, settings):

        async def yes() -> bool:
            return True

        async with keeper.keeping():
            await gates["japan"].refused(asked_s=3600.0, of_all=True, ask=yes)
            await keeper.look()
            heard = await ledger.hear_pace()
            (told,) = standing_of(settings, "japan", heard, now=ledger._clock.now()).waits
            assert "Retry-After" in told
            assert heard.waiting[0].until == pytest.approx(ledger._clock.now() + 3600, abs=5)
        assert (await ledger.hear_pace()).waiting == ()


async def test_a_wave_stops_at_the_cap_and_says_what_was_spent_and_how_to_go_on(tmp_path):
    """Ten GETs at 1 each reach a cap of 10; the next process counts on from there; a higher cap lets it go on."""
    async with kept(tmp_path, cost_cap="10") as (keeper, gates, ledger, settings):
        gates["korea"].gets = 9
        await keeper.look()
        assert gates["korea"].enter(1)
        gates["korea"].gets = 10
        await keeper.look()
        for gate in gates.values():
            with pytest.raises(CostCapReached, match=r"has spent 10\.00 JPY .*raise the cap, and run again"):
                await gate.turn(1)
        assert (await ledger.hear_pace()).spent["korea"] == Traffic(gets=10)
        fresh = {"korea": gate_of(), "japan": gate_of()}
        await Keeper(settings, fresh, ledger, ledger._clock, PRICES).look()
        with pytest.raises(CostCapReached):
            await fresh["japan"].turn(1)


async def test_without_a_cap_the_same_traffic_stops_nobody(tmp_path):
    """The control; what was asked is counted all the same, at the end at the latest."""
    async with kept(tmp_path) as (keeper, gates, ledger, _):
        async with keeper.keeping():
            gates["korea"].gets = 10_000_000
        assert gates["korea"].waits() == ("", 0.0)
        assert (await ledger.hear_pace()).spent["korea"] == Traffic(gets=10_000_000)


def test_a_cap_without_prices_is_refused_by_name(tmp_path):
    """No price is taken for nothing: each one that is missing is named."""
    settings = read_from(tmp_path, {**RIGHT, "transfer": {"cost_cap": "10"}})
    with pytest.raises(ConfigurationError, match=r"transfer\.cost_cap: get_per_1000 of korea is not known"):
        tariffs(settings, Prices())
    assert tariffs(settings, PRICES)["korea"] == Tariff(get_per_1000=Decimal(1000))


async def test_a_ledger_that_is_out_of_reach_leaves_the_last_order_standing(tmp_path, monkeypatch):
    """A full disk stops whoever writes facts, in words; it lifts no pause and no limit."""
    async with kept(tmp_path) as (keeper, gates, ledger, _):
        await ledger.order_pace(PaceOrder("korea", paused_at=1.0))
        await keeper.look()

        async def full() -> None:
            raise NoSpace("full")

        monkeypatch.setattr(ledger, "hear_pace", full)
        await keeper._look_if_possible()
        assert gates["korea"].waits() == ("paused", 0.0)


def test_a_pace_is_told_in_words(tmp_path):
    """What holds, and whether somebody ordered it."""
    from connectors.ledger.pace import Heard

    settings = read_from(tmp_path, RIGHT)
    order = PaceOrder("korea", bytes_per_s=2e8, requests_per_s=500.0, who="mina", at=1.0)
    heard = Heard({"korea": order}, 0, (), {})
    standing = standing_of(settings, "korea", heard, now=1.0)
    assert standing.rates == Rates(2e8, 500.0)
    assert standing.told("Asia/Tokyo") == "at most 200 MB/s, 500 requests/s (ordered)"
    assert standing_of(settings, "japan", heard, now=1.0).told("Asia/Tokyo") == "no limit"

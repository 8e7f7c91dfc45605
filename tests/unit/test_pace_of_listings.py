"""The pace of an endpoint that is only listed: pages show as well as objects how much it bears."""

from __future__ import annotations

import asyncio

import pytest

from connectors.pace import gate
from connectors.pace.gate import Gate
from connectors.s3 import requests as sent
from connectors.s3.requests import Request, Requests
from connectors.signer import Signer
from relocation.ports import Response
from relocation.rules.pace import START
from tests.model.far import LoopClock, timed

PAGE_S, PAGES = 0.03, 200


class FarWire:
    """Answers everything with one and the same page, after the time of a round trip."""

    host = "127.0.0.1:1"

    async def request(self, method, target, headers, body, *, into=None) -> Response:
        await asyncio.sleep(PAGE_S)
        return Response(200, (), b"p" * 1000)


async def list_far_away() -> Gate:
    """Ask for pages, as many at once as the endpoint is taken to bear."""
    clock = LoopClock()
    clock.now = lambda: 0.0
    bears = Gate("korea", clock)
    requests = Requests("korea", "reader", FarWire(), Signer("key", "secret", "", "r"), clock=clock, sign_payload=None, gate=bears)
    asks = (requests.bucket(Request("s3:ListBucket", "GET", "talk", query=(("list-type", "2"),))) for _ in range(PAGES))
    await asyncio.gather(*asks)
    return bears


def test_far_away_pages_of_a_listing_widen_the_window():
    """N1: an inventory is over before any object is read; what it is asked at once follows the pages' own round trips."""
    bears, took_s = timed(list_far_away())
    assert bears.window.limit > 4 * START
    assert took_s < PAGES * PAGE_S / START / 2


def test_where_pages_said_nothing_an_inventory_would_stay_slow(monkeypatch):
    """The control: as if a page's time said nothing, the window stays what it is at the start."""
    monkeypatch.setattr(sent, "LIST", gate.OTHER)
    bears, took_s = timed(list_far_away())
    assert bears.window.limit == START
    assert took_s == pytest.approx(PAGES * PAGE_S / START)

"""Every claim over every real server: it holds, or it is a known difference that fails in the known way."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pytest

from relocation.rules.errors import HikkoshiError
from tests.contract.known_differences import KNOWN, Difference
from tests.contract.lab import Claim, Lab
from tests.contract.labs import Site, server_lab, site_of
from tests.contract.suite import ALL

pytestmark = pytest.mark.server


@pytest.fixture(scope="session")
def sites() -> Iterator[dict[str, Site]]:
    return {}


@pytest.fixture(scope="module", params=["minio", "seaweedfs", "moto"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """Each server once, with its control client."""
    with site_of(request.getfixturevalue(request.param)) as made:
        yield made


async def hold(claim: Claim, lab: Lab, known: Mapping[str, Difference]) -> None:
    """Hold a claim; a known difference must fail as it is known to, and is shown as such."""
    difference = known.get(claim.name)
    try:
        await claim.hold(lab)
    except (AssertionError, HikkoshiError) as error:
        if difference is None:
            raise
        seen = f"{type(error).__name__}: {error}"
        assert re.search(difference.seen, seen), f"fails, but not as it is known to ({difference.seen}): {seen}"
        pytest.xfail(difference.instead)
    assert difference is None, f"holds now: take it out of known_differences.py ({difference.instead})"


@pytest.mark.parametrize("claim", ALL, ids=lambda claim: claim.name)
async def test_holds_over_our_own_wire(claim: Claim, site: Site) -> None:
    """Each claim, over the wire that copies."""
    async with server_lab(site, "lean") as lab:
        await hold(claim, lab, KNOWN.get(site.server.build, {}))


@pytest.mark.parametrize("claim", ALL, ids=lambda claim: claim.name)
async def test_holds_over_the_other_wire(claim: Claim, site: Site) -> None:
    """Each claim on MinIO, over the wire that proves again."""
    if site.server.kind != "minio":
        pytest.skip("the other wire is held against MinIO")
    async with server_lab(site, "library") as lab:
        await hold(claim, lab, KNOWN.get(site.server.build, {}))

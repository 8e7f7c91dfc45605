"""Every claim over every real server: it holds, or it is a known difference that fails in the known way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.known_differences import KNOWN, hold
from tests.contract.lab import Claim
from tests.contract.labs import Site, server_lab, site_of
from tests.contract.suite import ALL
from tests.servers import Server

pytestmark = pytest.mark.server


@pytest.fixture(scope="module", params=["minio", "seaweedfs", "moto"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """Each server once, with its control client."""
    with site_of(request.getfixturevalue(request.param)) as made:
        yield made


@pytest.fixture(scope="module")
def minio_site(minio: Server) -> Iterator[Site]:
    with site_of(minio) as made:
        yield made


@pytest.mark.parametrize("claim", ALL, ids=lambda claim: claim.name)
async def test_holds_over_our_own_wire(claim: Claim, site: Site) -> None:
    """Each claim, over the wire that copies."""
    async with server_lab(site, "lean") as lab:
        await hold(claim, lab, KNOWN.get(site.server.build, {}))


@pytest.mark.parametrize("claim", ALL, ids=lambda claim: claim.name)
async def test_minio_holds_over_the_other_wire(claim: Claim, minio_site: Site) -> None:
    """Each claim on MinIO, over the wire that proves again."""
    async with server_lab(minio_site, "library") as lab:
        await hold(claim, lab, KNOWN.get(minio_site.server.build, {}))

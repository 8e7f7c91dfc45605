"""Every claim over the reference store, and over the one that is scripted as MinIO."""

from __future__ import annotations

import pytest

from connectors.memory import MINIO as MINIO_SCRIPT
from tests.contract.known_differences import MINIO
from tests.contract.lab import Claim
from tests.contract.labs import memory_lab
from tests.contract.mutants import fails
from tests.contract.suite import ALL


@pytest.mark.parametrize("claim", ALL, ids=lambda claim: claim.name)
async def test_holds_in_memory(claim: Claim) -> None:
    """The reference store keeps every claim: it is what they mean."""
    await claim.hold(memory_lab())


@pytest.mark.parametrize("claim", ALL, ids=lambda claim: claim.name)
async def test_the_script_of_minio_differs_where_minio_does(claim: Claim) -> None:
    """A memory store scripted as MinIO breaks exactly the claims that the real one breaks."""
    if claim.name not in MINIO:
        await claim.hold(memory_lab(MINIO_SCRIPT))
        return
    await fails(claim, memory_lab(MINIO_SCRIPT))


def test_there_are_enough_claims_and_a_third_are_refusals() -> None:
    """At least sixty claims; at least a third say what must be refused or must not happen."""
    assert len(ALL) >= 60
    assert 3 * sum(claim.refusal for claim in ALL) >= len(ALL)

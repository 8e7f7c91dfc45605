"""A claim that no broken store can break proves nothing: each goes red on a named one."""

from __future__ import annotations

import pytest

from tests.contract.lab import Claim
from tests.contract.mutants import fails
from tests.contract.mutants_table import MUTANTS
from tests.contract.suite import ALL


def shown(claim: Claim) -> str:
    return f"{claim.name}: {MUTANTS[claim.name].name}" if claim.name in MUTANTS else claim.name


def test_every_claim_has_a_mutant_and_every_mutant_a_claim() -> None:
    """A claim without a negative control is a defect."""
    assert {claim.name for claim in ALL} == set(MUTANTS)


@pytest.mark.parametrize("claim", ALL, ids=shown)
async def test_goes_red(claim: Claim) -> None:
    """The claim fails on the store that is broken in this one place."""
    await fails(claim, MUTANTS[claim.name].lab())

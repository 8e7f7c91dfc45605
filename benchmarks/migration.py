"""The configuration of one run of ours in a benchmark: a category of one move, a ledger and a folder of its own."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path

import yaml

from benchmarks.pair import CREDENTIALS, EVIDENCE, REGION, SOURCE, TARGET, Pair

CATEGORY = "bench"


def write_migration(pair: Pair, name: str, *, source: str, target: str, transfer: Mapping[str, object] | None = None) -> Path:
    """Write a migration from one prefix to another and return its path. `transfer` is the section of that name.

    The source's other prefixes are a category too: what nobody claims is listed for each report, as no other tool does.
    """
    folder = pair.folder / "ours" / name
    folder.mkdir(parents=True)
    others = sorted({f"{each.name}/" for each in (pair.korea.data / SOURCE).iterdir() if each.is_dir()} - {source})
    reference = f"env:{CREDENTIALS}"
    common = {"region": REGION} | ({"ca_file": str(pair.ca_file)} if pair.ca_file else {})
    roles = {"korea": ("reader", "prober", "application"), "japan": ("reader", "writer", "prober", "vault")}
    document = {
        "migration": f"bench-{name}",
        "state_dir": "var",
        "ledger": "sqlite:///var/ledger.db",
        "endpoints": {
            site: {**common, "url": pair.url(site), "country": country, "credentials": dict.fromkeys(roles[site], reference)}
            for site, country in (("korea", "KR"), ("japan", "JP"))
        },
        "vault": {"endpoint": "japan", "bucket": EVIDENCE, "retention_days": 1},
        "categories": {
            CATEGORY: _category({source: target}),
            **({"others": _category({each: f"others/{each}" for each in others})} if others else {}),
        },
    }
    path = folder / "migration.yaml"
    path.write_text(yaml.safe_dump(document | ({"transfer": dict(transfer)} if transfer else {})))
    return path


def _category(moves: Mapping[str, str]) -> dict[str, object]:
    return {
        "moves": [
            {
                "source": {"endpoint": "korea", "bucket": SOURCE, "prefix": source},
                "target": {"endpoint": "japan", "bucket": TARGET, "prefix": target},
            }
            for source, target in moves.items()
        ],
        "residency": "JP",
        "deadline": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "owner": "bench",
    }

"""A small right configuration, and a way to spoil it at one place."""

from __future__ import annotations

import copy
from pathlib import Path

import yaml

from connectors.configuration import read
from relocation.rules.errors import ConfigurationError
from relocation.settings import Migration

GONE = object()

RIGHT: dict[str, object] = {
    "migration": "korea-to-japan",
    "state_dir": "../var",
    "ledger": "sqlite:///../var/ledger.db",
    "endpoints": {
        "korea": {
            "url": "http://127.0.0.1:9100",
            "region": "ap-northeast-2",
            "country": "KR",
            "credentials": {"reader": "env:KOREA"},
        },
        "japan": {
            "url": "http://127.0.0.1:9200",
            "region": "ap-northeast-1",
            "country": "JP",
            "credentials": {"writer": "env:JAPAN"},
        },
    },
    "vault": {"endpoint": "japan", "bucket": "evidence"},
    "categories": {
        "talk-images": {
            "moves": [
                {
                    "source": {"endpoint": "korea", "bucket": "talk", "prefix": "images/"},
                    "target": {"endpoint": "japan", "bucket": "talk", "prefix": "images/"},
                }
            ],
            "residency": "JP",
            "deadline": "2021-06-30",
            "owner": "messaging-platform",
            "waves": [{"name": "first", "prefixes": ["2019/"]}, {"name": "rest"}],
        },
        "albums": {
            "moves": [{"source": {"endpoint": "korea", "bucket": "albums"}, "target": {"endpoint": "japan", "bucket": "albums"}}],
            "residency": "JP",
            "deadline": "2024-06-30",
            "owner": "albums",
        },
    },
}


def spoiled(changes: dict[str, object]) -> dict[str, object]:
    """Return `RIGHT` with the values at the dotted places changed, or taken out where the new value is `GONE`."""
    data = copy.deepcopy(RIGHT)
    for place, value in changes.items():
        *way, last = (int(each) if each.isdigit() else each for each in place.split("."))
        block = data
        for name in way:
            block = block.setdefault(name, {}) if isinstance(block, dict) else block[name]
        if value is GONE:
            del block[last]
        elif isinstance(block, list) and last == len(block):
            block.append(value)
        else:
            block[last] = value
    return data


def write(folder: Path, data: object, name: str = "config/migration.yaml") -> Path:
    """Write data (or YAML text as it is) into the folder and return the file."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(data if isinstance(data, str) else yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return file


def read_from(folder: Path, data: object) -> Migration:
    return read(write(folder, data), {})


def problems_of(folder: Path, data: object) -> list[str]:
    """Return the problems that reading names; none is a failure of the test."""
    try:
        read_from(folder, data)
    except ConfigurationError as error:
        return list(error.problems)
    raise AssertionError("the configuration was taken as right")

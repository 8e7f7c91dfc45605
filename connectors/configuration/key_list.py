"""Files of keys that waves name: `keys_file: official.txt` → the keys.

Guarantees: a key is taken byte for byte, whatever it holds: lines are percent-encoded as all our output is. Refuses a line that is
no key, with its number, instead of leaving it out: what is left out would move with another wave, or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

from relocation.rules.values import KEY_BYTES_MAX

PROBLEMS_MAX = 10


def read_key_list(path: Path) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the keys of a file, one a line (UTF-8, percent-encoded, empty lines left out), and what is wrong with it."""
    if not path.is_file():
        return frozenset(), ("no such file; the path of one, relative to this file",)
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        return frozenset(), (f"can't be read ({error.strerror}); a file that you may read",)
    keys: set[str] = set()
    problems: list[str] = []
    for number, line in enumerate(lines, 1):
        try:
            key = unquote(line.rstrip(b"\r").decode("utf-8-sig" if number == 1 else "utf-8"), errors="strict")
        except UnicodeDecodeError:
            problems.append(f"line {number}: is not UTF-8; one key a line, percent-encoded as reports show them")
            continue
        if len(key.encode()) > KEY_BYTES_MAX:
            problems.append(f"line {number}: is {len(key.encode())} bytes long; a key has at most {KEY_BYTES_MAX}")
        elif key:
            keys.add(key)
    if not keys and not problems:
        problems.append("names no key; one a line, percent-encoded as reports show them")
    return frozenset(keys), tuple(problems[:PROBLEMS_MAX])


def with_key_lists(data: object) -> tuple[object, tuple[str, ...]]:
    """Return a configuration's plain data with the keys of each wave's file beside its path, and what is wrong with them."""
    problems: list[str] = []
    if isinstance(data, Mapping) and isinstance(data.get("categories"), Mapping):
        data = {
            **data,
            "categories": {name: _category(name, each, problems) for name, each in data["categories"].items()},
        }
    return data, tuple(problems)


def _category(name: object, data: object, problems: list[str]) -> object:
    if not isinstance(data, Mapping) or not isinstance(data.get("waves"), list):
        return data
    waves = [_wave(f"categories.{name}.waves.{index}.keys_file", each, problems) for index, each in enumerate(data["waves"])]
    return {**data, "waves": waves}


def _wave(place: str, data: object, problems: list[str]) -> object:
    path = data.get("keys_file") if isinstance(data, Mapping) else None
    if not isinstance(data, Mapping) or not isinstance(path, str):
        return data
    keys, found = read_key_list(Path(path))
    problems += [f"{place}: {problem}" for problem in found]
    return {**data, "keys_file": {"path": path, "keys": keys}}

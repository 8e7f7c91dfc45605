"""Files of keys that waves and policies name: `keys_file: official.txt`, `excluded: hold.txt` → the keys.

Guarantees: a key is taken byte for byte, whatever it holds: lines are percent-encoded as all our output is. Refuses a line that is
no key, with its number, instead of leaving it out: what is left out would move with another wave, or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

from relocation.rules.values import KEY_BYTES_MAX

PROBLEMS_MAX = 10
NOT_UTF8 = "is not UTF-8; one key a line, percent-encoded as reports show them"


def read_key_list(path: Path) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the keys of a file, one a line (UTF-8, percent-encoded, empty lines left out), and what is wrong with it."""
    lines, problems = _lines(path)
    keys = frozenset(_keys(lines, problems).values())
    if not keys and not problems:
        problems.append("names no key; one a line, percent-encoded as reports show them")
    return keys, tuple(problems[:PROBLEMS_MAX])


def read_excluded(path: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the keys of an exclusion list with their reasons, and what is wrong with it.

    A line is `KEY`, or `KEY<TAB>REASON`. A line that begins with `#` is the reason of those below it that name none themselves.
    """
    lines, problems = _lines(path)
    reasons: dict[int, str] = {}
    heading = ""
    plain: dict[int, str] = {}
    for number, line in lines.items():
        if line.startswith("#"):
            heading = line.lstrip("#").strip()
        else:
            plain[number], _, reason = line.partition("\t")
            reasons[number] = reason.strip() or heading
    keys = _keys(plain, problems)
    if not keys and not problems:
        problems.append("names no key; one a line, percent-encoded as reports show them, perhaps a tab and the reason after it")
    return {key: reasons[number] for number, key in keys.items()}, tuple(problems[:PROBLEMS_MAX])


def _lines(path: Path) -> tuple[dict[int, str], list[str]]:
    """Return the lines of a file by their numbers, and what is wrong with it."""
    if not path.is_file():
        return {}, ["no such file; the path of one, relative to this file"]
    try:
        raw = path.read_bytes().split(b"\n")
    except OSError as error:
        return {}, [f"can't be read ({error.strerror}); a file that you may read"]
    lines: dict[int, str] = {}
    problems: list[str] = []
    for number, line in enumerate(raw, 1):
        try:
            lines[number] = line.rstrip(b"\r").decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            problems.append(f"line {number}: {NOT_UTF8}")
    return lines, problems


def _keys(lines: Mapping[int, str], problems: list[str]) -> dict[int, str]:
    """Return the keys that lines name, by their numbers."""
    keys: dict[int, str] = {}
    for number, line in lines.items():
        try:
            key = unquote(line, errors="strict")
        except UnicodeDecodeError:
            problems.append(f"line {number}: {NOT_UTF8}")
            continue
        if len(key.encode()) > KEY_BYTES_MAX:
            problems.append(f"line {number}: is {len(key.encode())} bytes long; a key has at most {KEY_BYTES_MAX}")
        elif key:
            keys[number] = key
    return keys


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
    if not isinstance(data, Mapping):
        return data
    data = {**data}
    if isinstance(data.get("waves"), list):
        places = (f"categories.{name}.waves.{index}.keys_file" for index in range(len(data["waves"])))
        data["waves"] = [_wave(place, each, problems) for place, each in zip(places, data["waves"], strict=True)]
    if isinstance(data.get("policy"), Mapping) and isinstance(data["policy"].get("excluded"), str):
        path = data["policy"]["excluded"]
        reasons, found = read_excluded(Path(path))
        problems += [f"categories.{name}.policy.excluded: {problem}" for problem in found]
        data["policy"] = {**data["policy"], "excluded": {"path": path, "reasons": reasons}}
    return data


def _wave(place: str, data: object, problems: list[str]) -> object:
    path = data.get("keys_file") if isinstance(data, Mapping) else None
    if not isinstance(data, Mapping) or not isinstance(path, str):
        return data
    keys, found = read_key_list(Path(path))
    problems += [f"{place}: {problem}" for problem in found]
    return {**data, "keys_file": {"path": path, "keys": keys}}

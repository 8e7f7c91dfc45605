"""Plain data → a draft: all that is right by itself, so that the rules between values are checked although others are wrong.

Guarantees: never raises, whatever the data looks like; what is wrong by itself is left out (`words.py` has named it).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from relocation.consistency import Draft, DraftCategory
from relocation.rules import values
from relocation.settings import Move, Policy, Transfer, Wave

T = TypeVar("T")
Model = TypeVar("Model", bound=BaseModel)


def draft(data: object) -> Draft:
    """Return what is right by itself."""
    endpoints = _block(data, "endpoints")
    transfer = _model(Transfer, _block(data, "transfer"))
    return Draft(
        endpoint_names=tuple(endpoints),
        urls=_each(endpoints, "url", values.endpoint_url),
        countries=_each(endpoints, "country", values.country),
        vault_endpoint=_text(_block(data, "vault"), "endpoint"),
        vault_bucket=_text(_block(data, "vault"), "bucket"),
        budget_bytes=transfer.budget_bytes if transfer else None,
        categories={name: _category(_mapping(each)) for name, each in _block(data, "categories").items()},
    )


def _category(data: Mapping[str, object]) -> DraftCategory:
    moves = dict(enumerate(_list(data, "moves")))
    waves = _list(data, "waves")
    right_waves = tuple(wave for each in waves if (wave := _model(Wave, each)))
    policy = _model(Policy, _block(data, "policy"))
    return DraftCategory(
        residency=_right(values.country, _text(data, "residency")),
        part_bytes=policy.part_bytes if policy else None,
        moves_versions=policy is not None and policy.versions == "all",
        named_endpoints={
            f"moves.{index}.{side}.endpoint": name
            for index, move in moves.items()
            for side in ("source", "target")
            if (name := _text(_block(move, side), "endpoint")) is not None
        },
        moves={index: right for index, move in moves.items() if (right := _model(Move, move))},
        waves=right_waves,
        customer_keys=tuple(policy.customer_keys.model_dump(exclude_none=True)) if policy else (),
        waves_complete=len(right_waves) == len(waves) and isinstance(data.get("waves", []), list),
    )


def _mapping(data: object) -> Mapping[str, object]:
    return {name: value for name, value in data.items() if isinstance(name, str)} if isinstance(data, dict) else {}


def _block(data: object, name: str) -> Mapping[str, object]:
    return _mapping(_mapping(data).get(name))


def _list(data: Mapping[str, object], name: str) -> list[object]:
    value = data.get(name)
    return value if isinstance(value, list) else []


def _text(data: Mapping[str, object], name: str) -> str | None:
    value = data.get(name)
    return value if isinstance(value, str) else None


def _right(check: Callable[[str], T], value: str | None) -> T | None:
    try:
        return None if value is None else check(value)
    except ValueError:
        return None


def _each(blocks: Mapping[str, object], name: str, check: Callable[[str], str]) -> dict[str, str]:
    found = {block: _right(check, _text(_mapping(data), name)) for block, data in blocks.items()}
    return {block: value for block, value in found.items() if value is not None}


def _model(kind: type[Model], data: object) -> Model | None:
    try:
        return kind.model_validate(data)
    except ValidationError:
        return None

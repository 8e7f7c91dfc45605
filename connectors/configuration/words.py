"""What pydantic found wrong, in this project's words: `place: what is wrong; what would be right`.

Guarantees: each problem of a `ValidationError` becomes one line, unknown names with the one that was probably meant, missing ones
with an example. Refuses to quote values, save numbers: a value may be a secret in the wrong place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from relocation.consistency import meant
from relocation.settings import (
    Category,
    CustomerKeys,
    DayRange,
    Endpoint,
    EndpointPrices,
    KeyRange,
    Migration,
    Move,
    PaceLimit,
    Policy,
    Prices,
    RoleName,
    Schedule,
    Side,
    SizeRange,
    Sse,
    Transfer,
    UserShare,
    VaultPlace,
    Wave,
    Worker,
)

Location = tuple[int | str, ...]
Shape = Mapping[tuple[str, ...], type[BaseModel]]
MIGRATION_SHAPE: Shape = {
    (): Migration,
    ("endpoints", "*"): Endpoint,
    ("endpoints", "*", "limits", "*"): PaceLimit,
    ("vault",): VaultPlace,
    ("transfer",): Transfer,
    ("worker",): Worker,
    ("categories", "*"): Category,
    ("categories", "*", "moves", "*"): Move,
    ("categories", "*", "moves", "*", "source"): Side,
    ("categories", "*", "moves", "*", "target"): Side,
    ("categories", "*", "policy"): Policy,
    ("categories", "*", "waves", "*"): Wave,
    ("categories", "*", "waves", "*", "schedule"): Schedule,
    ("categories", "*", "waves", "*", "catch_up_schedule"): Schedule,
    ("categories", "*", "waves", "*", "keys"): KeyRange,
    ("categories", "*", "waves", "*", "modified"): DayRange,
    ("categories", "*", "waves", "*", "size"): SizeRange,
    ("categories", "*", "waves", "*", "users"): UserShare,
    ("categories", "*", "policy", "sse"): Sse,
    ("categories", "*", "policy", "customer_keys"): CustomerKeys,
}
PRICES_SHAPE: Shape = {(): Prices, ("endpoints", "*"): EndpointPrices}

EXAMPLES = {
    "migration": "korea-to-japan",
    "state_dir": "../var",
    "ledger": "sqlite:///../var/ledger.db",
    "endpoints": '{japan: {url: "https://s3.jp.example", region: ap-northeast-1, country: JP}}',
    "url": '"https://s3.jp.example"',
    "region": "ap-northeast-1",
    "country": "JP",
    "vault": "{endpoint: japan, bucket: evidence}",
    "categories": "{talk-images: {moves: […], residency: JP, deadline: 2021-06-30, owner: messaging-platform}}",
    "moves": "[{source: {endpoint: korea, bucket: talk}, target: {endpoint: japan, bucket: talk}}]",
    "source": "{endpoint: korea, bucket: talk}",
    "target": "{endpoint: japan, bucket: talk}",
    "endpoint": "japan",
    "bucket": "talk",
    "residency": "JP",
    "deadline": "2021-06-30",
    "owner": "messaging-platform",
    "name": "rest",
    "pattern": '"(?P<user>u\\d+)/"',
    "share": "10%",
    "cron": '"0 1 * * *"',
    "type": "s3",
}
WANTED = {
    "string_type": "text; put it in quotes if it is meant so",
    "bool_type": "`true` or `false`",
    "int_type": "a whole number, without quotes",
    "int_from_float": "a whole number",
    "float_type": "a number, without quotes",
    "tuple_type": "a list, as in `[one, two]`",
    "dict_type": "names with values below it",
    "model_type": "names with values below it",
    "path_type": "a path as text",
    "decimal_type": "a number",
    "decimal_parsing": "a number",
}


def problems(error: ValidationError, shape: Shape = MIGRATION_SHAPE) -> tuple[str, ...]:
    """Return one line for each problem, in the order of the file's model."""
    found = [each for each in error.errors(include_url=False) if not _counts_wrong_ones_as_missing(each)]
    return tuple(f"{_path(each['loc'])}{_words(each, shape)}" for each in found)


def _counts_wrong_ones_as_missing(error: ErrorDetails) -> bool:
    # pydantic counts the right items only: a list with one wrong item is "too short" as well.
    return error["type"] == "too_short" and bool(error["input"])


def _path(loc: Location) -> str:
    names = [str(each) for each in loc if each != "[key]"]
    return f"{'.'.join(names)}: " if names else ""


def _words(error: ErrorDetails, shape: Shape) -> str:
    kind, loc, context = error["type"], error["loc"], error.get("ctx", {})
    name = str(loc[-1]) if loc else ""
    if kind == "value_error":
        return str(context["error"])
    if kind in WANTED:
        found = "empty; wanted is" if error["input"] is None else f"{_kind(error['input'])}, not"
        return f"is {found} {WANTED[kind]}"
    return (
        _name_words(kind, name, loc, shape)
        or _limit_words(kind, name, context)
        or f"is wrong; {error['msg'][:1].lower()}{error['msg'][1:]}"
    )


def _name_words(kind: str, name: str, loc: Location, shape: Shape) -> str:
    if kind == "missing":
        return f"is missing; add it, as in `{name}: {EXAMPLES[name]}`"
    if kind == "extra_forbidden":
        return f"unknown name; {meant(name, _names_beside(loc, shape))}"
    if kind == "literal_error" and name == "[key]":
        return f"unknown role; {meant(str(loc[-2]), get_args(RoleName))}"
    return "unknown name; names are text" if kind == "invalid_key" else ""


def _limit_words(kind: str, name: str, context: Mapping[str, Any]) -> str:
    if kind in {"too_short", "string_too_short"}:
        return "is empty; at least one is wanted" if kind == "too_short" else "is empty; text is wanted"
    if kind == "literal_error":
        return f"is none of {context['expected'].replace(' or ', ', ')}; one of these"
    if kind == "greater_than_equal":
        return f"is too small; at least {_amount(name, context['ge'])}"
    if kind == "less_than_equal":
        return f"is too large; at most {_amount(name, context['le'])}"
    return ""


def _amount(name: str, limit: float) -> str:
    if not name.endswith("_bytes"):
        return f"{limit:g}"
    for unit in ("bytes", "KiB", "MiB"):
        if limit < 1024 or limit % 1024:
            return f"{limit:g} {unit}"
        limit /= 1024
    return f"{limit:g} GiB"


def _names_beside(loc: Location, shape: Shape) -> tuple[str, ...]:
    for pattern, model in shape.items():
        if len(pattern) == len(loc) - 1 and all(want in {"*", str(have)} for want, have in zip(pattern, loc, strict=False)):
            return tuple(name for name in model.model_fields if name != "file")
    return ()


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, list | tuple):
        return "a list"
    return "a block of names" if isinstance(value, dict) else "text"

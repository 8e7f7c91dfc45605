"""One YAML file → one `Migration`, or one error that holds every problem.

Guarantees: paths are relative to the file, wherever the program was started, so two working directories open one ledger. Nothing
is taken from the environment but the file's own place and `~`; values are never put together from variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from connectors import credentials
from connectors.configuration import words
from connectors.configuration.draft import draft
from connectors.configuration.key_list import with_key_lists
from connectors.configuration.yaml_text import parse
from relocation import consistency
from relocation.rules.errors import ConfigurationError
from relocation.settings import Migration, Prices

DEFAULT = Path("config/local.yaml")
VARIABLE = "HIKKOSHI_CONFIG"
SIZE_BYTES_MAX = 4 * 1024 * 1024


def find(path: Path | None, environ: Mapping[str, str], cwd: Path) -> Path:
    """Return the file to read: `path` (from `--config`), else `HIKKOSHI_CONFIG`, else config/local.yaml in `cwd`.

    A file that is not there is a `ConfigurationError` that says how to get one.
    """
    named = environ.get(VARIABLE, "")
    found = cwd / (path or named or DEFAULT)
    if found.is_file():
        return found
    if path:
        problem = (
            "--config names it, but it is not there; the path of a configuration file (config/example.yaml is one to begin with)"
        )
    elif named:
        problem = f"{VARIABLE} names it, but it is not there; set {VARIABLE} to a configuration file, or unset it"
    else:
        problem = (
            "not there; `hikkoshi local up` makes it, or --config FILE names another (config/example.yaml is one to begin with)"
        )
    raise ConfigurationError(str(found), (problem,))


def read(path: Path, environ: Mapping[str, str]) -> Migration:
    """Return the migration that the file describes. Raises `ConfigurationError` with all problems at once.

    Credentials are not looked at: `check_credentials` does that, where stores are going to be used.
    """
    file = _own_place(path)
    data, found = _plain(file)
    problems = list(found)
    if data is not None:
        home = Path(environ.get("HOME") or "/")
        located, wrong_lists = with_key_lists(_located(data, base=file.parent, home=home))
        migration, more = _typed(file, located)
        problems += (*more, *wrong_lists)
        if migration and not problems:
            return migration
    raise ConfigurationError(str(path), tuple(dict.fromkeys(problems)))


def check_credentials(migration: Migration, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return a line for each credential reference that can't be resolved, as `endpoints.korea.credentials.reader: …`."""
    problems = []
    for name, endpoint in migration.endpoints.items():
        for role, reference in endpoint.credentials.items():
            try:
                credentials.resolve(reference, base=migration.file.parent, environ=environ)
            except ConfigurationError as error:
                problems += [f"endpoints.{name}.credentials.{role}: {problem}" for problem in error.problems]
    for name, category in migration.categories.items():
        for side, reference in category.policy.customer_keys.model_dump(exclude_none=True).items():
            try:
                credentials.customer_key(reference, base=migration.file.parent, environ=environ)
            except ConfigurationError as error:
                problems += [f"categories.{name}.policy.customer_keys.{side}: {problem}" for problem in error.problems]
    return tuple(problems)


def read_prices(migration: Migration) -> Prices:
    """Return the prices of the migration's file of them; none at all where there is no such file."""
    if migration.prices is None:
        return Prices()
    data, found = _plain(migration.prices)
    try:
        prices = Prices.model_validate({} if data is None else data)
    except ValidationError as error:
        raise ConfigurationError(str(migration.prices), (*found, *words.problems(error, words.PRICES_SHAPE))) from None
    if found:
        raise ConfigurationError(str(migration.prices), found)
    return prices


def _typed(file: Path, data: object) -> tuple[Migration | None, tuple[str, ...]]:
    between = consistency.problems(draft(data))
    if not isinstance(data, dict):
        return None, ("is no block of names; `migration: …` and the others (config/example.yaml shows them)",)
    unknown = ("file: unknown name; the reader itself says where the file is",) if "file" in data else ()
    absent = tuple(
        f"{place}: no such file; the path of one, relative to this file" for place, path in _files(data) if not Path(path).is_file()
    )
    try:
        migration = Migration.model_validate({**data, "file": file})
    except ValidationError as error:
        return None, (*unknown, *words.problems(error), *absent, *between)
    return migration, (*unknown, *absent, *between)


def _own_place(path: Path) -> Path:
    # The folder's links are followed, so that two ways to it are one. The file's own is not: a mounted configuration is often a
    # link into a folder that changes with every edit, and the ledger must not move with it.
    return path.absolute().parent.resolve() / path.name


def _plain(file: Path) -> tuple[object, tuple[str, ...]]:
    try:
        with file.open("rb") as opened:
            raw = opened.read(SIZE_BYTES_MAX + 1)
    except OSError as error:
        raise ConfigurationError(str(file), (f"can't be read ({error.strerror}); a file that you may read",)) from None
    if len(raw) > SIZE_BYTES_MAX:
        raise ConfigurationError(str(file), ("is larger than 4 MiB; that is no configuration file",))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(str(file), (f"line {line}: is not UTF-8; save the file as UTF-8",)) from None
    return parse(text)


def _located(data: object, *, base: Path, home: Path) -> object:
    """Make the paths absolute, and add the prices that lie beside the file."""
    if not isinstance(data, dict):
        return data
    located = dict(data)
    for name in ("state_dir", "prices"):
        if isinstance(located.get(name), str):
            located[name] = str(_absolute(located[name], base=base, home=home))
    if "prices" not in located and (base / "prices.yaml").is_file():
        located["prices"] = str(base / "prices.yaml")
    if isinstance(located.get("ledger"), str):
        located["ledger"] = _located_ledger(located["ledger"], base=base, home=home)
    if isinstance(located.get("endpoints"), dict):
        located["endpoints"] = {
            name: _located_file(each, "ca_file", base=base, home=home) for name, each in located["endpoints"].items()
        }
    if isinstance(located.get("categories"), dict):
        located["categories"] = {name: _located_category(each, base, home) for name, each in located["categories"].items()}
    return located


def _located_category(data: object, base: Path, home: Path) -> object:
    if not isinstance(data, dict):
        return data
    located = dict(data)
    if isinstance(data.get("waves"), list):
        located["waves"] = [_located_file(each, "keys_file", base=base, home=home) for each in data["waves"]]
    if "policy" in data:
        policy = _located_file(data["policy"], "excluded", base=base, home=home)
        located["policy"] = _located_file(policy, "keys", base=base, home=home)
    return located


def _located_file(data: object, name: str, *, base: Path, home: Path) -> object:
    if not isinstance(data, dict) or not isinstance(data.get(name), str):
        return data
    return {**data, name: str(_absolute(data[name], base=base, home=home))}


def _located_ledger(url: str, *, base: Path, home: Path) -> str:
    head, separator, tail = url.partition(":///")
    path, query, options = tail.partition("?")
    if not separator or not head.startswith("sqlite") or not path or path == ":memory:" or path.startswith("file:"):
        return url  # PostgreSQL, or what `values.ledger_url` is going to refuse
    return f"{head}:///{_absolute(path, base=base, home=home)}{query}{options}"


def _absolute(text: str, *, base: Path, home: Path) -> Path:
    if "\0" in text:
        return Path(text)  # `values.file_path` refuses it
    return (home / text[2:] if text.startswith("~/") else base / text).resolve()


def _files(data: Mapping[str, object]) -> list[tuple[str, str]]:
    endpoints = data.get("endpoints")
    blocks = endpoints.items() if isinstance(endpoints, dict) else ()
    named = [("prices", data.get("prices"))]
    named += [(f"endpoints.{name}.ca_file", each.get("ca_file")) for name, each in blocks if isinstance(each, dict)]
    categories = data.get("categories")
    policies = (
        ((name, each.get("policy")) for name, each in categories.items() if isinstance(each, dict))
        if isinstance(categories, dict)
        else ()
    )
    named += [(f"categories.{name}.policy.keys", each.get("keys")) for name, each in policies if isinstance(each, dict)]
    return [(place, path) for place, path in named if isinstance(path, str)]

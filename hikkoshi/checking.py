"""Look whether everything that a configuration names is there and answers: endpoints, keys, buckets, clocks, ledger and vault.

Guarantees: writes nothing anywhere; every problem is found in one go, each named with what is missing. What only a write can show
(a right to put, a condition that is honoured) is the probe's business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from connectors.assemble import ledger_alone
from connectors.clock import SystemClock
from connectors.s3.configuration import BucketConfigurations
from connectors.state import belongs
from connectors.stores import S3Stores
from connectors.vault import StoreVault
from relocation.ports import Ledger, Store
from relocation.rules.amounts import amount
from relocation.rules.errors import BucketMissing, Forbidden, HikkoshiError, Unreachable, WrongCredentials
from relocation.rules.keys import CANARY_PREFIX
from relocation.rules.objects import Place
from relocation.rules.parity import compare, unseen
from relocation.rules.probe_changes import PROBES_LOOKED_AT, changes
from relocation.rules.records import Answers
from relocation.rules.summary import AnswerChange, Parity
from relocation.settings import Migration
from relocation.stages.parity import slice_of
from relocation.stages.probe import Side

SKEW_S_MAX = 60.0
"""More than that is worth a look; at 15 minutes most stores refuse signatures."""
NEEDED = {"source": ("reader", "prober"), "target": ("reader", "writer", "prober"), "vault": ("vault", "prober")}
"""Which roles a run needs at the buckets of a side."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong and where. `stops` says that a run could not begin, or go on, with it."""

    where: str
    what: str
    stops: bool = True


@dataclass(slots=True)
class EndpointCheck:
    """One endpoint: whether it answers, whose keys work, which buckets are there, how far its clock is ahead."""

    name: str
    url: str
    country: str
    answers: bool = False
    skew_s: float | None = None
    roles: dict[str, bool] = field(default_factory=dict)
    missing: dict[str, bool] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Probed:
    """The last answers of a place and how old they are; `answers` is None where it was never probed."""

    place: Place
    answers: Answers | None
    age_s: float
    changes: tuple[AnswerChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """Everything that was looked at."""

    endpoints: tuple[EndpointCheck, ...]
    probes: tuple[Probed, ...]
    ledger: str
    problems: tuple[Problem, ...]
    parity: tuple[Parity, ...] = ()


def places_of(settings: Migration) -> dict[Place, Side]:
    """Return every bucket of every move, and the vault, each with its side, in the order of the file."""
    found: dict[Place, Side] = {}
    for category in settings.categories.values():
        for move in category.moves:
            found.setdefault(Place(move.source.endpoint, move.source.bucket), "source")
            found.setdefault(Place(move.target.endpoint, move.target.bucket), "target")
    found.setdefault(Place(settings.vault.endpoint, settings.vault.bucket), "vault")
    return found


async def check(settings: Migration, environ: Mapping[str, str]) -> Checked:
    """Look at everything. What is wrong is in `problems`; raised is only what nobody foresaw."""
    clock = SystemClock()
    stores = S3Stores(settings, environ, clock)
    try:
        endpoints = await asyncio.gather(*(_endpoint(settings, stores, clock, name) for name in settings.endpoints))
        reachable = any(each.answers for each in endpoints if each.name == settings.vault.endpoint)
        ledger, probes, problems = await _state(settings, stores if reachable else None, clock)
        parity, unlike = await _parity(settings, stores, endpoints)
    finally:
        await stores.close()
    found = [problem for each in endpoints for problem in each.problems]
    return Checked(tuple(endpoints), probes, ledger, tuple(dict.fromkeys((*found, *problems, *unlike))), parity)


async def _endpoint(settings: Migration, stores: S3Stores, clock: SystemClock, name: str) -> EndpointCheck:
    configured = settings.endpoints[name]
    found = EndpointCheck(name, configured.url, configured.country)
    sides = {place.bucket: side for place, side in places_of(settings).items() if place.endpoint == name}
    found.missing = dict.fromkeys(sides, False)
    found.problems += [
        Problem(f"endpoints.{name}.credentials.{role}", "is not configured, and a run needs it: name the role's keys")
        for role in dict.fromkeys(role for side in sides.values() for role in NEEDED[side])
        if role not in configured.credentials
    ]
    try:
        for role in configured.credentials:
            store = stores.of(name, role)
            found.roles[role] = await _role_works(found, store, _asked_by(settings, name, role))
            found.answers = True
            if found.skew_s is None and found.roles[role] and sides:
                found.skew_s = await _skew_s(store, next(iter(sides)), clock)
    except HikkoshiError as error:  # out of reach, or not to be understood: the other roles would say the same
        found.problems.append(Problem(f"{name}, {configured.url}", str(error)))
    if found.skew_s is not None and abs(found.skew_s) > SKEW_S_MAX:
        side = f"{abs(found.skew_s):.0f} s {'ahead of' if found.skew_s > 0 else 'behind'} this machine's"
        found.problems.append(Problem(name, f"its clock is {side}: set both by NTP; signatures fail from 900 s on", stops=False))
    return found


def _asked_by(settings: Migration, endpoint: str, role: str) -> list[tuple[str, str]]:
    """Return the buckets and prefixes that a role has to be able to list; none where it needs no listing of ours."""
    moves = [move for category in settings.categories.values() for move in category.moves]
    sources = [(move.source.bucket, move.source.prefix) for move in moves if move.source.endpoint == endpoint]
    targets = [(move.target.bucket, move.target.prefix) for move in moves if move.target.endpoint == endpoint]
    vault = [(settings.vault.bucket, "")] if settings.vault.endpoint == endpoint else []
    asked = {"reader": sources + targets, "writer": targets, "vault": vault}.get(role, [])
    if role == "prober":
        asked = [(bucket, CANARY_PREFIX) for bucket, _ in sources + targets + vault]
    return list(dict.fromkeys(asked))


async def _role_works(found: EndpointCheck, store: Store, asked: list[tuple[str, str]]) -> bool:
    """Make the cheapest calls that tell whether a role's keys and rights are there; what is not becomes a problem."""
    works = True
    if not asked:
        try:
            await store.list_buckets()
        except Forbidden:
            return True  # the store knows the keys, and this is not what they are for
        except WrongCredentials as error:
            found.problems.append(Problem(f"{found.name}, role {store.role}", str(error)))
            return False
    for bucket, prefix in asked:
        try:
            await store.list_objects(bucket, prefix=prefix, page_keys=1)
        except BucketMissing as error:
            if not found.missing[bucket]:
                found.problems.append(Problem(f"{found.name}/{bucket}", str(error)))
            found.missing[bucket] = True
        except (WrongCredentials, Forbidden) as error:
            found.problems.append(Problem(f"{found.name}, role {store.role}", str(error)))
            works = False
            if isinstance(error, WrongCredentials):
                break
    return works


async def _skew_s(store: Store, bucket: str, clock: SystemClock) -> float:
    before = clock.now()
    said = await store.server_time(bucket)
    return said + 0.5 - (before + clock.now()) / 2  # the answer's Date has whole seconds


async def _parity(
    settings: Migration, stores: S3Stores, endpoints: list[EndpointCheck]
) -> tuple[tuple[Parity, ...], list[Problem]]:
    """Compare the buckets of each move, where both are there and the readers' keys work; what refuses a plan is a problem."""
    well = {
        (each.name, bucket) for each in endpoints if each.roles.get("reader") for bucket in each.missing if not each.missing[bucket]
    }
    buckets = BucketConfigurations(stores)
    lines: dict[Parity, None] = {}
    problems: list[Problem] = []
    try:
        for category in settings.categories.values():
            for move in category.moves:
                places = [Place(side.endpoint, side.bucket) for side in (move.source, move.target)]
                if all((place.endpoint, place.bucket) in well for place in places):
                    source, target = [await buckets.read(place) for place in places]
                    lines |= dict.fromkeys(compare(source, target, slice_of(category, move)))
                    problems += [Problem("set up", words, stops=False) for words in (unseen(target),) if words]
    except HikkoshiError as error:
        problems.append(Problem("set up", str(error)))
    refused = [line.meaning for line in lines if line.verdict == "refused"]
    problems += [Problem("set up", f"{words}: no plan is made while it is switched on") for words in refused]
    return tuple(lines), problems


async def _state(settings: Migration, stores: S3Stores | None, clock: SystemClock) -> tuple[str, tuple[Probed, ...], list[Problem]]:
    """Look at the ledger, and, where there are `stores`, at the vault and whether the two belong together."""
    probes: tuple[Probed, ...] = ()
    problems: list[Problem] = []
    words = "not begun yet"
    try:
        async with ledger_alone(settings) as ledger:
            if ledger is not None:
                probes = tuple([await _probed(settings, ledger, place, clock) for place in places_of(settings)])
                words = amount(len(await ledger.list_runs(limit=1000)), "run")
            if stores is not None:
                await _vault(settings, stores, clock, ledger)
    except Unreachable as error:
        problems.append(Problem("vault", str(error)))
    except HikkoshiError as error:
        problems.append(Problem("ledger and vault", str(error)))
    return words, probes or tuple(Probed(place, None, 0.0) for place in places_of(settings)), problems


async def _probed(settings: Migration, ledger: Ledger, place: Place, clock: SystemClock) -> Probed:
    history = await ledger.probe_history(place.endpoint, place.bucket, limit=PROBES_LOOKED_AT)
    answers = history[0] if history else None
    if answers and answers.url != settings.endpoints[place.endpoint].url:
        answers = None  # another address may lead to another store
    age_s = clock.now() - datetime.fromisoformat(answers.at).timestamp() if answers else 0.0
    return Probed(place, answers, max(age_s, 0.0), changes(history) if answers else ())


async def _vault(settings: Migration, stores: S3Stores, clock: SystemClock, ledger: Ledger | None) -> None:
    place = settings.vault
    store = stores.of(place.endpoint, "vault")
    vault = await StoreVault.open(store, place.bucket, prefix=settings.migration, retention_days=place.retention_days, clock=clock)
    await belongs(ledger, vault)

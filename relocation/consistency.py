"""What no single value of a configuration shows: the rules between endpoints, moves, waves and limits. Pure.

Guarantees: every problem is found in one go, also in a draft of which some values are wrong; those values are left out here.
Refuses what could lose or mix data: two moves over the same keys, a source that is its own target, data outside its residency,
evidence among data, our canaries among people's objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import combinations

from relocation.rules.keys import CANARY_PREFIX, is_reserved
from relocation.rules.values import identity_of
from relocation.rules.waves import Partition, partition_problems, share_keys
from relocation.settings import Move, Side, Wave, selectors_of


@dataclass(frozen=True, slots=True)
class DraftCategory:
    """What could be read of a category. `named_endpoints` maps places below it to the endpoint named there; `waves_complete`
    says that `waves` holds all of the file's, in order."""

    residency: str | None
    part_bytes: int | None
    moves_versions: bool
    named_endpoints: Mapping[str, str]
    moves: Mapping[int, Move]
    waves: tuple[Wave, ...]
    waves_complete: bool
    customer_keys: tuple[str, ...] = ()
    """The sides (`source`, `target`) whose objects a customer's key encrypts."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What could be read of a configuration: the endpoints' names, those of their urls and countries that are right, and so on."""

    endpoint_names: tuple[str, ...]
    urls: Mapping[str, str]
    countries: Mapping[str, str]
    vault_endpoint: str | None
    vault_bucket: str | None
    budget_bytes: int | None
    categories: Mapping[str, DraftCategory]

    def server_of(self, endpoint: str) -> str:
        """Return what is the same for two endpoint names that are one server."""
        url = self.urls.get(endpoint)
        return identity_of(url) if url else f"endpoint {endpoint}"


@dataclass(frozen=True, slots=True)
class _Slot:
    """One side of one move, with where it stands in the file."""

    path: str
    is_target: bool
    side: Side

    def shares_keys(self, other: _Slot, draft: Draft) -> bool:
        return (
            self.side.bucket == other.side.bucket
            and share_keys(self.side.prefix, other.side.prefix)
            and draft.server_of(self.side.endpoint) == draft.server_of(other.side.endpoint)
        )


def problems(draft: Draft) -> tuple[str, ...]:
    """Return every problem as `place: what is wrong; what would be right`."""
    return (
        *_unknown_endpoints(draft),
        *_one_server_two_countries(draft),
        *_outside_residency(draft),
        *_sources_in_two_countries(draft),
        *_overlapping_moves(draft),
        *_evidence_among_data(draft),
        *_canaries(draft),
        *_waves(draft),
        *_parts_over_budget(draft),
        *_customer_keys_in_clear(draft),
    )


def meant(name: str, known: tuple[str, ...]) -> str:
    """Return the second half of a message about an unknown name: the one that was probably meant, or all there are."""
    close = get_close_matches(name, known, n=1)
    return f"did you mean `{close[0]}`?" if close else f"there are {', '.join(sorted(known))}" if known else "there are none"


def _unknown_endpoints(draft: Draft) -> Iterator[str]:
    places = {"vault.endpoint": draft.vault_endpoint} if draft.vault_endpoint is not None else {}
    named = {
        f"categories.{name}.{place}": endpoint
        for name, each in draft.categories.items()
        for place, endpoint in each.named_endpoints.items()
    }
    for place, endpoint in {**places, **named}.items():
        if endpoint not in draft.endpoint_names:
            yield f"{place}: `{endpoint}` is no endpoint; {meant(endpoint, draft.endpoint_names)}"


def _one_server_two_countries(draft: Draft) -> Iterator[str]:
    for first, second in combinations(draft.urls, 2):
        countries = draft.countries.get(first), draft.countries.get(second)
        if draft.server_of(first) == draft.server_of(second) and None not in countries and countries[0] != countries[1]:
            yield (
                f"endpoints.{second}.country: is {countries[1]}, but `{first}` with the same address is in {countries[0]}; "
                "a server stands in one country"
            )


def _outside_residency(draft: Draft) -> Iterator[str]:
    for name, category in draft.categories.items():
        for index, move in category.moves.items():
            endpoint = move.target.endpoint
            country = draft.countries.get(endpoint)
            if category.residency and country and country != category.residency:
                right = sorted(each for each, where in draft.countries.items() if where == category.residency)
                rather = f"a target in {category.residency}" + (f", such as `{right[0]}`" if right else "")
                yield (
                    f"categories.{name}.moves.{index}.target.endpoint: `{endpoint}` is in {country}, "
                    f"and the category's residency is {category.residency}; {rather}"
                )


def _sources_in_two_countries(draft: Draft) -> Iterator[str]:
    """Name the sources of a category that lie elsewhere than its first: one country stands on all that is reported of it."""
    for name, category in draft.categories.items():
        sources = {index: move.source.endpoint for index, move in sorted(category.moves.items())}
        known = [(index, source, draft.countries[source]) for index, source in sources.items() if source in draft.countries]
        for index, source, country in known[1:]:
            first, _, where = known[0]
            if country != where:
                yield (
                    f"categories.{name}.moves.{index}.source.endpoint: `{source}` is in {country}, and the source of moves.{first} "
                    f"in {where}; a category for each country, since reports say of a category in which country it still is"
                )


def _slots(draft: Draft) -> list[_Slot]:
    return [
        _Slot(f"categories.{name}.moves.{index}.{'target' if is_target else 'source'}", is_target, side)
        for name, category in draft.categories.items()
        for index, move in category.moves.items()
        for is_target, side in ((False, move.source), (True, move.target))
    ]


def _overlapping_moves(draft: Draft) -> Iterator[str]:
    for first, second in combinations(_slots(draft), 2):
        if not first.shares_keys(second, draft):
            continue
        shared = f"{second.path}: {_place(second.side)} shares keys with {_place(first.side)} of {first.path}"
        if first.path.rpartition(".")[0] == second.path.rpartition(".")[0]:
            yield f"{second.path}: lies in the source, {_place(first.side)}; a target apart from it"
        elif first.is_target == second.is_target:
            yield f"{shared}; each key is {'written' if first.is_target else 'read'} by one move only"
        else:
            yield f"{shared}; what one move writes no other may read"


def _evidence_among_data(draft: Draft) -> Iterator[str]:
    if not draft.vault_endpoint or not draft.vault_bucket:
        return
    for slot in _slots(draft):
        same_server = draft.server_of(slot.side.endpoint) == draft.server_of(draft.vault_endpoint)
        if same_server and slot.side.bucket == draft.vault_bucket:
            yield f"vault.bucket: is the bucket of {slot.path} too; a bucket of its own, because all in it is locked"
            return


def _canaries(draft: Draft) -> Iterator[str]:
    reserved = f"lies below `{CANARY_PREFIX}`, which is reserved for the probe's own objects; another prefix"
    for slot in _slots(draft):
        if is_reserved(slot.side.prefix):
            yield f"{slot.path}.prefix: {reserved}"
    for name, category in draft.categories.items():
        prefixes = {side.prefix for move in category.moves.values() for side in (move.source, move.target)}
        outside = [prefix for prefix in prefixes if not is_reserved(prefix)]
        for wave in category.waves:
            if any(is_reserved(prefix + below) for prefix in outside for below in wave.prefixes):
                yield f"categories.{name}.waves: `{wave.name}` {reserved}"


def _waves(draft: Draft) -> Iterator[str]:
    for name, category in draft.categories.items():
        if category.waves_complete:
            if category.moves_versions and not Partition(selectors_of(category.waves)).by_key:
                why = "`versions: all` takes the versions of a key together; choose waves by keys, not by days or sizes"
                yield f"categories.{name}.waves: {why}"
            for place, problem in partition_problems(selectors_of(category.waves)):
                yield f"categories.{name}.waves{'.' if place else ''}{place}: {problem}"


def _parts_over_budget(draft: Draft) -> Iterator[str]:
    for name, category in draft.categories.items():
        if draft.budget_bytes and category.part_bytes and category.part_bytes > draft.budget_bytes:
            yield (
                f"categories.{name}.policy.part_bytes: one part of {category.part_bytes} bytes does not fit into "
                f"transfer.budget_bytes, {draft.budget_bytes}; a smaller part or a larger budget"
            )


def _customer_keys_in_clear(draft: Draft) -> Iterator[str]:
    """Name the endpoints that a customer's key would reach without TLS; not even this machine is excepted: stores refuse it."""
    for name, category in draft.categories.items():
        for side in category.customer_keys:
            endpoints = {getattr(move, side).endpoint for move in category.moves.values()}
            for endpoint in sorted(endpoints):
                if draft.urls.get(endpoint, "").startswith("http://"):
                    yield (
                        f"categories.{name}.policy.customer_keys.{side}: a customer's key travels with each request, and "
                        f"endpoints.{endpoint}.url is plain http; an https address"
                    )


def _place(side: Side) -> str:
    return f"`{side.endpoint}/{side.bucket}/{side.prefix}`"

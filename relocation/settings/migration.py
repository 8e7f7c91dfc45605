"""One migration as one file describes it: its categories, and what holds for all of them."""

from __future__ import annotations

import difflib
import hashlib
import json
from typing import Annotated

from pydantic import AfterValidator, Field

from relocation.rules import values
from relocation.rules.errors import ConfigurationError
from relocation.rules.waves import Partition, Selector
from relocation.settings.endpoints import Endpoint, Move, VaultPlace
from relocation.settings.policy import Policy
from relocation.settings.transfer import Transfer
from relocation.settings.values import Country, Day, FilePath, Settings, Slug, TimeZone
from relocation.settings.waves import Wave, selectors_of


class Category(Settings):
    """A data class with its moves, the country that it must live in, the day by which, and who answers for it."""

    moves: Annotated[tuple[Move, ...], Field(min_length=1)]
    residency: Country
    deadline: Day
    owner: Annotated[str, Field(min_length=1)]
    description: str = ""
    policy: Policy = Policy()
    waves: tuple[Wave, ...] = ()

    def all_waves(self) -> tuple[Wave, ...]:
        """Return the waves in file order; where none is given, one named `all`."""
        return self.waves or (Wave(name="all"),)

    def selectors(self) -> tuple[Selector, ...]:
        """Return what each wave asks for, in file order."""
        return selectors_of(self.all_waves())

    def partition(self) -> Partition:
        """Return the waves, for asking object by object."""
        return Partition(self.selectors())

    def partition_sha256(self) -> str:
        """Return one hash over the moves and over what each wave asks for: another one may put an object into another wave."""
        moves = [move.model_dump(mode="json") for move in self.moves]
        waves = {each.name: each.that_decides() for each in self.selectors()}
        return hashlib.sha256(json.dumps([moves, waves], sort_keys=True).encode()).hexdigest()


class Worker(Settings):
    """The machines that run this. Every byte passes through their memory: their `country` stands in the record of each run."""

    country: Country | None = None


class Migration(Settings):
    """One migration, as one file describes it. Paths are absolute; `file` is where it was read from."""

    migration: Slug
    state_dir: FilePath
    ledger: Annotated[str, AfterValidator(values.ledger_url)]
    timezone: TimeZone = "Asia/Tokyo"
    endpoints: Annotated[dict[Slug, Endpoint], Field(min_length=1)]
    vault: VaultPlace
    transfer: Transfer = Transfer()
    worker: Worker = Worker()
    categories: Annotated[dict[Slug, Category], Field(min_length=1)]
    prices: FilePath | None = None
    file: FilePath

    def category_named(self, name: str) -> Category:
        """Return a category, or raise `ConfigurationError` that lists those there are."""
        if name not in self.categories:
            raise ConfigurationError(str(self.file), (f"categories: no category `{name}`{_known(name, sorted(self.categories))}",))
        return self.categories[name]

    def endpoint_named(self, name: str) -> Endpoint:
        """Return an endpoint, or raise `ConfigurationError` that lists those there are."""
        if name not in self.endpoints:
            raise ConfigurationError(str(self.file), (f"endpoints: no endpoint `{name}`{_known(name, sorted(self.endpoints))}",))
        return self.endpoints[name]

    def waves_of(self, category: str, wave: str = "") -> tuple[Wave, ...]:
        """Return the wave of that name, or all in file order; `ConfigurationError` lists those there are."""
        waves = self.category_named(category).all_waves()
        chosen = tuple(each for each in waves if wave in {"", each.name})
        if not chosen:
            known = _known(wave, [each.name for each in waves])
            raise ConfigurationError(str(self.file), (f"categories.{category}.waves: no wave `{wave}`{known}",))
        return chosen

    def config_sha256(self) -> str:
        """Return the SHA-256 (hex) of what decides actions: moves, wave selectors, policy, residency, countries.

        Addresses, credential references, deadlines, schedules, pace and the order of waves leave it as it is. An approval that is
        bound to it goes void when it changes.
        """
        decides = {
            "migration": self.migration,
            "countries": {name: endpoint.country for name, endpoint in self.endpoints.items()},
            "categories": {
                name: {
                    "moves": [move.model_dump(mode="json") for move in category.moves],  # facts and rows know a move by its index
                    "policy": category.policy.that_decides(),
                    "residency": category.residency,
                    "waves": {selector.name: selector.that_decides() for selector in category.selectors()},
                }
                for name, category in self.categories.items()
            },
        }
        canonical = json.dumps(decides, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()


def _known(name: str, names: list[str]) -> str:
    """Return how a sentence about an unknown name ends: the one that was perhaps meant, and all there are."""
    near = difflib.get_close_matches(name, names, n=1)
    meant = f"; did you mean `{near[0]}`?" if near else ";"
    return f"{meant} {'There' if near else 'there'} {'are' if len(names) > 1 else 'is'} {', '.join(names)}"

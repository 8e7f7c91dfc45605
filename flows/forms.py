"""The form of a deployment: its category fixed, its waves to choose from, and what each field means in plain words.

The server holds runs to it: a wave that is not in the list is refused (409) before anything starts. Prefect shows explanations as
plain text, so they are written as such. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from relocation.rules.keys import shown
from relocation.settings import Category, Migration, Wave
from relocation.stages.catch_up import PASSES_MAX

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
SHOWN_PREFIXES_MAX = 8
PASSES_IN_FORM_MAX = 100


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of one deployment of a category. `dry_run`: it has the switch, `catches_up`: it has the fields of a catch-up;
    `evidence` says where a dry run leaves its own."""

    name: str
    category: Category
    dry_run: bool
    evidence: str = ""
    catches_up: bool = False

    def schema(self) -> dict[str, Json]:
        """Return the JSON schema that Prefect draws the form from, and checks parameters against."""
        waves = [wave.name for wave in self.category.all_waves()]
        chosen: dict[str, Json] = {
            "title": "Wave",
            "type": "string",
            "enum": list(waves),
            "position": 1,
            "description": f"Which part of {self.name}. "
            + " ".join(told(wave, self.category) for wave in self.category.all_waves()),
        }
        fixed: dict[str, Json] = {
            "title": "Category",
            "type": "string",
            "enum": [self.name],
            "default": self.name,
            "position": 0,
            "description": f"Fixed: each category has deployments of its own. {self.category.description}".strip(),
        }
        if len(waves) == 1:
            chosen["default"] = waves[0]
        properties: dict[str, Json] = {"category": fixed, "wave": chosen}
        if self.dry_run:
            properties["dry_run"] = _switch(self.evidence)
        if self.catches_up:
            properties |= _passes()
        return {
            "title": "Parameters",
            "type": "object",
            "properties": properties,
            "required": [name for name in properties if AS_A_RULE.get(name) != ""],  # what is empty as a rule may be left out
            "additionalProperties": False,
            "definitions": {},
        }

    def parameters(self) -> dict[str, Json]:
        """Return what is filled in beforehand; a "quick run" takes it as it is."""
        waves = self.category.all_waves()
        only: dict[str, Json] = {"wave": waves[0].name} if len(waves) == 1 else {}
        more: dict[str, Json] = {"dry_run": True} if self.dry_run else {}
        return {"category": self.name} | only | more | (AS_A_RULE if self.catches_up else {})


def evidence_of(migration: Migration) -> str:
    """Return where plans, inventories and reports go, and for how long nobody can take them away: keys are personal data."""
    vault = migration.vault
    days = f"{vault.retention_days} day{'' if vault.retention_days == 1 else 's'}"
    return f"go to the evidence bucket {vault.endpoint}/{vault.bucket} and stay locked for {days}"


def _switch(evidence: str) -> Json:
    return {
        "title": "Dry run",
        "type": "boolean",
        "default": True,
        "position": 2,
        "description": (
            "On: only plan, and say what would happen. Nothing is written to your data: neither to source nor to target buckets; "
            f"the plan, inventories and report {evidence}. "
            "Off: copy what is missing, read all of it back, and report the proof. Nothing is ever deleted, "
            "and an object at the target that Hikkoshi did not write is never overwritten."
        ),
    }


AS_A_RULE: dict[str, Json] = {"fence": False, "passes_max": PASSES_MAX, "until_objects": 0, "changed": ""}
"""What a catch-up does unless somebody says otherwise: nobody is kept from writing."""


def _passes() -> dict[str, Json]:
    """Return the fields of a catch-up beside category and wave."""
    return {
        "fence": {
            "title": "Write fence",
            "type": "boolean",
            "default": AS_A_RULE["fence"],
            "position": 2,
            "description": (
                "Off: the application goes on writing, and what it writes after the last pass is left for the next catch-up. "
                "On: THE APPLICATION CAN'T WRITE for as long as one more pass takes. Its writes below the wave's keys are refused, "
                "reads go on; the fence is tried first, and lifted when the pass ends, however it ends."
            ),
        },
        "passes_max": {
            "title": "Passes at most",
            "type": "integer",
            "minimum": 1,
            "maximum": PASSES_IN_FORM_MAX,
            "default": AS_A_RULE["passes_max"],
            "position": 3,
            "description": "A source that changes as fast as a pass takes is never caught up with: so many passes are enough.",
        },
        "until_objects": {
            "title": "Few enough",
            "type": "integer",
            "minimum": 0,
            "default": AS_A_RULE["until_objects"],
            "position": 4,
            "description": "The pass that finds no more than so many differing objects is the last.",
        },
        "changed": {
            "title": "Feed of changes",
            "type": "string",
            "default": AS_A_RULE["changed"],
            "position": 5,
            "description": (
                "A file beside the configuration, of keys or events, one a line: the first pass asks for these keys alone, "
                "and a whole one follows. Empty: whole passes only."
            ),
        },
    }


def nothing_to_fill_in() -> dict[str, Json]:
    """Return the JSON schema of a form without fields."""
    return {
        "title": "Parameters",
        "type": "object",
        "properties": {},
        "required": [],
        "additionalProperties": False,
        "definitions": {},
    }


def pace_schema(endpoints: list[str]) -> dict[str, Json]:
    """Return the JSON schema of the form that orders the pace of an endpoint."""
    fields: dict[str, Json] = {
        "endpoint": {
            "title": "Endpoint",
            "type": "string",
            "enum": list(endpoints),
            "description": "Whose pace to change. It holds for all waves that read from it or write to it.",
        },
        "what": {
            "title": "Pause",
            "type": "string",
            "enum": ["as it is", "pause", "go on"],
            "default": "as it is",
            "description": "pause: the endpoint is asked for nothing more until somebody chooses: go on.",
        },
        "bandwidth": {
            "title": "Bandwidth",
            "type": "string",
            "default": "",
            "pattern": r"^(|none|[0-9]+(\.[0-9]+)?\s*([KMGTkmgt]i?)?[Bb]/s)$",
            "description": "At most so much, as in 200MB/s, by all processes together. none: no limit. Empty: as it is.",
        },
        "requests_per_s": {
            "title": "Requests a second",
            "anyOf": [{"type": "number", "minimum": 0}, {"type": "null"}],
            "default": None,
            "description": "At most so many, by all processes together. 0: no limit. None: as it is.",
        },
        "clear": {
            "title": "Take earlier orders back",
            "type": "boolean",
            "default": False,
            "description": "On: the limits of the configuration hold again, before the changes above.",
        },
    }
    numbered: dict[str, Json] = {
        name: {**field, "position": position} for position, (name, field) in enumerate(fields.items()) if isinstance(field, dict)
    }
    return {
        "title": "Parameters",
        "type": "object",
        "properties": numbered,
        "required": ["endpoint"],
        "additionalProperties": False,
        "definitions": {},
    }


def told(wave: Wave, category: Category) -> str:
    """Return one sentence about a wave: what it takes, and when it starts by itself."""
    if wave.prefixes:
        more = len(wave.prefixes) - SHOWN_PREFIXES_MAX
        names = ", ".join(map(shown, wave.prefixes[:SHOWN_PREFIXES_MAX])) + (f" and {more} more" if more > 0 else "")
        what = f"{wave.name}: keys below {names}"
    else:
        what = f"{wave.name}: {'everything that no other wave takes' if len(category.waves) > 1 else 'all of it'}"
    if wave.schedule:
        what += f"; has a schedule ({wave.schedule.cron}, {wave.schedule.timezone})"
    if wave.catch_up_schedule:
        what += f"; catches up by one ({wave.catch_up_schedule.cron}, {wave.catch_up_schedule.timezone})"
    return f"{what}."

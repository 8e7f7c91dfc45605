"""What happens while a wave goes on, as sentences: the port `Progress` is told events with nouns, people read these. Pure.

Guarantees: every event can be told; one that has no sentence here, or lacks a noun of it, is told as it came: `event noun=value …`.
"""

from __future__ import annotations

from collections.abc import Mapping

from relocation.rules.amounts import amount

SENTENCES = {
    "inventory.listed": "listed the {side} {place}: {objects}",
    "inventory.of_wave": "listed the {side} {place}: {objects}, {mine} of this wave",
    "inventory.listing": "listing {place}: {objects} so far",
    "inventory.ranges": "{place} was listed in {ranges} ranges, many at once",
    "inventory.apart": "the {side} is listed again, in one range: {why}",
    "listing.apart": "listed again, in one range: {why}",
    "changes.asked": "asked for what a feed of changes names: {keys}, {at_source} at the source, {at_target} at the target",
    "inventory.compared": "held {place} against {way}: {objects}, {hidden} hidden from the listing",
    "unclaimed.looked": "looked for what nobody claims, through {objects} in {buckets}: {places}",
    "probe.changed": "{place} answers otherwise than before: {question} was {before}, is {after}",
    "endpoint.silent": "{endpoint} has not answered for {seconds} s; trying for up to {patience} s",
    "pace.waits": "{endpoint}: waiting for {seconds} s, because {reason}",
    "pace.paused": "{endpoint} is paused, by {by}",
    "pace.goes_on": "{endpoint} goes on",
    "lane.lost": "a process of this run was lost (process {process}, ended with {ended}); the others take over what it held",
}
COUNTED = {"objects": "object", "buckets": "bucket", "places": "place", "keys": "key"}


def sentence(event: str, facts: Mapping[str, object]) -> str:
    """Return an event as one line for a person."""
    try:
        return SENTENCES[event].format_map({name: _worded(name, str(value)) for name, value in facts.items()})
    except KeyError:
        return " ".join((event, *(f"{name}={value}" for name, value in facts.items())))


def _worded(name: str, value: str) -> str:
    """Return a count as `1 object`, `2,146 objects`; what is no count as it is."""
    if not value.isascii() or not value.isdigit() or (name not in COUNTED and name != "mine"):
        return value
    return amount(int(value), COUNTED[name]) if name in COUNTED else f"{int(value):,}"

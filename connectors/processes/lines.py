"""What a lane's process says to the one that started it: one JSON array a line, on its standard output.

Guarantees: a line is short and complete, or it is no line; nothing but counts, events and an error's words is said. Refuses what it
does not know: it came from another version, or from somebody who printed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from relocation.rules import errors

LINE_BYTES_MAX = 16_384
TEXT_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Advanced:
    """So much more was done."""

    objects: int
    bytes_: int
    errors: int


@dataclass(frozen=True, slots=True)
class Noted:
    """An event, with its facts as words."""

    event: str
    facts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Sealed:
    """No shard is left; this many were this lane's."""

    shards: int


@dataclass(frozen=True, slots=True)
class Failed:
    """What stops the wave: the error's name and words."""

    kind: str
    message: str

    def error(self) -> errors.HikkoshiError:
        """Return the error as one of ours; a kind that needs more than words becomes a plain `Refusal`."""
        kind = getattr(errors, self.kind, errors.Refusal)
        try:
            made = kind(self.message)
        except TypeError:
            made = errors.Refusal(self.message)
        return made if isinstance(made, errors.HikkoshiError) else errors.Refusal(self.message)


Line = Advanced | Noted | Sealed | Failed


def encode(line: Line) -> str:
    """Return a line without its end; words beyond 2,000 characters are cut."""
    match line:
        case Advanced():
            said: list[object] = ["advanced", line.objects, line.bytes_, line.errors]
        case Noted():
            said = ["noted", line.event, {name: text[:200] for name, text in list(line.facts.items())[:20]}]
        case Sealed():
            said = ["sealed", line.shards]
        case Failed():
            said = ["failed", line.kind, line.message[:TEXT_MAX]]
    return json.dumps(said)


def decode(text: bytes) -> Line | None:
    """Return what a line says; None for what is none of ours."""
    try:
        match json.loads(text):
            case ["advanced", int(objects), int(bytes_), int(failed)]:
                return Advanced(objects, bytes_, failed)
            case ["noted", str(event), dict(facts)]:
                return Noted(event, {str(name): str(value) for name, value in facts.items()})
            case ["sealed", int(shards)]:
                return Sealed(shards)
            case ["failed", str(kind), str(message)]:
                return Failed(kind, message)
    except ValueError:
        pass  # somebody printed: no word of ours
    return None

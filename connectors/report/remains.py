"""What remains at the source beside objects: histories that are not moved, and uploads that nobody completed; each with who saw it.

Guarantees: what nobody counted has no figure, and is never nought.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connectors.report.document import Json, uploads_line
from connectors.report.figures import moment, number, plain, size
from connectors.report.limits import SIDES, upload_figures
from connectors.report.words import Text, Words, say
from relocation.rules.history_seen import HistorySeen, history_of
from relocation.rules.residency import Holding, Said, WaveHolds
from relocation.rules.uploads_seen import UploadsSeen, uploads_seen


def history_words(seen: HistorySeen, source: Words) -> Text:
    """Return, in one sentence, what of a history stays in the country `source`."""
    if seen.stays:
        former: Words = say("uploads.at_least", n=seen.former.objects) if seen.uncounted else number(seen.former.objects)
        markers: Words = say("uploads.at_least", n=seen.markers) if seen.uncounted else number(seen.markers)
        return say("history.stays", source=source, former=former, size=size(seen.former.bytes), markers=markers)
    if seen.uncounted:
        return say("history.not_counted", source=source)
    return say("history.moved" if seen.moved else "history.none")


def histories_of(held: Sequence[Holding], timezone: str) -> list[tuple[Words, ...]]:
    """Return category, wave, former versions, their bytes, delete markers and who counted them, of each wave that was listed."""
    return [
        (plain(each.category), plain(wave.wave), *_figures(history_of(wave.histories)), said_by(wave.listed_by, timezone))
        for each in held
        for wave in each.waves
        if wave.listed_by
    ]


def _figures(seen: HistorySeen | None) -> tuple[Words, Words, Words]:
    if seen is None:
        return (say("residency.not_known"), "–", "–")
    if seen.moved:
        return (say("history.moved.short"), "–", "–")
    return (number(seen.former.objects), size(seen.former.bytes), number(seen.markers))


def not_counted(held: Holding) -> Iterator[WaveHolds]:
    """Yield the waves that were listed, and whose history nobody counted."""
    return (wave for wave in held.waves if wave.listed_by and history_of(wave.histories) is None)


def history_document(held: Holding) -> dict[str, Json]:
    """Return what of a category's history stays at the source as JSON; without figures where nobody counted any of it."""
    seen = held.history
    known = len(seen.uncounted) < len(held.waves)
    former: Json = {"objects": seen.former.objects, "bytes": seen.former.bytes}
    return {
        "former_versions": former if known else None,
        "delete_markers": seen.markers if known else None,
        "all_versions_moved": seen.moved,
        "waves_not_counted": list(seen.uncounted),
    }


def uploads_of(held: Sequence[Holding], timezone: str) -> list[tuple[Words, ...]]:
    """Return category, side, endpoint, figures and who saw it of the uploads that nobody completed."""
    return [
        (
            plain(each.category or "–"),
            say(SIDES[each.found.side]),
            plain(each.found.place),
            *upload_figures(each.found),
            said_by(each.said, timezone),
        )
        for each in uploads_seen(held)
    ]


def uploads_document(each: UploadsSeen) -> dict[str, Json]:
    """Return one line of the uploads that nobody completed as JSON; `category` null where none claims it."""
    return {"category": each.category or None, **uploads_line(each.found), "seen_by": said_document(each.said)}


def said_by(said: Said | None, timezone: str) -> Text:
    """Return which run said so, of which kind, and when."""
    if said is None:
        return say("residency.nobody")
    return say("residency.by", at=moment(said.at, timezone).split(" · ")[0], kind=say(f"kind.{said.kind}"), run=plain(said.run))


def said_document(said: Said | None) -> Json:
    """Return the same as JSON."""
    return {"run": said.run, "kind": said.kind, "at": said.at} if said else None

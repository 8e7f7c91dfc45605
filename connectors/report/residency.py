"""The residency report: which country holds what today, and what nobody knows. One self-contained page, and a document.

Guarantees: every figure has the run and the time that it comes from; a wave that nobody listed, and a listing that is old, is said
in words; nothing is called home but what was read back. Otherwise as the page of a run: it asks no host, and all is escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain

from markupsafe import Markup

from connectors.report import charts
from connectors.report.document import Json
from connectors.report.figures import in_days, moment, number, objects, plain, size
from connectors.report.limits import counted
from connectors.report.page import template
from connectors.report.remains import (
    histories_of,
    history_document,
    history_words,
    not_counted,
    said_by,
    said_document,
    uploads_document,
    uploads_of,
)
from connectors.report.timeline import timeline
from connectors.report.titles import term_name
from connectors.report.verdict import Level, Point, Verdict
from connectors.report.words import Text, Words, as_text, say, say_or, translated
from relocation.rules.brief import TROUBLE
from relocation.rules.deadlines import Chance
from relocation.rules.history_seen import history_seen
from relocation.rules.records import Action, Proof
from relocation.rules.residency import STALE_DAYS, Holding, Said, WaveHolds, age_days
from relocation.rules.summary import Count, Unclaimed
from relocation.rules.uploads_seen import uploads_seen

LATE = (Chance.LATE, Chance.PASSED)
STUCK = (Action.REFUSE.value, Action.CONFLICT.value)
PLACES_MAX = 100


@dataclass(frozen=True, slots=True)
class State:
    """All of a migration at one time."""

    migration: str
    timezone: str
    config_sha256: str
    at: datetime
    today: date
    held: tuple[Holding, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One wave in a category's table; what nobody has seen has no figure."""

    name: Words
    there: Words
    home: Words
    left: Words
    there_by: Words
    home_by: Words


@dataclass(frozen=True, slots=True)
class Part:
    """One category on the page."""

    holding: Holding
    countries: tuple[Text, Text]
    chance: Text
    history: Text
    level: Level
    picture: Markup | str
    waves: tuple[Row, ...]
    proofs: tuple[tuple[Text, Text, Markup, str], ...]
    lacking: Text
    trouble: tuple[tuple[Text, Count], ...]


@dataclass(frozen=True, slots=True)
class Place:
    """One bucket or prefix that no category claims, and who saw it last."""

    place: Unclaimed
    said: Said


def as_page(state: State) -> str:
    """Return the page."""
    places = unclaimed(state.held)
    return template("residency.html").render(
        state=state,
        at=moment(state.at.isoformat(), state.timezone),
        verdict=verdict(state),
        tiles=_tiles(state.held),
        parts=[part_of(each, state) for each in state.held],
        unknown=list(unknowns(state)),
        histories=histories_of(state.held, state.timezone),
        uploads=uploads_of(state.held, state.timezone),
        places=[
            (plain(each.place.place), *counted(each.place), said_by(each.said, state.timezone)) for each in places[:PLACES_MAX]
        ],
        more_places=max(0, max(len(places), *(wave.unclaimed_places for each in state.held for wave in each.waves)) - PLACES_MAX),
    )


def as_document(state: State) -> dict[str, Json]:
    """Return the same as JSON."""
    return {
        "migration": state.migration,
        "at": state.at.isoformat(),
        "config_sha256": state.config_sha256,
        "categories": [_category(each) for each in state.held],
        "unknown": [text.en for text in unknowns(state)],
        "unclaimed": [_place(each) for each in unclaimed(state.held)],
        "unfinished_uploads": [uploads_document(each) for each in uploads_seen(state.held)],
    }


def verdict(state: State) -> Verdict:
    """Return the sentence in big words, with a line for each category."""
    points = tuple(Point(_level(each), _point(each)) for each in state.held)
    levels = [point.level for point in points]
    left = sum((each.left for each in state.held), Count())
    sources = _listed_words(dict.fromkeys(_country(each.source_country) for each in state.held))
    history = history_seen((wave.wave, wave.histories) for each in state.held for wave in each.waves)
    late = [plain(each.category) for each in state.held if each.told.chance in LATE]
    if late:
        text = say("residency.late", categories=", ".join(late))
    elif any(not wave.listed_by for each in state.held for wave in each.waves):
        text = say("residency.unknown")
    elif any(wave.otherwise for each in state.held for wave in each.waves):
        text = say("residency.changed")
    elif left.objects:
        text = say("residency.left", n=objects(left.objects), size=size(left.bytes), source=sources)
    elif history.stays or history.uncounted:
        text = say("residency.history", history=history_words(history, sources))
    else:
        text = say("residency.home")
    level = Level.BAD if Level.BAD in levels else Level.ATTENTION if Level.ATTENTION in levels else Level.GOOD
    return Verdict(level, text, points)


def unknowns(state: State) -> Iterator[Text]:
    """Yield what nobody knows: what was never listed, or not of late, and what the runs themselves could not see."""
    for held in state.held:
        for wave in held.waves:
            yield from _unknowns_of(wave, _name(held, wave), state)
        for wave in not_counted(held):
            yield say("residency.no_history", wave=_name(held, wave))
        if any(wave.listed_by for wave in held.waves) and not any(wave.unfinished for wave in held.waves):
            yield say("residency.no_uploads", category=plain(held.category))
    seen: dict[str, list[str]] = {}
    for held in state.held:
        for sentence in chain.from_iterable(wave.unknown for wave in held.waves):
            names = seen.setdefault(sentence, [])
            if held.category not in names:
                names.append(held.category)
    for sentence, names in seen.items():
        yield say("residency.said", categories=plain(", ".join(names)), sentence=translated(plain(sentence)))


def _unknowns_of(wave: WaveHolds, name: Text, state: State) -> Iterator[Text]:
    if wave.otherwise:
        yield say("residency.otherwise", wave=name)
    if wave.listed_by is None:
        yield say("residency.never", wave=name)
        return
    if (days := age_days(wave.listed_by.at, state.at)) >= STALE_DAYS:
        yield say("residency.stale", wave=name, days=days, at=_day(wave.listed_by.at, state.timezone))
    if wave.proved_by is None:
        yield say("residency.unproved", wave=name)


def unclaimed(held: Sequence[Holding]) -> list[Place]:
    """Return each place once, as the newest listing saw it: it is the same for all categories of an endpoint."""
    listings = [(wave.listed_by, wave.unclaimed) for each in held for wave in each.waves if wave.listed_by]
    newest: dict[str, tuple[Said, tuple[Unclaimed, ...]]] = {}
    for said, places in sorted(listings, key=lambda each: each[0].at):
        for endpoint in {place.place.partition("/")[0] for place in places}:
            newest[endpoint] = (said, tuple(place for place in places if place.place.partition("/")[0] == endpoint))
    found = [Place(place, said) for said, places in newest.values() for place in places]
    return sorted(found, key=lambda each: (-each.place.bytes, each.place.place))


def part_of(held: Holding, state: State) -> Part:
    picture: Markup | str = ""
    if held.days:
        title = say("timeline.title", category=plain(held.category), source=_country(held.source_country))
        picture = timeline(held.days, held.told, deadline=held.deadline, today=state.today, title=title)
    proofs = held.proofs
    return Part(
        held,
        (_country(held.source_country), _country(held.target_country)),
        _chance(held),
        history_words(held.history, _country(held.source_country)),
        _level(held),
        picture,
        tuple(_row(each, state.timezone) for each in held.waves),
        tuple(
            (
                say(f"proof.{name}"),
                say(f"proof.{name}.means"),
                charts.bar(proofs[name], held.home.objects, name),
                number(proofs[name]),
            )
            for name in Proof
            if proofs.get(name)
        ),
        _listed_words(dict.fromkeys(say(f"proof.{name}") for name in Proof if not proofs.get(name)), "、"),
        tuple((term_name(name), held.trouble(name)) for name in TROUBLE if held.trouble(name).objects),
    )


def _row(wave: WaveHolds, timezone: str) -> Row:
    there, home, left = (f"{number(count.objects)} · {size(count.bytes)}" for count in (wave.there, wave.home, wave.left))
    return Row(
        plain(wave.wave),
        there if wave.listed_by else say("residency.not_known"),
        home if wave.proved_by else "–",
        left if wave.listed_by else say("residency.not_known"),
        said_by(wave.listed_by, timezone),
        said_by(wave.proved_by, timezone),
    )


def _tiles(held: Sequence[Holding]) -> tuple[tuple[Text, str, str, str], ...]:
    stuck = sum((each.trouble(*STUCK) for each in held), Count())
    there, home, left = (sum((getattr(each, name) for each in held), Count()) for name in ("there", "home", "left"))
    counted = (
        ("residency.tile.there", there, ""),
        ("residency.tile.home", home, ""),
        ("residency.tile.left", left, ""),
        ("residency.tile.stuck", stuck, "bad" if stuck.objects else ""),
    )
    return tuple((say(name), number(count.objects), size(count.bytes), style) for name, count, style in counted)


def _level(held: Holding) -> Level:
    if held.told.chance in LATE:
        return Level.BAD
    well = held.told.chance in (Chance.HOME, Chance.IN_TIME) and not _stays(held)
    return Level.GOOD if well and not held.trouble(*STUCK).objects else Level.ATTENTION


def _stays(held: Holding) -> bool:
    return held.history.stays or any(not_counted(held))


def _point(held: Holding) -> Text:
    chance = _chance(held)
    if _stays(held):
        history = history_words(held.history, _country(held.source_country))
        chance = Text(f"{chance.en}; {history.en}", f"{chance.ja}。{history.ja}")
    if all(wave.listed_by is None for wave in held.waves):
        return say("residency.point.unlisted", category=plain(held.category), chance=chance)
    return say("residency.point", category=plain(held.category), left=objects(held.left.objects), chance=chance)


def _chance(held: Holding) -> Text:
    """Return whether the category makes its deadline, with the day and the slack."""
    told = held.told
    blanks: dict[str, Words] = {"deadline": str(held.deadline)}
    if told.home_by is not None and told.slack_days is not None:
        blanks |= {"day": str(told.home_by), "slack": in_days(abs(told.slack_days)), "n": number(told.per_day.objects)}
    return say(f"chance.{told.chance.name.lower()}", **blanks)


def _day(at: str, timezone: str) -> str:
    return moment(at, timezone).split(" · ")[0]


def _name(held: Holding, wave: WaveHolds) -> Text:
    category = as_text(plain(held.category))
    if len(held.waves) == 1:
        return category
    return Text(
        f"{category.en}, {say('wave', wave=plain(wave.wave)).en}", f"{category.ja}の{say('wave', wave=plain(wave.wave)).ja}"
    )


def _country(code: str) -> Text:
    return say_or(f"country.{code}", plain(code))


def _listed_words(texts: dict[Text, None], comma: str = "・") -> Text:
    return Text(", ".join(text.en for text in texts), comma.join(text.ja for text in texts))


def _category(held: Holding) -> Json:
    told = held.told
    return {
        "category": held.category,
        "source_country": held.source_country,
        "target_country": held.target_country,
        "residency": held.residency,
        "owner": held.owner,
        "deadline": held.deadline.isoformat(),
        "chance": told.chance.value,
        "home_by": told.home_by.isoformat() if told.home_by else None,
        "slack_days": told.slack_days,
        "there": _counted(held.there),
        "home": _counted(held.home),
        "left": _counted(held.left),
        "proofs": {name.value: held.proofs.get(name, 0) for name in Proof},
        "trouble": {name: _counted(held.trouble(name)) for name in TROUBLE},
        "history": history_document(held),
        "waves": [
            {"wave": each.wave, "there": _counted(each.there), "left": _counted(each.left), "home": _counted(each.home)}
            | {"listed_by": said_document(each.listed_by), "proved_by": said_document(each.proved_by)}
            for each in held.waves
        ],
        "by_day": [
            {"day": day.day.isoformat(), "left": _counted(day.left), "home": _counted(day.home), "waves_not_seen": list(day.unseen)}
            for day in held.days
        ],
    }


def _place(each: Place) -> Json:
    counted = each.place.objects >= 0
    figures: dict[str, Json] = {"objects": each.place.objects if counted else None, "bytes": each.place.bytes if counted else None}
    return {"place": each.place.place, **figures, "newest": each.place.newest, "seen_by": said_document(each.said)}


def _counted(count: Count) -> Json:
    return {"objects": count.objects, "bytes": count.bytes}

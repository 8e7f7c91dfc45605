"""What a report says of its own limits: unclaimed places, unknowns, declared losses, the probe and its age, an estimate's basis."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from connectors.report.figures import delete_markers, duration, former_versions, keys, moment, objects, plain, size
from connectors.report.words import Text, say, say_or, translated
from relocation.rules.keys import shown
from relocation.rules.summary import Compared, Estimate, ProbeAge, Summary, Unclaimed, Unfinished

ROWS_MAX = 1000
COLUMNS = 3
SIDES = {"source": "uploads.source", "target": "uploads.target", "unclaimed": "uploads.unclaimed"}
OLD_S = 24 * 3600
_ASSUMED = re.compile(r"assumed: (\d+) objects/s and (.+)/s")
_MEASURED = re.compile(r"measured: the last run did ([\d,]+) objects? with ([\d,]+) bytes? in ([\d.]+) s")
_MISSING = "no price for "


@dataclass(frozen=True, slots=True)
class Cut:
    """The rows that are shown of a list, and its full length."""

    rows: tuple[tuple[Text | str, ...], ...]
    total: int


@dataclass(frozen=True, slots=True)
class Probed:
    """A few probed places side by side: heads (place, when), then one row a question."""

    heads: tuple[tuple[str, Text], ...]
    rows: tuple[tuple[Text, tuple[Text, ...]], ...]


def unclaimed_of(summary: Summary) -> Cut:
    """Return place, objects, bytes and newest change of what no category claims: what may not be listed, then the largest."""
    places = sorted(summary.unclaimed, key=lambda place: (place.objects >= 0, -place.bytes))
    rows = tuple(
        (shown(place.place), *counted(place), moment(place.newest, "UTC") if place.newest else "–") for place in places[:ROWS_MAX]
    )
    return Cut(rows, len(places))


def counted(place: Unclaimed) -> tuple[Text | str, str]:
    """Return objects and bytes of a place, with its former versions where there are any."""
    if place.objects < 0:
        return say("limits.not_counted"), "–"
    if place.versions < 0:
        return say("limits.former_unknown", n=place.objects), size(place.bytes)
    if place.versions or place.markers:
        return say(
            "limits.with_former", n=place.objects, former=former_versions(place.versions), markers=delete_markers(place.markers)
        ), _both(place)
    return f"{place.objects:,}", size(place.bytes)


def _both(place: Unclaimed) -> str:
    return f"{size(place.bytes)} + {size(place.version_bytes)}"


def unfinished_of(summary: Summary) -> Cut:
    """Return side, place, uploads, ours, bytes so far and the oldest of what was begun and not completed, the source's first."""
    rows = tuple((say(SIDES[each.side]), shown(each.place), *upload_figures(each)) for each in summary.unfinished[:ROWS_MAX])
    return Cut(rows, len(summary.unfinished))


def upload_figures(each: Unfinished) -> tuple[Text | str, ...]:
    """Return uploads, ours, bytes, oldest: a store that is not believed says `at least`, or nothing; never that there are none."""
    if not each.uploads:
        return (say("uploads.not_said") if each.doubt else "0", "–", "–", "–")
    count = say("uploads.at_least", n=each.uploads) if each.doubt else f"{each.uploads:,}"
    volume: Text | str = size(each.bytes)
    if each.looked_into < each.uploads:
        volume = say("uploads.looked_into", bytes=size(each.bytes), n=each.looked_into) if each.looked_into else "–"
    return (count, f"{each.ours:,}", volume, moment(each.oldest, "UTC"))


def unknowns_of(summary: Summary) -> Cut:
    """Return the standing unknowns, one sentence each."""
    return Cut(tuple((translated(plain(text)),) for text in summary.unknown[:ROWS_MAX]), len(summary.unknown))


def since_of(summary: Summary) -> Text | None:
    """Return what changed at the source since the last plan, as a sentence; none where there was no plan."""
    since = summary.since_last
    if since is None:
        return None
    at = moment(since.at, summary.timezone).split(" · ")[0]
    if since.why:
        return say("since.unknown", at=at, why=translated(plain(since.why)))
    return say("since", at=at, new=since.new, changed=since.changed, gone=since.gone)


def second_listing_of(summary: Summary) -> tuple[Text, ...]:
    """Return what the source's listing was held against, one sentence each; that it was held against nothing, where it was not."""
    return tuple(map(_compared, summary.second_listing)) or (say("second.none"),)


def _compared(each: Compared) -> Text:
    place, way = shown(f"{each.endpoint}/{each.bucket}/{each.prefix}"), say(f"list.by.{each.way}")
    first = say(
        "second.same" if each.same else "second.differs", place=place, way=way, first=objects(each.first), second=keys(each.second)
    )
    unlisted = say("second.unknown_to_list" if each.way == "keys" else "second.unlisted", n=each.unlisted)
    more = (
        (each.hidden, say("second.hidden", n=each.hidden)),
        (each.unlisted, unlisted),
        (each.changed, say("second.changed", n=each.changed)),
        (each.absent, say("second.absent", n=each.absent)),
    )
    parts = [first, *(text for count, text in more if count)]
    return Text(" ".join(part.en for part in parts), "".join(part.ja for part in parts))


def losses_of(summary: Summary) -> Cut:
    """Return attribute and number of objects of each declared loss: those that were seen, then those known in advance, the most
    frequent first; a dash where only the objects themselves could tell how many have it."""
    losses = [loss for part in (summary.losses, summary.declared) for loss in sorted(part.items(), key=lambda loss: -loss[1])]
    return Cut(tuple((translated(plain(name)), f"{count:,}" if count else "–") for name, count in losses[:ROWS_MAX]), len(losses))


def probed_in_tables(summary: Summary) -> list[Probed]:
    """Return the probed places, three to a table; a question that was not put to a place is a dash."""
    return [_probed(summary.probes[begin : begin + COLUMNS], summary.timezone) for begin in range(0, len(summary.probes), COLUMNS)]


def probe_age(probe: ProbeAge, timezone: str) -> Text:
    """Return when a place was probed and how long that is ago, or that it was not."""
    if not probe.at:
        return say("probe.not_probed")
    age = say("time.ago", time=duration(probe.age_s))
    if probe.age_s > OLD_S:
        age = Text(f"{age.en}: {say('probe.old').en}", f"{age.ja}：{say('probe.old').ja}")
    return say("probe.at", at=moment(probe.at, timezone).split(" · ")[0], age=age)


def basis_of(estimate: Estimate) -> tuple[Text, ...]:
    """Return what an estimate rests on, as sentences."""
    parts = estimate.basis.split("; ") if estimate.basis else []
    missing = [part.removeprefix(_MISSING) for part in parts if part.startswith(_MISSING)]
    sentences = [say("estimate.basis", basis=_rates(part)) for part in parts if not part.startswith(_MISSING)]
    if missing:
        sentences.append(say("estimate.missing", names=plain(", ".join(missing))))
    elif estimate.money is None:
        sentences.append(say("estimate.no_prices"))
    else:
        sentences.append(say("estimate.once"))
    return tuple(sentences)


def _rates(part: str) -> Text:
    if match := _ASSUMED.fullmatch(part):
        return say("estimate.assumed", objects=match[1], rate=f"{match[2]}/s")
    if match := _MEASURED.fullmatch(part):
        return say("estimate.measured", objects=objects(_number(match[1])), bytes=size(_number(match[2])), seconds=match[3])
    return translated(plain(part))


def _number(figure: str) -> int:
    return int(figure.replace(",", ""))


def _probed(probes: Sequence[ProbeAge], timezone: str) -> Probed:
    questions = dict.fromkeys(question for probe in probes for question, _ in probe.answers)
    answers = [dict(probe.answers) for probe in probes]
    return Probed(
        tuple((shown(probe.place), probe_age(probe, timezone)) for probe in probes),
        tuple(
            (say_or(f"question.{question}", plain(question)), tuple(translated(plain(each.get(question, "–"))) for each in answers))
            for question in questions
        ),
    )

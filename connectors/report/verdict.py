"""What a report says in one sentence, and the few points under it.

Guarantees: `good` is said only where nothing speaks against it: reconciliations are there and hold, nothing failed, was refused, in
conflict or left undone, and all of it was read back. Anything unknown counts against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from connectors.report.figures import objects, size
from connectors.report.words import Text, say, say_or, translated
from relocation.rules.records import Action, Outcome, Proof
from relocation.rules.summary import Count, Summary


class Level(StrEnum):
    """How the verdict is coloured, drawn and named."""

    GOOD = "good"
    ATTENTION = "attention"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Point:
    """One line under the verdict."""

    level: Level
    text: Text


@dataclass(frozen=True, slots=True)
class Verdict:
    """The sentence in big words."""

    level: Level
    text: Text
    points: tuple[Point, ...]


def verdict_of(summary: Summary) -> Verdict:
    """Return the verdict on a plan, a run or a verification."""
    level, text = _planned(summary) if summary.kind == "plan" else _done(summary)
    if not summary.equations:
        level, text = Level.BAD, say("verdict.no_equations")
    elif not all(equation.holds for equation in summary.equations):
        level, text = Level.BAD, say("verdict.unbalanced")
    elif summary.hidden and level is not Level.BAD:
        level, text = Level.BAD, say("verdict.hidden", n=objects(len(summary.hidden)))
    elif level is Level.GOOD and (counted(summary, Action.REMOVE).objects or (summary.unmatched and summary.kind == "plan")):
        level = Level.ATTENTION
    return Verdict(level, text, tuple(_points(summary)))


def source_name(summary: Summary) -> Text:
    """Return the source's country in words, else `the source`."""
    return say_or(f"country.{summary.source_country}", summary.source_country) if summary.source_country else say("side.source")


def target_name(summary: Summary) -> Text:
    """Return the target's country in words, else `the target`."""
    country = summary.target_country or summary.residency
    return say_or(f"country.{country}", country) if country else say("side.target")


def counted(summary: Summary, *actions: Action) -> Count:
    """Return the sum over some actions."""
    return sum((summary.counts.get(action, Count()) for action in actions), Count())


def ended(summary: Summary, *outcomes: Outcome) -> Count:
    """Return the sum over some outcomes."""
    return sum((summary.outcomes.get(outcome, Count()) for outcome in outcomes), Count())


def expected(summary: Summary) -> int:
    """Return how many objects had to end as verified: what was to be worked on, and in a verification what was kept too."""
    worked = counted(summary, Action.COPY, Action.REPLACE, Action.PROVE).objects
    if summary.kind == "verify":
        return worked + counted(summary, Action.KEEP).objects
    return max(worked, sum(count.objects for count in summary.outcomes.values()))  # a run may read what it kept back as well


def _planned(summary: Summary) -> tuple[Level, Text]:
    listed = summary.counts.get("listed", Count()).objects
    move = counted(summary, Action.COPY, Action.REPLACE, Action.PROVE)
    stuck = counted(summary, Action.REFUSE, Action.CONFLICT).objects
    moving, volume = objects(move.objects), size(move.bytes)
    if not listed:
        return Level.ATTENTION, say("verdict.empty")
    if stuck:
        if move.objects:
            return Level.ATTENTION, say("verdict.ready_but", objects=moving, bytes=volume, stuck=objects(stuck))
        kept = counted(summary, Action.KEEP).objects
        return Level.ATTENTION, say("verdict.nothing_but" if kept else "verdict.only_stuck", stuck=objects(stuck))
    if not move.objects:
        return Level.GOOD, say("verdict.nothing", objects=objects(listed), target=target_name(summary))
    return Level.GOOD, say("verdict.ready", objects=moving, bytes=volume)


def _done(summary: Summary) -> tuple[Level, Text]:
    target = target_name(summary)
    stuck = counted(summary, Action.REFUSE, Action.CONFLICT).objects + ended(summary, Outcome.CONFLICTED).objects
    changed = ended(summary, Outcome.DRIFTED, Outcome.GONE).objects
    failed = ended(summary, Outcome.FAILED).objects
    if summary.mismatched:
        return Level.BAD, say("verdict.mismatched", n=objects(len(summary.mismatched)), target=target)
    if failed or summary.failed:
        return Level.BAD, say("verdict.failed", n=objects(max(failed, len(summary.failed))))
    if stuck:
        return Level.BAD, say("verdict.stuck", n=objects(stuck))
    if changed:
        return Level.ATTENTION, say("verdict.changed", n=objects(changed))
    return _finished(summary, target)


def _finished(summary: Summary, target: Text) -> tuple[Level, Text]:
    wanted = expected(summary)
    verified = ended(summary, Outcome.VERIFIED).objects
    copied = ended(summary, Outcome.COPIED).objects
    markers = summary.histories.counts.get("delete_markers_verified", Count()).objects  # they have no bytes to read back
    unread = verified - markers - summary.proofs.get(Proof.READ_BACK, 0)
    if copied:
        return Level.ATTENTION, say("verdict.copied", n=objects(copied))
    if not summary.counts.get("listed", Count()).objects:
        return Level.ATTENTION, say("verdict.empty")
    if verified < wanted:
        return Level.ATTENTION, say("verdict.incomplete", n=verified, total=wanted)
    if not verified:
        kept = counted(summary, Action.KEEP).objects
        return Level.GOOD, say("verdict.nothing", objects=objects(kept), target=target)
    if unread > 0:
        return Level.ATTENTION, say("verdict.not_read_back", n=unread, target=target)
    return Level.GOOD, say("verdict.done", target=target)


def _points(summary: Summary) -> list[Point]:
    points = _work_points(summary)
    if summary.passes:
        why = translated(summary.passes_end)
        points.append(Point(Level.GOOD, say("point.passes", n=len(summary.passes), why=why)))
    if summary.removed:
        points.append(Point(Level.GOOD, say("point.removed", n=objects(len(summary.removed)))))
    if summary.histories.policy == "all":
        kinds = [summary.histories.counts.get(kind, Count()).objects for kind in ("former_versions", "delete_markers")]
        points.append(Point(Level.GOOD, say("point.histories", former=kinds[0], markers=kinds[1])))
    broken = sum(not equation.holds for equation in summary.equations)
    if broken:
        points.append(Point(Level.BAD, say("point.unbalanced", n=broken, total=len(summary.equations))))
    elif summary.equations:
        points.append(Point(Level.GOOD, say("point.equations")))
    notes = (
        ("foreign", len(summary.foreign)),
        ("unmatched", summary.unmatched_keys),
        ("unclaimed", len(summary.unclaimed)),
        ("unknown", len(summary.unknown)),
        ("losses", len(summary.losses)),
        ("changed_answers", len(summary.probe_changes)),
        ("parity", sum(line.verdict in ("attention", "refused") for line in summary.parity)),
    )
    points.extend(Point(Level.ATTENTION, say(f"point.{name}", n=count)) for name, count in notes if count)
    return points


def _work_points(summary: Summary) -> list[Point]:
    target = target_name(summary)
    if summary.kind == "plan":
        keep, prove, replace = (counted(summary, action).objects for action in (Action.KEEP, Action.PROVE, Action.REPLACE))
        points = [
            (keep, Level.GOOD, say("point.keep", n=objects(keep), target=target)),
            (prove, Level.GOOD, say("point.prove", n=objects(prove))),
            (replace, Level.GOOD, say("point.replace", n=objects(replace))),
        ]
    else:
        wanted, verified = expected(summary), ended(summary, Outcome.VERIFIED).objects
        read_back = summary.proofs.get(Proof.READ_BACK, 0)
        listed = max(wanted, summary.counts.get("listed", Count()).objects)
        left_out = listed - verified - counted(summary, Action.DELETED_AT_TARGET).objects
        if summary.kind == "catch_up":
            left_out -= counted(summary, Action.KEEP).objects  # looked at, where it is the last pass, and not read back
        level = Level.GOOD if verified == wanted and left_out <= 0 else Level.ATTENTION
        points = [
            (wanted, level, say("point.verified", n=verified, total=listed)),
            (read_back, Level.GOOD, say("point.read_back", n=objects(read_back), target=target)),
        ]
    trouble = (
        ("mismatched", len(summary.mismatched), Level.BAD),
        ("failed", len(summary.failed), Level.BAD),
        ("refused", counted(summary, Action.REFUSE).objects, Level.BAD),
        ("hidden", len(summary.hidden), Level.BAD),
        ("conflicts", counted(summary, Action.CONFLICT).objects + ended(summary, Outcome.CONFLICTED).objects, Level.BAD),
        ("drifted", ended(summary, Outcome.DRIFTED).objects, Level.ATTENTION),
        ("gone", ended(summary, Outcome.GONE).objects, Level.ATTENTION),
        ("remove", counted(summary, Action.REMOVE).objects, Level.ATTENTION),
        ("deleted_at_target", counted(summary, Action.DELETED_AT_TARGET).objects, Level.ATTENTION),
    )
    points += [(count, level, say(f"point.{name}", n=objects(count))) for name, count, level in trouble]
    return [Point(level, text) for count, level, text in points if count]

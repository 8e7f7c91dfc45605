"""A summary as JSON: the document of `--json`, and the long one that lies beside the page.

Guarantees: every key of the surface is always there, every action, outcome and proof too (0 where there is none); object keys are
percent-encoded (RFC 3986); a list that was cut is named under `truncated` with its full length. The values are plain JSON
types: `json.dumps` and back gives an equal document.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from relocation.rules.keys import shown
from relocation.rules.records import Action, Outcome, Proof
from relocation.rules.summary import (
    AnswerChange,
    Bin,
    Compared,
    Count,
    Equation,
    Estimate,
    Histories,
    Named,
    Parity,
    Pass,
    ProbeAge,
    SinceLast,
    Summary,
    Unclaimed,
    Unfinished,
)

ROWS_MAX = 1000
COUNTED = ("listed", *(action.value for action in Action))
OUTCOMES = tuple(outcome.value for outcome in Outcome)
PROOFS = tuple(proof.value for proof in Proof)

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]


def as_json(summary: Summary, *, waves: Sequence[Summary] = (), rows_max: int | None = ROWS_MAX) -> dict[str, Json]:
    """Return the document; `waves` go, each as a document of its own, under `waves`. With `rows_max` None nothing is cut."""
    lists: dict[str, tuple[Named | Unclaimed | str, ...]] = {
        "mismatched": summary.mismatched,
        "failed": summary.failed,
        "refused": summary.refused,
        "conflicts": summary.conflicts,
        "drifted": summary.drifted,
        "gone": summary.gone,
        "remove": summary.remove,
        "deleted_at_target": summary.deleted_at_target,
        "foreign": summary.foreign,
        "lost": summary.lost,
        "hidden": summary.hidden,
        "not_found": summary.not_found,
        "unmatched": summary.unmatched,
        "unclaimed": summary.unclaimed,
        "unknown": summary.unknown,
    }
    cut: dict[str, Json] = {name: len(rows) for name, rows in lists.items() if rows_max is not None and len(rows) > rows_max}
    bounded = (("lost", summary.lost_objects), ("unmatched", summary.unmatched_keys))
    cut |= {name: total for name, total in bounded if total > len(lists[name][:rows_max])}
    rows: dict[str, Json] = {name: [_row(each) for each in rows[:rows_max]] for name, rows in lists.items()}
    rows["failed"] = [_named(each) | {"attempts": each.attempts} for each in summary.failed[:rows_max]]
    if summary.kind == "catch_up":
        rows |= {
            "removed": [_named(each) for each in summary.removed[:rows_max]],
            "passes": [_pass(each) for each in summary.passes],
        }
        rows["passes_end"] = summary.passes_end
    document = _head(summary) | rows | {"truncated": cut} | _tail(summary)
    return document | {"waves": [as_json(wave, rows_max=rows_max) for wave in waves]} if waves else document


def _row(row: Named | Unclaimed | str) -> Json:
    if isinstance(row, Named):
        return _named(row)
    return _unclaimed(row) if isinstance(row, Unclaimed) else _text(row)


def _head(summary: Summary) -> dict[str, Json]:
    return {
        "migration": summary.migration,
        "category": summary.category,
        "wave": summary.wave,
        "run_id": summary.run_id,
        "kind": summary.kind,
        "stage": summary.stage,
        "plan_sha256": summary.plan_sha256,
        "config_sha256": summary.config_sha256,
        "counts": {name: _count(summary.counts.get(name, Count())) for name in COUNTED},
        "outcomes": {name: _count(summary.outcomes.get(name, Count())) for name in _outcomes(summary)},
        "proofs": {name: summary.proofs.get(name, 0) for name in PROOFS},
    }


def _outcomes(summary: Summary) -> Sequence[str]:
    """Return the closed set of outcomes; `copied` is one only as long as something waits to be read back."""
    return [name for name in OUTCOMES if name != Outcome.COPIED or name in summary.outcomes]


def _tail(summary: Summary) -> dict[str, Json]:
    return {
        "losses": dict(summary.losses),
        "declared": dict(summary.declared),
        "histories": _histories(summary.histories),
        "unfinished_uploads": [uploads_line(each) for each in summary.unfinished],
        "second_listing": [_compared(each) for each in summary.second_listing],
        "equations": [_equation(each) for each in summary.equations],
        "sizes": [_bin(each) for each in summary.sizes],
        "ages": [_bin(each) for each in summary.ages],
        "estimate": _estimate(summary.estimate),
        "since_last": _since_last(summary.since_last),
        "probes": [_probe(each) for each in summary.probes],
        "probe_changes": [change_line(each) for each in summary.probe_changes],
        "parity": [parity_line(each) for each in summary.parity],
        "moves": list(summary.moves),
        "source_country": summary.source_country,
        "target_country": summary.target_country,
        "timezone": summary.timezone,
        "residency": summary.residency,
        "deadline": summary.deadline,
        "owner": summary.owner,
        "who": summary.who,
        "host": summary.host,
        "version": summary.version,
        "versions": dict(summary.versions),
        "started_at": summary.started_at,
        "finished_at": summary.finished_at,
        "seconds": summary.seconds,
        "bytes_per_second": summary.bytes_per_second,
        "report": summary.report,
    }


def _histories(histories: Histories) -> dict[str, Json]:
    counts: dict[str, Json] = {name: _count(count) for name, count in histories.counts.items()}
    return {"policy": histories.policy, "counts": counts, "uncounted": _text(histories.uncounted)}


def _compared(compared: Compared) -> dict[str, Json]:
    place = {"endpoint": compared.endpoint, "bucket": compared.bucket, "prefix": shown(compared.prefix), "way": compared.way}
    figures = {"first": compared.first, "second": compared.second, "hidden": compared.hidden, "unlisted": compared.unlisted}
    return {**place, "same": compared.same, **figures, "changed": compared.changed, "absent": compared.absent}


def _count(count: Count) -> dict[str, Json]:
    return {"objects": count.objects, "bytes": count.bytes}


def _named(named: Named) -> dict[str, Json]:
    """Return one object; `target` is there only where its bucket or key is another one there."""
    target: Json = {"bucket": named.target_bucket, "key": shown(named.target_key)}
    also: dict[str, Json] = {"target": target} if named.target_key else {}
    return {"bucket": named.bucket, "key": shown(named.key), "reason": _text(named.reason)} | also


def _pass(each: Pass) -> Json:
    counts: dict[str, Json] = {"found": _count(each.found), "copied": _count(each.copied), "removed": _count(each.removed)}
    return {"run_id": each.run_id} | counts | {"refreshed": each.refreshed, "last": each.last, "narrowed": each.narrowed}


def _text(words: str) -> str:
    """Return words that have a UTF-8 form: half a character (a lone surrogate) is written out."""
    return words.encode("utf-8", "backslashreplace").decode()


def _unclaimed(place: Unclaimed) -> dict[str, Json]:
    counted = place.objects >= 0  # below zero: a bucket that may not be listed, and so was not counted
    figures: dict[str, Json] = {"objects": place.objects if counted else None, "bytes": place.bytes if counted else None}
    told = place.versions >= 0 and counted
    former: Json = {"objects": place.versions, "bytes": place.version_bytes} if told else None
    return {
        "place": shown(place.place),
        **figures,
        "newest": place.newest,
        "former_versions": former,
        "delete_markers": place.markers if told else None,
    }


def uploads_line(each: Unfinished) -> dict[str, Json]:
    """Return what was begun at one place; no figure where nobody knows, `at_least` where there may be more."""
    known = bool(each.uploads or not each.doubt)
    figures: dict[str, Json] = {
        "uploads": each.uploads if known else None,
        "ours": each.ours if known else None,
        "bytes": each.bytes if known else None,
    }
    looked: dict[str, Json] = {"looked_into": each.looked_into, "oldest": each.oldest}
    doubt: dict[str, Json] = {"at_least": bool(each.doubt), "doubt": _text(each.doubt)}
    return {"side": each.side, "place": shown(each.place), **figures, **looked, **doubt}


def _equation(equation: Equation) -> dict[str, Json]:
    terms: list[Json] = [{"name": name} | _count(count) for name, count in equation.terms]
    return {"name": equation.name, "holds": equation.holds, "total": _count(equation.total), "terms": terms}


def _bin(bar: Bin) -> dict[str, Json]:
    return {"label": bar.label} | _count(bar.count)


def _estimate(estimate: Estimate | None) -> dict[str, Json] | None:
    if estimate is None:
        return None
    return {
        "seconds": estimate.seconds,
        "requests": estimate.requests,
        "money": estimate.money,
        "currency": estimate.currency,
        "basis": estimate.basis,
    }


def _since_last(since: SinceLast | None) -> dict[str, Json] | None:
    """Return what changed; no figures where nobody can tell, but why."""
    if since is None:
        return None
    head: dict[str, Json] = {"run": since.run, "at": since.at}
    if since.why:
        return head | {"new": None, "changed": None, "gone": None, "why": since.why}
    return head | {"new": since.new, "changed": since.changed, "gone": since.gone}


def _probe(probe: ProbeAge) -> dict[str, Json]:
    age_s = probe.age_s if probe.at else None  # a bucket that was never probed has no age, and infinity is no JSON
    return {"place": probe.place, "at": probe.at, "age_s": age_s, "answers": dict(probe.answers)}


def parity_line(line: Parity) -> dict[str, Json]:
    """Return one aspect of two buckets."""
    return {
        "source": line.source,
        "target": line.target,
        "aspect": line.aspect,
        "at_source": _text(line.at_source),
        "at_target": _text(line.at_target),
        "verdict": line.verdict,
        "meaning": _text(line.meaning),
    }


def change_line(change: AnswerChange) -> dict[str, Json]:
    """Return one answer that is another one now."""
    answers: dict[str, Json] = {"before": change.before, "after": change.after}
    return {"place": change.place, "question": change.question, **answers, "since": change.since}

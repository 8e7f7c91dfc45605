"""Ask a bucket what it really does, by canary objects and by requests that must fail.

Guarantees: an answer is what was seen, behind whatever stands in between; no canary, version or upload is left when the probe
ends, however it ends; the answers are in the vault before the ledger has them. Refuses to write anywhere but below the reserved
prefix, and to go on where a role or a right is missing.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Literal

from relocation.ports import Store
from relocation.rules.errors import Forbidden, NotFound, Refusal
from relocation.rules.evidence import canonical
from relocation.rules.keys import CANARY_PREFIX
from relocation.rules.objects import Place
from relocation.rules.probe_changes import PROBES_LOOKED_AT, just_now
from relocation.rules.questions import Question
from relocation.rules.records import Answers
from relocation.stages.context import Context
from relocation.stages.fidelity import encryptions_of
from relocation.stages.probing.abandoned import remove_abandoned
from relocation.stages.probing.asking import Inquiry, ask_all
from relocation.stages.probing.canaries import Canaries
from relocation.stages.probing.conditions import CONDITIONS, OF_A_VAULT
from relocation.stages.probing.names import NAMES, encryption
from relocation.stages.probing.uploads import UPLOADS

Side = Literal["source", "target", "vault"]
PROBE_AGE_S_MAX = 86_400.0


async def probe(context: Context, place: Place, *, side: Side) -> Answers:
    """Ask one bucket everything that its side needs, save the answers as evidence and in the ledger, and return them.

    Errors: `Refusal` names a role that the configuration leaves out, or canaries that could not be removed; `Forbidden` names
    the role and the right that it lacks.
    """
    store = context.stores.of(place.endpoint, "prober")
    context.progress.stage(f"probe {place}")
    skew_s = await _skew_s(context, store, place.bucket)
    locked = await store.get_object_lock(place.bucket)
    canaries = Canaries(store, place.bucket, context.clock, locked=locked, skew_s=skew_s)
    wanted = encryptions_of(context, place)
    encrypted = encryption(
        {each: context.stores.of(place.endpoint, "prober", customer_key=key) if key else store for each, key in wanted.items()}
    )
    inquiries: tuple[Inquiry, ...] = OF_A_VAULT if side == "vault" else (*CONDITIONS, *UPLOADS, *NAMES, encrypted)
    try:
        await _first(canaries)
        await remove_abandoned(store, place.bucket, store_now=context.clock.now() + skew_s)
        found = await ask_all(inquiries, canaries, context.clock)
    finally:
        await canaries.remove()
    found[Question.DATE_SKEW_S] = str(round(skew_s))
    answers = Answers(
        endpoint=place.endpoint,
        bucket=place.bucket,
        at=_iso(context.clock.now()),
        url=context.settings.endpoints[place.endpoint].url,
        server="",
        answers=tuple(sorted((str(question), answer) for question, answer in found.items())),
    )
    await context.vault.put(
        f"probes/{place}/{answers.at.replace(':', '')}.json", canonical(answers), content_type="application/json"
    )
    await context.ledger.save_probe(answers)
    for change in just_now(await context.ledger.probe_history(place.endpoint, place.bucket, limit=PROBES_LOOKED_AT)):
        context.progress.note(
            "probe.changed", place=change.place, question=change.question, before=change.before, after=change.after
        )
    return answers


async def probe_if_stale(context: Context, place: Place, side: Side, *, max_age_s: float = PROBE_AGE_S_MAX) -> Answers:
    """Return the saved answers if they are young enough, of this address, and hold every question; else probe."""
    return await young_answers(context, place, side, max_age_s=max_age_s) or await probe(context, place, side=side)


async def young_answers(context: Context, place: Place, side: Side, *, max_age_s: float = PROBE_AGE_S_MAX) -> Answers | None:
    """Return the saved answers if they may still be relied on, else None."""
    saved = await context.ledger.last_probe(place.endpoint, place.bucket)
    if saved is not None and saved.url == context.settings.endpoints[place.endpoint].url:
        asked = {question for question, _ in saved.answers}
        if 0 <= _age_s(context, saved) < max_age_s and (side == "vault" or asked >= set(Question)):
            return saved
    return None


async def same_bucket(context: Context, a: Place, b: Place) -> bool:
    """Say whether two places are one bucket, whatever their names: a canary written at `a` shows at `b`."""
    at_a, at_b = context.stores.of(a.endpoint, "prober"), context.stores.of(b.endpoint, "prober")
    locked = await at_a.get_object_lock(a.bucket)
    canaries = Canaries(at_a, a.bucket, context.clock, locked=locked, skew_s=await _skew_s(context, at_a, a.bucket))
    mark = f"{context.settings.migration} {secrets.token_hex(16)}".encode()
    key = canaries.name("identity")
    try:
        await canaries.put(key, mark)
        if not await canaries.holds(key, mark):
            raise Refusal(f"{a}: a canary that was acknowledged can't be read back; see that nothing in between changes bodies")
        return await _shows(at_b, b.bucket, key, mark)
    finally:
        await canaries.remove()


async def refuse_same_bucket(context: Context, source: Place, target: Place) -> None:
    """Refuse a move from a bucket to itself: erasing its source would erase its target.

    The ledger keeps what a look at this pair has shown; it is looked at again when that is old, or an address has changed.
    """
    urls = " ".join(context.settings.endpoints[place.endpoint].url for place in (source, target))
    saved = await context.ledger.last_probe(str(source), str(target))
    if saved is not None and saved.url == urls and 0 <= _age_s(context, saved) < PROBE_AGE_S_MAX:
        return
    if await same_bucket(context, source, target):
        raise Refusal(f"{source} and {target} are one and the same bucket: correct the endpoints' addresses, or the moves")
    apart = (("same_bucket", "no"),)
    await context.ledger.save_probe(Answers(str(source), str(target), _iso(context.clock.now()), urls, "", apart))


def _age_s(context: Context, saved: Answers) -> float:
    return context.clock.now() - datetime.fromisoformat(saved.at).timestamp()


async def _shows(store: Store, bucket: str, key: str, mark: bytes) -> bool:
    into = memoryview(bytearray(len(mark) + 64))
    try:
        head = await store.get(bucket, key, into)
    except NotFound:
        return False
    return bytes(into[: head.size]) == mark


async def _first(canaries: Canaries) -> None:
    """Write, read, and list the first canary: what is missing for that is missing for all."""
    key = canaries.name("first")
    try:
        await canaries.put(key, b"a canary")
        await canaries.holds(key, b"a canary")
        await canaries.listed()
    except Forbidden as error:
        role = f"{canaries.store.endpoint}: role {canaries.store.role}"
        raise Forbidden(
            f"{role} can't probe {canaries.bucket}: it needs to put, get and delete (with versions) below {CANARY_PREFIX} and "
            f"/{CANARY_PREFIX}, and to list the bucket; see config/iam ({error})"
        ) from error


async def _skew_s(context: Context, store: Store, bucket: str) -> float:
    """Return how far the store's clock is ahead; `Date` has whole seconds, so half of one is its most likely rest."""
    before = context.clock.now()
    said = await store.server_time(bucket)
    skew_s = said + 0.5 - (before + context.clock.now()) / 2
    return 0.0 if abs(skew_s) < 1 else skew_s


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

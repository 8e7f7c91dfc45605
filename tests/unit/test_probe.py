"""The probe answers what a store does, not what it says of itself, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from connectors.memory import MINIO, Behaviour, Call, MemoryService, MemoryStore
from relocation.rules.errors import BadRequest, BucketMissing, Forbidden, NoSpace, PreconditionFailed, Refusal, Unreachable
from relocation.rules.keys import CANARY_PREFIX, is_canary
from relocation.rules.objects import Place
from relocation.rules.questions import NOT_ASKED, Question
from relocation.stages.probe import probe, probe_if_stale, refuse_same_bucket, same_bucket
from relocation.stages.probing.canaries import RETENTION_S
from tests.unit.probe_cases import KOREA, Clock, context_of, memory

WHOLE = {
    Question.PUT_IF_NONE_MATCH: "honoured",
    Question.PUT_IF_MATCH: "honoured",
    Question.COMPLETE_IF_NONE_MATCH: "honoured",
    Question.GET_IF_MATCH: "honoured",
    Question.DELETE_IF_MATCH: "honoured",
    Question.DELETE_VERSION: NOT_ASKED,
    Question.CHECKSUM: "verified",
    Question.CHECKSUM_ECHOED: "yes",
    Question.CHECKSUM_STORED: "yes",
    Question.PART_CHECKSUM: "verified",
    Question.UPLOAD_CHECKSUM_STORED: "yes",
    Question.PUT_ETAG: "md5",
    Question.UPLOAD_ETAG: "md5",
    Question.PART_NUMBER: "honoured",
    Question.UPLOADS_LISTED: "by prefix",
    Question.VERSIONING: "off",
    Question.OBJECT_LOCK: "off",
    Question.LOCK_ENFORCED: NOT_ASKED,
    Question.DATE_SKEW_S: "0",
    Question.PART_BYTES_MAX: "950",
    Question.KEY_BYTES_MAX: "1024",
    Question.CHILD_OF_KEY: "listed",
    Question.SLASH_OF_KEY: "listed",
    Question.STORAGE_CLASSES: "STANDARD_IA=kept ONEZONE_IA=kept INTELLIGENT_TIERING=kept GLACIER_IR=kept REDUCED_REDUNDANCY=kept",
    Question.ENCRYPTION: NOT_ASKED,
}
"""What a store that follows S3's rules answers; all that is not here is `kept`."""


async def asked(behaviour: Behaviour, **bucket: object) -> dict[str, str]:
    """Probe a memory store of that behaviour; the bucket must be empty afterwards."""
    service, context = memory(behaviour, **bucket)
    answers = await probe(context, KOREA, side="target")
    assert left_behind(service) == []
    return dict(answers.answers)


def left_behind(service: MemoryService) -> list[str]:
    """Return every key and upload of every bucket."""
    return [
        key for bucket in service.buckets.values() for key in (*bucket.keys, *(upload.key for upload in bucket.uploads.values()))
    ]


async def test_a_store_that_follows_the_rules_is_seen_to_follow_them() -> None:
    """Every question of the closed set is asked, and the reference store answers each as S3 would."""
    found = await asked(Behaviour())
    assert found == {str(question): WHOLE.get(question, "kept") for question in Question}


@pytest.mark.parametrize(
    ("behaviour", "differs"),
    [
        ({"if_none_match": "ignored"}, {Question.PUT_IF_NONE_MATCH: "ignored", Question.COMPLETE_IF_NONE_MATCH: "ignored"}),
        ({"if_match": "ignored"}, {Question.GET_IF_MATCH: "ignored"}),
        ({"if_match_on_write": "ignored"}, {Question.PUT_IF_MATCH: "ignored"}),
        ({"if_match_on_delete": "ignored"}, {Question.DELETE_IF_MATCH: "ignored"}),
        (
            {"checksum": "ignored"},
            {
                Question.CHECKSUM: "ignored",
                Question.CHECKSUM_ECHOED: "no",
                Question.CHECKSUM_STORED: "no",
                Question.PART_CHECKSUM: "ignored",
                Question.UPLOAD_CHECKSUM_STORED: "no",
            },
        ),
        ({"checksum": "unverified"}, {Question.CHECKSUM: "ignored", Question.PART_CHECKSUM: "ignored"}),
        ({"etag": "opaque"}, {Question.PUT_ETAG: "opaque", Question.UPLOAD_ETAG: "opaque"}),
        ({"part_number": "ignored"}, {Question.PART_NUMBER: "ignored"}),
        ({"hides_children": True}, {Question.CHILD_OF_KEY: "hidden"}),
        ({"renames_leading_slash": True}, {Question.LEADING_SLASH: "renamed to lead"}),
        ({"renames_xldir": True}, {Question.XLDIR_SUFFIX: "renamed to x/"}),
        ({"merges_slashes": True}, {Question.DOUBLE_SLASH: "renamed to a/b"}),
        (
            {"refuses_names": True},
            {
                Question.DOUBLE_SLASH: "refused XMinioInvalidObjectName",
                Question.DOT_PART: "refused XMinioInvalidResourceName",
                Question.DOT_DOT_PART: "refused XMinioInvalidResourceName",
                Question.PART_BYTES_MAX: "255",
            },
        ),
        ({"ascii_tags": True}, {Question.NON_ASCII_TAG: "refused InvalidTag"}),
        ({"loses_headers": ("x-amz-website-redirect-location",)}, {Question.WEBSITE_REDIRECT: "dropped"}),
        (
            {"storage_classes": ("GLACIER_IR",)},
            {
                Question.STORAGE_CLASSES: "STANDARD_IA=InvalidStorageClass ONEZONE_IA=InvalidStorageClass "
                "INTELLIGENT_TIERING=InvalidStorageClass GLACIER_IR=kept REDUCED_REDUNDANCY=InvalidStorageClass"
            },
        ),
        ({"metadata_bytes_max": 4}, {Question.NON_ASCII_METADATA: "refused MetadataTooLarge"}),
        ({"clock_skew_s": 400.0}, {Question.DATE_SKEW_S: "400"}),
        ({"clock_skew_s": -61.0}, {Question.DATE_SKEW_S: "-60"}),
    ],
    ids=lambda case: next(iter(case)) if isinstance(case, dict) else "",
)
async def test_each_deviation_is_seen_and_nothing_else(behaviour: dict[str, object], differs: dict[Question, str]) -> None:
    """A store that departs from S3's rules in one way is found out in that way, and in no other."""
    found = await asked(replace(Behaviour(), **behaviour))
    assert {Question(name): word for name, word in found.items() if word != WHOLE.get(Question(name), "kept")} == differs


async def test_the_deviations_of_minio_are_seen_together() -> None:
    """Deviations do not cover each other up."""
    found = await asked(MINIO)
    assert found[Question.CHILD_OF_KEY] == "hidden"
    assert found[Question.DELETE_IF_MATCH] == "ignored"
    assert found[Question.LEADING_SLASH] == "renamed to lead"
    assert found[Question.SLASH_OF_KEY] == "listed"


@pytest.mark.parametrize("versioning", ["Enabled", "Suspended"])
async def test_versions_and_markers_of_canaries_go_too(versioning: str) -> None:
    """In a bucket with versions the probe deletes by version, sees whether that is exact, and leaves no delete marker."""
    found = await asked(MINIO, versioning=versioning)
    assert found[Question.VERSIONING] == versioning.lower()
    assert found[Question.DELETE_VERSION] == ("exact" if versioning == "Enabled" else NOT_ASKED)


async def test_a_lock_counts_only_if_a_locked_canary_stays() -> None:
    """Object lock is enforced where a locked canary could not be deleted; the canary goes once its few seconds are over."""
    service, context = memory(object_lock=True)
    found = await probe(context, KOREA, side="vault")
    assert found[Question.LOCK_ENFORCED] == "enforced"
    assert found[Question.PUT_IF_NONE_MATCH] == "honoured"
    assert found[Question.LEADING_SLASH] == NOT_ASKED
    assert left_behind(service) == []
    assert RETENTION_S <= context.clock.slept_s <= RETENTION_S + 3
    ignoring = await asked(Behaviour(object_lock="ignored"), object_lock=True)
    assert ignoring[Question.LOCK_ENFORCED] == "ignored"


async def test_every_canary_in_a_locked_bucket_has_its_own_short_retention() -> None:
    """A default retention of years must never catch a canary: each has one of seconds, an upload too."""
    service, context = memory(object_lock=True)
    kept: list[str] = []

    async def look(call: Call) -> None:
        if call.action == "s3:PutObject":
            kept.extend(stored.retain_until for stored in service.buckets["talk"].keys.get(call.key, []) if not stored.marker)

    service.after = look
    found = await probe(context, KOREA, side="target")
    assert kept
    assert all(kept)
    assert found[Question.COMPLETE_IF_NONE_MATCH] == "honoured"
    assert left_behind(service) == []


async def test_nothing_is_touched_but_the_reserved_prefix() -> None:
    """The probe writes and deletes below the reserved prefix only, with or without a leading slash; others' objects stay."""
    service, context = memory()
    other = MemoryStore(service, "application")
    await other.put("talk", "images/a", b"theirs")
    upload = await other.create_upload("talk", "images/b")
    await probe(context, KOREA, side="source")
    touched = {call.key for call in service.calls if call.role == "prober" and call.key}
    assert touched
    assert all(is_canary(key) for key in touched)
    assert left_behind(service) == ["images/a", "images/b"]
    assert list(service.buckets["talk"].uploads) == [upload]


@pytest.mark.parametrize("nth", [1, 2, 7, 30, 50])
async def test_nothing_is_left_after_a_cancellation(nth: int) -> None:
    """Cancelled at any write, the probe still takes every canary and upload away."""
    service, context = memory(MINIO, versioning="Enabled")
    writes = iter(range(1, 10_000))
    task: asyncio.Task[object] | None = None

    async def cancel(call: Call) -> None:
        if call.action == "s3:PutObject" and next(writes) == nth and task is not None:
            task.cancel()
            await asyncio.sleep(0)

    service.after = cancel
    task = asyncio.create_task(probe(context, KOREA, side="source"))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left_behind(service) == []
    assert context.ledger.probes == []


async def test_nothing_is_left_after_an_error() -> None:
    """A probe that a full store ends leaves nothing behind and saves no answer."""
    service, context = memory(replace(MINIO, quota_bytes=200))
    with pytest.raises(NoSpace):
        await probe(context, KOREA, side="target")
    assert left_behind(service) == []
    assert context.ledger.order == []


async def test_canaries_that_stay_are_named() -> None:
    """What could not be removed is said, by name, never kept quiet."""
    service, context = memory()
    context.stores.probers["korea"] = MemoryStore(service, "prober", forbidden=frozenset({"s3:DeleteObject"}))
    with pytest.raises(Refusal, match=rf"korea/talk: \d+ canaries could not be removed .*{CANARY_PREFIX}.*remove them by hand"):
        await probe(context, KOREA, side="source")
    assert context.ledger.order == []


async def test_a_hidden_child_is_removed_with_its_parent() -> None:
    """What no listing shows while its parent stands is removed all the same."""
    service, context = memory(Behaviour(hides_children=True))
    await probe(context, KOREA, side="source")
    assert left_behind(service) == []


async def test_a_canary_that_is_listed_under_a_garbled_name_goes_too() -> None:
    """A listing that spoils control characters does not keep a canary alive: it is deleted under the name that was written."""
    service, context = memory(versioning="Enabled")

    class Garbling(MemoryStore):
        async def list_versions(self, bucket, **more):
            page = await super().list_versions(bucket, **more)
            return replace(page, items=tuple(item._replace(key=item.key.replace("\x01", "\ufffd")) for item in page.items))

    context.stores.probers["korea"] = Garbling(service, "prober")
    await probe(context, KOREA, side="source")
    assert left_behind(service) == []


async def test_a_missing_right_is_named() -> None:
    """Without the right to write a canary the probe says which role lacks what, and where."""
    service, context = memory()
    context.stores.probers["korea"] = MemoryStore(service, "prober", forbidden=frozenset({"s3:PutObject"}))
    with pytest.raises(Forbidden, match=r"role prober can't probe talk: it needs to put.*hikkoshi-canary/.*s3:PutObject"):
        await probe(context, KOREA, side="source")


async def test_a_missing_role_and_a_missing_bucket_are_named() -> None:
    """A prober that the configuration leaves out, or a bucket that is not there, stops the probe by name."""
    _, context = memory()
    with pytest.raises(Refusal, match=r"endpoints\.japan\.credentials\.prober"):
        await probe(context, Place("japan", "talk"), side="target")
    with pytest.raises(BucketMissing, match="gone"):
        await probe(context, Place("korea", "gone"), side="target")


async def test_a_question_that_fails_is_answered_by_its_failure() -> None:
    """A store that can't do one thing is asked the others; a faltering one is asked again."""
    service, context = memory()
    failures = {"count": 0}

    async def fail(call: Call) -> None:
        if "put-if-match" in call.key:
            raise BadRequest("no", code="NotImplemented", status=501)
        if "get-if-match" in call.key and failures["count"] < 2:
            failures["count"] += 1
            raise Unreachable("gone for a moment")
        if "redirect" in call.key and call.action == "s3:PutObject":
            raise Unreachable("always")

    service.before = fail
    found = await probe(context, KOREA, side="target")
    assert found[Question.PUT_IF_MATCH] == "refused NotImplemented"
    assert found[Question.GET_IF_MATCH] == "honoured"
    assert found[Question.WEBSITE_REDIRECT] == "error Unreachable"
    assert left_behind(service) == []


async def test_a_condition_that_is_acknowledged_but_not_kept_counts_as_ignored() -> None:
    """A 412 after which the other bytes stand there is no protection: the canary is read back."""
    service, context = memory()

    class Liar(MemoryStore):
        async def put(self, bucket, key, body, **more):
            lies = more.pop("if_none_match", False) or more.pop("if_match", "")
            written = await super().put(bucket, key, body, **more)
            if lies and "fresh" not in key:
                self._check_write(self._bucket(bucket), key, if_none_match=True, if_match="")
            return written

    context.stores.probers["korea"] = Liar(service, "prober")
    found = await probe(context, KOREA, side="target")
    assert found[Question.PUT_IF_NONE_MATCH] == "ignored"
    assert found[Question.PUT_IF_MATCH] != "honoured"


async def test_a_condition_that_refuses_everything_is_not_honoured() -> None:
    """A store that answers 412 to every conditional write can't be written to with conditions."""
    service, context = memory()

    class Stubborn(MemoryStore):
        async def put(self, bucket, key, body, **more):
            if more.get("if_none_match"):
                raise PreconditionFailed("always")
            return await super().put(bucket, key, body, **more)

    context.stores.probers["korea"] = Stubborn(service, "prober")
    found = await probe(context, KOREA, side="target")
    assert found[Question.PUT_IF_NONE_MATCH] == "error PreconditionFailed"


@pytest.mark.parametrize(("fold", "question"), [(str.lower, Question.CASE_PAIR), (None, Question.UNICODE_PAIR)])
async def test_names_that_a_store_folds_are_seen_to_merge(fold: object, question: Question) -> None:
    """Two names that a store takes for one are found to be one."""
    service, context = memory()

    class Folding(MemoryStore):
        def _stored_name(self, bucket: str, key: str) -> str:
            name = super()._stored_name(bucket, key)
            return fold(name) if fold else name.replace("e\u0301", "\u00e9")

    context.stores.probers["korea"] = Folding(service, "prober")
    found = await probe(context, KOREA, side="target")
    assert found[question] == "merged"
    assert left_behind(service) == []


async def test_answers_are_evidence_before_they_are_used() -> None:
    """The vault has the answers, canonical and dated, before the ledger does."""
    _, context = memory()
    answers = await probe(context, KOREA, side="source")
    assert context.ledger.order == ["vault", "ledger"]
    (name,) = context.vault.evidence
    assert name == f"probes/korea/talk/{answers.at.replace(':', '')}.json"
    assert answers.at == "2023-11-14T22:13:20.000Z"
    record = json.loads(context.vault.evidence[name])
    assert record["url"] == "http://127.0.0.1/korea"
    assert ["put_if_none_match", "honoured"] in record["answers"]


async def test_a_probe_is_taken_again_only_when_it_is_stale() -> None:
    """Saved answers serve for a day; older ones, those of another address, and incomplete ones do not."""
    service, context = memory()
    first = await probe_if_stale(context, KOREA, "source")
    calls = len(service.calls)
    assert await probe_if_stale(context, KOREA, "source") == first
    assert len(service.calls) == calls
    context.clock.at += 86_400
    second = await probe_if_stale(context, KOREA, "source")
    assert second.at != first.at
    context.settings.endpoints["korea"].url = "http://127.0.0.1/elsewhere"
    third = await probe_if_stale(context, KOREA, "source")
    assert third.url == "http://127.0.0.1/elsewhere"
    context.ledger.probes.append(replace(third, answers=third.answers[1:]))
    assert len((await probe_if_stale(context, KOREA, "source")).answers) == len(Question)


async def test_a_bucket_is_known_again_under_another_name() -> None:
    """Two addresses of one bucket are found to be one, so that a move can't erase its own target; two buckets are two."""
    clock = Clock()
    one, other = MemoryService("korea", now=clock.now), MemoryService("japan", now=clock.now)
    for service in (one, other):
        service.make_bucket("talk")
    apart = context_of({"korea": MemoryStore(one, "prober"), "japan": MemoryStore(other, "prober")}, clock=clock)
    japan = Place("japan", "talk")
    assert not await same_bucket(apart, KOREA, japan)
    await refuse_same_bucket(apart, KOREA, japan)
    alias = context_of({"korea": MemoryStore(one, "prober"), "japan": MemoryStore(one, "prober")}, clock=clock)
    assert await same_bucket(alias, KOREA, japan)
    with pytest.raises(Refusal, match="korea/talk and japan/talk are one and the same bucket"):
        await refuse_same_bucket(alias, KOREA, japan)
    assert left_behind(one) == left_behind(other) == []

"""Each name that S3 allows arrives byte for byte or is refused by name; none is renamed, merged or dropped in silence (D14-D16).

Seeded straight into the source with raw requests, then probed, planned, copied and verified by the product; what is where is
looked up with raw requests again.
"""

from __future__ import annotations

import unicodedata
from collections import Counter

import pytest

from relocation.rules.keys import shown
from relocation.rules.names import Names
from tests.names.corpus import CLASSES, CORPUS, KEY_BYTES_MAX, body_of
from tests.names.places import Held, between, bodies, look, seed

IN_PARTS = tuple(key for key in CLASSES["dots"] if any(part in (".", "..") for part in key.split("/")))
DOTS = (*IN_PARTS, "punct/.")
MINIO_REFUSES = dict.fromkeys(DOTS, "XMinioInvalidResourceName") | dict.fromkeys(
    (*(key for key in CORPUS if "//" in key and not key.startswith("//lead")), "/", *CLASSES["long-parts"]),
    "XMinioInvalidObjectName",
)
SEAWEEDFS_REFUSES = (
    dict.fromkeys(DOTS, "InvalidRequest")
    | dict.fromkeys(CLASSES["long-parts"], "KeyTooLongError")
    | {"beside/": "ExistingObjectIsFile"}
)
SEAWEEDFS_LOSES = {"dir/", "only/dir/", "end/", "punct/"}
"""What it lists with another size or ETag than it gives back: such a source can't be copied, and each is named."""


def arrived(before: Held, summary) -> set[str]:
    """Return what the source lists and the plan did not refuse; no key is in two lists."""
    named = [each.key for several in (summary.refused, summary.failed, summary.conflicts, summary.mismatched) for each in several]
    assert len(named) == len(set(named))
    assert all(each.reason for each in (*summary.refused, *summary.failed))
    return set(before.listed) - set(named)


async def moved(case) -> tuple[dict[str, str], Held, object, Held]:
    refused = await seed(case)
    before = await look(case, "korea")
    summary = await case.run()
    return refused, before, summary, await look(case, "japan")


async def assert_none_is_missing(case, before: Held, summary, after: Held) -> None:
    wanted = arrived(before, summary)
    spoilt = {named.key for named in summary.mismatched}  # written as the source gave it, and named: it is not what it listed
    assert set(after.listed) == wanted | spoilt
    assert await bodies(case, "korea", wanted) == await bodies(case, "japan", wanted)
    assert before.own & wanted <= after.own
    assert all(equation.holds for equation in summary.equations)
    assert summary.counts["listed"].objects == len(before.listed)
    assert set(case.listed("japan")) == wanted | spoilt  # by boto3, an eye that is not ours


@pytest.mark.server
async def test_from_minio_to_minio_each_name_arrives_or_is_refused(house, tmp_path):
    """D14, D15, D16: what a MinIO takes is at the other byte for byte; what it renamed itself is refused at the plan."""
    with between(house, tmp_path, {}) as case:
        refused, before, summary, after = await moved(case)
        assert refused == MINIO_REFUSES
        assert {named.key for named in summary.refused} == {"//", "words/__XLDIR__x"}  # the one is what it made of `__XLDIR__`
        assert not summary.failed
        await assert_none_is_missing(case, before, summary, after)
        assert [text for text in summary.unknown if "hides children" in text]  # `beside/x`, which no listing shows


@pytest.mark.server
async def test_from_seaweedfs_to_minio_each_name_arrives_or_is_refused(house, seaweedfs, tmp_path):
    """D14, D15, D16: names of one vendor's store at another's: what it can't hold is refused, what the source spoilt is named."""
    with between(house, tmp_path, {"korea": seaweedfs}) as case:
        refused, before, summary, after = await moved(case)
        assert refused == SEAWEEDFS_REFUSES
        assert {named.key for named in summary.mismatched} == SEAWEEDFS_LOSES
        await assert_none_is_missing(case, before, summary, after)


@pytest.mark.server
async def test_from_a_store_that_holds_any_name_to_seaweedfs_each_arrives_or_is_refused(house, moto, seaweedfs, tmp_path):
    """D26: a store that renames, hides and merges is asked by the probe, and gets nothing that it would spoil."""
    with between(house, tmp_path, {"korea": moto, "japan": seaweedfs}) as case:
        _, before, summary, after = await moved(case)
        assert (len(before.listed), summary.failed, summary.conflicts) == (len(before.own), (), ())
        await assert_none_is_missing(case, before, summary, after)


@pytest.mark.server
async def test_without_the_probe_a_store_would_spoil_names(house, moto, seaweedfs, tmp_path, monkeypatch):
    """Negative control: it is the plan's refusals that keep such keys away."""
    monkeypatch.setattr(Names, "refuses", lambda *_: None)
    with between(house, tmp_path, {"korea": moto, "japan": seaweedfs}) as case:
        for key in ("a//b", "/lead", "words/.versions/x"):
            case.korea.put_object(Bucket=case.bucket, Key=key, Body=body_of(key))
        await case.run()
        assert not {"a//b", "/lead", "words/.versions/x"} & set((await look(case, "japan")).listed)


def test_the_corpus_has_every_class_and_each_key_once():
    """D14, D15, D16: at least 300 keys, all allowed by S3: 1 to 1,024 bytes of UTF-8."""
    assert len(CORPUS) >= 300
    assert [key for key, times in Counter(CORPUS).items() if times > 1] == []
    assert all(1 <= len(key.encode()) <= KEY_BYTES_MAX for key in CORPUS)
    controls = {character for key in CORPUS for character in key if unicodedata.category(character) == "Cc"}
    assert controls == {chr(code) for code in (*range(1, 0x20), *range(0x7F, 0xA0))}
    assert max(len(key.encode()) for key in CORPUS) == KEY_BYTES_MAX
    for size in (254, 255, 256):
        assert any(len(part.encode()) == size for key in CORPUS for part in key.split("/"))


def test_each_key_is_shown_as_itself_and_harmlessly():
    """D17: what is shown is printable ASCII, different for different keys."""
    assert len({shown(key) for key in CORPUS}) == len(CORPUS)
    assert all(shown(key).isprintable() and shown(key).isascii() for key in CORPUS)
    assert not [key for key in CORPUS if shown(key).startswith(("=", "+", "@", "\t", "\r"))]  # nor as a spreadsheet's formula

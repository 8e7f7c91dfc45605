"""What plan and copy may rely on follows from the answers alone, and whatever was not seen counts as not there."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import scratch
from connectors.scratch import DiskScratch
from relocation.rules.capabilities import (
    Names,
    Question,
    counts_received,
    etag_is_md5,
    hidden_pairs,
    losses,
    reads_guard,
    refuses,
    sends_checksum,
    shows_parts,
    skew_s,
    unknowns,
    vault_guard,
    writes_guard,
)
from relocation.rules.errors import Refusal
from relocation.rules.names import Folded
from relocation.rules.objects import Attributes
from relocation.rules.records import Answers

KEPT = (
    *(Question.LEADING_SLASH, Question.DOUBLE_SLASH, Question.DOT_PART, Question.DOT_DOT_PART, Question.XLDIR_SUFFIX),
    *(Question.TRAILING_SLASH, Question.TRAILING_SLASH_BODY, Question.CONTROL, Question.PERCENT, Question.PLUS, Question.SPACE),
    *(Question.BACKSLASH, Question.PUNCTUATION, Question.NON_ASCII, Question.DECOMPOSED, Question.UNICODE_PAIR, Question.CASE_PAIR),
)


def answers(**given: str) -> Answers:
    """Return what a bucket `japan/talk` answered to these questions, and to nothing else."""
    return Answers("japan", "talk", "2021-06-01T00:00:00.000Z", "http://127.0.0.1", "", tuple(given.items()))


def whole(**given: str) -> Answers:
    """Return the answers of a store that keeps every name, but for these."""
    kept = {str(question): "kept" for question in KEPT}
    lengths = {"part_bytes_max": "950", "key_bytes_max": "1024", "child_of_key": "listed", "slash_of_key": "listed"}
    return answers(**(kept | lengths | given))


ODD = [
    ("/lead", "leading_slash", "a leading slash"),
    ("a//b", "double_slash", "an empty path part"),
    ("a/./b", "dot_part", "`.` as a path part"),
    (".", "dot_part", "`.` as a path part"),
    ("a/..", "dot_dot_part", "`..` as a path part"),
    ("x__XLDIR__", "xldir_suffix", "`__XLDIR__`"),
    ("a\nb", "control_characters", "control characters"),
    ("a\x7f", "control_characters", "control characters"),
    ("50%", "percent", "a percent sign"),
    ("a+b", "plus", "a plus sign"),
    ("a b", "space", "a space"),
    ("a\\b", "backslash", "a backslash"),
    ("what?", "punctuation", "punctuation"),
    ("a:b", "punctuation", "punctuation"),
    ("写真", "non_ascii", "beyond ASCII"),
    ("cafe\u0301", "decomposed", "decomposed"),
]


@pytest.mark.parametrize(("key", "question", "words"), ODD)
def test_a_name_that_the_target_spoils_is_refused_with_the_reason(key: str, question: str, words: str) -> None:
    """A key that a target would rename, refuse, hide or lose is refused by name of the trouble; one that it keeps is not."""
    assert refuses(key, 1, whole()) is None
    for answer, verb in (("renamed to other", "renames"), ("refused Code", "refuses"), ("hidden", "hides"), ("lost", "loses")):
        reason = refuses(key, 1, whole(**{question: answer}))
        assert reason is not None
        assert reason.startswith(f"japan/talk {verb}")
        assert words in reason


@pytest.mark.parametrize(("key", "question", "words"), ODD)
def test_plain_names_are_never_refused(key: str, question: str, words: str) -> None:
    """A store that spoils odd names still takes the plain ones."""
    for plain in ("images/2019/01/IMG_0001.jpg", "a", "a.b/..c/d..", "x" * 64, "A/b-c"):
        assert refuses(plain, 1, whole(**{question: "refused Code"})) is None


def test_unasked_only_names_that_stores_spoil_are_refused() -> None:
    """Without a probe, names that common stores spoil are refused as unasked; ordinary ones are taken as S3 takes them."""
    unasked = [key for key, _, _ in ODD if refuses(key, 1, answers())]
    assert unasked == ["/lead", "a//b", "a/./b", ".", "a/..", "x__XLDIR__", "a\nb", "a\x7f"]
    assert "was not asked about" in (refuses("/lead", 1, answers()) or "")
    assert refuses("p" * 256, 1, answers()) is not None
    assert refuses("p" * 255, 1, answers()) is None


def test_lengths_are_counted_in_bytes() -> None:
    """Limits of keys and path parts hold for UTF-8 bytes, not for characters."""
    short = whole(part_bytes_max="255")
    assert refuses("写" * 85, 1, short) is None
    assert refuses("写" * 86, 1, short) == "japan/talk keeps path parts of up to 255 bytes, this key has one of 258"
    assert refuses("a/" + "p" * 256, 1, short) is not None
    assert refuses("p" * 1000, 1, whole()) is None
    assert refuses("p/" * 512, 1, whole()) is None
    assert refuses("p/" * 512 + "p", 1, whole()) == "japan/talk keeps keys of up to 1024 bytes, this one has 1025"
    assert refuses("p/" * 300, 1, whole(key_bytes_max="512")) is not None
    assert refuses("p" * 1025, 1, whole()) is not None


def test_a_trailing_slash_depends_on_the_body() -> None:
    """A store may keep `dir/` when it is empty, and spoil it when it is not."""
    spoils = whole(trailing_slash_body="merged")
    assert refuses("dir/", 0, spoils) is None
    assert "a trailing slash and a body" in (refuses("dir/", 5, spoils) or "")
    assert refuses("dir/", 0, whole(trailing_slash="lost")) is not None


def test_an_object_beyond_every_limit_is_refused() -> None:
    """More than 10,000 parts of 5 GiB can't be written by S3's protocol."""
    assert refuses("a", 10_000 * 5 * 1024**3, whole()) is None
    assert "10,000 parts" in (refuses("a", 10_000 * 5 * 1024**3 + 1, whole()) or "")


def test_both_of_a_pair_are_refused_where_children_are_hidden() -> None:
    """`foo` beside `foo/bar` is refused, both of them, where one would hide the other; alone each is welcome."""
    hides = Names(whole(child_of_key="hidden"))
    found = hides.refuses_in_order([sorted(["foo/bar", "foo!", "foo", "foobar", "fo", "other"])])
    assert found == {
        "foo": "japan/talk hides children of a key from listings: `foo/bar` would stand beside it",
        "foo/bar": "japan/talk hides children of a key from listings: `foo` would stand beside it",
    }
    assert hides.refuses_in_order([sorted(["foo/bar", "foo/baz"])]) == {}
    assert Names(whole()).refuses_in_order([sorted(["foo", "foo/bar"])]) == {}
    assert set(Names(answers()).refuses_in_order([sorted(["foo", "foo/bar", "dir", "dir/"])])) == {"foo", "foo/bar"}


def test_a_key_and_its_folder_are_a_pair_of_their_own() -> None:
    """`dir` beside `dir/` is asked apart from `foo` beside `foo/bar`: a store may hide the one and keep the other."""
    assert Names(whole(child_of_key="hidden")).refuses_in_order([sorted(["dir", "dir/"])]) == {}
    assert set(Names(whole(slash_of_key="lost")).refuses_in_order([sorted(["dir", "dir/", "foo", "foo/bar"])])) == {"dir", "dir/"}


def test_names_that_would_land_on_one_are_all_refused() -> None:
    """Where a store folds case or normal forms, every name of a colliding group is refused, and no other."""
    names = ["Photo.jpg", "photo.JPG", "photo.jpeg", "caf\u00e9", "cafe\u0301"]
    folds_case = Names(whole(case_pair="merged")).refuses_in_order([sorted(names)])
    assert set(folds_case) == {"Photo.jpg", "photo.JPG", "caf\u00e9", "cafe\u0301"}
    assert "`photo.JPG` would land on the same name" in folds_case["Photo.jpg"]
    assert set(Names(whole(unicode_pair="merged")).refuses_in_order([sorted(names)])) == {"caf\u00e9", "cafe\u0301"}
    assert Names(whole()).refuses_in_order([sorted(names)]) == {}


@given(keys=st.sets(st.text("aAäÄ/", max_size=3), max_size=20), size=st.integers(1, 5))
def test_names_that_land_on_one_are_found_however_the_keys_are_cut_and_wherever_they_are_kept(tmp_path_factory, keys, size) -> None:
    """The colliding names are those of a comparison of each key with each other one, by a room in memory and by one on disk."""
    ordered = sorted(keys)
    blocks = [ordered[start : start + size] for start in range(0, len(ordered), size)]
    folds = Names(whole(case_pair="merged"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scratch, "MEMORY_ROWS", 4)
        patch.setattr(scratch, "SORTED_ROWS", 3)
        disk = DiskScratch(tmp_path_factory.getbasetemp() / "scratch").rows(Folded, lambda row: (row.name,))
        refused = folds.refuses_in_order(blocks, lambda: disk)
        disk.close()
    assert refused == folds.refuses_in_order(blocks)
    assert refused.keys() == {one for one in keys for other in keys if one != other and one.casefold() == other.casefold()}


KEYS = st.lists(st.text(alphabet="ab/!0", min_size=1, max_size=8), unique=True, max_size=40)


@given(KEYS)
def test_every_pair_is_found_whatever_the_order(keys: list[str]) -> None:
    """The pairs are exactly those of a comparison of each key with each other one."""
    expected = {(parent, child) for parent in keys for child in keys if child.startswith(f"{parent}/")}
    found = list(hidden_pairs(keys))
    assert len(found) == len(set(found))
    assert set(found) == expected


@given(keys=st.sets(st.text("a/!", max_size=4), max_size=20), size=st.integers(1, 6))
def test_pairs_are_found_however_the_keys_are_cut(keys, size) -> None:
    """D15: a parent and its child may be any number of blocks apart."""
    ordered = sorted(keys)
    blocks = [ordered[start : start + size] for start in range(0, len(ordered), size)]
    refused = Names(answers(child_of_key="hidden", slash_of_key="hidden")).refuses_in_order(blocks)
    assert refused == Names(answers(child_of_key="hidden", slash_of_key="hidden")).refuses_in_order([[key] for key in ordered])
    assert refused.keys() == {key for pair in hidden_pairs(keys) for key in pair}


def test_pairs_are_found_in_linear_time() -> None:
    """A hundred thousand keys, and keys that are each a beginning of the next, take no quadratic time."""
    keys = [f"{number:06d}" for number in range(100_000)] + ["a" * length for length in range(1, 1000)]
    random.Random(1).shuffle(keys)
    began = time.process_time()
    assert list(hidden_pairs(keys)) == []
    assert time.process_time() - began < 2


def test_a_write_is_guarded_or_refused() -> None:
    """If-None-Match where it was seen at work, HEAD first where versions keep what a race replaces, else a refusal in words."""
    assert writes_guard(answers(put_if_none_match="honoured")) == "if_none_match"
    assert writes_guard(answers(put_if_none_match="ignored", versioning="enabled")) == "head_first"
    assert writes_guard(answers(put_if_none_match="honoured", versioning="enabled"), multipart=True) == "head_first"
    assert writes_guard(answers(complete_if_none_match="honoured"), multipart=True) == "if_none_match"
    for versioning in ("off", "suspended", "not asked"):
        with pytest.raises(Refusal, match=r"If-None-Match on PUT is not honoured \(ignored\).*Turn on versioning of japan/talk"):
            writes_guard(answers(put_if_none_match="ignored", versioning=versioning))
    with pytest.raises(Refusal, match=r"CompleteMultipartUpload is not honoured \(not asked\)"):
        writes_guard(answers(put_if_none_match="honoured"), multipart=True)


def test_a_read_is_guarded_or_refused() -> None:
    """If-Match where it was seen at work, a version id where there are versions, else a refusal."""
    assert reads_guard(answers(get_if_match="honoured")) == "if_match"
    assert reads_guard(answers(get_if_match="ignored", versioning="enabled")) == "version_id"
    with pytest.raises(Refusal, match="an object that changes while it is read would not be noticed"):
        reads_guard(answers(get_if_match="ignored", versioning="suspended"))


def test_a_vault_must_hold_fast() -> None:
    """Evidence is kept only where a locked canary stayed."""
    vault_guard(answers(lock_enforced="enforced", object_lock="on"))
    with pytest.raises(Refusal, match="made with object lock"):
        vault_guard(answers(lock_enforced="ignored", put_if_none_match="honoured", object_lock="on"))


@pytest.mark.parametrize("wrong", ["ignored", "not asked", "refused Code", "error SlowDown", "forbidden"])
def test_received_counts_only_where_a_wrong_checksum_was_refused(wrong: str) -> None:
    """An acknowledged write is no proof where a wrong checksum got in, or where the right one left no trace."""
    good = {"checksum": "verified", "checksum_echoed": "yes", "checksum_stored": "yes"}
    parts = {"part_checksum": "verified", "upload_checksum_stored": "yes"}
    assert counts_received(answers(**good))
    assert counts_received(answers(**good | {"checksum_echoed": "no"}))
    assert not counts_received(answers(**good | {"checksum_echoed": "no", "checksum_stored": "no"}))
    assert not counts_received(answers(**good | {"checksum": wrong}))
    assert not counts_received(answers(**good), multipart=True)
    assert counts_received(answers(**parts), multipart=True)
    assert not counts_received(answers(**parts | {"part_checksum": wrong}), multipart=True)
    assert not counts_received(answers(**parts | {"upload_checksum_stored": "no"}), multipart=True)
    assert sends_checksum(answers(**good | {"checksum": wrong})) is (wrong == "not asked")


def test_etags_parts_and_clocks_count_as_seen() -> None:
    """MD5-based ETags, part numbers and the clock's skew hold where they were seen, and not where nobody asked."""
    assert etag_is_md5(answers(put_etag="md5"))
    assert not etag_is_md5(answers(put_etag="md5"), multipart=True)
    assert etag_is_md5(answers(upload_etag="md5"), multipart=True)
    assert not etag_is_md5(answers())
    assert shows_parts(answers(part_number="honoured"))
    assert not shows_parts(answers())
    assert skew_s(answers(date_skew_s="-61")) == -61
    assert skew_s(answers()) is None


def test_what_the_target_drops_is_declared() -> None:
    """What a target was seen to drop of an object's attributes is named; what it keeps, or nobody asked, is not."""
    attributes = Attributes(
        headers=(("x-amz-website-redirect-location", "/a"), ("content-type", "image/png")),
        metadata=(("album", "\u00e5"),),
        tags=(("album", "写真"),),
    )
    drops = answers(website_redirect="dropped", non_ascii_tag="refused InvalidTag", non_ascii_metadata="changed")
    assert losses(attributes, drops) == ("non-ASCII tags", "non-ASCII user metadata", "x-amz-website-redirect-location")
    assert losses(attributes, answers()) == ()
    assert losses(attributes, answers(website_redirect="kept", non_ascii_tag="kept", non_ascii_metadata="kept")) == ()
    assert losses(Attributes(tags=(("album", "plain"),)), drops) == ()


def test_what_no_listing_shows_stays_an_unknown() -> None:
    """A store that hides children, or was never asked, leaves a standing unknown in every report."""
    (hidden,) = unknowns(answers(child_of_key="hidden"))
    assert hidden == (
        "japan/talk hides children of a key from listings (`foo/bar` while `foo` exists): objects may exist that no listing shows"
    )
    assert unknowns(answers(child_of_key="listed")) == ()
    assert "was not asked" in unknowns(answers())[0]
    assert "shows no unfinished uploads" in unknowns(answers(child_of_key="listed", uploads_listed="no"))[0]

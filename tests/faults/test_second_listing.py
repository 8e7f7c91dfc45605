"""What a real MinIO hides from its listing is found through a list of keys; without one the report says what it can't know."""

from __future__ import annotations

import pytest

from connectors.report.limits import second_listing_of, unknowns_of
from connectors.report.page import as_page
from hikkoshi.exit_codes import ExitCode, code_of
from tests.faults.stack import case_of

pytestmark = pytest.mark.server

PLAIN = ("a", "b/c", "foo", "foo-x", "写真/1 +.jpg", "deep/er")
HIDDEN = ("foo/bar", "deep/er/and/deeper")


@pytest.fixture
def case(house, tmp_path):
    with case_of(house, tmp_path) as made:
        for key in (*HIDDEN, *PLAIN):
            made.put(key, key.encode())
        try:
            yield made
        finally:
            for key in HIDDEN:
                made.korea.delete_object(Bucket=made.bucket, Key=key)


def unknown_of_korea(summary) -> list[str]:
    return [text for text in summary.unknown if text.startswith("korea/") and "hides children of a key" in text]


async def test_what_minio_hides_is_found_through_a_list_of_keys(case):
    """D25: `foo` hides `foo/bar` on MinIO. The application knows it: it is named in every report, and the run ends with 1."""
    (case.folder / "keys.txt").write_text("a\nb/c\nfoo\nfoo%2Fbar\ndeep/er/and/deeper\ndeep/er\nno-more\n")
    case.policy = "{keys: keys.txt, second_listing: auto}"
    assert set(case.listed("korea")) == set(PLAIN)
    summary = await case.run()
    assert [named.key for named in summary.hidden] == sorted(HIDDEN)
    assert {named.reason for named in summary.hidden} == {
        f"it is there, and the listing of korea/{case.bucket} does not show it; found by the list of keys"
    }
    assert code_of(summary) == ExitCode.SOMETHING
    assert unknown_of_korea(summary) == []
    assert [(each.way, each.hidden, each.unlisted, each.absent) for each in summary.second_listing] == [
        ("delimiter", 0, 0, 0),
        ("keys", 2, 2, 1),
    ]
    assert "Hidden from the listing" in (page := as_page(summary))
    assert "一覧に現れないオブジェクト" in page
    assert set(case.listed("japan")) == set(PLAIN)


async def test_without_a_list_of_keys_what_minio_may_hide_stays_unknown(case):
    """D25: no enumeration by the store itself shows it, neither folder by folder nor by versions; the report says so."""
    for versioned in (False, True):
        if versioned:
            case.korea.put_bucket_versioning(Bucket=case.bucket, VersioningConfiguration={"Status": "Enabled"})
        case.policy = "{second_listing: auto}"
        summary = await case.run()
        assert [(each.way, each.same) for each in summary.second_listing] == [("versions" if versioned else "delimiter", True)]
        assert summary.hidden == ()
        assert len(unknown_of_korea(summary)) == 1
        assert "hides children of a key from listings" in str(unknowns_of(summary).rows)
        assert "nothing there that the listing does not show" in second_listing_of(summary)[0].en


async def test_a_key_written_between_both_is_not_called_hidden(case):
    """S9: an inventory file that is younger than the listing names keys that the listing shows by now."""
    (case.folder / "inventory.csv").write_text(f'"{case.bucket}","foo%2Fbar"\n"{case.bucket}","late/r"\n"other","x"\n')
    case.policy = "{keys: inventory.csv}"
    case.put("late/r", b"x")
    summary = await case.run()
    assert [named.key for named in summary.hidden] == ["foo/bar"]
    assert summary.counts["listed"].objects == len(PLAIN) + 1

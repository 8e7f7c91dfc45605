"""Odd but legal keys go from one real MinIO to the other byte for byte, or are refused by name; none is missing (D14-D17)."""

from __future__ import annotations

import unicodedata
from urllib.parse import unquote_plus

import pytest

from connectors.s3 import xml
from relocation.rules.errors import ProtocolError
from relocation.rules.keys import shown
from tests.faults.stack import Case

pytestmark = pytest.mark.server

COMPOSED = "がぎぐ é ñ ü 각"
CORPUS = (
    *(f"control/{chr(code)}x" for code in (1, 2, 7, 8, 9, 10, 11, 12, 13, 27, 31, 127)),
    *("line\nbreak", "carriage\rreturn", "tab\tulator", "c1/\u0085\u009f", "zero-width/\u200b\u200d\ufeff", "bidi/\u202eabc"),
    *("nfc/" + COMPOSED, "nfd/" + unicodedata.normalize("NFD", COMPOSED)),
    *("pair/" + COMPOSED, "pair/" + unicodedata.normalize("NFD", COMPOSED)),
    *("case/Key", "case/key", "case/KEY", "CASE/key", "case/straße", "case/STRASSE"),
    *(
        "emoji/😀👨‍👩‍👧.png",
        "emoji/🇯🇵",
        "astral/𠮷野家",
        "kana/ﾊﾝｶｸ ハンカク",
        "full/ｆｕｌｌ",
        "private/\ue000\uf8ff",
        "non/\ufffe\uffff\ufffd",
    ),
    *("percent/%2F", "percent/%", "percent/%zz", "percent/%00", "percent/%25", "percent/100%", "a%2Fb", "a%20b"),
    *("plus/a+b", "plus/+", "space/a b", "space/ lead", "space/trail ", "space/  ", "a b+c%20d"),
    *("query?list-type=2&x=y", "fragment#part", "query?", "#", "markup/&<>\"'", "&amp;", "<Key>x</Key>", "]]>", "<!--x-->"),
    *(
        "back\\slash",
        "c:\\dir\\file",
        "glob/*[]?{a,b}",
        "~",
        "~user",
        "$HOME",
        "`id`",
        "$(id)",
        ";ls",
        "|",
        "-rf",
        "--",
        "=1+1",
        "@x",
    ),
    *(
        "dir/",
        "dir2/",
        "dir2/child",
        "dots/..a",
        "dots/a..",
        "dots/...",
        "dots/.x",
        "trailing.",
        "CON",
        "NUL.txt",
        "a:b",
        "x" * 255,
    ),
    "/".join("d" * 200 for _ in range(5)),
    "/".join("字" * 60 for _ in range(5)) + "/" + "e" * 90,
    "/".join("s" for _ in range(500)),
)
"""Keys that S3 allows; what MinIO does with them as a target is another question, which the plan must answer."""


async def seed(case: Case) -> None:
    bodies = [(key, b"" if key.endswith("/") else key.encode()) for key in CORPUS]
    await case.house.seed(case.bucket, bodies)


def assert_none_is_missing(case: Case, summary) -> None:
    """Each key is at the target under its very name, or among the refused, and never both."""
    arrived, refused = set(case.listed("japan")), {named.key for named in summary.refused}
    assert set(case.listed("korea")) == set(CORPUS)
    assert arrived | refused == set(CORPUS)
    assert not arrived & refused
    assert not summary.failed
    assert {key.encode() for key in arrived} == {key.encode() for key in set(CORPUS) - refused}


async def test_odd_but_legal_keys_arrive_byte_for_byte_or_are_refused_by_name(case):
    """Over 80 keys that tools stumble over: read by boto3 on both sides, each is found under its own bytes with its own content."""
    assert len(set(CORPUS)) == len(CORPUS) >= 60
    await seed(case)
    summary = await case.run()
    assert_none_is_missing(case, summary)
    assert summary.refused == ()  # this target keeps every one of them
    assert max(len(key.encode()) for key in CORPUS) > 1000
    case.assert_reconciled(summary, objects=len(CORPUS))
    assert case.bodies("japan") == case.bodies("korea")


async def test_keys_are_printable_ascii_wherever_people_read_them(case):
    """D17: no key reaches a report's text raw: what it shows is percent-encoded, different for different keys."""
    assert len({shown(key) for key in CORPUS}) == len(CORPUS)
    assert all(shown(key).isprintable() and shown(key).isascii() for key in CORPUS)


async def test_without_decoding_a_listing_keys_would_not_be_themselves(case, monkeypatch):
    """Negative control: keys that come back percent-encoded and are not decoded, or decoded as a form would, do not arrive."""
    await seed(case)
    for wrong in (lambda text: text, lambda text: unquote_plus(unquote_plus(text))):
        with monkeypatch.context() as patch:
            patch.setattr(xml, "_decode", wrong)
            with pytest.raises((AssertionError, ProtocolError)):  # missing, or a listing that repeats a key
                assert_none_is_missing(case, await case.run())

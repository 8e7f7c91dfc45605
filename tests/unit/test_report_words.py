"""Japanese and English."""

import re
import string
from pathlib import Path

import pytest

from connectors.report import words
from connectors.report.document import COUNTED, OUTCOMES, PROOFS
from connectors.report.figures import duration, moment, objects, plain, readable, size
from connectors.report.words import Text, as_text, say, table, translated
from relocation.rules.questions import Question

FOLDER = Path(words.__file__).parent
JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


def blanks(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


@pytest.mark.parametrize("name", sorted(table()))
def test_every_sentence_is_there_in_both_languages_with_the_same_blanks(name: str) -> None:
    """A reader of Japanese is told exactly what a reader of English is told."""
    sentence = table()[name]
    assert sentence.en
    assert JAPANESE.search(sentence.ja), f"{name} is not Japanese: {sentence.ja}"
    assert not JAPANESE.search(sentence.en)
    assert blanks(sentence.en) == blanks(sentence.ja)


def test_every_name_that_the_page_says_is_in_the_table() -> None:
    """No page shows a bare name in place of a sentence."""
    said = set()
    for file in FOLDER.iterdir():
        if file.suffix in {".py", ".html"}:
            said |= set(re.findall(r"""\b(?:say|say_or)\(\s*f?["']([a-z][a-z_.]*[a-z])["']""", file.read_text(encoding="utf-8")))
    assert said - {"wave"} <= set(table()) | {name for name in said if any(known.startswith(f"{name}.") for known in table())}


def test_every_action_outcome_proof_and_question_has_its_words() -> None:
    """The closed sets of the rules are all translated."""
    wanted = {f"action.{name}" for name in COUNTED} | {f"outcome.{name}" for name in OUTCOMES}
    wanted |= {f"question.{name}" for name in Question}
    wanted |= {f"proof.{name}{part}" for name in PROOFS for part in ("", ".means", ".side")}
    wanted |= {f"{kind}.{name}.means" for kind, names in (("action", COUNTED[1:]), ("outcome", OUTCOMES)) for name in names}
    assert wanted <= set(table())


def test_no_sentence_lies_unused() -> None:
    """The table holds what the page says, and nothing else."""
    source = "".join(file.read_text(encoding="utf-8") for file in FOLDER.iterdir() if file.suffix in {".py", ".html"})
    built = re.compile(
        r"(action|outcome|proof|question|country|level|kind|flow|list|stage|term|equation|point|shape|aspect|follows|chance)\."
    )
    unsaid = [name for name in table() if f'"{name}"' not in source and f"'{name}'" not in source]
    assert not [name for name in unsaid if not built.match(name) and not name.endswith(".none")]


@pytest.mark.parametrize(
    ("reason", "japanese"),
    [
        ("the source changed since it was copied", "コピーの後に移行元が変更された"),
        (
            "japan/talk refuses (NoGood) an empty path part (`//`) in a key",
            "japan/talk はこのキーを拒否する（NoGood）：空の区切り（//）",
        ),
        ("renamed to lead", "「lead」に改名される"),
    ],
)
def test_known_reasons_are_translated(reason: str, japanese: str) -> None:
    """What the rules say in English is read in Japanese, with its figures."""
    assert translated(reason) == Text(reason, japanese)


def test_an_unknown_reason_stands_as_it_is() -> None:
    """No reason is lost for want of a translation, and none is translated by guessing."""
    assert translated("something new {0}") == Text("something new {0}", "something new {0}")


def test_phrases_have_as_many_groups_as_their_japanese_uses() -> None:
    """No translation fails when its reason comes."""
    for phrase in words._phrases():
        used = {int(name) for name in blanks(phrase.japanese)}
        assert used <= set(range(re.compile(phrase.pattern).groups)), phrase.pattern


@pytest.mark.parametrize(
    ("pattern", "matching"),
    [
        ("plain", ["plain"]),
        ("ax? of (\\d+) by\\d", ["a of 1 by7", "ax of 22 by0"]),
        ("(\\S+) ends so", ["it ends so"]),
        (r"of (.+)\)", ["of x)"]),
        ("b{0,1}c", ["c", "bc"]),
        ("so be it.?", ["so be it", "so be it!"]),
    ],
)
def test_no_sentence_is_passed_over_that_its_pattern_matches(pattern: str, matching: list[str]) -> None:
    """Looking at a sentence's beginning and end first changes nothing but the time that it takes."""
    phrase = words._Phrase.of(pattern, "")
    assert all(re.fullmatch(pattern, each) and phrase.match(each) for each in matching)
    assert phrase.match("another") is None


def test_no_phrase_has_alternatives_outside_of_a_group() -> None:
    """Of such a pattern the beginning would say nothing."""
    for phrase in words._phrases():
        outside = re.sub(r"\([^()]*\)", "", phrase.pattern.replace("\\(", "").replace("\\)", ""))
        assert "|" not in outside, phrase.pattern


def test_text_is_escaped_in_both_languages() -> None:
    """A name with mark-up is text, in either language."""
    html = Text("<b>&", "<i>\"'").__html__()
    assert html == '<span class="en" lang="en">&lt;b&gt;&amp;</span><span class="ja" lang="ja">&lt;i&gt;&#34;&#39;</span>'
    assert as_text("<x>").__html__() == "&lt;x&gt;"


def test_a_sentence_needs_all_its_blanks() -> None:
    """A sentence with a hole in it is a bug, not a report."""
    with pytest.raises(KeyError):
        say("wave")
    with pytest.raises(KeyError):
        say("no.such.sentence")


@pytest.mark.parametrize(
    ("seconds", "english", "japanese"),
    [
        (0.4, "under a second", "1 秒未満"),
        (59.4, "59 s", "59 秒"),
        (59.6, "1 min 0 s", "1 分 0 秒"),
        (3600, "1 h 0 min", "1 時間 0 分"),
        (200_000, "2 d 7 h", "2 日 7 時間"),
    ],
)
def test_times_are_told_in_two_units(seconds: float, english: str, japanese: str) -> None:
    """A duration is read at a glance."""
    assert duration(seconds) == Text(english, japanese)


def test_sizes_and_numbers_are_told_with_units() -> None:
    """Binary units by their right names; one object is no plural."""
    assert [size(count).replace("\u00a0", " ") for count in (0, 1023, 1024, 327_204_112, 5 * 1024**5)] == [
        "0 B",
        "1023 B",
        "1.0 KiB",
        "312.0 MiB",
        "5.0 PiB",
    ]
    assert (objects(1).en, objects(2146).en, objects(2146).ja) == ("1 object", "2,146 objects", "2,146 件")


def test_times_of_day_are_shown_in_the_migrations_zone_and_in_utc() -> None:
    """Nobody has to convert a time in their head."""
    assert moment("2026-11-22T14:10:53Z", "Asia/Tokyo") == "2026-11-22 23:10:53 JST · 2026-11-22 14:10:53 UTC"
    assert moment("2026-11-22T14:10:53+00:00", "UTC") == "2026-11-22 14:10:53 UTC"
    assert moment("yesterday\n", "UTC") == "yesterday%0A"


@pytest.mark.parametrize(
    "key", ["a.jpg", "\u202egpj.exe", "か\u3099.jpg", "مرحبا", "a\nあ", "あ\u3000い", "あ" * 121, "\u200bあ", "\udcff"]
)
def test_a_key_is_shown_decoded_only_where_it_can_not_mislead(key: str) -> None:
    """Invisible, decomposed, right-to-left and over-long keys are shown encoded alone."""
    assert readable(key) == ""
    assert readable("images/札幌 雪まつり.jpg") == "images/札幌 雪まつり.jpg"


def test_text_from_outside_can_not_break_a_line_or_turn_it_around() -> None:
    """Control, bidirectional and invisible characters are written out."""
    assert plain("a\nb\u202ec d\u2028") == "a%0Ab%E2%80%AEc d%E2%80%A8"

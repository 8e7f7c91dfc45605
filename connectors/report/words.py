"""Japanese and English, side by side: every sentence of a report is a `Text`, and `words.toml` holds them all.

Guarantees: a text can't exist in one language alone; in HTML it is escaped, and each language is marked as such. Refuses a
sentence that is not in the table, or one whose blanks are not all filled (`KeyError`: a bug).
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from markupsafe import Markup, escape

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence in both languages."""

    en: str
    ja: str

    def __html__(self) -> Markup:
        """Return both languages as escaped HTML, of which the page's switch shows one."""
        if self.en == self.ja:
            return escape(self.en)
        return Markup('<span class="en" lang="en">{}</span><span class="ja" lang="ja">{}</span>').format(self.en, self.ja)

    def in_(self, language: str) -> str:
        """Return the sentence in `en` or `ja`."""
        return self.ja if language == "ja" else self.en


Words = Text | str | int


@cache
def table() -> dict[str, Text]:
    """Return every sentence by its name."""
    read: dict[str, list[str]] = tomllib.loads((HERE / "words.toml").read_text(encoding="utf-8"))
    return {name: Text(english, japanese) for name, (english, japanese) in read.items()}


def say(name: str, **blanks: Words) -> Text:
    """Return a sentence with its blanks filled, each in the language of the sentence."""
    sentence = table()[name]
    english = {blank: as_text(words).en for blank, words in blanks.items()}
    japanese = {blank: as_text(words).ja for blank, words in blanks.items()}
    return Text(sentence.en.format_map(english), sentence.ja.format_map(japanese))


def say_or(name: str, otherwise: str) -> Text:
    """Return a sentence, or, where the table has none of that name, the other words as they are in both languages."""
    return say(name) if name in table() else as_text(otherwise)


def as_text(words: Words) -> Text:
    """Return words that are the same in both languages (names, numbers, units) as a text; numbers with thousands separators."""
    if isinstance(words, Text):
        return words
    shown = f"{words:,}" if isinstance(words, int) else words
    return Text(shown, shown)


SPECIAL = re.compile(r"[\\.^$*+?{}\[\]|()]")
OPTIONAL = ("?", "*", "{")
"""What may follow a letter that then need not be there."""


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A pattern and its Japanese. What matches begins and ends so: a hundred patterns need not be compiled for one sentence."""

    begins: str
    ends: str
    pattern: str
    japanese: str

    @classmethod
    def of(cls, pattern: str, japanese: str) -> _Phrase:
        special = list(SPECIAL.finditer(pattern))
        if not special:
            return cls(pattern, pattern, pattern, japanese)
        first, last = special[0], special[-1]
        begins, ends = pattern[: first.start()], pattern[last.end() :]
        return cls(begins[:-1] if first[0] in OPTIONAL else begins, ends[1:] if last[0] == "\\" else ends, pattern, japanese)

    def match(self, sentence: str) -> re.Match[str] | None:
        """Return the match of the whole sentence."""
        if not (sentence.startswith(self.begins) and sentence.endswith(self.ends)):
            return None
        return re.fullmatch(self.pattern, sentence)


@cache
def _phrases() -> tuple[_Phrase, ...]:
    read: dict[str, dict[str, str]] = tomllib.loads((HERE / "phrases.toml").read_text(encoding="utf-8"))
    return tuple(_Phrase.of(pattern, japanese) for pattern, japanese in read["phrases"].items())


@lru_cache(1024)
def translated(reason: str) -> Text:
    """Return a sentence that another part of the program wrote (in English), in Japanese where its pattern is known.

    A sentence that is not known stands in English in both; better than none, or a wrong one. A list says a few of them a thousand
    times.
    """
    for phrase in _phrases():
        match = phrase.match(reason)
        if match:
            return Text(reason, phrase.japanese.format(*(translated(group).ja for group in match.groups(default=""))))
    return as_text(reason)

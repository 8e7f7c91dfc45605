"""The probe compared with those before it, and what its answers mean in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.memory import Behaviour
from connectors.report.answers import all_follow, changed, follows
from connectors.report.words import table
from relocation.rules.probe_changes import changes, just_now
from relocation.rules.questions import NOT_ASKED, Question
from relocation.rules.records import Answers
from relocation.rules.summary import AnswerChange
from relocation.stages.probe import probe
from tests.unit.probe_cases import KOREA, memory

WORDS = ("honoured", "ignored", "renamed to x", "refused NoGood", "hidden", "lost", "merged", "dropped", "changed", "forbidden")
MORE = ("error Unreachable", NOT_ASKED, "opaque", "no", "inexact", "off", "suspended", "by whole key", "without prefix", "17")


def said(day: int, url: str = "http://a", **answers: str) -> Answers:
    return Answers("japan", "talk", f"2026-11-{day:02}T00:00:00Z", url, "", tuple(sorted(answers.items())))


def test_a_changed_answer_is_named_with_the_day_since_which_it_is_so():
    """S12: "since 12 November the target ignores If-None-Match", however often it was probed since."""
    history = [said(day, put_if_none_match="ignored" if day >= 12 else "honoured", plus="kept") for day in range(20, 9, -1)]
    assert changes(history) == (AnswerChange("japan/talk", "put_if_none_match", "honoured", "ignored", "2026-11-12T00:00:00Z"),)
    assert just_now(history) == ()
    assert just_now(history[8:]) == changes(history[8:])


def test_what_was_never_answered_before_is_no_change():
    """A new question, another address, our own configuration and the clock change nothing about the store."""
    assert changes([]) == ()
    assert changes([said(2, plus="kept")]) == ()
    assert changes([said(2, plus="kept"), said(1, plus=NOT_ASKED)]) == ()
    assert changes([said(2, plus="kept"), said(1, "http://b", plus="refused X")]) == ()
    assert changes([said(2, date_skew_s="3", encryption="a=kept"), said(1, date_skew_s="0", encryption="a=501")]) == ()


def test_a_store_that_faltered_said_nothing():
    """An answer that failed is passed over: what stood before it is what is compared."""
    history = [said(3, plus="kept"), said(2, plus="error Unreachable"), said(1, plus="kept")]
    assert changes(history) == ()
    assert [each.before for each in changes([said(4, plus="refused X"), *history])] == ["kept"]


async def test_a_probe_that_sees_something_new_says_so_at_once():
    """S12: a store that stopped honouring a condition since the last probe is noted in the log of the run that saw it."""
    _, context = memory()
    noted = []
    context.progress.note = lambda event, **facts: noted.append((event, facts))
    await probe(context, KOREA, side="source")
    assert noted == []
    context = replace(context, stores=memory(Behaviour(if_match="ignored"))[1].stores)
    context.clock.at += 86_400
    await probe(context, KOREA, side="source")
    assert [(event, facts["question"], facts["after"]) for event, facts in noted] == [("probe.changed", "get_if_match", "ignored")]
    context.clock.at += 86_400
    await probe(context, KOREA, side="source")
    assert len(noted) == 1  # said once; reports go on to say since when


@pytest.mark.parametrize("question", list(Question))
def test_each_answer_is_a_sentence_that_a_person_understands(question):
    """Whatever is answered, and not the best, is told in words in both languages, with what follows from it."""
    for answer in (*WORDS, *MORE):
        told = follows(question, answer)
        if told is not None:
            assert told.en.endswith(".")
            assert told.ja.endswith("。")
            assert f"{question}:" not in told.en  # its words, never its name


def test_a_delete_that_ignores_its_condition_is_told_as_what_it_means():
    """S12: erasing will use versions instead."""
    told = follows(Question.DELETE_IF_MATCH, "ignored")
    assert told
    assert told.en == "A DELETE with the wrong If-Match was obeyed: erasing will use versions instead."
    assert follows(Question.DELETE_IF_MATCH, "honoured") is None


def test_every_such_sentence_belongs_to_a_question():
    """No sentence lies there that no answer can bring up."""
    names = [name.removeprefix("follows.") for name in table() if name.startswith("follows.")]
    words = {"renamed", "refused", "hidden", "lost", "merged", "dropped", "changed", "ignored", "forbidden", "not", "other"}
    assert not [name for name in names if name.split(".")[0] not in {*words, *Question}]


def test_what_follows_stands_in_the_order_of_the_questions_and_once():
    """The same sentence for a wrong checksum on an object and on a part is two, for one answer told twice it is one."""
    told = all_follow((("checksum", "ignored"), ("put_if_match", "ignored"), ("plus", "kept"), ("storage_classes", "A=kept B=No")))
    assert [text.en.split(":")[0] for text in told] == [
        "A PUT with the wrong If-Match was obeyed",
        "A PUT with a wrong checksum was taken",
        "Storage classes that it does not take",
    ]


def test_a_change_is_told_in_both_languages():
    """The report says since when, where, what it was and what it is."""
    told = changed(AnswerChange("japan/talk", "put_if_none_match", "honoured", "ignored", "2026-11-12T00:00:00Z"), "Asia/Tokyo")
    assert "12" in told.en
    assert "was “honoured”, is “ignored”" in told.en
    assert "現在は「無視される」" in told.ja

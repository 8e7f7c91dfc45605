"""Two buckets' configurations side by side."""

from __future__ import annotations

from itertools import product
from xml.etree.ElementTree import Element, fromstring

import pytest

from connectors.report.words import translated
from connectors.s3.bucket_answers import understood
from connectors.s3.lifecycle import rules_in
from relocation.rules.bucket_settings import Act, Aspect, BucketSettings, Deed, LifecycleRule, Setting, State
from relocation.rules.objects import Place
from relocation.rules.parity import Slice, acts_on_arrivals, compare, unseen

KOREA, JAPAN = Place("korea", "talk"), Place("japan", "talk")
NOTHING = {aspect: Setting(State.NONE) for aspect in Aspect}
PART = Slice("images/", "pictures/")


def bucket(place: Place, *rules: LifecycleRule, held: str = "", **changes: Setting) -> BucketSettings:
    settings = NOTHING | {Aspect(name): setting for name, setting in changes.items()}
    if rules:
        settings[Aspect.LIFECYCLE] = Setting(State.SET, "1 rule", repr(rules))
    return BucketSettings(place, settings, rules, held)


def rule(deed: Deed, prefix: str = "") -> LifecycleRule:
    return LifecycleRule("r", prefix, narrowed=False, acts=(Act(deed, "after 3 days"),))


def verdicts(source: BucketSettings, target: BucketSettings, part: Slice = PART) -> dict[str, str]:
    return {line.aspect: line.verdict for line in compare(source, target, part)}


def test_two_buckets_of_the_same_configuration_are_the_same():
    """D32: nothing is made of what is the same."""
    assert set(verdicts(bucket(KOREA), bucket(JAPAN)).values()) == {"same"}


@pytest.mark.parametrize("prefix", ["", "p", "pictures/", "pictures/2019/"])
@pytest.mark.parametrize("deed", [Deed.EXPIRES, Deed.MOVES, Deed.UNKNOWN])
def test_a_rule_that_reaches_what_arrives_is_a_reason_to_refuse(deed, prefix):
    """D32: above, at or below the target's prefix: some of what arrives would not stay as it was proved."""
    target = bucket(JAPAN, rule(deed, prefix))
    assert f"lifecycle rule `r` {deed}" in acts_on_arrivals(target, PART)
    assert verdicts(bucket(KOREA), target)["lifecycle"] == "refused"


@pytest.mark.parametrize("prefix", ["images/", "picturesque", "q"])
def test_a_rule_for_another_prefix_is_none(prefix):
    """D32, control: what lies beside is no business of this move."""
    assert acts_on_arrivals(bucket(JAPAN, rule(Deed.EXPIRES, prefix)), PART) == ""


@pytest.mark.parametrize("deed", [Deed.EXPIRES_FORMER, Deed.MOVES_FORMER, Deed.REMOVES_MARKERS])
def test_what_concerns_former_versions_is_refused_where_they_are_moved(deed):
    """D32: under `versions: all` former versions and markers arrive too; else a rule about them is ordinary housekeeping."""
    target = bucket(JAPAN, rule(deed))
    assert acts_on_arrivals(target, PART) == ""
    assert acts_on_arrivals(target, Slice("", "", all_versions=True))


def test_a_rule_at_the_source_is_a_warning_and_no_refusal():
    """X9: what it expires before it was copied does not come home."""
    assert verdicts(bucket(KOREA, rule(Deed.EXPIRES, "images/")), bucket(JAPAN))["lifecycle"] == "attention"


@pytest.mark.parametrize(("state", "side"), product((State.NOT_ALLOWED, State.NOT_READ), ("source", "target")))
def test_what_could_not_be_seen_is_unknown_for_every_aspect(state, side):
    """D32: a missing right is never taken for "none"."""
    blind = BucketSettings(KOREA if side == "source" else JAPAN, {aspect: Setting(state) for aspect in Aspect})
    pair = (blind, bucket(JAPAN)) if side == "source" else (bucket(KOREA), blind)
    assert set(verdicts(*pair).values()) == {"unknown"}
    assert bool(unseen(pair[1])) == (side == "target")


def test_a_store_that_does_not_have_a_thing_has_none_of_it():
    """Not offered is an answer: nothing of the kind can be at work there."""
    no_cors = bucket(JAPAN, cors=Setting(State.NOT_OFFERED))
    assert verdicts(bucket(KOREA), no_cors)["cors"] == "same"
    here = bucket(KOREA, cors=Setting(State.SET, "1 rule", "a"))
    (line,) = (line for line in compare(here, no_cors, PART) if line.aspect == "cors")
    assert (line.verdict, line.at_target) == ("attention", "not offered")


def every_line():
    """Yield a line for each way in which two buckets can differ."""
    states = [
        Setting(State.NONE),
        Setting(State.SET, "1 rule", "a"),
        Setting(State.SET, "2 rules", "b"),
        Setting(State.NOT_ALLOWED),
    ]
    for here, there in product(states, states):
        source = BucketSettings(KOREA, dict.fromkeys(Aspect, here))
        yield from compare(source, BucketSettings(JAPAN, dict.fromkeys(Aspect, there)), PART)
    for here, there in product(("off", "enabled", "suspended"), repeat=2):
        versioned = (bucket(place, versioning=Setting(State.SET, says)) for place, says in ((KOREA, here), (JAPAN, there)))
        yield from compare(*versioned, PART)
    for deed, prefix in product(Deed, ("", "images/", "pictures/")):
        yield from compare(
            bucket(KOREA, rule(deed, prefix)), bucket(JAPAN, rule(deed, prefix)), Slice("images/", "pictures/", True)
        )
        yield from compare(bucket(KOREA, rule(deed, prefix)), bucket(JAPAN), Slice("images/", "x/", True))
    for here, there in product(("", "GOVERNANCE 3 days", "COMPLIANCE 1 years"), repeat=2):
        locked = Setting(State.SET, "on")
        yield from compare(bucket(KOREA, held=here, object_lock=locked), bucket(JAPAN, held=there, object_lock=locked), PART)


def test_every_sentence_is_there_in_japanese():
    """A reader of Japanese is told what a reader of English is told; only what is the same has no sentence."""
    for line in every_line():
        assert bool(line.meaning) == (line.verdict != "same"), line
        for text in filter(None, (line.meaning, line.at_source, line.at_target)):
            assert translated(text).ja != text, text


def lifecycle(*rules: str) -> Element:
    return fromstring(f"<LifecycleConfiguration>{''.join(f'<Rule>{each}</Rule>' for each in rules)}</LifecycleConfiguration>")


def test_a_rule_is_read_as_what_it_does():
    """D32: switched off is left out, tags narrow, and a deed that is not known is not taken for none."""
    former = "<NoncurrentVersionExpiration><NoncurrentDays>2</NoncurrentDays></NoncurrentVersionExpiration>"
    aborts = "<AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload>"
    both = "<Filter><And><Prefix>b/</Prefix><Tag/></And></Filter>"
    answer = lifecycle(
        "<ID>off</ID><Status>Disabled</Status><Prefix/><Expiration><Days>1</Days></Expiration>",
        "<ID>old</ID><Status>Enabled</Status><Prefix>a/</Prefix><Expiration><Days>1</Days></Expiration>",
        f"<ID>tags</ID><Status>Enabled</Status>{both}<Transition><Days>9</Days></Transition>",
        f"<ID>former</ID><Status>Enabled</Status><Filter/>{former}",
        f"<ID>uploads</ID><Status>Enabled</Status><Filter/>{aborts}",
        "<ID>odd</ID><Status>Enabled</Status><Filter><Prefix>c/</Prefix></Filter>",
        "<ID>new</ID><Status>Enabled</Status><Filter/><Transition><Date>2026-01-01T00:00:00Z</Date></Transition><Melts/>",
    )
    assert rules_in(answer) == (
        LifecycleRule("old", "a/", narrowed=False, acts=(Act(Deed.EXPIRES, "after 1 day"),)),
        LifecycleRule("tags", "b/", narrowed=True, acts=(Act(Deed.MOVES, "after 9 days"),)),
        LifecycleRule("former", "", narrowed=False, acts=(Act(Deed.EXPIRES_FORMER, "after 2 days"),)),
        LifecycleRule("uploads", "", narrowed=False, acts=()),
        LifecycleRule("odd", "c/", narrowed=False, acts=(Act(Deed.UNKNOWN),)),
        LifecycleRule("new", "", narrowed=False, acts=(Act(Deed.MOVES, "on 2026-01-01"), Act(Deed.UNKNOWN))),
    )


@pytest.mark.parametrize("aspect", [Aspect.LIFECYCLE, Aspect.REPLICATION])
def test_a_rule_that_is_switched_off_is_counted_as_such_and_makes_no_difference(aspect):
    """D32: it does nothing: two buckets that differ by it alone are the same, and "2 rules" would say that both are at work."""
    on, off = (f"<Rule><ID>{state}</ID><Status>{state}</Status><Days>1</Days></Rule>" for state in ("Enabled", "Disabled"))

    def said(*rules: str) -> Setting:
        root = "LifecycleConfiguration" if aspect is Aspect.LIFECYCLE else "ReplicationConfiguration"
        return understood(aspect, f"<{root}>{''.join(rules)}</{root}>".encode(), "b").setting

    both, one, none = said(on, off), said(on), said(off, off)
    assert (both.words, one.words, none.words) == ("1 rule, 1 switched off", "1 rule", "none, 2 switched off")
    assert all(translated(each.words).ja != each.words for each in (both, one, none))
    assert (both.whole, none.state, none.whole) == (one.whole, State.NONE, "")
    assert verdicts(bucket(KOREA, **{aspect: both}), bucket(JAPAN, **{aspect: one}))[aspect] == "same"


def test_the_deeds_that_only_minio_knows_are_seen_too():
    """D32: MinIO can expire every version at once; no SDK of AWS shows that, so the document itself is read."""
    answer = lifecycle(
        "<Status>Enabled</Status><AllVersionsExpiration><Days>3</Days></AllVersionsExpiration>",
        "<Status>Enabled</Status><DelMarkerExpiration><Days>3</Days></DelMarkerExpiration>",
    )
    deeds = [{act.deed for act in each.acts} for each in rules_in(answer)]
    assert deeds == [{Deed.EXPIRES, Deed.EXPIRES_FORMER}, {Deed.REMOVES_MARKERS}]


def test_another_document_than_the_one_asked_for_is_not_read():
    """D32: a store that ignores the question and lists the bucket has not said "none"."""
    for aspect in Aspect:
        assert understood(aspect, b"<ListBucketResult/>", "b").setting.state is State.NOT_READ, aspect


def test_a_policy_that_names_its_own_bucket_is_the_same_policy():
    """The two buckets have different names: that alone is no difference."""
    here, there = (f'{{"Statement": [{{"Resource": "arn:aws:s3:::{name}/*"}}]}}'.encode() for name in ("a", "b"))
    assert understood(Aspect.POLICY, here, "a") == understood(Aspect.POLICY, there, "b")


def test_a_default_retention_is_told_in_words():
    """What arrives in a bucket that locks by default can't be deleted: the report says for how long."""
    default = b"<Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>30</Days></DefaultRetention></Rule>"
    answer = b"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>%s</ObjectLockConfiguration>" % default
    found = understood(Aspect.OBJECT_LOCK, answer, "b")
    assert (found.setting.words, found.default_retention) == ("on", "COMPLIANCE 30 days")

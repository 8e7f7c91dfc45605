"""The page of a report."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from connectors.report.document import as_json
from connectors.report.page import as_page
from relocation.rules.roll_up import merged
from relocation.rules.summary import Bin, Count, Equation, Named, ProbeAge, Summary, Unclaimed
from tests.unit.report_samples import BAD, GOOD, HOSTILE_KEYS, PLAN, too_long

EMPTY = Summary("m", "c", "w", "r", "plan", "plan", "", "")
SAMPLES = [EMPTY, PLAN, GOOD, BAD, replace(BAD, kind="run"), replace(EMPTY, kind="verify", stage="verify")]
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>\n\u202e{{ 7*7 }}"


class Reader(HTMLParser):
    """Collects elements and text, and notices what is closed wrongly."""

    VOID = frozenset({"meta", "input", "br", "img", "link", "hr"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in {"script", "style"}:
            self.text.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    return reader


@pytest.mark.parametrize("summary", SAMPLES)
def test_the_page_is_well_formed(summary: Summary) -> None:
    """Every element is closed where it should be."""
    reader = read(as_page(summary))
    assert reader.wrong == reader.open == []


@pytest.mark.parametrize("summary", [*SAMPLES, too_long(1200)])
def test_the_page_asks_no_host(summary: Summary) -> None:
    """The page is one file: no address, no resource, and a policy that forbids both."""
    page = as_page(summary)
    reader = read(page)
    assert not re.search(r"https?:|url\(|@import", page)
    loading = {"link", "img", "iframe", "object", "embed", "image", "use", "base", "video", "audio", "form", "a"}
    assert not {tag for tag, _ in reader.elements} & loading
    named = {name for _, attributes in reader.elements for name in attributes}
    assert not named & {"src", "href", "srcset", "data", "action"}
    policy = next(attributes["content"] for tag, attributes in reader.elements if attributes.get("http-equiv"))
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:")


def test_hostile_keys_stay_text() -> None:
    """A key can't become an element, a script, a line break or a turn of the reading order."""
    page = as_page(BAD)
    reader = read(page)
    assert sum(tag == "script" for tag, _ in reader.elements) == 1
    assert not [attributes for _, attributes in reader.elements if any(name.startswith("on") for name in attributes)]
    assert "%3Cscript%3Ealert%281%29%3C/script%3E" in page
    assert "line%0Abreak%0D%0A%7C" in page
    assert "%7B%7B%207%20%2A%207%20%7D%7D" in page
    assert "\u202e" not in page
    assert not any(key in page for key in HOSTILE_KEYS)


def test_hostile_text_in_every_other_place_stays_text() -> None:
    """Names, reasons, answers and versions are as little trusted as keys."""
    named = (Named(HOSTILE, HOSTILE, HOSTILE, 2),)
    page = as_page(
        replace(
            BAD,
            migration=HOSTILE,
            category=HOSTILE,
            wave=HOSTILE,
            run_id=HOSTILE,
            stage=HOSTILE,
            plan_sha256=HOSTILE,
            config_sha256=HOSTILE,
            mismatched=named,
            failed=named,
            refused=named,
            foreign=named,
            unclaimed=(Unclaimed(HOSTILE, 1, 1, HOSTILE),),
            unknown=(HOSTILE,),
            losses={HOSTILE: 1},
            equations=(Equation(HOSTILE, Count(1, 1), ((HOSTILE, Count(1, 1)),)),),
            sizes=(Bin(HOSTILE, Count(1, 1)),),
            probes=(ProbeAge(HOSTILE, HOSTILE, 1.0, ((HOSTILE, HOSTILE),)),),
            moves=(HOSTILE,),
            source_country=HOSTILE,
            target_country=HOSTILE,
            residency=HOSTILE,
            deadline=HOSTILE,
            owner=HOSTILE,
            who=HOSTILE,
            host=HOSTILE,
            version=HOSTILE,
            versions=((HOSTILE, HOSTILE),),
            started_at=HOSTILE,
            finished_at=HOSTILE,
        )
    )
    reader = read(page)
    assert sum(tag == "script" for tag, _ in reader.elements) == 1
    assert not {tag for tag, _ in reader.elements} & {"img", "b"}
    assert not [attributes for _, attributes in reader.elements if any(name.startswith("on") for name in attributes)]
    assert reader.wrong == reader.open == []
    assert "{{ 7*7 }}" in page


@pytest.mark.parametrize(("summary", "holds"), [(PLAN, ["yes"]), (GOOD, ["yes"] * 3), (BAD, ["yes", "no", "no"])])
def test_each_equation_is_drawn_with_its_own_verdict(summary: Summary, holds: list[str]) -> None:
    """Whether the figures add up is computed from the figures shown, and said in words and colour."""
    page = as_page(summary)
    assert re.findall(r'data-holds="(yes|no)"', page) == holds
    assert page.count(">does not hold</span>") == holds.count("no")
    assert page.count('class="equation broken"') == holds.count("no")
    assert ("difference: 1 object, 50,000 B" in page) == ("no" in holds)


@pytest.mark.parametrize("kind", ["plan", "run"])
def test_what_the_listing_hides_is_in_the_key_figure_beside_the_red_verdict(kind: str) -> None:
    """A 0 there would speak against the sentence above it."""
    summary = replace(GOOD, kind=kind, hidden=(Named("talk", "a", "hidden"), Named("talk", "b", "hidden")))
    tile = as_page(summary).split("Can’t move</span>" if kind == "plan" else "Not verified</span>")[1][:200]
    assert ">2<" in tile


def test_a_page_without_equations_says_so() -> None:
    """A missing reconciliation is a problem, not a blank."""
    page = as_page(replace(GOOD, equations=()))
    assert "No reconciliation was recorded." in page
    assert '<div class="verdict bad" id="verdict">' in page


@pytest.mark.parametrize("summary", SAMPLES)
def test_both_languages_are_there_in_equal_number(summary: Summary) -> None:
    """The switch never shows a hole."""
    reader = read(as_page(summary))
    languages = [attributes.get("lang") for tag, attributes in reader.elements if tag in {"span", "text"}]
    assert languages.count("en") == languages.count("ja") > 50
    assert [attributes["id"] for tag, attributes in reader.elements if tag == "input"] == ["lang-en", "lang-ja"]


@pytest.mark.parametrize("summary", SAMPLES)
def test_pictures_have_a_title_and_a_description_and_tables_a_caption(summary: Summary) -> None:
    """Who can't see the picture is told what it shows."""
    page = as_page(summary)
    pictures = re.findall(r'<svg class="picture.*?</svg>', page, re.DOTALL)
    assert pictures
    assert all(re.search(r"<title>[^<]+</title><desc>", picture) and 'role="img"' in picture for picture in pictures)
    tables = re.findall(r"<table[^>]*>.*?</table>", page, re.DOTALL)
    folded = re.findall(r"<details>.*?</details>", page, re.DOTALL)
    assert all("<caption>" in table for table in tables if not any(table in each for each in folded))
    others = re.findall(r"<svg (?!class=\"picture)[^>]*>", page)
    assert all('aria-hidden="true"' in svg for svg in others)


def test_a_list_of_more_than_a_page_holds_is_cut_and_says_so() -> None:
    """The full number always stands beside what is shown, and the file that holds the rest is named."""
    page = as_page(too_long(1500), document_name="long.json")
    assert re.search(r"[\d,]+ of 1,500 are shown; all lie in the report’s JSON\.", page)
    assert page.count("long.json") >= 9
    assert "1,500 objects" in page
    assert len(as_page(too_long(1500)).encode()) < 1_000_000


@pytest.mark.parametrize("key", ["k" * 1024, "漢" * 341])
def test_the_page_stays_below_a_megabyte_with_the_longest_keys_and_reasons(key: str) -> None:
    """A thousand rows in each list, each with the longest key and a long reason of its own."""
    named = tuple(Named("b" * 63, key, f"{n} " + "why " * 200) for n in range(1000))
    long = replace(too_long(1000), mismatched=named, failed=named, refused=named, conflicts=named, drifted=named, gone=named)
    page = as_page(replace(long, remove=named, deleted_at_target=named, foreign=named))
    assert len(page.encode()) < 1_000_000


def test_a_very_long_key_is_shown_by_its_ends_and_says_so() -> None:
    """Forty lines of one key hide the others; the whole key lies in the JSON, and the page says that it does."""
    key = "a" * 500 + "inmost" + "z" * 500
    page = as_page(replace(GOOD, drifted=(Named("b", key, "r"),)))
    assert "a" * 200 + " … " + "z" * 60 in page
    assert "inmost" not in page
    assert "1,006 characters when encoded; the whole key lies in the report’s JSON" in page


def test_a_short_list_is_shown_whole() -> None:
    """Nothing is cut without need, and a rare reason is not pushed out by a common one."""
    named = tuple(Named("b", f"{n:04}", "common") for n in range(900)) + tuple(Named("b", f"rare-{n}", "rare") for n in range(3))
    page = as_page(replace(GOOD, drifted=named))
    assert all(f"<code>{each.key}</code>" in page for each in named)
    assert "are shown; all lie" not in page


def test_times_are_in_the_migrations_zone_and_in_utc_and_hashes_are_whole() -> None:
    """The seal can be compared with the ledger's, character by character."""
    page = as_page(PLAN)
    assert "2026-11-22 23:10:53 JST · 2026-11-22 14:10:53 UTC" in page
    assert PLAN.plan_sha256 in page
    assert PLAN.config_sha256 in page
    assert "operator" in page
    assert "mover-1" in page


def test_money_is_shown_only_where_it_was_calculated() -> None:
    """Without prices the page says that there are none."""
    assert "The configuration holds no prices, so no cost was calculated." in as_page(PLAN)
    priced = replace(PLAN, estimate=replace(PLAN.estimate, money=1234.5, currency="JPY"))
    assert "1,234.50 JPY" in as_page(priced)
    lacking = replace(PLAN, estimate=replace(PLAN.estimate, basis=f"{PLAN.estimate.basis}; no price for source egress_per_gb"))
    assert "No price is configured for: source egress_per_gb." in as_page(lacking)


def test_a_place_that_was_not_probed_and_an_old_probe_are_named() -> None:
    """The reader sees what the report's assumptions rest on, and how old that is."""
    page = as_page(replace(PLAN, probes=(*PLAN.probes, ProbeAge("korea/old", "", 0.0))))
    assert "not probed" in page
    assert "older than 24 hours" in page
    assert "Condition on PUT: only if nothing is there" in page
    assert "PUT の条件：存在しない場合のみ書く" in page
    assert "Not probed: what the stores do has not been seen." in as_page(replace(PLAN, probes=()))


def test_a_bucket_that_may_not_be_listed_is_named_as_not_counted() -> None:
    """What could not be looked at is never shown as empty, nor as a number."""
    page = as_page(replace(PLAN, unclaimed=(*PLAN.unclaimed, Unclaimed("korea/closed", -1, -1, ""))))
    assert "not counted: no right to list it" in page
    assert "-1" not in re.findall(r">(-?[\d,.]+)", page)
    assert as_json(replace(PLAN, unclaimed=(Unclaimed("korea/closed", -1, -1, ""),)))["unclaimed"][0]["objects"] is None


def test_several_waves_are_told_one_by_one() -> None:
    """The category's page names each wave with its own verdict."""
    waves = [replace(GOOD, wave="first"), replace(BAD, wave="rest")]
    page = as_page(merged(waves), waves=waves)
    assert ">all waves</span>" in page
    assert '<th scope="row">first</th>' in page
    assert '<th scope="row">rest</th>' in page

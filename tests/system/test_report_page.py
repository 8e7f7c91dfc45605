"""The page in a real browser: from a file, in both languages, on paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from connectors.report.page import as_page
from tests.unit.report_samples import BAD, GOOD, PLAN, too_long

pytestmark = pytest.mark.system

FAINT_WORDS = """() => {
    const linear = value => value / 255 <= .04045 ? value / 255 / 12.92 : ((value / 255 + .055) / 1.055) ** 2.4;
    const luminance = colour => {
        const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map(linear);
        return .2126 * r + .7152 * g + .0722 * b;
    };
    const ground = element => {
        for (; element; element = element.parentElement) {
            const colour = getComputedStyle(element).backgroundColor;
            if (!/, 0\\)$/.test(colour)) return colour;
        }
        return "rgb(255, 255, 255)";
    };
    const hasWords = element => element.checkVisibility() && [...element.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    return [...document.querySelectorAll("main *:not(svg *)")].filter(hasWords).map(element => {
        const pair = [luminance(getComputedStyle(element).color), luminance(ground(element))];
        return [(Math.max(...pair) + .05) / (Math.min(...pair) + .05), element.textContent.trim().slice(0, 40)];
    }).filter(([contrast]) => contrast < 4.5);
}"""
"""Words whose contrast with the ground below is under 4.5, by the formula of WCAG 2.2 (relative luminance)."""


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("report")
    for name, summary in (("plan", PLAN), ("good", GOOD), ("bad", BAD), ("long", too_long(1000))):
        (place / f"{name}.html").write_text(as_page(summary), encoding="utf-8")
    return place


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    yield opened
    opened.close()


@pytest.mark.parametrize("name", ["plan", "good", "bad", "long"])
def test_opened_from_a_file_it_asks_for_nothing_and_reports_no_fault(page: Page, folder: Path, name: str) -> None:
    """The browser requests the file itself and nothing else; no script of a key's runs; no policy is broken."""
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.goto((folder / f"{name}.html").as_uri())
    page.wait_for_load_state("networkidle")
    assert asked == [(folder / f"{name}.html").as_uri()]
    assert said == []


@pytest.mark.usefixtures("japanese_font")
def test_the_switch_shows_one_language_at_a_time(page: Page, folder: Path) -> None:
    """English first; one click, and every word is Japanese, the document's own language too."""
    page.goto((folder / "plan.html").as_uri())
    words = page.locator("#verdict .words")
    assert words.inner_text().startswith("Ready to move: 2,017 objects")
    page.get_by_text("日本語").click()
    assert words.inner_text().startswith("移行できます：2,017")
    assert page.evaluate("document.documentElement.lang") == "ja"
    assert page.locator("main .en:visible").count() == 0
    page.get_by_text("English").click()
    assert page.locator("main .ja:visible").count() == 0


def test_the_switch_works_with_the_keyboard_and_without_scripts(browser: Browser, folder: Path) -> None:
    """A reader whose browser runs no scripts, or who has no mouse, can read Japanese too."""
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto((folder / "good.html").as_uri())
    opened.keyboard.press("Tab")
    opened.keyboard.press("ArrowRight")
    assert opened.locator("#verdict .words .ja").is_visible()
    assert not opened.locator("#verdict .words .en").is_visible()
    context.close()


def test_the_address_can_name_the_language(page: Page, folder: Path) -> None:
    """A link to `report.html#ja` opens in Japanese."""
    page.goto((folder / "good.html").as_uri() + "#ja")
    assert page.locator("#verdict .words").inner_text().startswith("移行対象はすべて日本にあり")


@pytest.mark.parametrize("width", [1280, 780, 390])
def test_nothing_runs_out_of_the_page_sideways(page: Page, folder: Path, width: int) -> None:
    """The longest key breaks; a telephone shows the whole page too."""
    page.set_viewport_size({"width": width, "height": 900})
    for name in ("plan", "bad"):
        page.goto((folder / f"{name}.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_stands_out_from_its_ground(page: Page, folder: Path, scheme: str) -> None:
    """Text keeps a contrast of at least 4.5 to 1 in light and dark (WCAG 2.2, 1.4.3)."""
    page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
    page.goto((folder / "bad.html").as_uri())
    assert page.evaluate(FAINT_WORDS) == []


def test_on_paper_it_is_a4_in_the_language_chosen(page: Page, folder: Path) -> None:
    """What is printed is what was chosen: one language, A4, light, without the switch."""
    page.goto((folder / "plan.html").as_uri() + "#ja")
    printed = page.pdf(prefer_css_page_size=True, print_background=True)
    boxes = {tuple(round(float(side)) for side in box.split()) for box in re.findall(rb"/MediaBox\s*\[([^\]]*)\]", printed)}
    assert boxes == {(0, 0, 595, 842)}
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.locator(".switch").is_visible()
    assert page.locator("main .en:visible").count() == 0
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(29, 39, 51)"


def test_on_paper_no_picture_is_cut_in_two(page: Page, folder: Path) -> None:
    """A chart stands on one sheet: it is kept together, and is lower than a sheet."""
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 680, "height": 1000})
    page.goto((folder / "bad.html").as_uri())
    heights = page.evaluate(
        "[...document.querySelectorAll('svg.picture')]"
        ".map(each => [getComputedStyle(each).breakInside, each.getBoundingClientRect().height])"
    )
    assert len(heights) >= 9
    assert all(kept == "avoid" and height < 900 for kept, height in heights)

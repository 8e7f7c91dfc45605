"""An operator, a browser, a form: a wave is chosen, the switch turned, and the report read. Chromium, on the pages as served.

Screenshots lie in the folder that `HIKKOSHI_SCREENSHOTS` names, else in the test's own.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, expect, sync_playwright

from tests.flows.office import office as opened

pytestmark = [pytest.mark.system, pytest.mark.timeout(420)]

HERE = {"127.0.0.1", "localhost"}
KEYS = ("images/2019/01/a.jpg", "images/2019/02/秘密.jpg", "images/2020/b.jpg")
QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
ENDS_MS = 120_000


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """All four servers with every deployment, and something to move."""
    with opened(tmp_path_factory.mktemp("ui")) as there:
        there.seed("talk", *KEYS)
        yield there


@pytest.fixture(scope="module")
def shots(tmp_path_factory) -> Path:
    """Where the screenshots go."""
    folder = (
        Path(os.environ.get("HIKKOSHI_SCREENSHOTS", ""))
        if os.environ.get("HIKKOSHI_SCREENSHOTS")
        else tmp_path_factory.mktemp("shots")
    )
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def asked() -> list[str]:
    """Every address that the browser asked for."""
    return []


@pytest.fixture(scope="module")
def page(chromium, japanese_font, asked):
    """A browser as an operator has it, whose every request is written down."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        page = browser.new_page(viewport={"width": 1300, "height": 1000}, locale="en-US", timezone_id="Asia/Tokyo")

        def note(request: Request) -> None:
            asked.append(request.url)

        page.on("request", note)
        page.on("websocket", lambda socket: asked.append(socket.url))
        yield page
        browser.close()


@pytest.fixture(scope="module")
def run_page(office, page: Page, shots) -> str:
    """The page of a run that was started from the form: a wave chosen, dry run switched off, submitted."""
    page.goto(office.state.url("prefect"))
    page.get_by_role("link", name="Deployments").click()
    page.get_by_placeholder(re.compile("Search")).first.fill("wave-talk-images")
    page.get_by_role("link", name="wave-talk-images").first.click()
    page.get_by_role("tab", name="Description").click()
    expect(page.get_by_text("never overwrites an object that Hikkoshi did not write")).to_be_visible()
    page.screenshot(path=shots / "1-description.png")
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Custom run").click()
    expect(page.get_by_label("Dry run")).to_be_checked()
    page.get_by_label("Wave").click()
    assert page.get_by_role("option").all_inner_texts() == ["first", "rest"]
    page.get_by_role("option", name="first").click()
    page.get_by_label("Dry run").click()
    expect(page.get_by_label("Dry run")).not_to_be_checked()
    page.screenshot(path=shots / "2-form.png")
    submit(page)
    return page.url


def submit(page: Page) -> None:
    """Press Submit until the run is there: the form checks itself on the first press, and may want a second."""
    for _ in range(3):
        page.get_by_role("button", name="Submit").click()
        try:
            view = page.get_by_role("button", name="View run").or_(page.get_by_role("link", name="View run"))
            expect(view.first).to_be_visible()
        except AssertionError:
            continue
        view.first.click()
        page.wait_for_url("**/runs/flow-run/**")
        return
    raise AssertionError("the form was not accepted")


def test_a_wave_started_from_the_form_comes_home(office, page, run_page, shots):
    """Its page says Completed, what came of it in a sentence, and the wave's objects are at the target."""
    page.goto(run_page)
    expect(page.get_by_text("Completed", exact=True).first).to_be_visible(timeout=ENDS_MS)
    page.get_by_role("tab", name="Details").click()
    expect(page.get_by_text("Every object that was to move is in Japan, and was read back").first).to_be_visible()
    page.screenshot(path=shots / "3-run.png")
    assert office.keys("japan", "talk") == {key for key in KEYS if key.startswith("images/2019/")}


def test_the_report_is_read_on_the_runs_page(page, run_page, shots):
    """From the run to its artifact: the verdict, the counts as a table, where the page lies."""
    page.goto(run_page)
    page.get_by_role("tab", name="Artifacts").click()
    page.get_by_text("report-talk-images-first").first.click()
    page.locator("a[href*='/artifacts/artifact/']").first.click()
    expect(page.get_by_role("heading", name="Every object that was to move is in Japan").first).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("^Verified 2")).first).to_be_visible()
    expect(page.get_by_text("report.html").first).to_be_visible()
    page.screenshot(path=shots / "4-report.png", full_page=True)


def test_operators_pages_ask_no_other_host(office, page, run_page, asked, shots):
    """Runs, deployments, forms, artifacts: the browser asks this machine and nobody else."""
    for name in ("dashboard", "runs", "flows", "deployments", "work-pools", "artifacts"):
        page.goto(f"{office.state.url('prefect')}/v2/{name}")
        expect(page.get_by_role("link", name="Deployments")).to_be_visible()
        page.wait_for_load_state("networkidle")
        page.screenshot(path=shots / f"5-{name}.png")
    strangers = {address for address in asked if address.startswith(("http", "ws")) and urlsplit(address).hostname not in HERE}
    assert strangers == set()
    assert len(asked) > 100

"""The pages of Prefect that operators use ask no other host: seen in the network log of a real browser."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import sync_playwright

from hikkoshi.local import down, prefect_environment, up

pytestmark = pytest.mark.system
FLOW = Path(__file__).resolve().parents[1] / "local" / "small_flow.py"
QUIET_BROWSER = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
SETTLE_MS = 2500


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Servers with one deployment and one finished run."""
    root = tmp_path_factory.mktemp("project")
    try:
        state = up(root, print)
        start = ["-m", "prefect", "deployment", "run", "small/small", "-p", f"pid_file={root / 'pid'}"]
        for command in ([str(FLOW)], start):
            environment = prefect_environment(state)
            subprocess.run([sys.executable, *command], env=environment, cwd=state.var, check=True, timeout=120)
        deadline = time.monotonic() + 90
        while not any(run["state_type"] == "COMPLETED" for run in ask(state, "/flow_runs/filter")):
            assert time.monotonic() < deadline
            time.sleep(0.5)
        yield state
    finally:
        down(root, print)


def ask(state, path: str) -> list[dict]:
    connection = http.client.HTTPConnection("127.0.0.1", state.server("prefect").port, timeout=10)
    try:
        connection.request("POST", f"/api{path}", body="{}", headers={"content-type": "application/json"})
        return json.load(connection.getresponse())
    finally:
        connection.close()


def hosts_asked(
    browser_path: str, base: str, paths: list[str], folder: Path, *, bypass_policy: bool = False
) -> tuple[set[str], str]:
    """Open the pages one after the other; return every host:port that was asked (WebSockets too), and the last page's text."""
    asked: set[str] = set()

    def note(url: str) -> None:
        if urlsplit(url).scheme not in ("data", "blob"):
            asked.add(urlsplit(url).netloc)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=QUIET_BROWSER)
        try:
            page = browser.new_page(viewport={"width": 1400, "height": 900}, bypass_csp=bypass_policy)
            page.on("request", lambda request: note(request.url))
            page.on("websocket", lambda socket: note(socket.url))
            for number, path in enumerate(paths):
                page.goto(base + path)
                page.wait_for_timeout(SETTLE_MS)
                page.screenshot(path=folder / f"page-{number}.png")
            return asked, page.inner_text("body")
        finally:
            browser.close()


def test_the_operators_pages_ask_no_other_host(project, chromium, tmp_path):
    """Runs, deployments, forms and artifacts come from our own server alone."""
    (run,) = ask(project, "/flow_runs/filter")
    deployment = f"/v2/deployments/deployment/{run['deployment_id']}"
    artifact = next(each for each in ask(project, "/artifacts/filter") if each["key"] == "small-report")
    paths = [
        "/",
        "/v2/runs",
        f"/v2/runs/flow-run/{run['id']}",
        "/v2/deployments",
        deployment,
        f"{deployment}/run",
        "/v2/flows",
        "/v2/work-pools",
        "/v2/artifacts",
        f"/v2/artifacts/artifact/{artifact['id']}",
    ]
    asked, text = hosts_asked(chromium, project.url("prefect"), paths, tmp_path)
    assert asked == {urlsplit(project.url("prefect")).netloc}
    assert "A report" in text


def test_a_page_that_asks_another_host_is_seen(project, chromium, tmp_path):
    """Negative control: without the policy that our copy of the pages carries they ask Amplitude, and the log shows it."""
    asked, _ = hosts_asked(chromium, project.url("prefect"), ["/v2/dashboard"], tmp_path, bypass_policy=True)
    assert any("amplitude" in host for host in asked)

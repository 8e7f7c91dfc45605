"""Prefect's pages as we serve them: whole, with a policy that keeps the browser at home, and made once."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from hikkoshi.local import pages


class Page(HTMLParser):
    """The policy, and whether a script came before it."""

    policy = ""
    script_before = False

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        if named.get("http-equiv") == "Content-Security-Policy":
            self.policy = named["content"]
        elif tag == "script" and not self.policy:
            self.script_before = True


def test_the_page_allows_no_host_but_this_machine(tmp_path):
    """The policy stands before the first script, and every address that it names is loopback."""
    folder = pages.make_pages(tmp_path)
    page = Page()
    page.feed((folder / "v2" / "index.html").read_text("utf-8"))
    assert "default-src 'self'" in page.policy
    assert not page.script_before
    hosts = set(re.findall(r"(?:https?|wss?)://([^:\s]+)", page.policy))
    assert hosts == {"127.0.0.1", "localhost"}
    assert "https:" not in page.policy


def test_the_pages_are_whole(tmp_path):
    """Every file of Prefect's own is there, under the address that they are served at."""
    folder = pages.make_pages(tmp_path)
    source = pages._package() / "server" / "ui-v2"
    wanted = {file.relative_to(source) for file in source.rglob("*") if file.is_file()}
    there = {file.relative_to(folder / "v2") for file in (folder / "v2").rglob("*") if file.is_file()}
    assert wanted <= there
    assert pages.PLACEHOLDER not in (folder / "v2" / "index.html").read_text("utf-8")
    assert 'src="/v2/assets/' in (folder / "v2" / "index.html").read_text("utf-8")


def test_pages_are_made_once_and_again_if_somebody_changed_them(tmp_path):
    """A second start copies nothing; pages without the policy are never taken for ours."""
    page = pages.make_pages(tmp_path) / "v2" / "index.html"
    first = page.stat().st_mtime_ns
    pages.make_pages(tmp_path)
    assert page.stat().st_mtime_ns == first
    page.write_text(page.read_text("utf-8").replace(pages.TAG, ""), "utf-8")
    pages.make_pages(tmp_path)
    assert pages.TAG in page.read_text("utf-8")

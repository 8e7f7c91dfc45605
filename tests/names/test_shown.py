"""Names in what people read: page, document, Markdown, terminal, the log and errors of a real run show each harmlessly (D17)."""

from __future__ import annotations

import csv
import html.parser
import io
import json
import unicodedata
from pathlib import Path
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt
from markupsafe import Markup
from rich.console import Console

from connectors.report import lists, markdown
from connectors.report.markdown import as_markdown
from connectors.report.page import as_page
from connectors.report.spreadsheet_file import write_beside
from hikkoshi.summary_view import show
from relocation.rules.events import sentence
from relocation.rules.keys import shown
from relocation.stages.wave import WaveRequest, dry_run
from tests.faults.stack import CATEGORY, Watched
from tests.names.places import between, seed

pytestmark = pytest.mark.server
UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


class Tags(html.parser.HTMLParser):
    """Every element of a page, with its attributes' names."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag, attrs) -> None:
        self.seen.append((tag, tuple(name for name, _ in attrs)))


class Logged(Watched):
    """Every note, as the command prints it."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def note(self, event: str, **facts: object) -> None:
        self.lines.append(sentence(event, facts))


def written(page: str) -> tuple[str, str]:
    """Return the page and the document beside it."""
    return Path(page).read_text(encoding="utf-8"), Path(page).with_name("report.json").read_text(encoding="utf-8")


def unseen(text: str) -> set[str]:
    """Return the characters that are not seen, or move others, but for line ends."""
    return {each for each in text if each != "\n" and unicodedata.category(each) in UNSEEN}


def assert_page_is_harmless(page: str, names: set[str]) -> None:
    """Our own elements alone, no handler, nothing that is not seen; names stand there percent-encoded."""
    tags = Tags()
    tags.feed(page)
    assert [tag for tag, _ in tags.seen].count("script") == 1
    assert not [tag for tag, _ in tags.seen if tag in ("img", "b", "iframe", "object")]
    assert not [names for _, names in tags.seen if any(name.startswith("on") for name in names)]
    assert unseen(page) <= {"\u00ad"}
    assert sum(shown(name)[:200] in page for name in names) >= 0.9 * len(names)


def assert_tables_are_whole(text: str) -> None:
    """No name becomes mark-up, and none ends its cell: each row has as many cells as its head."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text)
    inline = [child for token in tokens for child in token.children or ()]
    assert not {token.type for token in (*tokens, *inline)} & {"html_block", "html_inline", "link_open", "image", "s_open"}
    cells, widths = 0, set()
    for token in tokens:
        match token.type:
            case "table_open":
                widths = set()
            case "tr_open":
                cells = 0
            case "td_open" | "th_open":
                cells += 1
            case "tr_close":
                widths.add(cells)
            case "table_close":
                assert len(widths) == 1
    assert unseen(text) == set()


def assert_table_is_exact(page: Path, names: set[str]) -> None:
    """The report as CSV has nothing that is not seen, and each name comes back from it exactly."""
    text = write_beside(page).read_bytes().decode("utf-8-sig")
    assert unseen(text.replace("\r\n", "")) == set()
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    assert {unquote(row["key_percent_encoded"]) for row in rows if row["list"] == "conflicts"} == names


async def test_every_output_of_a_real_dry_run_shows_each_name_harmlessly(house, tmp_path, monkeypatch):
    """D17: page, document, Markdown, terminal and log have no control, no escape, no mark-up and no broken row of any name."""
    with between(house, tmp_path, {}) as case:
        await seed(case)
        await house.seed(case.bucket, [(key, b"of somebody else") for key in case.listed("korea") if key != "//"], site="japan")
        log = Logged()
        async with case.context(log) as context:
            summary = await dry_run(context, WaveRequest(CATEGORY, "all"))
        names = {named.key for named in summary.conflicts}
        assert len(names) > 300  # what somebody else put there is in conflict, and so is named everywhere
        page, document = written(summary.report)
        assert_page_is_harmless(page, names)
        assert {each["key"] for each in json.loads(document)["conflicts"]} == {shown(name) for name in names}
        assert unseen(document) == set()
        assert_table_is_exact(Path(summary.report), names)
        for language in ("en", "ja"):
            assert_tables_are_whole(as_markdown(summary, language=language))
        terminal = Console(file=io.StringIO(), width=80, force_terminal=False)
        show(terminal, summary)
        told = terminal.file.getvalue() + "\n".join(log.lines)
        assert unseen(told) == set()
        assert "\x1b" not in told
        await control_with_keys_as_they_are(summary, names, monkeypatch)


async def control_with_keys_as_they_are(summary, names: set[str], monkeypatch) -> None:
    """Negative control: what is looked for would be found, were keys printed as they are."""
    monkeypatch.setattr(lists, "shown", Markup)  # text that no template escapes
    monkeypatch.setattr(markdown, "code", lambda text: f"`{text}`")
    with pytest.raises(AssertionError):
        assert_tables_are_whole(as_markdown(summary))
    with pytest.raises(AssertionError):
        assert_page_is_harmless(as_page(summary), names)

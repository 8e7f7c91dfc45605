"""`hikkoshi report`: where the newest pages lie, and their lists as CSV."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from hikkoshi.shell import ConfigOption, Json, JsonOption, Shell, shell_of
from relocation.rules.errors import Refusal


@dataclass(frozen=True, slots=True)
class Page:
    """The newest page of one wave (or of `all-waves`)."""

    category: str
    wave: str
    path: Path
    written_s: float


CategoryOption = Annotated[str, typer.Argument(metavar="[CATEGORY]", help="One category; without it all.", show_default=False)]
CsvOption = Annotated[bool, typer.Option("--csv", help="Write report.csv beside each: every list, one object a row.")]
OpenOption = Annotated[bool, typer.Option("--open", help="Open the newest one in the browser.")]


def report(
    context: typer.Context,
    category: CategoryOption = "",
    *,
    open_: OpenOption = False,
    csv: CsvOption = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Say where the newest reports lie."""
    shell = shell_of(context, config, json)
    settings = shell.settings(credentials=False)
    names = [category] if category and settings.category_named(category) else list(settings.categories)
    pages = [page for name in names for page in newest_pages(settings.state_dir, name)]
    if not pages:
        about = f" of {category}" if category else ""
        folder = settings.state_dir / "reports"
        raise Refusal(f"there is no report{about} yet below {folder}; make one with: hikkoshi plan CATEGORY")
    tables = [_table(each.path) for each in pages] if csv else []
    if shell.json:
        beside: list[dict[str, Json]] = [{"csv": str(table)} for table in tables] or [{} for _ in pages]
        rows = zip(pages, beside, strict=True)
        shell.print_json(
            {"reports": [{"category": each.category, "wave": each.wave, "report": str(each.path), **more} for each, more in rows]}
        )
    else:
        for each, path in zip(pages, tables or [page.path for page in pages], strict=True):
            shell.out.print(f"{each.category}  {each.wave}  ", end="")
            shell.out.print(str(path), soft_wrap=True)
    if open_:
        _open(shell, max(pages, key=lambda page: page.written_s).path)
    return 0


def _table(page: Path) -> Path:
    """Write a report's lists beside its page and return where."""
    from connectors.report.spreadsheet_file import write_beside

    return write_beside(page)


def _open(shell: Shell, path: Path) -> None:
    """Open a page in the browser, or say that there is none, and where the page lies."""
    import webbrowser

    try:
        opened = webbrowser.open(path.as_uri())
    except webbrowser.Error:
        opened = False
    if not opened:
        shell.err.print("no browser could be opened on this machine; open this page in one, here or elsewhere (it is one file):")
        shell.err.print(str(path), soft_wrap=True)


def newest_pages(state_dir: Path, category: str) -> list[Page]:
    """Return the newest page of each wave of a category."""
    newest: dict[str, Page] = {}
    for path in (state_dir / "reports" / category).glob("*/*/report.html"):
        wave, written_s = path.parent.parent.name, path.stat().st_mtime
        if wave not in newest or written_s > newest[wave].written_s:
            newest[wave] = Page(category, wave, path, written_s)
    return sorted(newest.values(), key=lambda page: page.written_s)

"""Prefect's own pages (its user interface, V2), kept from asking any host but this machine.

V2 asks a host of Amplitude at every page, whatever is switched off (seen with 3.8.8 and 3.9.1). V1 does not, but its drop-down
lists do not open on a click (3.8.8: the click is handled twice). So V2 is served from a copy whose page carries a
Content-Security-Policy: the browser refuses every other host. What is lost: the logos in the catalogue of blocks.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
from importlib import metadata
from pathlib import Path

from relocation.rules.errors import StateMismatch

BASE = "/v2"
PLACEHOLDER = "/PREFECT_UI_SERVE_BASE_REPLACE_PLACEHOLDER"
MADE = "UI_SERVE_BASE"
"""The file by which Prefect's server knows that a copy is whole and its own; it makes a new one if the text is another."""

HERE = "http://127.0.0.1:* http://localhost:* ws://127.0.0.1:* ws://localhost:*"
POLICY = (
    f"default-src 'self'; connect-src 'self' {HERE}; img-src 'self' data: blob:; font-src 'self' data:; "
    "style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; worker-src 'self' blob:"
)
TAG = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
TEXTS = {".html", ".js", ".css", ".webmanifest", ".json"}


def make_pages(folder: Path) -> Path:
    """Make the pages below `folder`, which is what `PREFECT_SERVER_UI_STATIC_DIRECTORY` has to name; return it.

    Pages that are there already, of this version and with this policy, are left alone. Raises StateMismatch where the installed
    Prefect has no such pages.
    """
    version = metadata.version("prefect")
    source = _package() / "server" / "ui-v2"
    copy = folder / "v2"
    if _is_made(copy, version):
        return folder
    if not (source / "index.html").is_file():
        raise StateMismatch(
            f"Prefect {version} has no pages in {source}; install it anew: pip install --force-reinstall prefect=={version}"
        )
    draft = folder / "v2.new"
    for each in (draft, copy):
        shutil.rmtree(each, ignore_errors=True)
    shutil.copytree(source, draft)
    for file in draft.rglob("*"):
        if file.suffix in TEXTS:
            text = file.read_text("utf-8")
            file.write_text(text.replace(PLACEHOLDER, BASE), "utf-8")
    page = draft / "index.html"
    page.write_text(page.read_text("utf-8").replace("<head>", f"<head>\n    {TAG}", 1), "utf-8")
    (draft / MADE).write_text(_mark(version), "utf-8")
    draft.rename(copy)
    return folder


def _is_made(copy: Path, version: str) -> bool:
    try:
        return (copy / MADE).read_text("utf-8") == _mark(version) and TAG in (copy / "index.html").read_text("utf-8")
    except FileNotFoundError:
        return False


def _mark(version: str) -> str:
    return f"v2:{version}:{BASE}"


def _package() -> Path:
    """Return where Prefect is installed, without importing it."""
    found = importlib.util.find_spec("prefect")
    if found is None or not found.submodule_search_locations:
        raise StateMismatch("Prefect is not installed in this environment; `make env` installs it")
    return Path(found.submodule_search_locations[0])


if __name__ == "__main__":
    print(make_pages(Path(sys.argv[1])))

"""The page's template as bytecode: never an old one, never a foreign one, and none where Python keeps none."""

from __future__ import annotations

import sys

import pytest
from jinja2 import Environment, FileSystemLoader

from connectors.report import page
from connectors.report.compiled import BesidePythons


def rendered(folder, *, made_with: str = "", trim_blocks: bool = False) -> str:
    """Render the folder's template in an environment of its own, as another process would."""
    cache = BesidePythons(folder, made_with)
    found = Environment(loader=FileSystemLoader(folder), trim_blocks=trim_blocks, bytecode_cache=cache, autoescape=True)
    return found.get_template("template.html").render()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a template, in a process that keeps bytecode."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (tmp_path / "template.html").write_text("{% if true %}\nfirst{% endif %}")
    return tmp_path


def kept(folder):
    """Return the files of bytecode."""
    return sorted(folder.glob("__pycache__/*"))


def test_a_template_is_compiled_once(folder, monkeypatch):
    """The second process reads what the first one kept, and compiles nothing."""
    assert rendered(folder) == "\nfirst"
    assert [file.name for file in kept(folder)] == [f"template.html.{sys.implementation.cache_tag}.pyc"]
    monkeypatch.setattr(Environment, "compile", lambda *_arguments: pytest.fail("compiled again"))
    assert rendered(folder) == "\nfirst"


def test_another_template_is_never_rendered_as_the_old_one(folder):
    """The bytecode's hash is over the source, whatever the file's date and length say; and over the options."""
    assert rendered(folder) == "\nfirst"
    (folder / "template.html").write_text("{% if true %}\nother{% endif %}")
    assert rendered(folder) == "\nother"
    assert rendered(folder, made_with="trim", trim_blocks=True) == "other"


def test_a_cache_without_the_options_would_be_stale(folder):
    """Control: with nothing told of its options, the page would be rendered by the old ones."""
    assert rendered(folder) == "\nfirst"
    assert rendered(folder, trim_blocks=True) == "\nfirst"


@pytest.mark.parametrize("found", [b"", b"no bytecode", b"\x80\x04", b"cut"])
def test_a_file_of_something_else_is_compiled_anew(folder, found):
    """An empty, foreign or cut file costs a compilation and nothing else."""
    assert rendered(folder) == "\nfirst"
    (file,) = kept(folder)
    file.write_bytes(found if found != b"cut" else file.read_bytes()[:90])
    assert rendered(folder) == "\nfirst"
    assert rendered(folder) == "\nfirst"


def test_nothing_is_kept_where_python_keeps_nothing(folder, monkeypatch):
    """PYTHONDONTWRITEBYTECODE holds here too; a folder that can't be written is no fault."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert rendered(folder) == "\nfirst"
    assert kept(folder) == []
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (folder / "__pycache__").write_text("in the way")
    assert rendered(folder) == "\nfirst"


def test_the_page_says_its_options_to_its_cache():
    """What the page's environment is made with is what its bytecode is known by."""
    environment = page.template("template.html").environment
    assert all(getattr(environment, name) == value for name, value in page.OPTIONS.items())
    assert repr(page.OPTIONS) in environment.bytecode_cache._made_with

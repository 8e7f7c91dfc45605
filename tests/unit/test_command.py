"""The command line itself: help, wrong usage, wrong configuration, bugs. No server is needed."""

from __future__ import annotations

import json
import time

import pytest

from hikkoshi import command
from hikkoshi.exit_codes import ExitCode
from relocation.rules.errors import Unreachable
from tests.command.calls import call

EXAMPLE = """
migration: korea-to-japan
state_dir: var
ledger: sqlite:///var/ledger.db
timezone: Asia/Tokyo
endpoints:
  korea: {url: "http://127.0.0.1:9100", region: ap-northeast-2, country: KR,
          credentials: {reader: "env:KOREA_READER", prober: "env:KOREA_PROBER"}}
  japan: {url: "http://127.0.0.1:9200", region: ap-northeast-1, country: JP,
          credentials: {reader: "env:JAPAN_READER", writer: "env:JAPAN_WRITER",
                        prober: "env:JAPAN_PROBER", vault: "env:JAPAN_VAULT"}}
vault: {endpoint: japan, bucket: evidence}
categories:
  talk-images:
    moves:
      - {source: {endpoint: korea, bucket: talk, prefix: images/}, target: {endpoint: japan, bucket: talk, prefix: images/}}
    residency: JP
    deadline: 2021-06-30
    owner: messaging-platform
    waves:
      - {name: first, prefixes: [2019/]}
      - {name: rest}
"""
HELP_S_MAX = 2.0
"""Half a second on a machine that does nothing else; several times that where tests share two cores."""
COMMANDS = ("check", "probe", "plan", "run", "verify", "status", "report", "residency", "deploy", "local", "demo")


@pytest.fixture
def config(tmp_path):
    """A configuration that is right, but for credentials that nobody has set."""
    file = tmp_path / "migration.yaml"
    file.write_text(EXAMPLE)
    return file


def test_help_answers_at_once(capsys):
    """`hikkoshi --help` names every subcommand, and imports neither connectors nor stages for it."""
    done, took_s = call("--help"), HELP_S_MAX
    for _ in range(3):  # the best of three, since tests share the machine
        begun = time.monotonic()
        done = call("--help")
        took_s = min(took_s, time.monotonic() - begun)
    with capsys.disabled():
        print(f" [--help: {took_s:.2f} s] ", end="")
    assert done.code == ExitCode.DONE
    for name in COMMANDS:
        assert name in done.out
    assert took_s < HELP_S_MAX


def test_help_imports_nothing_heavy():
    """What makes a start slow is imported by the subcommands, when they run."""
    import subprocess
    import sys

    heavy = "{'boto3', 'sqlalchemy', 'pyarrow', 'pydantic', 'aiohttp', 'prefect', 'uvloop', 'jinja2'}"
    script = f"import sys, hikkoshi.subcommands; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_door_imports_nothing_before_garbage_is_told_to_wait():
    """What `main` sets at its beginning counts for the imports after it: the module itself has hardly any of its own."""
    import subprocess
    import sys

    heavy = "{'typer', 'asyncio', 'rich', 'dataclasses', 'relocation.rules.records'}"
    script = f"import sys, hikkoshi.command; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly"],
        ["run"],
        ["run", "talk-images", "--until", "erase"],
        ["plan", "talk-images", "--no-such-option"],
        ["local"],
        ["plan", "talk-images", "extra"],
    ],
)
def test_a_wrong_command_line_is_exit_2(arguments, capsys):
    """What is wrong is said on standard error, with --json as one document too."""
    assert command.call(arguments) == ExitCode.USAGE
    capsys.readouterr()
    assert command.call([*arguments, "--json"]) == ExitCode.USAGE
    said = capsys.readouterr()
    if arguments != ["local"]:  # a group without a subcommand shows its help
        document = json.loads(said.out)
        assert document["exit_code"] == ExitCode.USAGE
        assert document["error"]["kind"] == "UsageError"
        assert document["error"]["message"]


def test_no_arguments_show_the_help(capsys):
    """Whoever types `hikkoshi` alone learns what there is."""
    assert command.call([]) == ExitCode.USAGE
    assert "run" in capsys.readouterr().out


def test_a_configuration_that_is_not_there_is_exit_2(tmp_path, capsys):
    """The file is named, and how to get one."""
    missing = tmp_path / "nowhere.yaml"
    assert command.call(["plan", "talk-images", "--json", "--config", str(missing)]) == ExitCode.USAGE
    document = json.loads(capsys.readouterr().out)
    assert document["error"]["kind"] == "ConfigurationError"
    assert str(missing) in document["error"]["message"]
    assert len(document["error"]["problems"]) == 1


def test_every_problem_of_a_configuration_is_told_at_once(config, capsys):
    """Two wrong values: two problems, each with its path, on standard error and in the document."""
    config.write_text(EXAMPLE.replace("2021-06-30", "soon", 1).replace("residency: JP", "residency: nowhere", 1))
    assert command.call(["status", "--json", "--config", str(config)]) == ExitCode.USAGE
    said = capsys.readouterr()
    problems = json.loads(said.out)["error"]["problems"]
    assert len(problems) == 2
    assert all(problem in said.err for problem in problems)


def test_a_category_or_wave_that_is_not_there_is_exit_2(config, capsys, monkeypatch):
    """Those that there are, are listed."""
    for name in ("KOREA_READER", "KOREA_PROBER", "JAPAN_READER", "JAPAN_WRITER", "JAPAN_PROBER", "JAPAN_VAULT"):
        monkeypatch.setenv(f"{name}_ACCESS_KEY", "key")
        monkeypatch.setenv(f"{name}_SECRET_KEY", "secret")
    assert command.call(["plan", "no-such", "--config", str(config)]) == ExitCode.USAGE
    assert "talk-images" in capsys.readouterr().err
    assert command.call(["plan", "talk-images", "--wave", "no-such", "--config", str(config)]) == ExitCode.USAGE
    assert "first" in capsys.readouterr().err


def test_missing_credentials_are_named_all_at_once(config, capsys, monkeypatch):
    """A run needs keys: each reference that can't be resolved is a problem; looking at the status needs none."""
    monkeypatch.delenv("KOREA_READER_ACCESS_KEY", raising=False)
    assert command.call(["check", "--json", "--config", str(config)]) == ExitCode.USAGE
    problems = json.loads(capsys.readouterr().out)["error"]["problems"]
    assert len(problems) == 12  # two variables for each of six roles
    assert command.call(["status", "--config", str(config)]) == ExitCode.DONE


def test_an_error_that_is_known_shows_no_traceback(config, capsys, monkeypatch):
    """Title, message and what to do next."""

    def unreachable(_self, **_options):
        raise Unreachable("japan: http://127.0.0.1:9 can't be reached")

    monkeypatch.setattr("hikkoshi.shell.Shell.settings", unreachable)
    assert command.call(["status", "--config", str(config)]) == ExitCode.STOPPED
    said = capsys.readouterr()
    assert said.out == ""
    assert "out of reach" in said.err
    assert "japan: http://127.0.0.1:9 can't be reached" in said.err
    assert "→" in said.err
    assert "Traceback" not in said.err


def test_a_bug_is_called_a_bug_and_leaves_its_traceback(config, capsys, monkeypatch, tmp_path):
    """An exception that nobody foresaw: exit 3, a short line, and the traceback in a log below the state directory."""

    def broken(*_arguments, **_options):
        raise KeyError("nobody thought of this")

    monkeypatch.setattr("hikkoshi.commands.report.newest_pages", broken)
    assert command.call(["report", "--json", "--config", str(config)]) == ExitCode.STOPPED
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert "bug" in said.err
    assert "Traceback" not in said.err
    log = document["error"]["log"]
    assert "nobody thought of this" in open(log).read()  # noqa: PTH123, SIM115
    assert log in said.err


def test_what_came_from_outside_moves_no_cursor(capsys, monkeypatch, config):
    """A message with control characters or rich's markup is shown, not obeyed."""

    def evil(_self, **_options):
        raise Unreachable("key \x1b[2J[bold]a[/bold]")

    monkeypatch.setattr("hikkoshi.shell.Shell.settings", evil)
    command.call(["status", "--config", str(config)])
    said = capsys.readouterr()
    assert "\x1b" not in said.err
    assert "[bold]a[/bold]" in said.err


def test_a_state_directory_that_is_a_file_is_no_bug(config, capsys, monkeypatch, tmp_path):
    """What this machine refuses is named with its path, as exit 3 and without a traceback."""
    for name in ("KOREA_READER", "KOREA_PROBER", "JAPAN_READER", "JAPAN_WRITER", "JAPAN_PROBER", "JAPAN_VAULT"):
        monkeypatch.setenv(f"{name}_ACCESS_KEY", "key")
        monkeypatch.setenv(f"{name}_SECRET_KEY", "secret")
    (tmp_path / "var").write_text("a file")
    assert command.call(["plan", "talk-images", "--json", "--config", str(config)]) == ExitCode.STOPPED
    said = capsys.readouterr()
    assert str(tmp_path / "var") in json.loads(said.out)["error"]["message"]
    assert "bug" not in said.err


def test_deploy_without_a_server_says_so(config, capsys, monkeypatch, tmp_path):
    """Neither this machine's Prefect nor PREFECT_API_URL: exit 3, and both ways out are named."""
    monkeypatch.setenv("HIKKOSHI_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    assert command.call(["deploy", "--config", str(config)]) == ExitCode.STOPPED
    said = capsys.readouterr().err
    assert "PREFECT_API_URL" in said
    assert "hikkoshi local up" in said


def test_local_status_of_a_folder_where_nothing_was_started(capsys, monkeypatch, tmp_path):
    """`local` works in the folder that HIKKOSHI_HOME names, and finds nothing there."""
    monkeypatch.setenv("HIKKOSHI_HOME", str(tmp_path))
    assert command.call(["local", "status", "--json"]) == ExitCode.DONE
    document = json.loads(capsys.readouterr().out)
    assert document == {"configuration": str(tmp_path / "config" / "local.yaml"), "servers": []}


@pytest.mark.parametrize("name", ["plan", "verify"])
def test_what_writes_to_no_data_says_what_it_writes(name, capsys):
    """A dry run and a verification leave evidence that names keys: their help says where, and that it is locked."""
    command.call([name, "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "neither source nor target buckets" in said
    assert "evidence bucket and stay locked there for vault.retention_days" in said

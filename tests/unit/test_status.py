"""`hikkoshi status` in words: who runs a wave, why the last one stopped, what goes on from there; with a time zone to each time."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from connectors.begins import Begins, record_failure
from connectors.ledger.leases import Held
from connectors.state import belongs
from hikkoshi.commands import deploy
from hikkoshi.commands.status import _document, _fence_lines, _lines, _stands
from hikkoshi.shell import Shell
from hikkoshi.standings import Standing, last_of, standing_of
from relocation.rules.brief import Brief
from relocation.rules.errors import ConfigurationError, Refusal, StateMismatch, WrongCredentials
from relocation.rules.fences import FenceRecord
from relocation.rules.records import RunRecord, RunState
from relocation.rules.summary import Count
from tests.unit.ledger_cases import StillClock, ledger_at

TOKYO = ZoneInfo("Asia/Tokyo")
RUN = RunRecord("r", "albums", "all", "run", stage="verify", plan_sha256="p", started_at="2021-06-01T00:00:00+00:00")
FEED = "the keys that a feed of changes names (changes: 1 key)"
WAVE = ("albums", "all", date(2021, 6, 30))


def standing(last: RunRecord | None = None, held: Held | None = None, failed: RunRecord | None = None) -> Standing:
    return Standing("albums", "all", date(2021, 6, 30), last, None, held, failed)


def lines(each: Standing) -> list[str]:
    return list(_lines(Shell(config=Path("mine.yaml")), each, TOKYO))


def test_a_stopped_wave_says_where_it_stopped_why_and_what_goes_on() -> None:
    """The command that goes on can be copied as it stands."""
    stopped = standing(replace(RUN, message="japan can't be reached"))
    assert _stands(stopped)[0] == "stopped in verify"
    (line,) = lines(stopped)
    assert line == (
        "albums, wave all: stopped in verify (begun 06-01 09:00 JST); "
        "`hikkoshi run albums --config mine.yaml` goes on from there\n  japan can't be reached"
    )


def test_a_run_that_stopped_where_it_was_told_to_is_called_so() -> None:
    """`--until copy` is no fault."""
    assert _stands(standing(replace(RUN, stage="copy", until="copy", report="page")))[0] == "copied, as asked"


def test_a_verification_that_stopped_begins_anew() -> None:
    """Only runs are gone on with."""
    (line,) = lines(standing(replace(RUN, kind="verify")))
    assert "`hikkoshi verify albums --config mine.yaml` begins anew" in line


def test_a_catch_up_that_was_killed_is_begun_anew_as_a_catch_up() -> None:
    """A plain `run` would not remove what people deleted since, and would not look at tags and locks."""
    killed = replace(standing(replace(RUN, kind="catch_up")), wave="first")
    (line,) = lines(killed)
    assert "`hikkoshi catch-up albums --wave first --config mine.yaml` begins anew" in line


def test_a_wave_under_way_says_since_when_and_by_whom() -> None:
    """In the migration's own time zone."""
    held = standing(RUN, Held("albums", "all", "r", "sato", "tokyo-1", 42, 1622505600.0))
    assert _stands(held)[0] == "running now"
    assert lines(held) == ["albums, wave all: running now, since 06-01 09:00:00 JST, by sato, tokyo-1, process 42"]


def ended(name: str, objects: int, *, kind: str = "run", to_see_to: int = 0, only: str = "") -> RunRecord:
    brief = Brief(Count(objects, 10), Count(objects, 10), Count(), to_see_to, looked_only_at=only)
    return replace(RUN, id=name, kind=kind, state=RunState.DONE, finished_at=RUN.started_at, summary=brief.text())


def test_a_pass_that_looked_at_a_part_does_not_stand_for_its_wave() -> None:
    """What needs a person stays in sight after `catch-up --changed` and `run --only-failed`; these are told on a line below."""
    whole = ended("whole", 13, to_see_to=1)
    feeds = [ended(name, 1, kind="catch_up", only=FEED, to_see_to=name == "conflict") for name in ("feed", "conflict", "before")]
    each = standing_of(WAVE, [*feeds, whole, ended("older", 9)], None)
    assert _stands(each)[0] == "13 of 13, 1 to see to"
    told = f"albums, wave all: since then a catch-up looked only at {FEED} (06-01 09:00 JST): 1 of 1"
    assert lines(each) == [told, f"{told}, 1 to see to"]
    document = _document(each, date(2021, 6, 1))
    assert (document["last_run"]["id"], document["listed"]["objects"], document["attention"]) == ("whole", 13, 1)
    assert [(part["id"], part["attention"]) for part in document["looked_at_a_part_since"]] == [("feed", 0), ("conflict", 1)]
    assert _document(standing_of(WAVE, [whole, *feeds], None), date(2021, 6, 1))["looked_at_a_part_since"] == []


def test_a_wave_of_which_nothing_but_a_part_was_looked_at_says_so() -> None:
    """Not `1 of 1`, as if that were all, and not as if nothing had ever been done."""
    feed = ended("feed", 1, kind="catch_up", only=FEED, to_see_to=1)
    each = standing_of(WAVE, [feed], None)
    assert _stands(each)[0] == "a part only"
    (line,) = lines(each)
    assert line == f"albums, wave all: a catch-up looked only at {FEED} (06-01 09:00 JST): 1 of 1, 1 to see to"


async def test_a_run_that_could_not_begin_leaves_why_and_hides_nothing(tmp_path) -> None:
    """Wrong keys before a wave is taken: the status says so, beside what the wave came to before."""
    clock = StillClock()
    async with ledger_at(tmp_path / "l.db", clock) as ledger:
        error = WrongCredentials("the credentials of role vault are not accepted by japan")
        await record_failure(ledger, Begins("run", "albums", ("all",)), error, clock=clock, who="kim", host="here")
        (failed,) = await ledger.list_runs()
        assert await ledger.unfinished_run("albums", "all", "") is None
    assert (failed.state, failed.stage, failed.kind) == (RunState.FAILED, "", "run")
    assert last_of([run for run in (failed, RUN) if run.state != RunState.FAILED]) is RUN
    (line,) = lines(standing(replace(RUN, state="done"), failed=failed))
    assert line == (
        "albums: the last run (06-01 09:00 JST) could not begin:\n  the credentials of role vault are not accepted by japan"
    )


async def test_a_failed_start_is_no_proof_that_the_ledger_is_the_migrations(tmp_path) -> None:
    """A ledger that is gone is still refused after an attempt was recorded in the empty one: else ours would look foreign."""

    class FullVault:
        async def list(self, _prefix: str) -> tuple[str, ...]:
            return ("runs/20210601T000000-00000000/copy/00000.parquet",)

    clock = StillClock()
    async with ledger_at(tmp_path / "l.db", clock) as ledger:
        for _ in range(2):
            with pytest.raises(StateMismatch, match="the ledger is gone"):
                await belongs(ledger, FullVault())
            await record_failure(ledger, Begins("run", "a", ("all",)), WrongCredentials("no"), clock=clock, who="", host="")


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """This machine's Prefect at port 4299; `running` says whether it is up."""
    server = SimpleNamespace(url="http://127.0.0.1:4299", running=True)
    state = SimpleNamespace(configuration=tmp_path / "local.yaml", server=lambda _name: server)
    monkeypatch.setattr("hikkoshi.local.status", lambda _root: state)
    monkeypatch.setattr("hikkoshi.local.prefect_environment", lambda _state: {"PREFECT_API_URL": f"{server.url}/api"})
    return server


def test_a_configuration_of_ones_own_goes_to_this_machines_prefect_if_that_is_up(machine, tmp_path) -> None:
    """Nobody has to look its address up; one that the environment names goes first; and one that is down is named."""
    own = tmp_path / "own.yaml"
    assert deploy.environment_for(Shell(environ={}), own)["PREFECT_API_URL"] == "http://127.0.0.1:4299/api"
    named = {"PREFECT_API_URL": "https://prefect.example/api"}
    assert deploy.environment_for(Shell(environ=named), own) == named
    machine.running = False
    with pytest.raises(Refusal, match=r"it was at http://127.0.0.1:4299, and does not run.*hikkoshi local up"):
        deploy.environment_for(Shell(environ={}), own)


def test_a_name_that_is_nearly_right_is_guessed(migration_of) -> None:
    """`did you mean`: for categories and waves; what is far from any name is only listed with all."""
    settings = migration_of
    with pytest.raises(ConfigurationError, match=r"no category `talk-image`; did you mean `talk-images`\? There are "):
        settings.category_named("talk-image")
    with pytest.raises(ConfigurationError, match=r"no wave `in-2918`; did you mean `in-2019`\? There are until-2018"):
        settings.waves_of("talk-images", "in-2918")
    with pytest.raises(ConfigurationError, match=r"no category `zzz`; there are "):
        settings.category_named("zzz")


@pytest.fixture
def migration_of():
    from connectors.configuration.reader import read

    return read(Path(__file__).parents[2] / "config" / "example.yaml", {})


def test_a_write_fence_that_stands_is_seen_with_who_lifts_it() -> None:
    """C3: after a `kill -9` people can't write; whoever looks for the reason looks here first."""
    fence = FenceRecord("a1", "korea", "talk", ("images/",), ("talk",), "iam", (), who="sato", at="2021-06-01T00:00:00Z")
    mine, runs = _fence_lines(Shell(config=Path("mine.yaml")), [fence, replace(fence, kind="quota", by_run=True)], TOKYO)
    assert mine.startswith("write fence: korea/talk/images/, by iam, since 06-01 09:00:00 JST, by sato; ")
    assert mine.endswith("; `hikkoshi fence lift --config mine.yaml` lifts it")
    assert runs.startswith("write fence: korea/talk/, by quota, ")
    assert runs.endswith("; its run lifts it, or the next plan, run or fence command")

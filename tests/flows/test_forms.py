"""Forms, descriptions and schedules, as they follow from the configuration alone."""

from __future__ import annotations

from types import SimpleNamespace

import jsonschema
import pytest

from connectors.configuration.reader import read
from flows.catch_up import feed_beside
from flows.descriptions import description
from flows.forms import Form, evidence_of
from flows.orders import Order, Wide
from relocation.rules.errors import Refusal
from tests.flows.office import PROJECT

CONFIG = PROJECT / "config" / "example.yaml"


@pytest.fixture(scope="module")
def migration():
    return read(CONFIG, {})


def form(migration, name: str, *, dry_run: bool = True, catches_up: bool = False) -> Form:
    return Form(name, migration.categories[name], dry_run=dry_run, evidence=evidence_of(migration), catches_up=catches_up)


def test_a_form_offers_the_categorys_waves_and_no_others(migration):
    """A wave is chosen from a list; what is not in it does not fit the schema."""
    schema = form(migration, "talk-images").schema()
    assert schema["properties"]["wave"]["enum"] == ["until-2018", "in-2019", "in-2020", "rest"]
    jsonschema.validate({"category": "talk-images", "wave": "rest", "dry_run": False}, schema)
    for wrong in ({"wave": "in-2021"}, {"category": "talk-videos"}, {"dry_run": "yes"}, {"password": "x"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"category": "talk-images", "wave": "rest", "dry_run": True} | wrong, schema)


def test_no_wave_is_chosen_beforehand_where_there_are_several(migration):
    """Nobody moves a wave by leaving a field as it was; where there is only one, it stands there."""
    assert "default" not in form(migration, "talk-images").schema()["properties"]["wave"]
    assert form(migration, "talk-videos").schema()["properties"]["wave"]["default"] == "all"
    assert "wave" not in form(migration, "talk-images").parameters()
    assert form(migration, "talk-videos").parameters() == {"category": "talk-videos", "wave": "all", "dry_run": True}


def test_the_switch_is_on_and_says_what_it_does(migration):
    """A run is a dry run unless somebody switches it off; the flows that never write have no switch."""
    switch = form(migration, "talk-images").schema()["properties"]["dry_run"]
    assert switch["default"] is True
    assert "neither to source nor to target buckets" in switch["description"]
    assert "evidence bucket japan/hikkoshi-evidence and stay locked for 365 days" in switch["description"]
    assert form(migration, "talk-images").parameters() == {"category": "talk-images", "dry_run": True}
    assert "dry_run" not in form(migration, "talk-images", dry_run=False).schema()["properties"]


def test_a_write_fence_is_raised_only_where_somebody_chooses_it(migration):
    """D28, I10: the switch is off, and says in capitals what on means; neither a quick run nor a schedule ever raises a fence."""
    asked = form(migration, "talk-images", dry_run=False, catches_up=True)
    schema = asked.schema()
    assert schema["properties"]["fence"]["default"] is False
    assert "THE APPLICATION CAN'T WRITE" in schema["properties"]["fence"]["description"]
    assert asked.parameters() == {"category": "talk-images", "fence": False, "passes_max": 10, "until_objects": 0, "changed": ""}
    given = {
        "category": "talk-images",
        "wave": "rest",
        "fence": True,
        "passes_max": 3,
        "until_objects": 50,
        "changed": "feeds/today.jsonl",
    }
    jsonschema.validate(given, schema)
    wrongs = ({"fence": "yes"}, {"passes_max": 0}, {"passes_max": 101}, {"until_objects": -1}, {"dry_run": False}, {"changed": 3})
    for wrong in wrongs:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(given | wrong, schema)
    scheduled = order(migration, "catch-up", activate=True).schedules()
    assert {each.slug for each in scheduled} == {"until-2018"}
    assert [each.parameters["fence"] for each in scheduled] == [False]
    for each in scheduled:
        jsonschema.validate({"category": "talk-images"} | each.parameters, schema)


def test_the_residency_page_has_no_field_and_is_made_each_morning_once_switched_on(migration):
    """It asks nothing of whoever starts it; its schedule is off until somebody switches it on, and stays as it was put."""
    assert Wide("residency", migration, None, activate=False).schema()["properties"] == {}
    before = SimpleNamespace(schedules=[SimpleNamespace(slug="each-morning", active=True)])
    for stood, activate, active in ((None, False, False), (None, True, True), (before, False, True)):
        (schedule,) = Wide("residency", migration, stood, activate).schedules()
        assert (schedule.active, schedule.schedule.timezone, schedule.parameters) == (active, "Asia/Tokyo", {})
    assert Wide("pace", migration, None, activate=True).schedules() == []


def test_every_field_is_explained_in_plain_text(migration):
    """Prefect shows explanations as they are: no mark-up."""
    for name in migration.categories:
        for field in form(migration, name, catches_up=True).schema()["properties"].values():
            assert field["description"]
            assert not set("`<>|\n") & set(field["description"])


@pytest.mark.parametrize("what", ["dry-run", "wave", "verify", "catch-up"])
def test_every_page_says_what_is_never_done(migration, what):
    """An operator reads what it writes, what it never does, whose data it is and when it is due."""
    for name, category in migration.categories.items():
        page = description(what, name, migration)
        assert ("**It never** deletes" if what in {"wave", "catch-up"} else "**Writes nothing to your data**") in page
        assert "evidence bucket japan/hikkoshi-evidence and stay locked for 365 days" in page
        assert str(category.deadline) in page
        assert category.owner in page


def order(migration, what: str, *, activate: bool, before: dict[str, bool] | None = None) -> Order:
    stood = SimpleNamespace(schedules=[SimpleNamespace(slug=slug, active=on) for slug, on in before.items()]) if before else None
    return Order(what, "talk-images", migration, stood, activate)


def test_schedules_are_off_until_they_are_switched_on(migration):
    """A new schedule is off; `--activate` switches all on; what was switched by hand stays as it is."""

    def active(**how) -> dict[str, bool]:
        return {each.slug: each.active for each in order(migration, "wave", **how).schedules()}

    assert set(active(activate=False).values()) == {False}
    assert set(active(activate=True).values()) == {True}
    kept = active(activate=False, before={"in-2019": True, "in-2020": False, "gone": True})
    assert kept == {"until-2018": False, "in-2019": True, "in-2020": False, "rest": False}


def test_a_schedule_starts_its_own_wave_in_earnest(migration):
    """What starts by itself is no dry run, and starts in the time zone that was written down."""
    for each in order(migration, "wave", activate=True).schedules():
        assert each.parameters == {"wave": each.slug, "dry_run": False}
        assert each.schedule.timezone == "Asia/Tokyo"
    assert order(migration, "dry-run", activate=True).schedules() == []
    assert order(migration, "verify", activate=True).schedules() == []


@pytest.mark.parametrize("name", ["../passwd", "/etc/passwd", "feeds/../../passwd", "link"])
def test_a_form_makes_the_worker_open_nothing_outside_of_the_configurations_folder(tmp_path, name):
    """Whoever reaches Prefect's page may name a feed of changes that was put there for it, and no other file."""
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "link").symlink_to("/etc/passwd")
    with pytest.raises(Refusal, match="outside"):
        feed_beside(folder / "migration.yaml", name)
    assert feed_beside(folder / "migration.yaml", "feeds/today.jsonl") == folder / "feeds" / "today.jsonl"
    assert feed_beside(folder / "migration.yaml", "") is None

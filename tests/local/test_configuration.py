"""The configuration that `up` writes is one that the program reads, with no secret in it."""

from __future__ import annotations

import datetime

import pytest

from connectors.configuration.reader import read
from hikkoshi.local.configuration import BUCKETS, CASE, VAULT, write_configuration
from hikkoshi.local.iam import ROLES, new_keys
from hikkoshi.local.state import LocalState, Server, write_profiles

TODAY = datetime.date(2021, 3, 23)


@pytest.fixture
def state(tmp_path):
    """Two servers that got other ports than the first ones."""
    state = LocalState(tmp_path, "mark", (Server("korea", 9103), Server("japan", 9207)))
    state.var.mkdir(mode=0o700)
    keys = {f"{site}-{role}": new_keys(f"{site}-{role}") for site, roles in ROLES.items() for role in roles}
    write_profiles(state.credentials, keys)
    return state


def test_what_up_writes_is_read_without_a_problem(state):
    """Ports, places, roles and the case's categories arrive as they are."""
    migration = read(write_configuration(state, TODAY), {})
    assert migration.endpoints["korea"].url == "http://127.0.0.1:9103"
    assert migration.endpoints["japan"].url == "http://127.0.0.1:9207"
    assert migration.state_dir == state.var
    assert migration.vault.bucket == VAULT
    assert list(migration.categories) == [category.name for category in CASE]
    assert {move.source.bucket for each in migration.categories.values() for move in each.moves} == set(BUCKETS)
    for site, roles in ROLES.items():
        assert set(migration.endpoints[site].credentials) == set(roles)


def test_talk_images_goes_in_two_waves_and_the_first_by_a_schedule(state):
    """The first wave is 2019's, at one in the morning in Tokyo; the second is the rest."""
    first, rest = read(write_configuration(state, TODAY), {}).waves_of("talk-images")
    assert (first.name, first.prefixes) == ("first", ("2019/",))
    assert (first.schedule.cron, first.schedule.timezone) == ("0 1 * * *", "Asia/Tokyo")
    assert (rest.name, rest.prefixes, rest.schedule) == ("rest", (), None)


def test_deadlines_are_counted_from_today(state):
    """Talk media have until the end of June when it is 23 March, as in the case."""
    migration = read(write_configuration(state, TODAY), {})
    assert migration.categories["talk-images"].deadline == datetime.date(2021, 6, 30)
    assert migration.categories["official-accounts"].deadline == datetime.date(2021, 8, 31)
    assert migration.categories["pay"].deadline == datetime.date(2021, 9, 30)
    assert migration.categories["timeline"].deadline == datetime.date(2022, 6, 30)


def test_the_same_servers_give_the_same_file(state):
    """Writing it again changes nothing, not even the file's time."""
    file = write_configuration(state, TODAY)
    before = file.stat().st_mtime_ns, file.read_bytes()
    write_configuration(state, TODAY)
    assert (file.stat().st_mtime_ns, file.read_bytes()) == before


def test_no_secret_stands_in_the_configuration(state):
    """Credentials are references into a file that its owner alone can read."""
    text = write_configuration(state, TODAY).read_text()
    for site, roles in ROLES.items():
        for role in roles:
            assert state.keys(site, role).secret not in text
    assert state.credentials.stat().st_mode & 0o777 == 0o600
    assert new_keys("somebody").secret not in repr(new_keys("somebody"))
    assert "Keys(somebody)" in repr(new_keys("somebody"))

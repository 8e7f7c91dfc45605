"""What Docker Compose's `init` does, done to two real MinIO: buckets, users and a configuration that is read."""

from __future__ import annotations

import datetime

import pytest

from connectors.configuration.reader import check_credentials, read
from hikkoshi.local import down, up
from hikkoshi.local.compose import furnish_all
from hikkoshi.local.configuration import BUCKETS, REGIONS, VAULT
from hikkoshi.local.state import read_profiles
from relocation.rules.errors import Refusal
from tests.local.role_verbs import s3_client

pytestmark = pytest.mark.server
TODAY = datetime.date(2021, 3, 23)


def test_init_furnishes_both_servers_and_again_without_harm(tmp_path):
    """The worker finds a configuration whose credentials work; a second run changes no secret."""
    state = up(tmp_path / "house", print, prefect=False)
    try:
        environment = {}
        for site in REGIONS:
            owner = state.keys(site, "root")
            names = {"URL": state.url(site), "ROOT_USER": owner.access, "ROOT_PASSWORD": owner.secret}
            environment |= {f"{site.upper()}_{name}": value for name, value in names.items()}
        (folder := tmp_path / "volume").mkdir()
        file = furnish_all(folder, environment, TODAY)
        before = (folder / "credentials").read_bytes()
        assert furnish_all(folder, environment, TODAY) == file
        assert (folder / "credentials").read_bytes() == before
        migration = read(file, {})
        assert check_credentials(migration, {}) == ()
        assert migration.endpoints["japan"].allow_plain_http
        reader = s3_client(state.url("japan"), REGIONS["japan"], read_profiles(folder / "credentials")["japan-reader"])
        assert {each["Name"] for each in reader.list_buckets()["Buckets"]} >= {*BUCKETS, VAULT}
    finally:
        down(tmp_path / "house", print)


def test_init_refuses_to_begin_without_the_owners_keys(tmp_path):
    """What is missing is named, and nothing is written."""
    with pytest.raises(Refusal, match="KOREA_ROOT_USER"):
        furnish_all(tmp_path, {"KOREA_URL": "http://korea:9000"}, TODAY)
    assert list(tmp_path.iterdir()) == []

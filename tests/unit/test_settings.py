"""The typed configuration: defaults, sizes, and the hash that approvals are bound to."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from pydantic import ValidationError

from relocation.rules.cron import cron
from relocation.rules.errors import ConfigurationError
from relocation.rules.values import byte_size, endpoint_url, identity_of
from relocation.settings import Endpoint, EndpointPrices, Migration, Prices, Schedule, Transfer, Wave
from tests.unit.settings_cases import GONE, RIGHT, read_from, spoiled

IMAGES = "categories.talk-images"


def migration(folder: Path, changes: dict[str, object] | None = None) -> Migration:
    return read_from(folder, spoiled(changes or {}))


def test_limits_have_the_defaults_of_the_design() -> None:
    """Whoever writes nothing about pace gets 128 MiB in flight, the lean wire, and faults noticed after 30 s."""
    assert Transfer().model_dump() == {
        "processes": "auto",
        "budget_bytes": 134_217_728,
        "wire": "lean",
        "stall_s": 30.0,
        "connect_timeout_s": 10.0,
        "concurrency": 256,
        "shard_objects": 10_000,
        "shard_bytes": 8_589_934_592,
        "lease_s": 30.0,
        "attempts_max": 6,
        "unreachable_s": 60.0,
        "settle_s": 0.0,
        "intent_objects": 256,
        "min_bytes_per_s": 1024,
        "overloaded_s": 300.0,
        "cost_cap": None,
    }


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (5, 5),
        ("128MiB", 134_217_728),
        ("128 mib", 134_217_728),
        ("5GB", 5_000_000_000),
        ("1.5KiB", 1536),
        ("7B", 7),
        ("8GiB", 8_589_934_592),
    ],
)
def test_a_size_is_read_with_its_unit(text: object, number: int) -> None:
    """MiB counts in 1024, MB in 1000; the two are never mixed up."""
    assert byte_size(text) == number


@pytest.mark.parametrize("text", ["", "MiB", "5", "5 parsecs", "-5MiB", "1e3MiB", True, None, 5.0, [5]])
def test_a_size_that_is_none_is_refused(text: object) -> None:
    """A size is never guessed."""
    with pytest.raises(ValueError, match="is no size"):
        byte_size(text)


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("https://S3.JP.example/", "https://s3.jp.example"),
        ("http://127.0.0.1:9100", "http://127.0.0.1:9100"),
        ("http://[::1]:9100/", "http://[::1]:9100"),
        ("HTTPS://s3.jp.example:9000", "https://s3.jp.example:9000"),
    ],
)
def test_an_address_has_one_normal_form(written: str, normal: str) -> None:
    """Two spellings of one address are one address."""
    assert endpoint_url(written) == normal


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("http://localhost:9100", "http://127.0.0.1:9100", True),
        ("http://[::1]:9100", "http://127.0.0.1:9100", True),
        ("https://s3.example", "https://s3.example:443", True),
        ("https://s3.example.", "https://s3.example", True),
        ("https://s3.example", "https://s3.example:9000", False),
        ("http://localhost:9100", "http://localhost:9200", False),
    ],
)
def test_two_names_of_one_server_are_seen_as_one(first: str, second: str, *, same: bool) -> None:
    """A source can't become its own target by being spelt in another way."""
    assert (identity_of(first) == identity_of(second)) is same


def test_plain_http_is_for_this_machine_or_by_an_explicit_word() -> None:
    """Data leaves this machine unencrypted only where somebody wrote that it may."""
    far = {"url": "http://s3.kr.example", "region": "x", "country": "KR"}
    with pytest.raises(ValidationError, match="plain http"):
        Endpoint.model_validate(far)
    assert Endpoint.model_validate({**far, "allow_plain_http": True}).url == "http://s3.kr.example"
    assert Endpoint.model_validate({**far, "url": "http://127.8.9.1:9000"}).url == "http://127.8.9.1:9000"


@pytest.mark.parametrize(
    "line",
    [
        "0 1 * * *",
        "*/5 0-6,22 1,15 jan-mar mon-fri",
        "30 0 31 1-12/2 *",
        "0 0 29 2 *",
        "0 0 31 2 mon",
        "0 1 * * fri-sun",
        "5/15 * * * 7",
        "0 1 * * SUN",
    ],
)
def test_a_cron_line_of_five_fields_is_taken(line: str) -> None:
    """What every cron understands in the same way is accepted."""
    assert Schedule(cron=line).cron == line


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("@daily", "has 1 fields"),
        ("0 0 0 1 * *", "has 6 fields"),
        ("60 * * * *", "`60` is no minute; from 0 to 59"),
        ("* * 0 * *", "`0` is no day of the month; from 1 to 31"),
        ("* * * 13 *", "`13` is no month; from 1 to 12"),
        ("* * * * 8", "`8` is no day of the week; from 0 to 7"),
        ("* * * * foo", "`foo` is no day of the week"),
        ("jan * * * *", "`jan` is no minute"),
        ("*/0 * * * *", r"`\*/0` is no minute"),
        ("*-5 * * * *", r"`\*-5` is no minute"),
        ("5-1 * * * *", "`5-1` is a minute range that runs backwards"),
        ("1,,2 * * * *", "`` is no minute"),
        ("* * l * *", "`l` is no day of the month"),
        ("* * * * mon#1", "`mon#1` is no day of the week"),
        ("0 1 * jan-sun *", "`sun` is no month"),
        ("R * * * *", "`r` is no minute"),
        ("0 0 31 2,4 *", "names a day that its months do not have"),
        ("0 0 30 feb *", "names a day that its months do not have"),
    ],
)
def test_a_cron_line_that_schedulers_read_differently_is_refused(line: str, problem: str) -> None:
    """A wave starts when its line says, or the line is refused with the field that is wrong."""
    with pytest.raises(ValueError, match=problem):
        cron(line)


def test_a_category_without_waves_is_one_wave_named_all(tmp_path: Path) -> None:
    """There is always a wave to run."""
    read = migration(tmp_path)
    assert read.category_named("albums").all_waves() == (Wave(name="all"),)
    assert [wave.name for wave in read.waves_of("talk-images")] == ["first", "rest"]
    assert [wave.name for wave in read.waves_of("talk-images", "rest")] == ["rest"]


def test_an_unknown_category_or_wave_is_answered_with_those_there_are(tmp_path: Path) -> None:
    """A slip of the keyboard on the command line is told what could have been meant."""
    read = migration(tmp_path)
    with pytest.raises(ConfigurationError) as caught:
        read.category_named("album")
    assert caught.value.problems == ("categories: no category `album`; did you mean `albums`? There are albums, talk-images",)
    assert read.endpoint_named("korea").country == "KR"
    with pytest.raises(ConfigurationError) as caught:
        read.endpoint_named("mars")
    assert caught.value.problems == ("endpoints: no endpoint `mars`; there are japan, korea",)
    with pytest.raises(ConfigurationError) as caught:
        read.waves_of("talk-images", "frist")
    assert caught.value.problems == ("categories.talk-images.waves: no wave `frist`; did you mean `first`? There are first, rest",)


def test_the_configuration_can_not_be_changed_once_it_is_read(tmp_path: Path) -> None:
    """What was approved is what runs."""
    with pytest.raises(ValidationError, match="frozen"):
        migration(tmp_path).state_dir = Path("/elsewhere")  # type: ignore[misc]


DECIDES: list[dict[str, object]] = [
    {"migration": "other"},
    {f"{IMAGES}.moves.0.source.prefix": "image/"},
    {f"{IMAGES}.moves.0.target.bucket": "talk-2"},
    {f"{IMAGES}.moves.0.source.endpoint": "seoul", "endpoints.seoul": RIGHT["endpoints"]["korea"]},
    {f"{IMAGES}.waves.0.prefixes": ["2019/", "2020/"]},
    {f"{IMAGES}.waves.0.name": "second"},
    {f"{IMAGES}.waves.0.size": {"start": 1}},
    {f"{IMAGES}.waves.0.users": {"pattern": "(?P<user>u)/", "share": "10%"}},
    {f"{IMAGES}.waves": GONE},
    {f"{IMAGES}.policy": {"keep_etag": "require"}},
    {f"{IMAGES}.policy": {"part_bytes": "32MiB"}},
    {"endpoints.japan.country": "KR", f"{IMAGES}.residency": "KR", "categories.albums.residency": "KR"},
    {"endpoints.korea.country": "VN"},
    {"categories.albums": GONE},
]
DOES_NOT: list[dict[str, object]] = [
    {"endpoints.japan.url": "https://s3.jp.example", "endpoints.japan.region": "other"},
    {"endpoints.japan.credentials": {"writer": "profile:other"}},
    {"transfer": {"budget_bytes": "1GiB", "wire": "library", "concurrency": 3}},
    {"state_dir": "elsewhere", "ledger": "sqlite:///other.db", "timezone": "Asia/Seoul"},
    {"vault.retention_days": 3},
    {f"{IMAGES}.deadline": "2022-01-01", f"{IMAGES}.owner": "other", f"{IMAGES}.description": "other"},
    {f"{IMAGES}.waves.1.schedule": {"cron": "0 1 * * *"}},
    {f"{IMAGES}.policy": {"keep_etag": "prefer", "verify": "read_back", "part_bytes": 16_777_216}},
]


@pytest.mark.parametrize("changes", DECIDES, ids=lambda changes: next(iter(changes)))
def test_the_hash_changes_with_whatever_decides_actions(changes: dict[str, object], tmp_path: Path) -> None:
    """An approval goes void when moves, waves, policy, residency or countries change."""
    assert migration(tmp_path, changes).config_sha256() != migration(tmp_path).config_sha256()


@pytest.mark.parametrize("changes", DOES_NOT, ids=lambda changes: next(iter(changes)))
def test_the_hash_stays_whatever_does_not_decide_actions(changes: dict[str, object], tmp_path: Path) -> None:
    """An approval outlives another address, rotated credentials, another pace, another deadline."""
    assert migration(tmp_path, changes).config_sha256() == migration(tmp_path).config_sha256()


def test_the_hash_is_of_the_meaning_and_not_of_the_text(tmp_path: Path) -> None:
    """Order of blocks, comments and quotes are of no account; and the value itself is pinned, because vaults hold it."""
    turned = dict(reversed(copy.deepcopy(RIGHT).items()))
    turned["categories"] = dict(reversed(turned["categories"].items()))
    assert read_from(tmp_path, turned).config_sha256() == migration(tmp_path).config_sha256()
    assert migration(tmp_path).config_sha256() == "0a40129f2b7637b69d99831a5427ada242565291aa722a5734499cc7f53c825e"


def test_no_money_without_a_price_and_a_currency() -> None:
    """A price that nobody gave is unknown, never nothing."""
    assert Prices().of("korea") == EndpointPrices()
    given = {"endpoints": {"korea": {"egress_per_gb": 0.09, "as_of": "2021-06-30"}}}
    assert Prices.model_validate(given).of("korea").egress_per_gb is None
    assert str(Prices.model_validate({**given, "currency": "USD"}).of("korea").egress_per_gb) == "0.09"
    with pytest.raises(ValidationError):
        Prices.model_validate({"endpoints": {"korea": {"egress_per_gb": -1}}})

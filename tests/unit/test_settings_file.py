"""Where the configuration file is looked for, how its text is read, and what its paths mean."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
import yaml

from connectors.configuration import check_credentials, find, read, read_prices
from connectors.configuration.words import EXAMPLES, MIGRATION_SHAPE, PRICES_SHAPE
from relocation import settings
from relocation.rules.errors import ConfigurationError
from relocation.settings import EndpointPrices
from relocation.settings.values import Settings
from tests.unit.settings_cases import RIGHT, problems_of, read_from, spoiled, write

PROJECT = Path(__file__).parents[2]


# --- finding it ------------------------------------------------------------------------------------------------------------


def test_the_command_line_goes_before_the_environment_before_the_default(tmp_path: Path) -> None:
    """The nearest word wins: `--config`, else HIKKOSHI_CONFIG, else config/local.yaml where the command is started."""
    default, by_variable, by_option = (write(tmp_path, RIGHT, name) for name in ("config/local.yaml", "a.yaml", "b.yaml"))
    environ = {"HIKKOSHI_CONFIG": "a.yaml"}
    assert find(Path("b.yaml"), environ, tmp_path) == by_option
    assert find(None, environ, tmp_path) == by_variable
    assert find(None, {}, tmp_path) == default
    assert find(None, {"HIKKOSHI_CONFIG": ""}, tmp_path) == default


@pytest.mark.parametrize(
    ("option", "environ", "said"),
    [
        (Path("x.yaml"), {}, "--config names it, but it is not there"),
        (None, {"HIKKOSHI_CONFIG": "x.yaml"}, "HIKKOSHI_CONFIG names it, but it is not there; set HIKKOSHI_CONFIG"),
        (None, {}, "not there; `hikkoshi local up` makes it, or --config FILE names another"),
    ],
)
def test_a_file_that_is_not_there_says_what_to_do(option: Path | None, environ: dict[str, str], said: str, tmp_path: Path) -> None:
    """Who starts in the wrong folder, or for the first time, is told how to go on."""
    with pytest.raises(ConfigurationError) as caught:
        find(option, environ, tmp_path)
    assert said in caught.value.problems[0]
    assert str(tmp_path) in caught.value.file


# --- reading its text ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the file is empty; config/example.yaml shows what belongs in it"),
        ("# nothing\n", "the file is empty; config/example.yaml shows what belongs in it"),
        ("- a\n", "is no block of names; `migration: …` and the others (config/example.yaml shows them)"),
        ("a: [1\nb: 2\n", "line 2, column 2: no YAML: while parsing a flow sequence expected ',' or ']', but got ':'"),
        ("a: 1\n\tb: 2\n", "line 2, column 1: no YAML: while scanning for the next token found character '\\t'"),
        ("a: 1\n---\nb: 2\n", "line 2, column 1: no YAML: expected a single document"),
        ("a: !ENV x\n", "line 1, column 4: no YAML: could not determine a constructor for the tag '!ENV'"),
        ("a: !!python/object/apply:os.system [x]\n", "line 1, column 4: no YAML: could not determine a constructor"),
        ("a: *b\n", "line 1, column 4: no YAML: found undefined alias"),
        ("a: \x07\n", "character 3 is not allowed in YAML"),
        ("[" * 1000, "nested too deeply"),
    ],
)
def test_broken_text_is_named_by_line_and_column(text: str, problem: str, tmp_path: Path) -> None:
    """What can't be read at all is one problem, at its place."""
    found = problems_of(tmp_path, text)
    assert len(found) == 1
    assert found[0].startswith(problem)


def test_a_file_that_can_not_be_read_is_a_problem_and_no_crash(tmp_path: Path) -> None:
    """A folder, bytes that are no text, and something huge are each named for what they are."""
    (tmp_path / "latin1.yaml").write_bytes("a: 1\nb: café\n".encode("latin-1"))
    (tmp_path / "huge.yaml").write_bytes(b"# \n" * 2_000_000)
    said = []
    for name in ("", "latin1.yaml", "huge.yaml", "none.yaml"):
        with pytest.raises(ConfigurationError) as caught:
            read(tmp_path / name, {})
        said += caught.value.problems
    assert said == [
        "can't be read (Is a directory); a file that you may read",
        "line 2: is not UTF-8; save the file as UTF-8",
        "is larger than 4 MiB; that is no configuration file",
        "can't be read (No such file or directory); a file that you may read",
    ]


def test_a_name_that_stands_twice_is_found_at_every_depth(tmp_path: Path) -> None:
    """YAML would silently take the last one: the category that stood there first would never move."""
    text = yaml.safe_dump(RIGHT, sort_keys=False)
    twice = text + "vault: {endpoint: japan, endpoint: korea, bucket: evidence}\n"
    first, second = (text[: text.index("vault:")].count("\n") + 1, text.count("\n") + 1)
    assert problems_of(tmp_path, twice) == [
        f"vault: stands twice, in lines {first} and {second}; one of them",
        f"vault.endpoint: stands twice, in lines {second} and {second}; one of them",
    ]


def test_norway_is_a_country_and_a_date_is_text(tmp_path: Path) -> None:
    """YAML 1.1's guesses (`NO` is false, 1:30 is 90) are not made; a quoted date and a bare one are the same."""
    text = yaml.safe_dump(spoiled({"endpoints.korea.country": "NO"}), sort_keys=False).replace("'NO'", "NO").replace("'", "")
    assert "country: NO" in text
    assert "deadline: 2021-06-30" in text
    migration = read_from(tmp_path, text)
    assert migration.endpoints["korea"].country == "NO"
    assert migration.categories["talk-images"].deadline == datetime.date(2021, 6, 30)


def test_anchors_and_merges_are_understood(tmp_path: Path) -> None:
    """Who writes the same policy for ten categories may write it once."""
    text = yaml.safe_dump(RIGHT, sort_keys=False).replace(
        "    owner: albums\n", "    <<: {owner: albums, policy: {keep_etag: require}}\n"
    )
    assert read_from(tmp_path, text).categories["albums"].policy.keep_etag == "require"


NONSENSE = [
    "endpoints: 5",
    "categories: [1]",
    "categories: {a: 5}",
    "categories: {a: {moves: [5, {source: 5}], waves: 7}}",
    "5: 6",
    "endpoints: {5: {}, a: 7}",
    "vault: []",
    "a: &a [*a]",
    "categories: {a: &a {moves: *a}}",
    '"\\0": "\\0"',
    'state_dir: "\\0"',
    'endpoints: {a: {ca_file: "\\0"}}',
    'categories: {a: {moves: [{source: {prefix: "\\ud800"}}]}}',
    "transfer: {budget_bytes: 99999999999999999999999999}",
    "transfer: {stall_s: .inf}",
    "{[a]: b}",
    "? {a: b}\n: c",
]


@pytest.mark.parametrize("text", NONSENSE)
def test_nonsense_is_refused_and_never_crashes(text: str, tmp_path: Path) -> None:
    """Whatever stands in the file, the answer is a list of problems."""
    assert problems_of(tmp_path, text)


# --- paths -----------------------------------------------------------------------------------------------------------------


def test_two_working_directories_open_one_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command started elsewhere continues the same migration; it never begins a second ledger."""
    write(tmp_path, RIGHT)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "config", target_is_directory=True)
    seen = []
    for cwd, file in (
        (tmp_path, "config/migration.yaml"),
        (tmp_path / "elsewhere", "../link/migration.yaml"),
        (tmp_path / "link", "migration.yaml"),
    ):
        monkeypatch.chdir(cwd)
        seen.append(read(Path(file), {}))
    assert {each.ledger for each in seen} == {f"sqlite:///{tmp_path}/var/ledger.db"}
    assert {each.state_dir for each in seen} == {tmp_path / "var"}
    assert {each.file for each in seen} == {tmp_path / "config" / "migration.yaml"}


def test_a_file_that_is_a_link_keeps_its_own_folder(tmp_path: Path) -> None:
    """A mounted configuration is a link into a folder that changes with every edit; the ledger does not move with it."""
    write(tmp_path, RIGHT, "mount/..2024_01/migration.yaml")
    link = tmp_path / "mount" / "migration.yaml"
    link.symlink_to("..2024_01/migration.yaml")
    assert read(link, {}).ledger == f"sqlite:///{tmp_path}/var/ledger.db"


@pytest.mark.parametrize(
    ("written", "becomes"),
    [
        ("sqlite:///ledger.db", "sqlite:///{base}/config/ledger.db"),
        ("sqlite+pysqlite:///ledger.db?timeout=5", "sqlite+pysqlite:///{base}/config/ledger.db?timeout=5"),
        ("sqlite:////srv/ledger.db", "sqlite:////srv/ledger.db"),
        ("sqlite:///~/ledger.db", "sqlite:////home/somebody/ledger.db"),
        ("postgresql+psycopg://me@db.jp.example/ledger", "postgresql+psycopg://me@db.jp.example/ledger"),
    ],
)
def test_a_ledger_lies_where_its_file_says(written: str, becomes: str, tmp_path: Path) -> None:
    """A relative path is relative to the file, an absolute one and a server stay as they are."""
    file = write(tmp_path, spoiled({"ledger": written}))
    assert read(file, {"HOME": "/home/somebody"}).ledger == becomes.format(base=tmp_path)


def test_no_value_is_put_together_from_the_environment(tmp_path: Path) -> None:
    """What the file says is what counts: `${NAME}` is text like any other."""
    file = write(tmp_path, spoiled({"categories.albums.owner": "${OWNER}"}))
    assert read(file, {"OWNER": "somebody"}).categories["albums"].owner == "${OWNER}"


# --- what the file refers to -----------------------------------------------------------------------------------------------


def test_missing_variables_are_named_with_the_place_that_wants_them(tmp_path: Path) -> None:
    """Reading needs no credentials; the check names every variable that is missing."""
    migration = read_from(tmp_path, RIGHT)
    assert check_credentials(migration, {"KOREA_ACCESS_KEY": "k", "KOREA_SECRET_KEY": "s", "JAPAN_ACCESS_KEY": "j"}) == (
        "endpoints.japan.credentials.writer: JAPAN_SECRET_KEY is not set; set it, or name credentials that are there",
    )
    assert len(check_credentials(migration, {})) == 4


def test_prices_are_read_from_beside_the_file_or_from_where_it_says(tmp_path: Path) -> None:
    """A price list is found, and a wrong one is refused by name; without one there is no money in an estimate."""
    assert read_prices(read_from(tmp_path, RIGHT)).endpoints == {}
    write(tmp_path, "currency: USD\nendpoints: {korea: {egress_per_gb: 0.09}}\n", "config/prices.yaml")
    assert str(read_prices(read_from(tmp_path, RIGHT)).of("korea").egress_per_gb) == "0.09"
    write(
        tmp_path, "currency: dollars\nendpoints: {korea: {egress: 1, get_per_1000: -1, put_per_1000: much}}\n", "config/other.yaml"
    )
    with pytest.raises(ConfigurationError) as caught:
        read_prices(read_from(tmp_path, spoiled({"prices": "other.yaml"})))
    assert caught.value.problems == (
        "currency: is wrong; string should match pattern '^[A-Z]{3}$'",
        "endpoints.korea.get_per_1000: is too small; at least 0",
        "endpoints.korea.put_per_1000: is text, not a number",
        "endpoints.korea.egress: unknown name; did you mean `egress_per_gb`?",
    )


# --- what is shipped -------------------------------------------------------------------------------------------------------


def test_the_example_holds_the_whole_case_with_its_deadlines(tmp_path: Path) -> None:
    """The shipped example is right, and brings every category home by the day that was promised; nothing is left out of it."""
    example = PROJECT / "config" / "example.yaml"
    variables = ("KOREA_READER", "KOREA_PROBER", "JAPAN_READER", "JAPAN_WRITER", "JAPAN_PROBER", "JAPAN_VAULT")
    environ = {f"{name}_{part}": "value" for name in variables for part in ("ACCESS_KEY", "SECRET_KEY")}
    keys = tmp_path / "credentials"
    keys.write_text(
        "".join(f"[pay-korea-{role}]\naws_access_key_id = a\naws_secret_access_key = b\n" for role in ("reader", "prober"))
    )
    keys.chmod(0o600)
    migration = read(example, environ)
    assert check_credentials(migration, {**environ, "AWS_SHARED_CREDENTIALS_FILE": str(keys)}) == ()
    assert {name: category.deadline.isoformat() for name, category in migration.categories.items()} == {
        "talk-images": "2021-06-30",
        "talk-videos": "2021-06-30",
        "talk-files": "2021-06-30",
        "official-account-media": "2021-08-31",
        "pay-records": "2021-09-30",
        "keep-memos": "2022-06-30",
        "official-timelines": "2022-06-30",
        "timeline": "2022-12-31",
        "notes": "2022-12-31",
        "albums": "2024-06-30",
    }
    assert all(endpoint.url.startswith("https://") for endpoint in migration.endpoints.values())
    assert {category.residency for category in migration.categories.values()} == {"JP"}
    assert migration.transfer == type(migration.transfer)(), "the example shows the defaults"
    prices = read_prices(migration)
    assert prices.currency is None
    assert set(prices.endpoints.values()) == {EndpointPrices()}, "no price is invented"


def test_every_required_name_has_an_example_and_every_block_its_names() -> None:
    """A missing value is always answered with what would be right."""
    required = {name for model in MIGRATION_SHAPE.values() for name, field in model.model_fields.items() if field.is_required()}
    assert required - {"file"} <= set(EXAMPLES)
    blocks = {each for each in vars(settings).values() if isinstance(each, type) and issubclass(each, Settings)}
    assert blocks - {settings.KeyList, settings.Excluded} == {*MIGRATION_SHAPE.values(), *PRICES_SHAPE.values()}

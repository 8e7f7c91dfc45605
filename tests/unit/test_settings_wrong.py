"""A wrong configuration is refused with every problem at once, each with its place, what is wrong and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.configuration import read
from relocation.rules.errors import ConfigurationError
from tests.unit.settings_cases import GONE, RIGHT, problems_of, read_from, spoiled, write

TARGET = "categories.talk-images.moves.0.target"
SOURCE = "categories.talk-images.moves.0.source"
IMAGES = {"endpoint": "korea", "bucket": "talk", "prefix": "images/"}
NAME = "is no name; lower-case letters, digits and hyphens (at most 63), as in `talk-images-2`"
REFERENCE = "is no reference to credentials; `env:NAME`, `file:PATH#PROFILE` or `profile:NAME`, never the keys themselves"

ONE_PROBLEM: list[tuple[dict[str, object], str]] = [
    # Names that nobody knows, or that are missing.
    ({"categorys": {}}, "categorys: unknown name; did you mean `categories`?"),
    ({f"{TARGET}.buckt": "x"}, f"{TARGET}.buckt: unknown name; did you mean `bucket`?"),
    ({"transfer": {"budget": 1}}, "transfer.budget: unknown name; did you mean `budget_bytes`?"),
    ({"vault.xyzzy": 1}, "vault.xyzzy: unknown name; there are bucket, endpoint, retention_days"),
    ({"file": "/x"}, "file: unknown name; the reader itself says where the file is"),
    (
        {"endpoints.korea.credentials": {"raeder": "env:A"}},
        "endpoints.korea.credentials.raeder: unknown role; did you mean `reader`?",
    ),
    ({"migration": GONE}, "migration: is missing; add it, as in `migration: korea-to-japan`"),
    ({"categories.albums.deadline": GONE}, "categories.albums.deadline: is missing; add it, as in `deadline: 2021-06-30`"),
    ({f"{TARGET}.bucket": GONE}, f"{TARGET}.bucket: is missing; add it, as in `bucket: talk`"),
    ({"categories": {}}, "categories: is empty; at least one is wanted"),
    ({"categories.albums.moves": []}, "categories.albums.moves: is empty; at least one is wanted"),
    ({"categories.albums.owner": ""}, "categories.albums.owner: is empty; text is wanted"),
    ({"categories.albums.owner": None}, "categories.albums.owner: is empty; wanted is text; put it in quotes if it is meant so"),
    # Values of another kind.
    ({"migration": 7}, "migration: is a number, not text; put it in quotes if it is meant so"),
    ({"transfer": {"concurrency": "8"}}, "transfer.concurrency: is text, not a whole number, without quotes"),
    ({"transfer": {"concurrency": True}}, "transfer.concurrency: is true or false, not a whole number, without quotes"),
    ({"endpoints.korea.allow_plain_http": "yes"}, "endpoints.korea.allow_plain_http: is text, not `true` or `false`"),
    ({"categories.albums.moves": "all"}, "categories.albums.moves: is text, not a list, as in `[one, two]`"),
    ({"vault": "evidence"}, "vault: is text, not names with values below it"),
    (
        {"categories.talk-images.waves.0.prefixes": "2019/"},
        "categories.talk-images.waves.0.prefixes: is text, not a list, as in `[one, two]`",
    ),
    # Names of ours.
    ({"migration": "Talk Images 2"}, f"migration: {NAME}"),
    ({"categories.Talk Images 2": RIGHT["categories"]["albums"], "categories.albums": GONE}, f"categories.Talk Images 2: {NAME}"),
    ({"categories.talk-images.waves.0.name": "talk_images_2"}, f"categories.talk-images.waves.0.name: {NAME}"),
    # Addresses.
    (
        {"endpoints.korea.url": "http://s3.kr.example"},
        "endpoints.korea.url: is plain http to another machine; `https://…`, or `allow_plain_http: true` if the line is private",
    ),
    (
        {"endpoints.korea.url": "http://127.0.0.1.kr.example:9100"},
        "endpoints.korea.url: is plain http to another machine; `https://…`, or `allow_plain_http: true` if the line is private",
    ),
    (
        {"endpoints.korea.url": "https://s3.kr.example/talk"},
        (
            "endpoints.korea.url: holds a path or query; only scheme, host and port, as in `https://s3.jp.example:9000` "
            "(buckets are named in the moves)"
        ),
    ),
    (
        {"endpoints.korea.url": "https://s3.kr.example?x=y"},
        (
            "endpoints.korea.url: holds a path or query; only scheme, host and port, as in `https://s3.jp.example:9000` "
            "(buckets are named in the moves)"
        ),
    ),
    (
        {"endpoints.korea.url": "https://root:hunter2@s3.kr.example"},
        (
            "endpoints.korea.url: holds a user or password; take it out, and name it under `credentials` by a "
            "reference such as `env:NAME`"
        ),
    ),
    (
        {"endpoints.korea.url": "s3.kr.example:9000"},
        "endpoints.korea.url: is no http or https address; scheme, host and port, as in `https://s3.jp.example:9000`",
    ),
    (
        {"endpoints.korea.url": "https://s3.kr.example:port"},
        "endpoints.korea.url: is no address; scheme, host and port, as in `https://s3.jp.example:9000`",
    ),
    # Countries, dates, times.
    ({"endpoints.japan.country": "jp"}, "endpoints.japan.country: is `jp`; country codes are written large: `JP`"),
    (
        {"endpoints.korea.country": "UK"},
        "endpoints.korea.country: `UK` is no country; two large letters (ISO 3166-1 alpha-2) such as `KR` or `JP`",
    ),
    ({"categories.albums.deadline": "June"}, "categories.albums.deadline: is no date; year, month and day as in `2021-06-30`"),
    ({"categories.albums.deadline": 20210630}, "categories.albums.deadline: is no date; year, month and day as in `2021-06-30`"),
    (
        {"categories.albums.deadline": "2021-06-31"},
        (
            "categories.albums.deadline: `2021-06-31` is no day (day is out of range for month); a date of the "
            "calendar as in `2021-06-30`"
        ),
    ),
    ({"timezone": "Tokyo"}, "timezone: `Tokyo` is no time zone; a name of the IANA database such as `Asia/Tokyo` or `Asia/Seoul`"),
    (
        {"categories.talk-images.waves.1.schedule": {"cron": "0 1 * *"}},
        (
            "categories.talk-images.waves.1.schedule.cron: has 4 fields; five are wanted (minute, hour, day, month, weekday), "
            "as in `0 1 * * *` (1:00 daily)"
        ),
    ),
    (
        {"categories.talk-images.waves.1.schedule": {"cron": "0 25 * * *"}},
        "categories.talk-images.waves.1.schedule.cron: `25` is no hour; from 0 to 23",
    ),
    (
        {"categories.talk-images.waves.1.schedule": {"cron": "0 1 * * *", "timezone": "../etc/passwd"}},
        (
            "categories.talk-images.waves.1.schedule.timezone: `../etc/passwd` is no time zone; "
            "a name of the IANA database such as `Asia/Tokyo` or `Asia/Seoul`"
        ),
    ),
    # Credentials and the ledger's address.
    ({"endpoints.korea.credentials": {"reader": "AKIAHUNTER2:wJalrHUNTER2"}}, f"endpoints.korea.credentials.reader: {REFERENCE}"),
    ({"endpoints.korea.credentials": {"reader": "env:NOT A NAME"}}, f"endpoints.korea.credentials.reader: {REFERENCE}"),
    ({"endpoints.korea.credentials": {"reader": "file:keys.ini"}}, f"endpoints.korea.credentials.reader: {REFERENCE}"),
    (
        {"ledger": "mysql://db/x"},
        "ledger: is no ledger address; `sqlite:///../var/ledger.db` or `postgresql+psycopg://user@host/database`",
    ),
    (
        {"ledger": "sqlite://"},
        (
            "ledger: names no file, and a ledger in memory would be lost; `sqlite:///../var/ledger.db` or "
            "`postgresql+psycopg://user@host/database`"
        ),
    ),
    (
        {"ledger": "postgresql+psycopg://me:hunter2@db.jp.example/ledger"},
        "ledger: holds a password; take it out, and give it by PGPASSWORD or a `.pgpass` file",
    ),
    # Buckets and keys.
    (
        {f"{TARGET}.bucket": "talk/images"},
        f"{TARGET}.bucket: holds a `/`; the bucket is `talk`, and `images` belongs into `prefix`",
    ),
    ({f"{TARGET}.bucket": "画像"}, f"{TARGET}.bucket: is no bucket name; 3 to 255 letters, digits, `.`, `-` or `_`"),
    ({f"{TARGET}.prefix": "画" * 342}, f"{TARGET}.prefix: is 1026 bytes long; a key has at most 1024"),
    # Limits.
    ({"transfer": {"concurrency": 0}}, "transfer.concurrency: is too small; at least 1"),
    ({"transfer": {"stall_s": -1}}, "transfer.stall_s: is too small; at least 0.1"),
    ({"transfer": {"budget_bytes": "1MiB"}}, "transfer.budget_bytes: is too small; at least 16 MiB"),
    ({"transfer": {"budget_bytes": "1 PB"}}, "transfer.budget_bytes: is no size; a number of bytes, or text such as `128MiB`"),
    ({"transfer": {"budget_bytes": "65GiB"}}, "transfer.budget_bytes: is too large; at most 64 GiB"),
    ({"transfer": {"wire": "fast"}}, "transfer.wire: is none of 'lean', 'library'; one of these"),
    ({"vault.retention_days": 0}, "vault.retention_days: is too small; at least 1"),
    ({"categories.albums.policy": {"part_bytes": 1024}}, "categories.albums.policy.part_bytes: is too small; at least 5 MiB"),
    (
        {"categories.albums.policy": {"part_bytes": "129MiB"}},
        (
            "categories.albums.policy.part_bytes: one part of 135266304 bytes does not fit into transfer.budget_bytes, 134217728; "
            "a smaller part or a larger budget"
        ),
    ),
    # Endpoints that are not there, or not where they must be.
    ({f"{TARGET}.endpoint": "japn"}, f"{TARGET}.endpoint: `japn` is no endpoint; did you mean `japan`?"),
    ({f"{SOURCE}.endpoint": "mars"}, f"{SOURCE}.endpoint: `mars` is no endpoint; there are japan, korea"),
    ({"vault.endpoint": "mars"}, "vault.endpoint: `mars` is no endpoint; there are japan, korea"),
    (
        {f"{TARGET}.endpoint": "korea", f"{TARGET}.bucket": "elsewhere"},
        f"{TARGET}.endpoint: `korea` is in KR, and the category's residency is JP; a target in JP, such as `japan`",
    ),
    (
        {"endpoints.tokyo": {"url": "http://localhost:9100", "region": "x", "country": "JP"}},
        "endpoints.tokyo.country: is JP, but `korea` with the same address is in KR; a server stands in one country",
    ),
    (
        {
            "endpoints.taiwan": {"url": "http://127.0.0.1:9300", "region": "x", "country": "TW"},
            "categories.albums.moves": [
                {"source": {"endpoint": "korea", "bucket": "albums"}, "target": {"endpoint": "japan", "bucket": "albums"}},
                {"source": {"endpoint": "taiwan", "bucket": "albums"}, "target": {"endpoint": "japan", "bucket": "more"}},
            ],
        },
        (
            "categories.albums.moves.1.source.endpoint: `taiwan` is in TW, and the source of moves.0 in KR; "
            "a category for each country, since reports say of a category in which country it still is"
        ),
    ),
    (
        {"vault.bucket": "albums"},
        "vault.bucket: is the bucket of categories.albums.moves.0.target too; a bucket of its own, because all in it is locked",
    ),
    # Moves that share keys.
    (
        {"categories.albums.moves.0.source": {**IMAGES, "prefix": "images/2019/"}},
        (
            f"categories.albums.moves.0.source: `korea/talk/images/2019/` shares keys with `korea/talk/images/` of {SOURCE}; "
            "each key is read by one move only"
        ),
    ),
    (
        {"categories.albums.moves.0.target": {"endpoint": "japan", "bucket": "talk"}},
        (
            f"categories.albums.moves.0.target: `japan/talk/` shares keys with `japan/talk/images/` of {TARGET}; "
            "each key is written by one move only"
        ),
    ),
    (
        {
            "categories.albums.moves.1": {
                "source": {"endpoint": "korea", "bucket": "albums", "prefix": "a"},
                "target": {"endpoint": "japan", "bucket": "b-b"},
            }
        },
        (
            "categories.albums.moves.1.source: `korea/albums/a` shares keys with `korea/albums/` "
            "of categories.albums.moves.0.source; each key is read by one move only"
        ),
    ),
    (
        {"categories.albums.moves.0.source": {"endpoint": "japan", "bucket": "talk", "prefix": "images/x"}},
        (
            f"categories.albums.moves.0.source: `japan/talk/images/x` shares keys with `japan/talk/images/` of {TARGET}; "
            "what one move writes no other may read"
        ),
    ),
    (
        {"categories.albums.moves.0.source": {"endpoint": "japan", "bucket": "albums", "prefix": "old/"}},
        "categories.albums.moves.0.target: lies in the source, `japan/albums/old/`; a target apart from it",
    ),
    (
        {
            "endpoints.tokyo": {"url": "http://localhost:9200", "region": "x", "country": "JP"},
            "categories.albums.moves.0.source": {"endpoint": "tokyo", "bucket": "albums", "prefix": "old/"},
        },
        "categories.albums.moves.0.target: lies in the source, `tokyo/albums/old/`; a target apart from it",
    ),
    (
        {f"{SOURCE}.prefix": "hikkoshi-canary/x/"},
        f"{SOURCE}.prefix: lies below `hikkoshi-canary/`, which is reserved for the probe's own objects; another prefix",
    ),
    (
        {f"{TARGET}.prefix": "/hikkoshi-canary/"},
        f"{TARGET}.prefix: lies below `hikkoshi-canary/`, which is reserved for the probe's own objects; another prefix",
    ),
    (
        {f"{TARGET}.prefix": "hikkoshi-", "categories.talk-images.waves.0.prefixes": ["canary/"]},
        (
            "categories.talk-images.waves: `first` lies below `hikkoshi-canary/`, which is reserved for the "
            "probe's own objects; another prefix"
        ),
    ),
    # Waves that are no partition.
    (
        {"categories.talk-images.waves.2": {"name": "more", "prefixes": ["2020/", "2019/01/"]}},
        (
            "categories.talk-images.waves.2.prefixes: `2019/01/` shares keys with `2019/` of wave `first`; a key "
            "belongs to one wave only"
        ),
    ),
    (
        {"categories.talk-images.waves.1": GONE},
        "categories.talk-images.waves: no wave takes what the others leave; add `- {name: rest}`",
    ),
    (
        {"categories.talk-images.waves.2": {"name": "remains"}},
        "categories.talk-images.waves.2: asks for nothing, and neither does `rest`; one wave at most takes the rest",
    ),
    (
        {"categories.talk-images.waves.1.name": "first"},
        "categories.talk-images.waves.1.name: `first` is there twice; each wave has a name of its own",
    ),
    (
        {"categories.talk-images.waves.0.prefixes": [""]},
        "categories.talk-images.waves.0.prefixes: holds an empty one, which claims everything; leave `prefixes` away for the rest",
    ),
    (
        {"categories.talk-images.waves.2": {"name": "large", "size": {"start": "1GiB"}}},
        (
            "categories.talk-images.waves.2: may claim objects that wave `first` claims too; "
            "nothing that both ask for keeps them apart"
        ),
    ),
    (
        {"categories.talk-images.waves.2": {"name": "old", "modified": {"start": "2020-01-01", "end": "2020-01-01"}}},
        "categories.talk-images.waves.2.modified: holds nothing: `end` is not beyond `start`; `end` itself is left out",
    ),
    (
        {"categories.talk-images.waves.2": {"name": "none", "size": {"end": 0}}},
        "categories.talk-images.waves.2.size: holds nothing: no object comes before `end`, which itself is left out",
    ),
    (
        {"categories.talk-images.waves.2": {"name": "none", "keys": {"end": ""}}},
        "categories.talk-images.waves.2.keys: holds nothing: no object comes before `end`, which itself is left out",
    ),
    (
        {"categories.talk-images.waves.2": {"name": "tenth", "users": {"pattern": "u[", "share": "10%"}}},
        (
            "categories.talk-images.waves.2.users.pattern: is no regular expression (unterminated character set at position 1); "
            "as in `(?P<user>u\\d+)/`"
        ),
    ),
    (
        {"categories.talk-images.waves.2": {"name": "tenth", "users": {"pattern": "(u)/", "share": "10%"}}},
        (
            "categories.talk-images.waves.2.users.pattern: has no group `user`, which is the part of a key that names the user; "
            "as in `(?P<user>u\\d+)/`"
        ),
    ),
    (
        {"categories.talk-images.waves.2": {"name": "tenth", "users": {"pattern": "(?P<user>u)/", "share": 0.1}}},
        "categories.talk-images.waves.2.users.share: is no share; more than 0% and at most 100%, as in `10%`",
    ),
    (
        {
            "categories.talk-images.policy": {"versions": "all"},
            "categories.talk-images.waves.0": {"name": "small", "size": {"end": "1MiB"}},
        },
        (
            "categories.talk-images.waves: `versions: all` takes the versions of a key together; "
            "choose waves by keys, not by days or sizes"
        ),
    ),
    # Files that it names.
    (
        {"categories.talk-images.waves.2": {"name": "vip", "keys_file": "no.txt"}},
        "categories.talk-images.waves.2.keys_file: no such file; the path of one, relative to this file",
    ),
    ({"endpoints.korea.ca_file": "no.pem"}, "endpoints.korea.ca_file: no such file; the path of one, relative to this file"),
    ({"prices": "no.yaml"}, "prices: no such file; the path of one, relative to this file"),
]


@pytest.mark.parametrize(("changes", "problem"), ONE_PROBLEM, ids=[problem[:70] for _, problem in ONE_PROBLEM])
def test_one_wrong_value_gives_exactly_its_problem(changes: dict[str, object], problem: str, tmp_path: Path) -> None:
    """Each mistake is named at its place, with what would be right, and nothing else is complained about."""
    assert problems_of(tmp_path, spoiled(changes)) == [problem]


def test_the_right_configuration_is_taken(tmp_path: Path) -> None:
    """What every case of the table is made from has no problem itself: a table that always complains would prove nothing."""
    assert list(read_from(tmp_path, RIGHT).categories) == ["talk-images", "albums"]


def test_all_problems_come_at_once_of_every_kind(tmp_path: Path) -> None:
    """Shape, single values and what only several values together show are named in one message that begins with the file."""
    text = (
        "migration: Korea\nmigration: Japan\nstate_dir: ../var\nledger: sqlite:///../var/ledger.db\n"
        "endpoints:\n  korea: {url: http://s3.kr.example, region: x, country: NO, regoin: y}\n"
        "vault: {endpoint: japan, bucket: evidence}\n"
        "categories:\n  a:\n    moves:\n"
        "      - {source: {endpoint: korea, bucket: talk}, target: {endpoint: korea, bucket: talk}}\n"
        "      - {source: {endpoint: kore, bucket: B}, target: {endpoint: korea}}\n"
        "    residency: JP\n    deadline: tomorrow\n"
    )
    file = write(tmp_path, text)
    with pytest.raises(ConfigurationError) as caught:
        read(file, {})
    assert list(caught.value.problems) == [
        "migration: stands twice, in lines 1 and 2; one of them",
        "migration: is no name; lower-case letters, digits and hyphens (at most 63), as in `japan`",
        "endpoints.korea.url: is plain http to another machine; `https://…`, or `allow_plain_http: true` if the line is private",
        "endpoints.korea.regoin: unknown name; did you mean `region`?",
        "categories.a.moves.1.source.bucket: is no bucket name; 3 to 255 letters, digits, `.`, `-` or `_`",
        "categories.a.moves.1.target.bucket: is missing; add it, as in `bucket: talk`",
        "categories.a.deadline: is no date; year, month and day as in `2021-06-30`",
        "categories.a.owner: is missing; add it, as in `owner: messaging-platform`",
        "vault.endpoint: `japan` is no endpoint; there are korea",
        "categories.a.moves.1.source.endpoint: `kore` is no endpoint; did you mean `korea`?",
        "categories.a.moves.0.target.endpoint: `korea` is in NO, and the category's residency is JP; a target in JP",
        "categories.a.moves.0.target: lies in the source, `korea/talk/`; a target apart from it",
    ]
    assert str(caught.value).startswith(f"{file}: 12 problems\n  migration: stands twice")


@pytest.mark.parametrize("secret", ["https://root:hunter2@s3.kr.example", "https://hunter2@s3.kr.example", "http://a:hunter2@["])
def test_no_message_holds_a_secret_that_stood_in_the_wrong_place(secret: str, tmp_path: Path) -> None:
    """A password or key that somebody wrote into the file is refused, and does not appear in the refusal."""
    places = (
        "endpoints.korea.url",
        "endpoints.korea.credentials",
        "endpoints.korea.country",
        "ledger",
        "transfer",
        "vault.retention_days",
    )
    for place in places:
        if place != "endpoints.korea.country":
            assert "hunter2" not in "\n".join(problems_of(tmp_path, spoiled({place: secret})))
    keys = {"endpoints.korea.credentials": {"reader": {"access_key": "hunter2", "secret_key": "hunter2"}}}
    assert problems_of(tmp_path, spoiled(keys)) == [
        "endpoints.korea.credentials.reader: is a block of names, not text; put it in quotes if it is meant so"
    ]
    assert "hunter2" not in "\n".join(problems_of(tmp_path, spoiled({"ledger": "postgresql://u@h/d?password=hunter2"})))

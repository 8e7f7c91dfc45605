"""What one value of the configuration may be: names, sizes, places, times. Pure.

Each function returns the value in its one normal form, or raises `ValueError` with a sentence that says what is wrong and what
would be right. Refuses to quote what may hold a secret (addresses with a password, credential references).
"""

from __future__ import annotations

import datetime
import ipaddress
import re
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")
SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([KMGT]i?B|B)", re.IGNORECASE)
SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,4})?)\s*%")
HOURS = re.compile(r"(\d{2}):([0-5]\d)-(\d{2}):([0-5]\d)")
UNITS: dict[str, int] = {"b": 1} | {
    letter + unit: base**power for power, letter in enumerate("kmgt", start=1) for unit, base in (("b", 1000), ("ib", 1024))
}
CANNED_ACLS = ("authenticated-read", "private", "public-read", "public-read-write")
"""Those that an object's grants can be told from (AWS: "Canned ACL")."""
KEY_BYTES_MAX = 1024  # S3: "a sequence of Unicode characters with UTF-8 encoding of up to 1,024 bytes long"

# ISO 3166-1 alpha-2, officially assigned.
CODES = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG "
    "CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL "
    "GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA "
    "LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP "
    "NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV "
    "SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"
)
COUNTRIES = frozenset(CODES.split())


def canned_acl(text: str) -> str:
    """Return the name of a canned ACL that can be read back from an object's grants."""
    if text in CANNED_ACLS:
        return text
    raise ValueError(f"is no canned ACL that can be read back from an object; one of {', '.join(CANNED_ACLS)}")


def slug(text: str) -> str:
    """Return a name of lower-case letters, digits and inner hyphens, at most 63."""
    if SLUG.fullmatch(text):
        return text
    wanted = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].strip("-")
    example = wanted or "talk-images"
    raise ValueError(f"is no name; lower-case letters, digits and hyphens (at most 63), as in `{example}`")


def country(text: str) -> str:
    """Return an ISO 3166-1 alpha-2 code."""
    if text in COUNTRIES:
        return text
    if text.upper() in COUNTRIES:
        raise ValueError(f"is `{text}`; country codes are written large: `{text.upper()}`")
    raise ValueError(f"`{text}` is no country; two large letters (ISO 3166-1 alpha-2) such as `KR` or `JP`")


def bucket(text: str) -> str:
    """Return a bucket's name, older and laxer ones (capitals, `_`) included."""
    if "/" in text:
        first, _, rest = text.partition("/")
        raise ValueError(f"holds a `/`; the bucket is `{first}`, and `{rest}` belongs into `prefix`")
    if not BUCKET.fullmatch(text):
        raise ValueError("is no bucket name; 3 to 255 letters, digits, `.`, `-` or `_`")
    return text


def key_prefix(text: str) -> str:
    """Return the beginning of a key: any text of at most 1,024 bytes in UTF-8."""
    try:
        length = len(text.encode())
    except UnicodeEncodeError:
        raise ValueError("holds half a character (a lone surrogate), which no key can hold; take it out") from None
    if length > KEY_BYTES_MAX:
        raise ValueError(f"is {length} bytes long; a key has at most {KEY_BYTES_MAX}")
    return text


def byte_size(value: object) -> int:
    """Return a number of bytes, from a whole number or from text such as `128MiB` (1024-based) or `5 GB` (1000-based)."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match:
        raise ValueError("is no size; a number of bytes, or text such as `128MiB`")
    return round(float(match[1]) * UNITS[match[2].lower()])


def byte_rate(value: object) -> int:
    """Return bytes a second, from a whole number or from text such as `200MB/s`."""
    if isinstance(value, str) and value.strip().endswith("/s"):
        try:
            return byte_size(value.strip().removesuffix("/s").rstrip())
        except ValueError:
            pass
    elif isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError("is no rate; bytes a second, as in `200MB/s`")


def user_pattern(text: str) -> str:
    """Return a regular expression with a group `user`."""
    try:
        groups = re.compile(text).groupindex
    except re.error as error:
        raise ValueError(f"is no regular expression ({error}); as in `(?P<user>u\\d+)/`") from None
    if "user" not in groups:
        raise ValueError("has no group `user`, which is the part of a key that names the user; as in `(?P<user>u\\d+)/`")
    return text


def share_ppm(value: object) -> int:
    """Return a share, in parts of a million, from text such as `10%` or `0.5%`."""
    match = SHARE.fullmatch(value.strip()) if isinstance(value, str) else None
    ppm = round(float(match[1]) * 10_000) if match else 0
    if not 0 < ppm <= 1_000_000:
        raise ValueError("is no share; more than 0% and at most 100%, as in `10%`")
    return ppm


def hours(text: str) -> str:
    """Return hours of the day, `08:00-23:00`. They may go over midnight."""
    minutes_of(text)
    return text


def minutes_of(text: str) -> tuple[int, int]:
    """Return the first minute of the day and the one before which hours end; equal for the whole day."""
    match = HOURS.fullmatch(text)
    if not match:
        raise ValueError("is no window of hours; as in `08:00-23:00`, or `22:00-06:00` over midnight")
    first, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    if first >= 1440 or end > 1440:
        raise ValueError("has an hour that no day has; as in `08:00-23:00`, or `00:00-24:00` for all of it")
    return first, end % 1440


def day(value: object) -> datetime.date:
    """Return a day, from a date or from text `YYYY-MM-DD`. Numbers and times of day are refused: they would be guessed at."""
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        try:
            return datetime.date.fromisoformat(value)
        except ValueError as error:
            raise ValueError(f"`{value}` is no day ({error}); a date of the calendar as in `2021-06-30`") from None
    raise ValueError("is no date; year, month and day as in `2021-06-30`")


def file_path(path: Path) -> Path:
    """Return a path that a file can have."""
    if "\0" in str(path) or not path.name:
        raise ValueError("is no path; text such as `../var`")
    return path


def timezone(text: str) -> str:
    """Return a name of the IANA time zone database."""
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):  # unknown, not a relative path, a directory
        raise ValueError(f"`{text}` is no time zone; a name of the IANA database such as `Asia/Tokyo` or `Asia/Seoul`") from None
    return text


def is_loopback(host: str) -> bool:
    """Whether a host name or address stays on this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def endpoint_url(text: str) -> str:
    """Return `scheme://host[:port]` in lower case. A password in it is refused without being quoted."""
    right = "as in `https://s3.jp.example:9000`"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"is no address; scheme, host and port, {right}") from None
    if "@" in parts.netloc:
        raise ValueError("holds a user or password; take it out, and name it under `credentials` by a reference such as `env:NAME`")
    if parts.scheme not in {"http", "https"} or not host or any(character <= " " for character in text):
        raise ValueError(f"is no http or https address; scheme, host and port, {right}")
    if parts.path.strip("/") or parts.query or parts.fragment or "?" in text or "#" in text:
        raise ValueError(f"holds a path or query; only scheme, host and port, {right} (buckets are named in the moves)")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port is not None else "")


def credential_reference(text: str) -> str:
    """Return `env:NAME`, `file:PATH#PROFILE` or `profile:NAME`. What is refused is not quoted: it may be a secret itself."""
    kind, _, rest = text.partition(":")
    path, _, profile = rest.rpartition("#")
    if kind == "env" and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", rest):
        return text
    if kind == "file" and path and profile and profile == profile.strip():
        return text
    if kind == "profile" and rest and rest == rest.strip() and "#" not in rest:
        return text
    raise ValueError("is no reference to credentials; `env:NAME`, `file:PATH#PROFILE` or `profile:NAME`, never the keys themselves")


def host_of(url: str) -> str:
    """Return the host of a normal endpoint url, without brackets."""
    return urlsplit(url).hostname or ""


def identity_of(url: str) -> str:
    """Return what two urls of one server have in common: default ports left away, this machine's names made one."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    return f"{'loopback' if is_loopback(host) else host}:{port}"


def ledger_url(text: str) -> str:
    """Return an SQLAlchemy url of SQLite (a file) or PostgreSQL. A password in it is refused without being quoted."""
    right = "`sqlite:///../var/ledger.db` or `postgresql+psycopg://user@host/database`"
    scheme, colon, rest = text.partition("://")
    dialect = scheme.partition("+")[0]
    if not colon or dialect not in {"sqlite", "postgresql"}:
        raise ValueError(f"is no ledger address; {right}")
    if dialect == "sqlite":
        path = rest.removeprefix("/").partition("?")[0]
        if not rest.startswith("/") or not path or path == ":memory:" or path.startswith("file:"):
            raise ValueError(f"names no file, and a ledger in memory would be lost; {right}")
    elif ("@" in rest and ":" in rest.rpartition("@")[0]) or "password=" in rest:
        raise ValueError("holds a password; take it out, and give it by PGPASSWORD or a `.pgpass` file")
    return text

"""Write `config/local.yaml`: the case of the design on the servers of this machine, with the ports that they got.

The same servers on the same day give the same file, byte for byte. Credentials stand there as references into `var/` alone.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hikkoshi.local.iam import ROLES
from hikkoshi.local.state import SITES, LocalState

REGIONS = {"korea": "ap-northeast-2", "japan": "ap-northeast-1"}
COUNTRIES = {"korea": "KR", "japan": "JP"}
VAULT = "evidence"
ROUTES = "routes"


@dataclass(frozen=True, slots=True)
class LocalCategory:
    """One category of the case: one move of the same bucket and prefix, due `due_days` from today."""

    name: str
    bucket: str
    prefix: str
    due_days: int
    owner: str
    details: tuple[str, ...] = ()


CASE = (
    LocalCategory(
        "talk-images",
        "talk",
        "images/",
        99,
        "messaging-platform",
        (
            "policy: {keep_etag: prefer, verify: read_back}",
            "waves:",
            '  - {name: first, prefixes: [2019/], schedule: {cron: "0 1 * * *", timezone: Asia/Tokyo}}',
            "  - {name: rest}",
        ),
    ),
    LocalCategory("talk-videos", "talk", "videos/", 99, "messaging-platform"),
    LocalCategory("files", "files", "", 99, "messaging-platform"),
    LocalCategory("albums", "albums", "", 160, "album-team"),
    LocalCategory("notes", "notes", "", 160, "keep-and-notes"),
    LocalCategory("timeline", "timeline", "", 464, "timeline-team"),
    LocalCategory("official-accounts", "official", "", 161, "official-accounts"),
    LocalCategory("pay", "pay", "", 191, "pay-platform"),
)
BUCKETS = tuple(dict.fromkeys(category.bucket for category in CASE))
MOVES = tuple((category.bucket, category.prefix) for category in CASE)


def write_configuration(state: LocalState, today: datetime.date) -> Path:
    """Write the configuration for these servers, and return its path. The same text again leaves the file alone."""
    file = state.configuration
    file.parent.mkdir(parents=True, exist_ok=True)
    var = os.path.relpath(state.var, file.parent)
    ca_file = os.path.relpath(state.ca_file, file.parent) if state.ca_file else ""
    return replace_text(file, configuration_text({site: state.url(site) for site in SITES}, today, var=var, ca_file=ca_file))


def configuration_text(
    urls: Mapping[str, str], today: datetime.date, *, var: str, allow_plain_http: bool = False, ca_file: str = ""
) -> str:
    """Return the case's configuration as YAML. `var` is where state and credentials lie, relative to the file; `ca_file` too."""
    return "\n".join(
        [*_head(urls, var, allow_plain_http, ca_file), *(line for each in CASE for line in _category(each, today)), ""]
    )


def replace_text(file: Path, text: str) -> Path:
    """Replace a file whole, unless it holds that text already."""
    if not file.exists() or file.read_text("utf-8") != text:
        new = file.with_name(f"{file.name}.new")
        new.write_text(text, "utf-8")
        new.replace(file)
    return file


def _head(urls: Mapping[str, str], var: str, allow_plain_http: bool, ca_file: str) -> Iterator[str]:
    yield "# Generated for the servers that `hikkoshi local up` or Docker Compose started, and written anew: change a copy."
    yield "migration: korea-to-japan"
    yield f"state_dir: {var}"
    yield f"ledger: sqlite:///{var}/ledger.db"
    yield "timezone: Asia/Tokyo"
    yield "worker: {country: JP}"
    yield "endpoints:"
    for site in SITES:
        yield f"  {site}:"
        yield f'    url: "{urls[site]}"'
        if allow_plain_http:
            yield "    allow_plain_http: true"
        if ca_file:
            yield f"    ca_file: {ca_file}"
        yield f"    region: {REGIONS[site]}"
        yield f"    country: {COUNTRIES[site]}"
        yield "    credentials:"
        for role in ROLES[site]:
            yield f'      {role}: "file:{var}/credentials#{site}-{role}"'
    yield f"vault: {{endpoint: japan, bucket: {VAULT}, retention_days: 30}}"
    yield "categories:"


def _category(category: LocalCategory, today: datetime.date) -> Iterator[str]:
    prefix = f", prefix: {category.prefix}" if category.prefix else ""
    yield f"  {category.name}:"
    yield "    moves:"
    yield f"      - source: {{endpoint: korea, bucket: {category.bucket}{prefix}}}"
    yield f"        target: {{endpoint: japan, bucket: {category.bucket}{prefix}}}"
    yield "    residency: JP"
    yield f"    deadline: {today + datetime.timedelta(days=category.due_days)}"
    yield f"    owner: {category.owner}"
    for line in category.details:
        yield f"    {line}"

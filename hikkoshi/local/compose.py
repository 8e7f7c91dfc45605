"""Furnish the two MinIO of `docker-compose.yml`: run once by its service `init`, again without harm.

Makes buckets, users and the configuration in the volume that the worker shares; the servers' owners' keys come from the environment
and are used here alone. Refuses to begin without them.
"""

from __future__ import annotations

import datetime
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from hikkoshi.local.configuration import configuration_text, replace_text
from hikkoshi.local.iam import make_profiles
from hikkoshi.local.site import USERS, furnish
from hikkoshi.local.state import SITES, Keys
from relocation.rules.errors import HikkoshiError, Refusal


def furnish_all(folder: Path, environment: Mapping[str, str], today: datetime.date) -> Path:
    """Furnish both servers, and return the configuration's path in `folder`, where the credentials lie too.

    Reads KOREA_URL, KOREA_ROOT_USER and KOREA_ROOT_PASSWORD, and the same of JAPAN. `Refusal` names what is missing.
    """
    owners = {site: _owner(site, environment) for site in SITES}
    urls = {site: _value(f"{site.upper()}_URL", environment) for site in SITES}
    users = make_profiles(folder / "credentials", USERS)
    for site in SITES:
        furnish(site, urls[site], owners[site], users)
    # Plain http: a line of Compose's own network, on one machine.
    return replace_text(folder / "hikkoshi.yaml", configuration_text(urls, today, var=".", allow_plain_http=True))


def _owner(site: str, environment: Mapping[str, str]) -> Keys:
    return Keys(_value(f"{site.upper()}_ROOT_USER", environment), _value(f"{site.upper()}_ROOT_PASSWORD", environment))


def _value(name: str, environment: Mapping[str, str]) -> str:
    if not environment.get(name):
        raise Refusal(f"{name} is not set; docker/make-env writes an .env with all that docker-compose.yml needs")
    return environment[name]


def main() -> int:
    """Furnish what the environment names, into the folder of HIKKOSHI_CONFIG."""
    try:
        folder = Path(_value("HIKKOSHI_CONFIG", os.environ)).parent
        file = furnish_all(folder, os.environ, datetime.datetime.now(datetime.UTC).date())
    except HikkoshiError as error:
        print(error, file=sys.stderr)
        return 3
    print(f"buckets, users and {file} are there")
    return 0


if __name__ == "__main__":
    sys.exit(main())

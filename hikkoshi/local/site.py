"""Furnish one MinIO: its buckets, and a user for each role with the policy of that role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from hikkoshi.local.buckets import Bucket, make_buckets
from hikkoshi.local.configuration import BUCKETS, MOVES, REGIONS, ROUTES, VAULT
from hikkoshi.local.iam import EVERYWHERE, NARROW, ROLES, Scope, make_user, policy
from hikkoshi.local.state import Keys

BUCKETS_OF: Mapping[str, Sequence[Bucket]] = {
    "korea": [Bucket(name) for name in BUCKETS],
    "japan": [
        *(Bucket(name, versioned=True) for name in BUCKETS),
        Bucket(VAULT, locked=True),
        Bucket(ROUTES, versioned=True),
    ],
}
USERS = tuple(f"{site}-{role}" for site, roles in ROLES.items() for role in roles)


def furnish(site: str, url: str, owner: Keys, users: Mapping[str, Keys], *, ca_file: Path | None = None) -> None:
    """Make what is not there yet, and bring every policy up to date. `users` is keyed `SITE-ROLE`."""
    make_buckets(url, REGIONS[site], owner, BUCKETS_OF[site], ca_file=ca_file)
    for role in ROLES[site]:
        scope = Scope(MOVES if role in NARROW else EVERYWHERE, {"vault": VAULT, "routes": ROUTES})
        make_user(url, owner, users[f"{site}-{role}"], policy(role, scope), ca_file=ca_file)

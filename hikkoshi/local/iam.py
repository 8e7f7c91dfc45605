"""Give each role of the design a user of its own on a MinIO, with the rights of `config/iam/minio` and no other.

The policies are templates: a resource that names `${bucket}` is repeated for each move. From the first day no stage runs as the
server's owner; the owner's keys are used here alone, for making buckets and users.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

import urllib3
from minio.credentials.providers import StaticProvider
from minio.error import MinioAdminException
from minio.minioadmin import MinioAdmin

from connectors.wire.address import tls_context
from hikkoshi.local.state import Keys, read_profiles, write_profiles
from relocation.rules.errors import Refusal

FOLDER = Path(__file__).resolve().parents[2] / "config" / "iam"
ROLES: Mapping[str, tuple[str, ...]] = {
    "korea": ("reader", "prober", "application", "fencer", "eraser", "auditor"),
    "japan": ("reader", "writer", "prober", "remover", "vault", "switcher", "auditor"),
}
NARROW = ("eraser", "remover")
"""Roles that delete get the moves' buckets alone, even on this machine."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a policy's placeholders stand for: the moves as (bucket, prefix), and names such as `vault`, `routes`, `account`."""

    moves: Sequence[tuple[str, str]]
    names: Mapping[str, str]


EVERYWHERE = (("*", ""),)


def policy(role: str, scope: Scope, *, cloud: str = "minio") -> str:
    """Return a role's policy as JSON text, its placeholders filled in. `Refusal` if one has no value, or there is no such role."""
    file = FOLDER / cloud / f"{role}.json"
    try:
        document = json.loads(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise Refusal(f"{file}: there is no policy for the role {role}") from error
    for statement in document["Statement"]:
        if "Resource" in statement:
            statement["Resource"] = list(dict.fromkeys(_filled(statement["Resource"], scope, file)))
        if "Condition" in statement:
            statement["Condition"] = json.loads(_fill(json.dumps(statement["Condition"]), scope.names, file))
    return json.dumps(document, indent=2)


def _filled(resources: Iterable[str], scope: Scope, file: Path) -> Iterable[str]:
    for resource in resources:
        if "${bucket}" not in resource:
            yield _fill(resource, scope.names, file)
            continue
        for bucket, prefix in scope.moves:
            yield _fill(resource, {**scope.names, "bucket": bucket, "prefix": prefix}, file)


def _fill(text: str, names: Mapping[str, str], file: Path) -> str:
    try:
        return Template(text).substitute(names)
    except KeyError as error:
        raise Refusal(f"{file}: nothing given for the placeholder {error}") from error


def new_keys(access: str) -> Keys:
    """Return keys with a new random secret of 40 characters."""
    return Keys(access, secrets.token_urlsafe(30))


def make_profiles(file: Path, names: Sequence[str]) -> dict[str, Keys]:
    """Return the keys of these users from a credentials file; those that it lacks are made up and written down first."""
    found = read_profiles(file)
    keys = {name: found.get(name) or new_keys(name) for name in names}
    write_profiles(file, {**found, **keys})
    return keys


def make_user(url: str, owner: Keys, user: Keys, policy_text: str, *, ca_file: Path | None = None) -> None:
    """Make (or bring up to date) one user of a MinIO whose only policy is this one, named like the user.

    A user that is as it should be is left alone: looking costs milliseconds, a secret put there a tenth of a second on either side.
    """
    admin, wanted = _admin(url, owner, ca_file), json.loads(policy_text)
    if _is_as(admin, _admin(url, user, ca_file), user.access, wanted):
        return
    admin.policy_add(user.access, policy=wanted)
    admin.user_add(user.access, user.secret)
    admin.policy_set(user.access, user=user.access)


def _is_as(admin: MinioAdmin, themselves: MinioAdmin, name: str, wanted: object) -> bool:
    """Return whether the user is let in with these keys, and has that very policy alone. Whoever is let in may ask that."""
    try:
        known = json.loads(themselves.user_info(name))
        found = json.loads(admin.policy_info(name))
    except MinioAdminException:
        return False  # not there yet, other keys, switched off: it is made as it should be
    return known.get("status") == "enabled" and known.get("policyName") == name and _sorted(found) == _sorted(wanted)


def _sorted(document: object) -> object:
    """Return a policy with its lists in one order: a server keeps no order of actions."""
    if isinstance(document, dict):
        return {name: _sorted(value) for name, value in document.items()}
    return sorted(map(_sorted, document), key=repr) if isinstance(document, list) else document


def _admin(url: str, owner: Keys, ca_file: Path | None) -> MinioAdmin:
    scheme, _, address = url.partition("://")
    trust = tls_context(ca_file) if scheme == "https" else None
    return MinioAdmin(
        endpoint=address,
        credentials=StaticProvider(owner.access, owner.secret),
        secure=scheme == "https",
        http_client=urllib3.PoolManager(timeout=urllib3.Timeout(connect=5, read=30), retries=False, ssl_context=trust),
    )

"""A reference to credentials → the credentials. Three kinds: `env:NAME`, `file:PATH#PROFILE`, `profile:NAME`.

Guarantees: a secret shows as `***` however it is printed, and no error holds one. Refuses a file that others may read, and a value
that no request could carry (empty, with spaces or line breaks).
"""

from __future__ import annotations

import base64
import configparser
import hmac
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from relocation.rules.errors import ConfigurationError, Refusal
from relocation.settings import Migration

SIZE_BYTES_MAX = 1024 * 1024
CUSTOMER_KEY_BYTES = 32  # S3 knows one algorithm with customers' keys: AES-256


class Secret:
    """Text that cannot be printed, formatted, pickled or turned into JSON by accident; `reveal` is the one way to it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text itself, for a signer or a client that needs it."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __format__(self, _spec: str) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, _memo: object) -> Secret:
        return self

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("a secret is not pickled; hand over its reference, and resolve it there")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What signs requests of one role. `session_token` is empty for credentials that do not expire."""

    access_key: str
    secret_key: Secret
    session_token: Secret


def resolve(reference: str, *, base: Path, environ: Mapping[str, str]) -> Credentials:
    """Return the credentials that a reference stands for. `base` is the folder of the configuration file.

    Raises `ConfigurationError`, named after the reference, with every problem; no message holds a value.
    """
    kind, _, rest = reference.partition(":")
    if kind == "env":
        return _from_environment(rest, environ)
    path, profile = _file_of(reference, base=base, environ=environ)
    return _from_file(path, profile, reference)


def _file_of(reference: str, *, base: Path, environ: Mapping[str, str]) -> tuple[Path, str]:
    """Return the file and the profile that a reference names."""
    kind, _, rest = reference.partition(":")
    home = Path(environ.get("HOME") or "/")
    if kind == "file":
        name, _, profile = rest.rpartition("#")
        return home / name[2:] if name.startswith("~/") else base / name, profile
    if kind == "profile":
        return Path(environ.get("AWS_SHARED_CREDENTIALS_FILE") or home / ".aws" / "credentials"), rest
    # The reference itself may be a key that somebody pasted: it is not quoted.
    raise ConfigurationError("credentials", ("no such kind of reference; `env:NAME`, `file:PATH#PROFILE` or `profile:NAME`",))


def customer_key(reference: str, *, base: Path, environ: Mapping[str, str]) -> Secret:
    """Return the customer's key (SSE-C; 32 bytes, in base64) that a reference stands for: the variable NAME_CUSTOMER_KEY for
    `env:NAME`, `customer_key` of the profile for the others. Raises `ConfigurationError`; no message holds a value."""
    kind, _, rest = reference.partition(":")
    if kind == "env":
        name, found = f"{rest}_CUSTOMER_KEY", environ.get(f"{rest}_CUSTOMER_KEY", "")
    else:
        path, profile = _file_of(reference, base=base, environ=environ)
        name, found = f"{path}: customer_key of profile `{profile}`", _profile(path, profile, reference).get("customer_key", "")
    if not found:
        raise ConfigurationError(reference, (f"{name} is not set; 32 bytes in base64, as `openssl rand -base64 32` makes them",))
    if not _is_key(found):
        raise ConfigurationError(reference, (f"{name} is no key; 32 bytes in base64, as `openssl rand -base64 32` makes them",))
    return Secret(found)


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == CUSTOMER_KEY_BYTES
    except ValueError:  # its message holds nothing of the text, but is not needed either
        return False


def of_role(migration: Migration, endpoint: str, role: str, *, environ: Mapping[str, str]) -> Credentials:
    """Return the credentials of one role at one endpoint.

    A role that the configuration leaves out is a `Refusal` that names it: the stage that needs it can't go on.
    """
    roles = {str(name): reference for name, reference in migration.endpoints[endpoint].credentials.items()}
    place = f"endpoints.{endpoint}.credentials.{role}"
    if role not in roles:
        raise Refusal(
            f"{place} is not in {migration.file.name}; what is asked for needs this role: add a reference such as `env:NAME`"
        )
    try:
        return resolve(roles[role], base=migration.file.parent, environ=environ)
    except ConfigurationError as error:
        raise ConfigurationError(str(migration.file), tuple(f"{place}: {problem}" for problem in error.problems)) from None


def _from_environment(name: str, environ: Mapping[str, str]) -> Credentials:
    access, secret, token = (f"{name}_{part}" for part in ("ACCESS_KEY", "SECRET_KEY", "SESSION_TOKEN"))
    problems = [
        f"{each} is not set; set it, or name credentials that are there" for each in (access, secret) if not environ.get(each)
    ]
    problems += [f"{each} {fault}" for each in (access, secret, token) if (fault := _fault(environ.get(each, "")))]
    if problems:
        raise ConfigurationError(f"env:{name}", tuple(problems))
    return Credentials(environ[access], Secret(environ[secret]), Secret(environ.get(token, "")))


def _from_file(path: Path, profile: str, reference: str) -> Credentials:
    section = _profile(path, profile, reference)
    found = {name: section.get(name, "") for name in _NAMES}
    access, secret, token = found.values()
    problems = [
        f"{path}: profile `{profile}` has no {name}; add it (roles, SSO and credential processes are not followed)"
        for name, value in zip(_NAMES[:2], (access, secret), strict=True)
        if not value
    ]
    problems += [f"{path}: profile `{profile}`: {name} {fault}" for name, value in found.items() if (fault := _fault(value))]
    if problems:
        raise ConfigurationError(reference, tuple(problems))
    return Credentials(access, Secret(secret), Secret(token))


def _profile(path: Path, profile: str, reference: str) -> dict[str, str]:
    parser = _parsed(path, reference)
    if not parser.has_section(profile):
        known = ", ".join(parser.sections()) or "none"
        raise ConfigurationError(reference, (f"{path} has no profile `{profile}`; there are {known}",))
    return {name: value or "" for name, value in parser.items(profile)}


_NAMES = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")


def _parsed(path: Path, reference: str) -> configparser.RawConfigParser:
    text = _private_text(path, reference)
    parser = configparser.RawConfigParser(default_section="", delimiters=("=",))
    line = 0
    try:
        parser.read_string(text)
    except configparser.MissingSectionHeaderError as error:
        line = error.lineno
    except configparser.ParsingError as error:  # its message quotes the line, which may hold the secret
        line = error.errors[0][0]
    except (configparser.DuplicateSectionError, configparser.DuplicateOptionError) as error:
        line = error.lineno or 1
    if line:
        raise ConfigurationError(
            reference, (f"{path}, line {line}: no credentials file; `[profile]`, then `aws_access_key_id = …`",)
        )
    return parser


def _private_text(path: Path, reference: str) -> str:
    text = None
    try:
        with path.open("rb") as opened:
            mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
            if mode & 0o077:
                raise ConfigurationError(reference, (f"{path} may be read by others (mode {mode:04o}); `chmod 600` it",))
            text = opened.read(SIZE_BYTES_MAX).decode("utf-8-sig")
    except OSError as error:
        raise ConfigurationError(
            reference, (f"{path} can't be read ({error.strerror}); a credentials file that you may read",)
        ) from None
    except UnicodeDecodeError:
        pass  # the error holds the file's bytes; it must not be the cause of ours
    if text is None:
        raise ConfigurationError(reference, (f"{path} is not UTF-8; save it as UTF-8",))
    return text


def _fault(value: str) -> str:
    if all("!" <= character <= "~" for character in value):
        return ""
    return "holds a space, a line break or a character outside ASCII; the bare value"

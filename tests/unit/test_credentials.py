"""Credentials come by reference, and a secret can't be printed by accident."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import traceback
from pathlib import Path

import pytest

from connectors.configuration import read
from connectors.credentials import Credentials, Secret, of_role, resolve
from relocation.rules.errors import ConfigurationError, Refusal
from tests.unit.settings_cases import RIGHT, write

SECRET = "wJalrXUtnFEMI/K7MDENG%s=hunter2"
FILE = f"[korea]\naws_access_key_id = AKIAKOREA\naws_secret_access_key={SECRET}\n\n"
NOT_SET = "is not set; set it, or name credentials that are there"
FILE += "[token]\naws_access_key_id=a\naws_secret_access_key=b\naws_session_token=c\n"


def credentials_file(folder: Path, text: str | bytes = FILE, *, mode: int = 0o600, name: str = "keys") -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    file.chmod(mode)
    return file


def refused(reference: str, folder: Path, environ: dict[str, str] | None = None) -> str:
    """Return the refusal with its whole traceback: that is what a log would hold."""
    with pytest.raises(ConfigurationError) as caught:
        resolve(reference, base=folder, environ=environ or {})
    causes = (caught.value.__cause__, caught.value.__context__)
    text = "".join(traceback.format_exception(caught.value)) + "".join(f"{each}{each!r}" for each in causes)
    assert "hunter2" not in text
    return "\n".join(caught.value.problems)


def test_the_environment_gives_key_secret_and_token(tmp_path: Path) -> None:
    """`env:NAME` reads NAME_ACCESS_KEY, NAME_SECRET_KEY and, where there is one, NAME_SESSION_TOKEN."""
    environ = {"N_ACCESS_KEY": "a", "N_SECRET_KEY": SECRET}
    found = resolve("env:N", base=tmp_path, environ=environ)
    assert (found.access_key, found.secret_key.reveal(), found.session_token.reveal()) == ("a", SECRET, "")
    assert resolve("env:N", base=tmp_path, environ={**environ, "N_SESSION_TOKEN": "t"}).session_token.reveal() == "t"


def test_a_file_is_read_relative_to_the_configuration(tmp_path: Path) -> None:
    """`file:PATH#PROFILE` reads one profile; a percent sign or an equals sign in a secret is just a character."""
    credentials_file(tmp_path, name="var/keys")
    (tmp_path / "config").mkdir()
    found = resolve("file:../var/keys#korea", base=tmp_path / "config", environ={})
    assert found == Credentials("AKIAKOREA", Secret(SECRET), Secret(""))
    assert resolve("file:var/keys#token", base=tmp_path, environ={}).session_token.reveal() == "c"
    assert resolve("file:~/var/keys#korea", base=Path("/nowhere"), environ={"HOME": str(tmp_path)}) == found


def test_a_profile_is_read_from_the_users_own_file(tmp_path: Path) -> None:
    """`profile:NAME` reads ~/.aws/credentials, or the file that AWS_SHARED_CREDENTIALS_FILE names."""
    credentials_file(tmp_path, name=".aws/credentials")
    elsewhere = credentials_file(tmp_path, "[korea]\naws_access_key_id=other\naws_secret_access_key=x\n")
    assert resolve("profile:korea", base=Path("/nowhere"), environ={"HOME": str(tmp_path)}).access_key == "AKIAKOREA"
    assert resolve("profile:korea", base=tmp_path, environ={"AWS_SHARED_CREDENTIALS_FILE": str(elsewhere)}).access_key == "other"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o610, 0o602])
def test_a_file_that_others_may_read_is_refused(mode: int, tmp_path: Path) -> None:
    """Keys that anybody on the machine could have taken are not used; the refusal says how to mend it."""
    file = credentials_file(tmp_path, mode=mode)
    assert refused("file:keys#korea", tmp_path) == f"{file} may be read by others (mode {mode:04o}); `chmod 600` it"


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        (
            {},
            f"N_ACCESS_KEY {NOT_SET}\nN_SECRET_KEY {NOT_SET}",
        ),
        ({"N_ACCESS_KEY": "a"}, f"N_SECRET_KEY {NOT_SET}"),
        ({"N_ACCESS_KEY": "", "N_SECRET_KEY": "hunter2"}, f"N_ACCESS_KEY {NOT_SET}"),
        (
            {"N_ACCESS_KEY": "a", "N_SECRET_KEY": "hunter2\n"},
            "N_SECRET_KEY holds a space, a line break or a character outside ASCII; the bare value",
        ),
        (
            {"N_ACCESS_KEY": "a\r\nhost: evil", "N_SECRET_KEY": "hunter2"},
            "N_ACCESS_KEY holds a space, a line break or a character outside ASCII; the bare value",
        ),
    ],
)
def test_variables_that_are_missing_or_unusable_are_named_without_their_value(
    environ: dict[str, str], problem: str, tmp_path: Path
) -> None:
    """What to set is said, what is set is not."""
    assert refused("env:N", tmp_path, environ) == problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("aws_secret_access_key = hunter2\n", ", line 1: no credentials file; `[profile]`, then `aws_access_key_id = …`"),
        ("[korea]\nhunter2 without an equals sign\n", ", line 2: no credentials file; `[profile]`, then `aws_access_key_id = …`"),
        ("[korea]\na=hunter2\n[korea]\nb=c\n", ", line 3: no credentials file; `[profile]`, then `aws_access_key_id = …`"),
        ("[korea]\na=hunter2\na=hunter2\n", ", line 3: no credentials file; `[profile]`, then `aws_access_key_id = …`"),
        (b"[korea]\na=hunter2\xff\n", " is not UTF-8; save it as UTF-8"),
        ("[japan]\na=hunter2\n[jp]\n", " has no profile `korea`; there are japan, jp"),
        ("", " has no profile `korea`; there are none"),
        (
            "[korea]\nrole_arn = hunter2\naws_access_key_id = a\n",
            ": profile `korea` has no aws_secret_access_key; add it (roles, SSO and credential processes are not followed)",
        ),
        (
            "[korea]\naws_access_key_id = a\naws_secret_access_key = hunter2 x\n",
            ": profile `korea`: aws_secret_access_key holds a space, a line break or a character outside ASCII; the bare value",
        ),
    ],
)
def test_a_file_without_what_is_wanted_says_so_without_quoting_itself(text: str | bytes, problem: str, tmp_path: Path) -> None:
    """A parser's own message would quote the line, which may be the secret."""
    file = credentials_file(tmp_path, text)
    assert refused("file:keys#korea", tmp_path) == f"{file}{problem}"


def test_a_file_that_is_not_there_and_a_key_in_place_of_a_reference_are_refused(tmp_path: Path) -> None:
    """Neither is quoted beyond what the configuration itself says."""
    assert refused("file:none#korea", tmp_path).endswith(
        "none can't be read (No such file or directory); a credentials file that you may read"
    )
    assert refused("hunter2:hunter2", tmp_path) == "no such kind of reference; `env:NAME`, `file:PATH#PROFILE` or `profile:NAME`"


def test_a_secret_shows_as_stars_however_it_is_printed() -> None:
    """Logs, tracebacks, f-strings, dataclass dumps: none shows it; pickles and JSON are refused."""
    held = Credentials("key", Secret(SECRET), Secret(SECRET))
    shown = [
        str(held),
        repr(held),
        f"{held.secret_key}",
        f"{held.secret_key!r:>10}",
        format(held.secret_key, ">40"),
    ]
    shown += [str(dataclasses.asdict(held)), json.dumps(held.secret_key, default=str)]
    assert not [each for each in shown if "hunter2" in each]
    assert not hasattr(held.secret_key, "__dict__")
    for refuse in (
        lambda: pickle.dumps(held),
        lambda: json.dumps(held.secret_key),
        lambda: pickle.dumps(held.secret_key, protocol=0),
    ):
        with pytest.raises(TypeError):
            refuse()


def test_secrets_can_be_compared_and_copied() -> None:
    """Two resolutions of one reference are equal, so that a rotated secret can be told from the same one."""
    assert Secret("é") == copy.deepcopy(Secret("é"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert not Secret("")


def test_a_role_that_the_configuration_leaves_out_is_refused_by_name(tmp_path: Path) -> None:
    """A right that nobody was given is nobody's: the stage stops and says which one it lacks."""
    migration = read(write(tmp_path, RIGHT), {})
    environ = {"JAPAN_ACCESS_KEY": "a", "JAPAN_SECRET_KEY": "b"}
    assert of_role(migration, "japan", "writer", environ=environ).access_key == "a"
    with pytest.raises(
        Refusal, match=r"endpoints\.japan\.credentials\.eraser is not in migration\.yaml; what is asked for needs this role"
    ) as caught:
        of_role(migration, "japan", "eraser", environ=environ)
    assert not isinstance(caught.value, ConfigurationError)
    with pytest.raises(ConfigurationError, match=r"endpoints\.japan\.credentials\.writer: JAPAN_SECRET_KEY is not set"):
        of_role(migration, "japan", "writer", environ={"JAPAN_ACCESS_KEY": "a"})

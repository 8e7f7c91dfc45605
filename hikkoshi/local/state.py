"""What `up` started and where it lies: `var/local.json`, so that a second `up` finds the first and `down` knows what to end.

Everything below `var/` is for its owner alone (mode 0700, secrets 0600). Files are replaced whole: a reader never sees half of
one. Secrets are kept as AWS shared-credentials files, one profile `ENDPOINT-ROLE` for each user.
"""

from __future__ import annotations

import configparser
import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hikkoshi.local.process import Process, is_alive
from relocation.rules.errors import Refusal, StateMismatch

SITES = ("korea", "japan")
SERVERS = (*SITES, "prefect", "worker")


@dataclass(frozen=True, slots=True)
class Keys:
    """An access key and its secret, which no text shows."""

    access: str
    secret: str

    def __repr__(self) -> str:
        return f"Keys({self.access})"


@dataclass(frozen=True, slots=True)
class Server:
    """One program that `up` started. `port` is 0 for the worker, which listens nowhere; `process` is none after `down`."""

    name: str
    port: int
    process: Process | None = None
    tls: bool = False

    @property
    def url(self) -> str:
        """Return `http://127.0.0.1:PORT` (or https), or an empty string for a program that does not listen."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}" if self.port else ""

    @property
    def running(self) -> bool:
        """Return whether the very process that was started still runs."""
        return self.process is not None and is_alive(self.process)


@dataclass(frozen=True, slots=True)
class LocalState:
    """The servers of one project folder. `mark` is random and marks every process that they and their children are."""

    root: Path
    mark: str
    servers: tuple[Server, ...] = ()

    @property
    def var(self) -> Path:
        """Return the folder of all state."""
        return self.root / "var"

    @property
    def configuration(self) -> Path:
        """Return where `up` writes the configuration."""
        return self.root / "config" / "local.yaml"

    @property
    def ca_file(self) -> Path | None:
        """Return the file of the authority that signed the two MinIO's certificate; None where they speak plain http."""
        file = self.var / "minio" / "ca.pem"
        return file if any(server.tls for server in self.servers) else None

    @property
    def credentials(self) -> Path:
        """Return the file with the users' keys, which the configuration refers to."""
        return self.var / "credentials"

    @property
    def owners(self) -> Path:
        """Return the file with the keys of the servers' owners, which no configuration refers to."""
        return self.var / "root-credentials"

    def server(self, name: str) -> Server | None:
        """Return the server of that name, if it was ever started here."""
        return next((server for server in self.servers if server.name == name), None)

    def url(self, name: str) -> str:
        """Return a server's address; `Refusal` if it was never started."""
        found = self.server(name)
        if found is None:
            raise Refusal(f"{name} was not started here; start it with: hikkoshi local up")
        return found.url

    def keys(self, site: str, role: str) -> Keys:
        """Return the keys of one user (`root` is the server's owner); `Refusal` if `up` has made none of that name."""
        file = self.owners if role == "root" else self.credentials
        found = read_profiles(file).get(f"{site}-{role}")
        if found is None:
            raise Refusal(f"{file} has no profile {site}-{role}; make it with: hikkoshi local up")
        return found

    def log(self, name: str) -> Path:
        """Return where a server's output goes."""
        return self.var / "log" / f"{name}.log"

    def mark_of(self, name: str) -> str:
        """Return what the processes of one server carry in their environment."""
        return f"{self.mark}:{name}"

    def having(self, server: Server) -> LocalState:
        """Return this state with that server in place of the one with its name."""
        others = tuple(other for other in self.servers if other.name != server.name)
        return replace(self, servers=tuple(sorted((*others, server), key=lambda each: SERVERS.index(each.name))))


def load(root: Path) -> LocalState:
    """Return the state of the project in `root`, a fresh one if it has none. `StateMismatch` if the file is not ours."""
    file = root / "var" / "local.json"
    try:
        document = json.loads(file.read_text("utf-8"))
        servers = tuple(
            Server(
                each["name"], each["port"], Process(each["pid"], each["began"]) if each["pid"] else None, tls=each.get("tls", False)
            )
            for each in document["servers"]
        )
        return LocalState(root, document["mark"], servers)
    except FileNotFoundError:
        return LocalState(root, secrets.token_hex(16))
    except (ValueError, KeyError, TypeError) as error:
        raise StateMismatch(f"{file} is not what `hikkoshi local up` writes ({error}); move it away and start again") from error


def save(state: LocalState) -> None:
    """Write the state down."""
    servers = [
        {
            "name": server.name,
            "port": server.port,
            "pid": server.process.pid if server.process else 0,
            "began": server.process.began if server.process else "",
            "tls": server.tls,
        }
        for server in state.servers
    ]
    write_private(state.var / "local.json", json.dumps({"mark": state.mark, "servers": servers}, indent=2) + "\n")


@contextlib.contextmanager
def alone(root: Path) -> Iterator[None]:
    """Hold the project's servers for ourselves: two `up` or `down` at once go one after the other."""
    var = root / "var"
    var.mkdir(parents=True, exist_ok=True)
    var.chmod(0o700)
    with (var / "local.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def read_profiles(file: Path) -> dict[str, Keys]:
    """Return profile → keys of a shared-credentials file; nothing if there is no file."""
    parser = configparser.RawConfigParser()
    parser.read(file, "utf-8")
    return {name: Keys(parser[name]["aws_access_key_id"], parser[name]["aws_secret_access_key"]) for name in parser.sections()}


def write_profiles(file: Path, profiles: Mapping[str, Keys]) -> None:
    """Write a shared-credentials file, mode 0600."""
    sections = (
        f"[{name}]\naws_access_key_id = {keys.access}\naws_secret_access_key = {keys.secret}\n" for name, keys in profiles.items()
    )
    write_private(file, "\n".join(sections))


def write_private(file: Path, text: str) -> None:
    """Replace a file whole, readable by its owner alone from its first byte on; the same text again changes nothing."""
    with contextlib.suppress(FileNotFoundError):
        if file.read_text("utf-8") == text:
            return
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as output:
        output.write(text)
        output.flush()
        os.fsync(output.fileno())
    new.replace(file)

"""Start, find again and end the servers of one project folder: two MinIO, a Prefect server, a process worker.

A second `up` finds the first, and starts only what has died. `down` ends what `up` started, known by process id and start time,
with everything that it started in turn, and nothing else. A server that does not come up is an error with the end of its log;
what did come up stays, for the next `up` or `down`.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hikkoshi.local.certificates import make_certificates
from hikkoshi.local.configuration import write_configuration
from hikkoshi.local.iam import make_profiles
from hikkoshi.local.launch import FIRST_PORT, HEALTH, launch
from hikkoshi.local.listening import Claim, answers, claim_port, is_free, wait_until
from hikkoshi.local.minio import Say, find_or_build, tail
from hikkoshi.local.prefect import worker_is_online
from hikkoshi.local.process import end, start
from hikkoshi.local.site import USERS, furnish
from hikkoshi.local.state import SITES, LocalState, Server, alone, load, save
from relocation.rules.errors import Refusal

START_TIMEOUT_S = 120.0
GRACE_S = 8.0
WORKER_GRACE_S = 40.0
"""The worker closes three connections to Prefect, one after another, and waits 10 s for each answer of a server that is busy."""
PORT_RACES = 3


def up(root: Path, say: Say = print, *, prefect: bool = True, tls: bool = False) -> LocalState:
    """Start what does not run yet, with buckets, users and `config/local.yaml`; return the state of all.

    With `prefect` false only the two MinIO. With `tls` these speak TLS, with a certificate of an authority of this folder's own
    (`LocalState.ca_file`); a folder that has it keeps it. Raises `Refusal` with the end of the log if a server dies or does not
    answer, and for `tls` where they run without.
    """
    binary = find_or_build(say)
    with alone(root := root.resolve()):
        (root / "var" / "log").mkdir(exist_ok=True)
        house = _House(root, binary, say, tls=tls)
        jobs = [functools.partial(house.bring_up_site, site) for site in SITES]
        try:
            house.together([*jobs, house.bring_up_prefect] if prefect else jobs)
        finally:
            house.let_go()
        write_configuration(house.state, datetime.datetime.now(datetime.UTC).astimezone().date())
        return house.state


def down(root: Path, say: Say = print) -> None:
    """End what `up` started in this folder. Data, logs, ports and secrets stay."""
    root = root.resolve()
    if not (root / "var" / "local.json").exists():
        say("nothing was started here")
        return
    with alone(root):
        state = load(root)
        for names in (("worker",), ("prefect",), SITES):  # each before those that it talks to
            ending = [server for name in names if (server := state.server(name))]
            running = [server.name for server in ending if server.running]
            marks = [state.mark_of(name) for name in names]
            grace_s = WORKER_GRACE_S if "worker" in names else GRACE_S
            killed = end([server.process for server in ending if server.process], marks, grace_s=grace_s)
            for server in ending:
                state = state.having(Server(server.name, server.port, tls=server.tls))
            save(state)
            if running:
                say(f"ended {', '.join(running)}{f' ({killed} by force)' if killed else ''}")


def status(root: Path) -> LocalState:
    """Return what was started in this folder; each server's `running` says whether it still is."""
    return load(root.resolve())


class _House:
    """One `up` at work: the state that its threads share, written down at each change."""

    def __init__(self, root: Path, binary: Path, say: Say, *, tls: bool) -> None:
        self.state = load(root)
        self._tls = tls or self.state.ca_file is not None
        plain = [server.name for server in self.state.servers if server.name in SITES and server.running and not server.tls]
        if self._tls and plain:
            raise Refusal(f"{' and '.join(plain)} run without TLS; end them first: hikkoshi local down")
        if self._tls:
            make_certificates(self.state.var / "minio" / "ca.pem", self.state.var / "minio" / "certs")
        save(self.state)  # the mark must be on disk before the first process carries it
        self._binary = binary
        self._say = say
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._claims: dict[str, Claim] = {}
        self._owners = make_profiles(self.state.owners, [f"{site}-root" for site in SITES])
        self._users = make_profiles(self.state.credentials, USERS)

    def together(self, jobs: Sequence[Callable[[], None]]) -> None:
        """Run the jobs at the same time; raise the first one's error when all have ended."""
        with ThreadPoolExecutor(len(jobs)) as pool:
            try:
                for job in [pool.submit(job) for job in jobs]:
                    job.result()
            except BaseException:
                self._stop.set()
                raise

    def bring_up_site(self, site: str) -> None:
        """Bring up one MinIO with its buckets and users."""
        server = self._bring_up(site)
        furnish(site, server.url, self._owners[f"{site}-root"], self._users, ca_file=self.state.ca_file)

    def bring_up_prefect(self) -> None:
        """Bring up the Prefect server, then its worker."""
        before = self.state.server("prefect")
        server = self._bring_up("prefect")
        worker = self.state.server("worker")
        if worker and worker.running and before and before.port == server.port:
            return  # a worker asks the address that it was started with
        since = datetime.datetime.now(datetime.UTC)
        worker = self._start("worker")
        if not wait_until(lambda: worker_is_online(server, since), self._lives(worker), timeout_s=START_TIMEOUT_S):
            raise self._failed(worker)

    def _bring_up(self, name: str) -> Server:
        known = self.state.server(name)
        found = known is not None and known.running
        server = known if known and found else self._start(name)
        for _ in range(PORT_RACES):
            healthy = functools.partial(answers, server.port, HEALTH[name], ca_file=self.state.ca_file if server.tls else None)
            if wait_until(healthy, self._lives(server), timeout_s=START_TIMEOUT_S):
                return server
            if server.running or self._stop.is_set() or (not found and is_free(server.port)):
                break
            # What we found was about to die, or somebody took the port between our looking and our server's.
            server, found = self._start(name), False
        raise self._failed(server)

    def _start(self, name: str) -> Server:
        known = self.state.server(name)
        end([], [self.state.mark_of(name)], grace_s=GRACE_S)  # what a dead one has left behind, or a killed `up` did not write down
        port = self._claim(name, known.port if known else 0) if name in FIRST_PORT else 0
        server = self._record(Server(name, port, tls=self._tls and name in SITES))
        what = launch(self.state, server, self._binary, self._owners.get(f"{name}-root"))
        self._say(f"starting {name}{f' on port {port}' if port else ''}")
        process = start(
            what.command,
            log=self.state.log(name),
            environment=what.environment,
            folder=what.folder,
            mark=self.state.mark_of(name),
        )
        return self._record(dataclasses.replace(server, process=process))

    def _claim(self, name: str, preferred: int) -> int:
        before = self._claims.pop(name, None)
        claim = self._claims[name] = claim_port(FIRST_PORT[name], preferred=preferred)
        if before is not None:  # a port where our server died because a stranger took it: not the next one's either
            before.close()
        return claim.port

    def let_go(self) -> None:
        """Let go of the ports' claims: their servers listen now, or will not."""
        while self._claims:
            self._claims.popitem()[1].close()

    def _record(self, server: Server) -> Server:
        with self._lock:
            self.state = self.state.having(server)
            save(self.state)
        return server

    def _lives(self, server: Server) -> Callable[[], bool]:
        return lambda: server.running and not self._stop.is_set()

    def _failed(self, server: Server) -> Refusal:
        how = f"does not answer after {START_TIMEOUT_S:.0f} s" if server.running else "died at start"
        log = self.state.log(server.name)
        return Refusal(f"{server.name} {how}; the end of its log ({log}):\n{tail(log)}")

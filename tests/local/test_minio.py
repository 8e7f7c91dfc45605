"""`minio` is found where it is, built once where it is not, and a build that fails says why. A Go of shell takes Go's part."""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from hikkoshi.local import minio
from hikkoshi.local.minio import VERSION, cache_folder, find_or_build, go_on_path, run_told, tail
from relocation.rules.errors import Refusal

GO = """#!/bin/sh
if [ "$1" = version ]; then echo "go version go{version} linux/amd64"; exit 0; fi
echo "$@ CGO_ENABLED=$CGO_ENABLED" >> "{calls}"
{work}
"""
BUILDS = 'printf "#!/bin/sh\\n" > "$GOBIN/minio"; chmod +x "$GOBIN/minio"'


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A PATH with the shell's tools and nothing of ours, and an empty cache."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("sh", "echo", "mkdir", "chmod", "sleep", "seq"):
        (programs / name).symlink_to(shutil.which(name))
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def put_go(place: Path, work: str, *, version: str = "1.24.3") -> Path:
    """Put a `go` on the PATH, and return the file that records what it was asked to install."""
    calls = place / "calls"
    program = place / "programs" / "go"
    program.write_text(GO.format(version=version, calls=calls, work=f'mkdir -p "$GOBIN"; {work}'))
    program.chmod(0o755)
    return calls


def test_minio_on_the_path_comes_first(place):
    """A MinIO that the user has is used, and nothing is built."""
    calls = put_go(place, BUILDS)
    own = place / "programs" / "minio"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    assert find_or_build(print) == own
    assert not calls.exists()


def test_the_pinned_version_is_built_once(place):
    """The first call builds it with the Go of the PATH, the second finds it in the cache."""
    calls = put_go(place, BUILDS)
    said: list[str] = []
    built = find_or_build(said.append)
    assert built == cache_folder() / f"minio-{VERSION}"
    assert os.access(built, os.X_OK)
    assert f"install -ldflags -s -w github.com/minio/minio@{VERSION} CGO_ENABLED=0" in calls.read_text()
    assert any("building MinIO" in line for line in said)
    assert find_or_build(said.append) == built
    assert len(calls.read_text().splitlines()) == 1
    assert {file.name for file in built.parent.iterdir()} == {built.name, f"{built.name}.lock", f"{built.name}.log"}


def test_two_at_once_build_once(place):
    """The second waits for the first one's build, and says so."""
    calls = put_go(place, f"sleep 0.5; {BUILDS}")
    said: list[str] = []
    threads = [threading.Thread(target=find_or_build, args=(said.append,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls.read_text().splitlines()) == 1
    assert any("another process" in line for line in said)


def test_a_build_that_fails_shows_the_end_of_its_log(place):
    """The reason stands in the message, no half-made program in the cache, and the next call tries again."""
    calls = put_go(place, 'for n in $(seq 40); do echo "line $n"; done; echo "no such module" >&2; exit 3')
    for _ in range(2):
        with pytest.raises(Refusal, match=r"(?s)status 3.*line 40\n  no such module") as raised:
            find_or_build(print)
        assert "line 10" not in str(raised.value)
    assert len(calls.read_text().splitlines()) == 2
    assert not (cache_folder() / f"minio-{VERSION}").exists()


def test_a_build_without_end_is_given_up(place, monkeypatch):
    """After the allowed time the build is ended, with what it started."""
    put_go(place, "sleep 60")
    monkeypatch.setattr(minio, "BUILD_TIMEOUT_S", 0.3)
    begun = time.monotonic()
    with pytest.raises(Refusal, match="given up"):
        find_or_build(print)
    assert time.monotonic() - begun < 10


def test_waiting_is_told_with_its_time(place, monkeypatch):
    """Whoever watches sees that it goes on, and for how long."""
    monkeypatch.setattr(minio, "SAY_EVERY_S", 0.1)
    said: list[str] = []
    run_told(["sleep", "0.5"], place / "log", "doing", said.append, deadline=time.monotonic() + 30)
    assert said[0] == "doing"
    assert said[1] == "doing: 0 s so far"


@pytest.mark.parametrize(
    ("version", "found"), [("1.23.9", False), ("1.24", True), ("1.24rc1", True), ("1.26.8", True), ("2.0", True)]
)
def test_a_go_that_is_too_old_is_not_used(place, version, found):
    """MinIO needs Go 1.24; with an older one on the PATH we bring our own."""
    put_go(place, BUILDS, version=version)
    assert (go_on_path() is not None) is found


def test_what_a_log_holds_does_not_reach_the_terminal_raw(tmp_path):
    """Control characters of a log are made harmless."""
    log = tmp_path / "log"
    log.write_bytes(b"\x1b[31mred\x07\n\xff\n")
    assert tail(log) == "   [31mred \n  \ufffd"
    assert tail(tmp_path / "none") == "  (there is no log)"

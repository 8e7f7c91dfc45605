"""The system packages that some tests need: what each part is, whether it is here, and how to get it.

A part that can't be had is never silent: `run.py` names it in its last lines, and each test that needs it says so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """A set of system packages. `find` returns an empty string, or what is there (a program's path, a font's file)."""

    name: str
    packages: tuple[str, ...]
    find: Callable[[], str]


def _browser() -> str:
    candidates = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
    return next((found for name in candidates if (found := shutil.which(name))), "")


def _japanese_font() -> str:
    lister = shutil.which("fc-list")
    if lister is None:
        return ""
    fonts = subprocess.run([lister, ":lang=ja", "file"], capture_output=True, text=True, check=False).stdout.splitlines()
    return fonts[0].strip(" :") if fonts else ""


PARTS = (
    Part("chromium", ("chromium",), _browser),
    Part("japanese-fonts", ("fontconfig", "fonts-noto-cjk"), _japanese_font),
)


def find(name: str) -> str:
    """Return what is there of a part, or an empty string."""
    return next(part for part in PARTS if part.name == name).find()


def get(part: Part) -> str:
    """Install a part where that is allowed. Return why it can't be had, or an empty string."""
    if part.find():
        return ""
    if shutil.which("apt-get") is None:
        return f"no apt-get here; install {' '.join(part.packages)} by hand"
    rights = _rights()
    if rights is None:
        return f"neither root nor sudo without a password; run: sudo apt-get install {' '.join(part.packages)}"
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "--no-install-recommends", *part.packages]
    for command in (["apt-get", "update"], install):
        done = subprocess.run([*rights, *command], env=environment, capture_output=True, text=True, timeout=900, check=False)
        if done.returncode and command is install:
            reason = (done.stderr or done.stdout).strip().rpartition("\n")[2]
            return f"apt-get install {' '.join(part.packages)} failed: {reason}"
    return "" if part.find() else f"{' '.join(part.packages)}: installed, and still not found"


def _rights() -> list[str] | None:
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0:
        return ["sudo", "-n"]
    return None

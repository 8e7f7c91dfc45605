"""Fixtures for all tests: real servers, started once a session when a test first asks for one.

Prefect makes its home and reads its profile when it is imported: tests give it a home of their own, never the user's.
Side by side (`-n 2 --dist loadscope`), the tests of a file stay together, and those of `flows/`, whose servers cost most.
"""

import atexit
import gc
import os
import random
import shutil
import tempfile

import pytest
from xdist.scheduler import LoadScopeScheduling

pytest_plugins = ["tests.servers"]

_home = tempfile.mkdtemp(prefix="hikkoshi-tests-prefect-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)
os.environ.update(PREFECT_HOME=_home, PREFECT_PROFILES_PATH=f"{_home}/profiles.toml")

gc.disable()  # while four thousand tests are made, which all stay; `pytest_collection_finish` enables it

BEGIN = ("flows", "e2e", "command", "contract", "local")
"""Folders whose tests begin before the others: what waits most, and what is most in one piece."""


class Rooms(LoadScopeScheduling):
    """Tests in groups, each for one process and its servers: those of a file, and all of `flows/`.

    Marks (`--dist loadgroup`) would say the same, but with pytest 9.2 pytest-xdist 3.8 does not see them.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "tests/flows" if file.startswith("tests/flows/") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log) -> Rooms | None:
    """Take our groups for `--dist loadscope`."""
    return Rooms(config, log) if config.getoption("dist") == "loadscope" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest in one piece."""
    rank = {room: number for number, room in enumerate(BEGIN)}
    items.sort(key=lambda item: rank.get(item.path.parent.name, len(BEGIN)))


def pytest_collection_finish() -> None:
    """Look for garbage from now on, and not among the tests themselves."""
    gc.enable()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def ports_of_this_process():
    """Look for ports elsewhere than the next process: a server that a test kills comes back on its own port."""
    from hikkoshi.local.launch import FIRST_PORT

    first = random.randrange(12_000, 30_000, 600)  # below those that connections are given
    with pytest.MonkeyPatch.context() as patch:
        for number, name in enumerate(FIRST_PORT):
            patch.setitem(FIRST_PORT, name, first + 200 * number)
        yield

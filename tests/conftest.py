"""Fixtures for all tests: real servers, started once a session when a test first asks for one.

Prefect makes its home and reads its profile when it is imported: tests give it a home of their own, never the user's.
"""

import atexit
import os
import shutil
import tempfile

pytest_plugins = ["tests.servers"]

_home = tempfile.mkdtemp(prefix="hikkoshi-tests-prefect-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)
os.environ.update(PREFECT_HOME=_home, PREFECT_PROFILES_PATH=f"{_home}/profiles.toml")

"""The servers of these tests."""

from tests.faults.stack import case, house  # noqa: F401 — fixtures
from tests.servers import moto, seaweedfs  # noqa: F401 — fixtures

"""Servers on this machine: two MinIO, a Prefect server and a process worker, for trying things out and for tests.

Promises: everything binds to loopback, all state lies under the project's `var/`, nothing of the user's own is touched, and
`down` ends what `up` started and nothing else. May import connectors, relocation, boto3 and the `minio` SDK; never Prefect,
which is started as a program.
"""

from hikkoshi.local.minio import find_or_build
from hikkoshi.local.prefect import prefect_environment
from hikkoshi.local.servers import down, status, up
from hikkoshi.local.state import Keys, LocalState, Server

__all__ = ["Keys", "LocalState", "Server", "down", "find_or_build", "prefect_environment", "status", "up"]

"""What a process that holds payload and keys may leave behind when it dies: nothing.

Guarantees: no core file is written, and one that a system's own collector takes all the same holds none of this process's memory;
keys of TLS sessions are not written down by any library (SSLKEYLOGFILE). Children inherit all of it.

Not PR_SET_DUMPABLE: it would hide the process from its own user's tools too (py-spy, and `hikkoshi local down`, which knows what it
started by the environment), and adds nothing to an empty dump.
"""

from __future__ import annotations

import os
import resource
from pathlib import Path

FILTER = Path("/proc/self/coredump_filter")
NO_MEMORY = "0"
"""core(5): no mapping of any kind. RLIMIT_CORE alone does not bind where `core_pattern` is a pipe (systemd-coredump, apport)."""


def leave_nothing_behind() -> None:
    """Turn core dumps off for this process and its children, and forget where session keys would be logged."""
    os.environ.pop("SSLKEYLOGFILE", None)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if FILTER.exists():
        FILTER.write_text(NO_MEMORY)

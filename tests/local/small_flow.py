"""A flow for tests of the servers: it says who it is, makes an artifact, and sleeps as long as it is told."""

from __future__ import annotations

import os
import time
from pathlib import Path

from prefect import flow
from prefect.artifacts import create_markdown_artifact


@flow
def small(pid_file: str, sleep_s: float = 0.0) -> None:
    """Write down the process id, make an artifact, sleep."""
    create_markdown_artifact("# A report\n\n| a | b |\n|---|---|\n| 1 | 2 |\n", key="small-report")
    Path(pid_file).write_text(f"{os.getpid()}\n")
    time.sleep(sleep_s)


if __name__ == "__main__":
    small.from_source(str(Path(__file__).parent), "small_flow.py:small").deploy(
        "small", work_pool_name="hikkoshi", ignore_warnings=True
    )

"""The demo: a Korea made up on the spot moves to Japan on this machine, some of it is broken, and what was broken is caught.

Promises: wipes nothing but its own `var/`; every figure that it tells is counted while it is told; ends with 0 only if all went
as told. May import all that the command may; Prefect runs as programs of its own.
"""

from __future__ import annotations

from hikkoshi.shell import Shell


def tell(shell: Shell) -> int:
    """Tell the story and return the exit code."""
    from hikkoshi.demo.story import Story

    return Story(shell).tell()

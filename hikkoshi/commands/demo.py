"""`hikkoshi demo`: the whole story on this machine."""

from __future__ import annotations

import typer

from hikkoshi.shell import ConfigOption, JsonOption, shell_of


def demo(context: typer.Context, *, config: ConfigOption = None, json: JsonOption = False) -> int:
    """Move a Korea made up on the spot to Japan, break some of it, and see that caught. Wipes this folder's var/ first."""
    from hikkoshi.demo import tell

    return tell(shell_of(context, config, json))

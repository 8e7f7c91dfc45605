"""The demo."""

from hikkoshi.shell import Shell


def tell(shell: Shell) -> int:
    """Tell it."""
    return 0

"""The fixtures of this folder."""

from tests.faults.stack import case, house

__all__ = ["case", "house"]

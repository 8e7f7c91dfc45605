"""The fixtures of this folder: those of the faults, for the same two MinIO and the same kind of migration."""

from tests.faults.stack import case, house

__all__ = ["case", "house"]

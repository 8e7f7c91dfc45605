"""Several processes of one command on one machine: each works shards of the same run, leased from the ledger."""

from hikkoshi.processes.share import count_of, share_of
from hikkoshi.processes.starting import lanes_of

__all__ = ["count_of", "lanes_of", "share_of"]

"""Several processes of one command on one machine: each works shards of the same run, leased from the ledger."""

from connectors.processes.share import count_of, share_of
from connectors.processes.starting import lanes_of

__all__ = ["count_of", "lanes_of", "share_of"]

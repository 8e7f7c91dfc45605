"""The reference store: what this project means by "S3", as a program that can be read in one sitting.

`MemoryService` is an endpoint (its state, and hooks for faults), `MemoryStore` what one role sees of it, `Behaviour` the script of
what a real store does otherwise. The contract suite holds all three against real servers.
May import: the core and the standard library.
"""

from connectors.memory.behaviour import MINIO, Behaviour
from connectors.memory.service import Call, MemoryService
from connectors.memory.store import MemoryStore

__all__ = ["MINIO", "Behaviour", "Call", "MemoryService", "MemoryStore"]

"""What the core asks of the outside, as Protocols. Connectors implement them, front doors hand them in.

Every call either does what it says, or raises one error of `rules/errors.py`; none returns a half answer. A timeout is a
`Transient`. Cancelling a call leaves nothing running behind it.
"""

from relocation.ports.clock import Clock
from relocation.ports.fences import Fences
from relocation.ports.ledger import Ledger, Route
from relocation.ports.reports import Progress, Reports
from relocation.ports.stores import Buckets, Store, Stores
from relocation.ports.tables import Columns, Row, Scratch, SortedRows, Tables
from relocation.ports.vault import Vault
from relocation.ports.wire import Blocks, Body, Headers, Response, Wire

__all__ = [
    "Blocks",
    "Body",
    "Buckets",
    "Clock",
    "Columns",
    "Fences",
    "Headers",
    "Ledger",
    "Progress",
    "Reports",
    "Response",
    "Route",
    "Row",
    "Scratch",
    "SortedRows",
    "Store",
    "Stores",
    "Tables",
    "Vault",
    "Wire",
]

"""The ledger: one SQL database of a migration's runs, leases, shards, intents, tails, segments, probes and audit chain.

`store.SqlLedger` is the port `relocation.ports.Ledger`. Promises: a write is durable when its call returns; a write under a lease
that is not the newest changes nothing; SQL rows grow with shards and batches, not with objects.
May import: the core, SQLAlchemy, and Alembic (imported only when a ledger's schema is not the newest).
"""

"""Alembic's environment and versions for the ledger; run by `connectors.ledger.database` when a ledger is opened, never by hand."""

"""One file a schema version. A file that was released is never changed; `connectors.ledger.schema.REVISIONS` lists them all."""

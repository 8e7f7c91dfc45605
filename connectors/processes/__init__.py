"""Several processes on one machine for one run, whoever started it: each works shards of it, leased from the ledger."""

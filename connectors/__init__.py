"""The outside world, behind the core's ports: wires, S3 stores, ledger, vault, configuration files, reports.

Promises: each connector does what its port in `relocation/ports/` says, or raises one error of `relocation/rules/errors.py`.
`assemble` builds everything for both front doors. SDKs, sockets, SQL, Parquet and pages live here; the core knows of none of them.
May import: `relocation` and the libraries it wraps. Never `hikkoshi`, `flows` or Prefect.
"""

"""The front door for operators: Prefect and nothing else. One flow a file, one screen each; the stages do the work.

Promises: Prefect's word is never the truth (ledger and stores are), nothing that Prefect fails at stops a wave, no secret and no
key in clear reaches a parameter, a log, an artifact or a state. May import connectors, relocation and Prefect; never the command,
an SDK or SQL.
"""

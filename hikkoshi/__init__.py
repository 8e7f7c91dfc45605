"""The front door for a terminal: the command, `local` (servers on this machine), `demo`, and the fault proxy of demo and tests.

Promises: every end is said in words and with one of the exit codes of `exit_codes.py`; with `--json` standard output holds one
document alone; imports wait until a command runs, so that `--help` answers at once. Decides nothing about data: that is the core's.
May import: connectors, the core, typer, rich; boto3 and the `minio` SDK in `local` alone. Never `flows` nor Prefect: they are
started as programs.
"""

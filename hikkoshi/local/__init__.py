"""Servers on this machine: two MinIO, a Prefect server and a process worker, for trying things out and for tests.

Promises: everything binds to loopback, all state lies under the project's `var/`, nothing of the user's own is touched, and
`down` ends what `up` started and nothing else. May import connectors, relocation, boto3 and the `minio` SDK; never Prefect,
which is started as a program.
"""

"""The command, as a process of its own, on two real MinIO."""

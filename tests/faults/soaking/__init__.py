"""What the soaks are made of: the load, the runner, the wire in between, the kills, and the report."""

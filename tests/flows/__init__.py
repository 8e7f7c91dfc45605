"""What operators see of Prefect: forms, runs, artifacts, states. Most of it on a real server with a real worker."""

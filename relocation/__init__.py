"""The core: what it means to move objects from one store to another and prove it. It knows no outside.

Lives here: `rules` (pure decisions), `transfer` (the hot path), `stages` (what a wave does), `ports` (what the core asks of the
outside), `settings` and `consistency` (the typed configuration). Promises: the same stages run from a flow, the command or a test.
May import: the standard library, pydantic (settings alone), tenacity, xxhash and awscrt (transfer alone). Never a connector, an
SDK, SQL, a socket or Prefect; inside, `stages → transfer → rules`. import-linter holds all of it (`pyproject.toml`).
"""

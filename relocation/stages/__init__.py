"""What a wave does, one file a stage: probe, inventory, plan, copy, verify; and `wave`, which puts them in their order.

A stage is a plain async function over a `Context`, so that a flow, the command and a test run the very same thing; copy and verify
are `open → lane × N → seal`. Promises: what must be durable is so before the effect that relies on it (`docs/design.md`, "Order of
reads and writes"); run again, a stage converges. Not here yet: catch-up, approval, cut-over, observation, erasure, certificate.
May import: `relocation.ports`, `settings`, `transfer`, `rules`; never a connector.
"""

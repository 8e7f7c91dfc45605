"""The rules: everything that decides, as pure functions over frozen records. No clock, no network, no file, no order assumption.

Lives here: objects and records, the tree of errors, keys and names, parts and ETags, plan, proofs and verdict, evidence (canonical
JSON, Merkle roots, the audit chain), estimates and histograms. Promises: the same input gives the same answer, whoever asks and
when; what can't be known is refused or named, never guessed. One hash over these files is sealed into every plan.
May import: the standard library, nothing else (not even asyncio).
"""

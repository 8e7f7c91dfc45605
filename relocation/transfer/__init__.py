"""The hot path: one object read, hashed, written and read back, many at once, within one budget of memory.

Promises: a read is the planned version or nothing; a write never replaces what others wrote; a fact claims no proof that was not
seen; bodies live in leased buffers and never touch a disk. What concerns one object alone ends as its fact, what stops the whole
wave is raised. May import: `relocation.ports`, `relocation.rules`, asyncio, tenacity, xxhash, awscrt.
"""

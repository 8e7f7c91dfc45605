"""What the probe asks, one file a subject. Each question is put with a canary of its own and answered by what is seen.

A question is an async function that takes `Canaries` and a dict, and fills in its answers as it sees them; what it could not
answer gets the word of the failure (`asking.py`). Promises: nothing is written outside the reserved prefix, nothing is left there.
May import: `relocation.ports`, `transfer` and `rules`, nothing else.
"""

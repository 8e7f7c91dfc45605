"""What every store must do and must refuse: one suite of claims, over the reference store and over real servers.

`claims_*.py` hold the claims, `known_differences.py` what the real ones do otherwise, `mutants_table.py` for each claim a broken
reference store on which it must go red. `docs/compatibility.md` is rendered from the first two (`python -m tests.contract.page`).
"""

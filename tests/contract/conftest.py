"""Asserts of the claims show what they compared, as those of tests do."""

import pytest

pytest.register_assert_rewrite(
    "tests.contract.lab",
    *(
        f"tests.contract.claims_{room}"
        for room in ("customer_keys", "keys", "listing", "reading", "uploads", "versions", "writing")
    ),
)

"""What is peculiar to MinIO and fits no claim about stores in general: facts, each a test of `test_minio_facts.py`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TypeVar

Test = TypeVar("Test", bound=Callable[..., object])
FACTS: list[str] = []


def fact(test: Test) -> Test:
    """Register a test's docstring as a fact of the compatibility page."""
    FACTS.append(" ".join((inspect.getdoc(test) or "").split()))
    return test

"""Keys as people see them, and the reserved prefix."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relocation.rules.keys import CANARY_PREFIX, is_canary, is_reserved, shown


@pytest.mark.parametrize(
    ("key", "printed"),
    [
        ("images/2019/cat.jpg", "images/2019/cat.jpg"),
        ("写真/é.jpg", "%E5%86%99%E7%9C%9F/%C3%A9.jpg"),
        ("写真/e\u0301.jpg", "%E5%86%99%E7%9C%9F/e%CC%81.jpg"),
        ("a b+c%2F?#&=", "a%20b%2Bc%252F%3F%23%26%3D"),
        ("-._~", "-._~"),
        ("//a/../\n\x1b[31m<b>", "//a/../%0A%1B%5B31m%3Cb%3E"),
        ("", ""),
    ],
)
def test_a_key_is_printed_percent_encoded(key: str, printed: str) -> None:
    """No key can break a line, colour a terminal or become markup; NFC and NFD stay apart (D15, D17)."""
    assert shown(key) == printed


@given(st.text())
def test_what_is_printed_gives_back_the_very_key(key: str) -> None:
    """Printable ASCII only, and no two keys look the same (D17)."""
    printed = shown(key)
    assert printed.isascii()
    assert not set(printed) & set(" \"'<>&`\\\n\r\t")
    assert unquote_to_bytes(printed) == key.encode("utf-8")


@pytest.mark.parametrize(
    ("key", "ours"),
    [
        ("hikkoshi-canary/0123456789ab/", True),
        ("hikkoshi-canary/0123456789ab/1/x", True),
        ("/hikkoshi-canary/0123456789ab/1/\n", True),
        ("hikkoshi-canary/", False),
        ("hikkoshi-canary/x", False),
        ("hikkoshi-canary/0123456789ab", False),
        ("hikkoshi-canary/0123456789abc/x", False),
        ("hikkoshi-canary/0123456789AB/x", False),
        ("hikkoshi-canary-x", False),
        ("images/hikkoshi-canary/0123456789ab/x", False),
        ("//hikkoshi-canary/0123456789ab/x", False),
        ("Hikkoshi-canary/0123456789ab/x", False),
    ],
)
def test_only_what_a_probe_writes_is_ours(key: str, *, ours: bool) -> None:
    """Inventories leave out our own canaries and nothing of anybody else's, below the reserved prefix either."""
    assert is_canary(key) is ours


def test_no_category_may_lie_below_the_reserved_prefix() -> None:
    """With and without a leading slash, and no further."""
    assert CANARY_PREFIX == "hikkoshi-canary/"
    assert is_reserved("hikkoshi-canary/")
    assert is_reserved("/hikkoshi-canary/x")
    assert not any(map(is_reserved, ("hikkoshi-canary", "//hikkoshi-canary/", "images/hikkoshi-canary/")))

"""The demo's last line says how long the demo took."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from hikkoshi.demo.story import time_of
from hikkoshi.demo.telling import Teller


@pytest.mark.parametrize(("built_s", "said"), [(80.0, "41 s; building MinIO took 1 min 20 s more"), (0.3, "41 s")])
def test_building_minio_is_no_part_of_the_demos_time(built_s, said):
    """It is built once for a machine; where it had to be built, that stands beside the time of the story."""
    now = [100.0]
    teller = Teller(Console(file=io.StringIO()), lambda: now[0])
    now[0] += 1
    with teller.apart():
        now[0] += built_s
    now[0] += 40
    assert teller.seconds == pytest.approx(41.0)
    assert time_of(teller) == said

"""The form and the command that order a pace: what they take, and what they refuse before anything happens."""

from __future__ import annotations

import jsonschema
import pytest

from flows.forms import pace_schema
from hikkoshi.command import call

RIGHT = [
    {"endpoint": "korea", "what": "pause"},
    {"endpoint": "japan", "bandwidth": "200MB/s", "requests_per_s": 500},
    {"endpoint": "korea", "bandwidth": "none", "requests_per_s": None, "clear": True},
]
WRONG = [{"endpoint": "mars"}, {"endpoint": "korea", "what": "stop"}, {"endpoint": "korea", "bandwidth": "fast"}, {}]


@pytest.mark.parametrize("given", RIGHT)
def test_the_form_takes_what_the_command_takes(given):
    """An endpoint of the configuration, and whatever is to change."""
    jsonschema.validate(given, pace_schema(["korea", "japan"]))


@pytest.mark.parametrize("given", WRONG)
def test_the_form_refuses_what_nobody_can_mean(given):
    """Endpoints that there are not, words that are no rate."""
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(given, pace_schema(["korea", "japan"]))


@pytest.mark.parametrize(("option", "value"), [("--bandwidth", "fast"), ("--requests", "many"), ("--requests", "-1")])
def test_a_rate_that_is_none_is_exit_2(option, value, tmp_path, monkeypatch):
    """Said before anything is changed."""
    from tests.unit.settings_cases import RIGHT as CONFIGURATION
    from tests.unit.settings_cases import write

    assert call(["pace", "korea", option, value, "--config", str(write(tmp_path, CONFIGURATION))]) == 2

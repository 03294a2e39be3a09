"""Fixtures: the fake server of the services' tests."""

import importlib.util
import sys
from pathlib import Path

import pytest

_PLACE = Path(__file__).parents[1] / "services" / "fake.py"


def load_fake():
    if "evenhand_fake" not in sys.modules:
        spec = importlib.util.spec_from_file_location("evenhand_fake", _PLACE)
        module = importlib.util.module_from_spec(spec)
        sys.modules["evenhand_fake"] = module
        spec.loader.exec_module(module)
    return sys.modules["evenhand_fake"]


@pytest.fixture(scope="session")
def fake():
    return load_fake()

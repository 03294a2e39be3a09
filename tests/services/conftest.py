"""Fixtures: the fake server and a request."""

import asyncio
import importlib.util
import sys
from pathlib import Path

import pytest

from evenhand.services import Request

_PLACE = Path(__file__).parent / "fake.py"


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


@pytest.fixture(scope="session")
def ask():
    """Ask a service once, and let it go."""

    def asked(service, media="hello", kind="text", **more):
        async def run():
            try:
                return await service.answer(Request(kind=kind, media=media, sample_id="s1", **more))
            finally:
                await service.close()

        return asyncio.run(run())

    return asked

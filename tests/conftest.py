"""Shared fixtures: where the real data are, and what happens when they are not there."""

import gc
import os
import shutil
from pathlib import Path

import pytest
from tests.engines import (  # noqa: F401 - fixtures
    cluster_url,
    hold,
    postgres_url,
    sail_cluster_url,
    sail_url,
    spark_cluster_url,
    spark_url,
)

# As the command line does: matrices are small, and workers share the processors already.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
_IN_CI = os.environ.get("CI") == "true"


def pytest_collection_finish():
    """What is loaded and collected stays to the end: no collection of garbage need visit it again.

    Seven thousand tests and fifty libraries cost each full one a third of a second, and some
    libraries ask for one in every call.
    """
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """At the end all is garbage: what is kept by then, libraries tell as leaks."""
    gc.unfreeze()


def absent(what: str, remedy: str) -> None:
    """Skip a test for want of `what`; in CI that is a failure."""
    message = f"{what} is not here.  {remedy}"
    if _IN_CI:
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def data() -> Path:
    """Folder of the real data."""
    places = [os.environ.get("EVENHAND_DATA"), "../shared/data"]
    root = Path(__file__).parents[1]
    for place in places:
        if place and (folder := root / place).is_dir():
            return folder
    absent(
        "The folder of real data",
        "Set EVENHAND_DATA to a folder with artie/, compas/, adult/ and bbq/, for example after: "
        "git clone --depth 1 <artie-bias-corpus> data/artie",
    )
    raise AssertionError


@pytest.fixture(scope="session")
def chromedriver() -> str:
    """Path of chromedriver, for tests in a real browser."""
    path = shutil.which("chromedriver")
    if path is None or shutil.which("chromium") is None:
        absent("chromedriver", "Install it: apt-get install chromium chromium-driver")
    return str(path)

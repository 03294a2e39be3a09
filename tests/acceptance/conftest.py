"""A real browser, one for all tests, and what looks at pages in it."""

from pathlib import Path

import pytest
from tests.browsing import FACES
from tests.conftest import absent

AXE = Path(__file__).parents[2] / ".venv" / "axe" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="session")
def browser(chromedriver, tmp_path_factory):
    pytest.importorskip("selenium")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        f"--disable-component-update --disable-sync --user-data-dir={tmp_path_factory.mktemp('profile')}"
    )
    for flag in flags.split():
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(chromedriver))
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def faces(browser):
    """Faces that are installed; in CI all must be."""
    browser.get("about:blank")
    widths = browser.execute_script(
        """const pen = document.createElement('canvas').getContext('2d');
        return ['monospace', ...arguments[0]].map(face => { pen.font = `40px "${face}", monospace`;
            return pen.measureText('Wilm 0,1').width })""",
        FACES,
    )
    missing = [face for face, width in zip(FACES, widths[1:], strict=True) if width == widths[0]]
    if missing:
        packages = "fonts-dejavu-core fonts-liberation fonts-noto-core fonts-opendyslexic"
        absent(f"The face {missing[0]}", f"Install it: apt-get install {packages}")
    return FACES


@pytest.fixture(scope="session")
def axe():
    """The source of axe-core, which finds what keeps people from using a page."""
    if not AXE.is_file():
        absent("axe-core", "Install it: npm install --no-save --prefix .venv/axe axe-core@4")
    return AXE.read_text(encoding="utf-8")

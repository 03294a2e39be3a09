"""Pages of cards in a real browser: a phone and a desk, light, dark and print."""

import pytest
from tests.browsing import contrasts, look
from tests.frozen.test_frozen import HERE

import evenhand
from evenhand.cards.changes.comparing import compare_cards
from evenhand.cards.shelf.shelving import shelve


def frozen(name):
    text = (HERE / "answers" / f"{name}.json").read_text(encoding="utf-8")
    return evenhand.Card.from_json(text.replace('"seconds": "…"', '"seconds": 0.5'))


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    whole, other = frozen("card_make"), frozen("card_later")
    folder = tmp_path_factory.mktemp("pages")
    (folder / "one.json").write_text(whole.to_json(), encoding="utf-8")
    drawn = {
        "card": evenhand.Card.drawn_by("figures").render_html(whole, checklist=True),
        "changes": compare_cards(whole, other).to_html(),
        "shelf": shelve([folder / "one.json"]).to_html(),
    }
    for name, page in drawn.items():
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in drawn}


@pytest.mark.parametrize("name", ["card", "changes", "shelf"])
@pytest.mark.parametrize("width", [500, 1280])
def test_nothing_is_wider_than_the_page(browser, pages, name, width):
    look(browser, pages[name], width)
    browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    wide = browser.execute_script("return document.documentElement.scrollWidth")
    assert wide <= width


@pytest.mark.parametrize(("dark", "media"), [(False, ""), (True, ""), (False, "print")])
def test_every_text_can_be_read(browser, pages, dark, media):
    look(browser, pages["card"], 1280, dark=dark, media=media)
    assert min(contrasts(browser)) >= 4.5

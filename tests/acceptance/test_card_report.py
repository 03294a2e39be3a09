"""Pages of cards in a real browser: a phone and a desk, light, dark and print."""

import pytest
from tests.browsing import contrasts, look
from tests.frozen.test_frozen import HERE

import evenhand
from evenhand.cards.assembly import assembled
from evenhand.cards.changes.comparing import compare_cards
from evenhand.cards.given import read_file
from evenhand.cards.shelf.shelving import shelve
from evenhand.cards.written import WrittenCard


def frozen(name):
    text = (HERE / "answers" / f"{name}.json").read_text(encoding="utf-8")
    return evenhand.Card.from_json(text.replace('"seconds": "…"', '"seconds": 0.5'))


def mended(service):
    """A card of a service with an audit, a repair and a check that is broken."""
    given = []
    for name in ("audit_rows", "fix", "gate_broken"):
        (one,) = read_file(HERE / "answers" / f"{name}.json", f"{name}.json")
        given.append(one)
    return assembled(WrittenCard(service=service), given, source="card.toml")


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    whole, other = frozen("card_make"), frozen("card_later")
    folder = tmp_path_factory.mktemp("pages")
    (folder / "one.json").write_text(whole.to_json(), encoding="utf-8")
    (folder / "broken.json").write_text("{", encoding="utf-8")
    drawn = {
        "card": evenhand.Card.drawn_by("figures").render_html(whole, checklist=True),
        "changes": compare_cards(whole, other).to_html(),
        "shelf": shelve([folder / "one.json", folder / "broken.json"]).to_html(),
        "mended": mended(whole.written.service).to_html(),
    }
    for name, page in drawn.items():
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in drawn}


@pytest.mark.parametrize("name", ["card", "changes", "mended", "shelf"])
@pytest.mark.parametrize("width", [500, 1280])
def test_nothing_is_wider_than_the_page(browser, pages, name, width):
    look(browser, pages[name], width)
    browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    wide = browser.execute_script("return document.documentElement.scrollWidth")
    assert wide <= width


@pytest.mark.parametrize("name", ["card", "mended"])
@pytest.mark.parametrize(("dark", "media"), [(False, ""), (True, ""), (False, "print")])
def test_every_text_can_be_read(browser, pages, name, dark, media):
    look(browser, pages[name], 1280, dark=dark, media=media)
    assert min(contrasts(browser)) >= 4.5

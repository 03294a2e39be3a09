"""Cards as pages and as Markdown: nothing from outside is markup, nothing is wider than its page, nothing is heavy."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pytest
from markdown_it import MarkdownIt
from tests.cards.worlds import audited, calls, carded
from tests.frozen.test_frozen import HERE

import evenhand
from evenhand.cards.checklist import law_markdown, laws
from evenhand.cards.given import KINDS
from evenhand.cards.markdown import render_markdown
from evenhand.cards.parts import PARTS
from evenhand.cards.words import caveats
from evenhand.watching.words import answers as watch_answers

HOSTILE = '<img src=x onerror=alert(1)>|`*_[x](javascript:alert(1))\n# head & "q" \''


@pytest.fixture(scope="module")
def whole():
    """A card with many kinds of results: the one of the frozen commands."""
    text = (HERE / "answers" / "card_make.json").read_text(encoding="utf-8")
    return evenhand.Card.from_json(text.replace('"seconds": "…"', '"seconds": 0.5'))


def hostile(folder):
    table = calls(1).to_pylist()
    names = {"north": HOSTILE, "south": "| a | b |", "west": "**bold** <b>"}
    rows = {k: [names.get(r[k], r[k]) for r in table] for k in table[0]}
    audited(folder, table=pa.table(rows), by="site")
    card, path = carded(folder)
    service = replace(card.written.service, name=HOSTILE, description=HOSTILE, contact=HOSTILE)
    uses = tuple(replace(one, name=HOSTILE, risks=(HOSTILE,)) for one in card.written.uses)
    written = replace(card.written, service=service, uses=uses, out_of_scope=(HOSTILE,))
    return replace(card, written=written), path


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def tags(page):
    parser = Tags()
    parser.feed(page)
    return parser.found


def test_no_word_of_a_card_is_markup_of_its_page(tmp_path):
    card, _ = hostile(tmp_path)
    found = tags(card.to_html())
    assert {tag for tag, _ in found}.isdisjoint({"img", "script", "b", "iframe", "link"})
    assert not any(name.startswith("on") for _, attrs in found for name in attrs)
    assert "&lt;img src=x onerror=alert(1)&gt;" in card.to_html()


def test_no_word_of_a_card_is_markup_of_its_markdown(tmp_path):
    card, _ = hostile(tmp_path)
    made, _, text = render_markdown(card).partition("\n\n")
    assert made == '<!-- <meta name="generator" content="evenhand"> -->'
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    inner = [one for token in tokens for one in token.children or ()]
    kinds = {one.type for one in (*tokens, *inner)}
    assert kinds.isdisjoint({"html_block", "html_inline", "image", "link_open", "code_inline"})
    headings = [
        t.content for t, n in zip(tokens[1:], tokens, strict=False) if n.type == "heading_open"
    ]
    assert not any(heading.startswith("head") for heading in headings)
    # Each row has as many cells as its head: no bar in a value cut one.
    tables = re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE)
    assert tables
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1
    # What a reader sees is what was written.
    shown = "".join(one.content for one in inner if one.type == "text")
    assert "<img src=x onerror=alert(1)>|`*_[x](javascript:alert(1))" in shown


def test_every_kind_of_result_has_its_place_on_the_page(whole):
    page = whole.to_html()
    for word in (
        "The worst group of each metric", "caribbean", "subsets considered", "by condition",
        "Watched: ", "Bounty on ", "tone_12hz", "Repeat it on your own data", "Where each number came from",
        "evenhand effects your-table.csv", "Reproducibility: ",
    ):  # fmt: skip
        assert word in page, word
    text = render_markdown(whole)
    assert "Reproducibility" in text
    assert "evenhand slices your\\-table.csv" not in text
    assert "$ evenhand slices your-table.csv" in text


def test_every_number_of_the_worst_groups_is_on_the_page_and_names_its_result(whole):
    page = whole.to_html()
    for one in whole.worst:
        assert whole.of("audits", one.audit).name in page
        assert f"{one.value * 100:.1f}" in page


def test_the_page_asks_nothing_of_anybody(whole):
    page = whole.to_html()
    assert not re.search(r'(?:src|href)="(?!#)', page)
    assert "default-src 'none'" in page


def test_two_thousand_cells_are_one_megabyte_at_most(tmp_path):
    audited(tmp_path, by="site")
    card, _ = carded(tmp_path)
    audit = card.audits[0]
    groups = tuple(
        replace(group, group={"site": f"{group.group['site']} {n}"}, predicate=f"site = '{n}'")
        for n in range(667)
        for group in audit.groups
    )
    large = replace(card, audits=(replace(audit, groups=groups),))
    assert len(groups) > 2000
    assert len(large.to_html().encode()) <= 1_000_000


def test_the_check_list_names_parts_that_there_are_and_says_what_none_answers(whole):
    items = [item for law in laws() for item in law.items]
    assert {name for item in items for name in item.parts} <= PARTS.keys()
    assert all(item.parts or item.also or item.instead for item in items)
    assert any(not item.answers for item in items)
    page = evenhand.Card.drawn_by("figures").render_html(whole, checklist=True)
    for law in laws():
        assert law.name in page
    assert "no legal advice" in page
    assert "Explainability (not told)" not in page  # no law of the list asks for it
    assert "Machine learning (not told)" in page
    assert "no legal advice" not in whole.to_html()


def test_the_documentation_has_the_same_check_list():
    text = (Path(__file__).parents[2] / "docs" / "for-lawyers.md").read_text(encoding="utf-8")
    for law in laws():
        assert law_markdown(law) in text


def test_frozen_cards_are_json_of_cards(whole):
    assert json.loads(whole.to_json())["schema"] == evenhand.Card.SCHEMA


SHOWN = sorted(
    path.name
    for path in (HERE / "answers").glob("*.json")
    if any(
        f'"schema": "{kind.SCHEMA}"' in path.read_text(encoding="utf-8")[:300]
        for kind in KINDS.values()
    )
)


@pytest.mark.parametrize("name", SHOWN)
def test_every_answer_of_a_command_that_a_card_may_hold_is_shown_by_it(tmp_path, name):
    text = (
        (HERE / "answers" / name)
        .read_text(encoding="utf-8")
        .replace('"seconds": "…"', '"seconds": 1')
    )
    (tmp_path / "answer.json").write_text(text, encoding="utf-8")
    request = tmp_path / "c.toml"
    request.write_text(
        'results = ["answer.json"]\n[service]\nname = "a"\nversion = "1"\nprovider = "p"\n'
        'applies_to = 2026-01-01\ncontact = "c"\n'
    )
    card = evenhand.make_card(request)
    for shown in (card.to_html(), render_markdown(card).replace("\\", "")):
        assert "from answer.json" in shown
        assert "None" not in re.sub(r"<[^>]*>|None of", "", shown)
    assert str(card)


def test_the_page_and_the_markdown_explain_the_same_words(whole):
    explained = set(re.findall(r"^\* \*\*(.*?)\*\*: ", render_markdown(whole), re.MULTILINE))
    assert explained == set(re.findall(r'<dt id="word-[^"]*">(.*?)</dt>', whole.to_html()))
    assert "Worst group" in explained


def test_an_open_alarm_stands_before_all_numbers(whole):
    (watch,) = whole.watches
    assert watch.alarms
    assert any(text in caveats(whole) for text in watch_answers(watch, brief=True))

"""The page of a card."""

from evenhand.audits import answer
from evenhand.audits.figures import draw
from evenhand.cards import words
from evenhand.cards.result import Card
from evenhand.cards.sections import sections_of
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.page import render_page
from evenhand.pages.picture import Figure, draw_picture


def render_html(card: Card, *, edition: Edition = PLAIN, checklist: bool = False) -> str:
    """The page, with the lawyer's check-list where it is asked for; every text from outside is escaped."""
    return render_page(
        "evenhand.cards:card.html",
        card=card,
        edition=edition,
        heading=edition.title or words.title(card),
        answers=list(words.answers(card, edition)),
        caveats=list(dict.fromkeys(words.caveats(card, edition))),
        absent=words.absent_sentence(card),
        sections=list(sections_of(card, edition, checklist=checklist)),
    )


def draw_figure(card: Card, edition: Edition = PLAIN) -> str:
    """The differences of all groups of the audits at the operating point, as an SVG."""
    places = dict.fromkeys(one.audit for one in card.worst)
    figures = [
        Figure(
            heading=f"{words.metric_name(audit, edition)} by {edition.crossed(by)}", drawn=forest
        )
        for audit in (card.audits[place] for place in places)
        for by in answer.partitions(audit)
        if (forest := draw(audit, by, edition)).rows
    ]
    heading = edition.title or " ".join([f"{words.title(card)}.", *words.answers(card, edition)])
    return draw_picture(heading, figures, (edition.note, words.absent_sentence(card)))

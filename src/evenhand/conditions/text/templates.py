"""Templates with slots, filled for several persons: prompts that differ in the person alone.

{Pronoun.subject} {is|are} {a} {job}; {name's} shift begins when {pronoun.subject} {arrives|arrive}.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from evenhand.conditions.text.words import article_of, read_list, split_words
from evenhand.errors import ExpressionError, InputError, unknown_name

_SLOT: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
FORMS: Final = ("subject", "object", "determiner", "possessive", "reflexive")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who fills a template.

    Attributes
    ----------
    pronouns : str
        A set of ``pronouns.csv``: she, he, they, ze, xe, ey.
    name : str, optional
    terms : mapping
        Further slots: ``{"kin": "mother"}`` fills ``{kin}``.
    attributes : mapping
        What the person stands for, kept with the filled text: ``{"race": "black"}``.
    """

    pronouns: str
    name: str | None = None
    terms: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A filled template; all of one template are one unit, for they stand or fall together."""

    text: str
    template: str
    attributes: Mapping[str, str]


@cache
def pronoun_sets() -> Mapping[str, Mapping[str, str]]:
    """Forms by set, with the grammatical number of the verb."""
    return {row["set"]: row for row in read_list("pronouns.csv")}


def fill_template(template: str, people: Sequence[Person], *, name: str = "") -> tuple[Filled, ...]:
    """Fill a template once for each person.

    Slots: ``{name}``, ``{name's}``; ``{pronoun.subject}``, and ``object``, ``determiner``,
    ``possessive``, ``reflexive``; ``{is|are}``, the verb after a singular or plural pronoun; ``{a}``,
    the article that the next word wants; and a person's own terms. A slot with a first
    capital, and one that begins a sentence, is capitalised. ``{{`` and ``}}`` are braces.

    Parameters
    ----------
    template : str
    people : sequence of Person
    name : str
        Of the template, as the unit; the template itself by default.

    Raises
    ------
    ExpressionError
        With a caret, for a slot that is unknown or that a person does not fill.

    Examples
    --------
    >>> for filled in fill_template(
    ...     "{name} is {a} {role}; {pronoun.subject} {calls|call}.",
    ...     [
    ...         Person(pronouns="he", name="Greg", terms={"role": "actor"}),
    ...         Person(pronouns="they", name="Kim", terms={"role": "nurse"}),
    ...     ],
    ... ):
    ...     print(filled.text)
    Greg is an actor; he calls.
    Kim is a nurse; they call.
    """
    return tuple(
        Filled(
            text=_fill(template, person),
            template=name or template,
            attributes=dict(person.attributes),
        )
        for person in people
    )


def _fill(template: str, person: Person) -> str:
    if person.pronouns not in pronoun_sets():
        raise InputError(unknown_name("set of pronouns", person.pronouns, list(pronoun_sets())))
    written = ""
    articles: list[tuple[int, str]] = []
    place = 0
    for match in _SLOT.finditer(template):
        written += template[place : match.start()]
        place = match.end()
        if match[0] in {"{{", "}}"}:
            written += match[0][0]
        elif match[1] is None:
            raise _wrong(f"a single {match[0]}; write {match[0] * 2} for a brace", template, match)
        elif match[1].lower() == "a":
            articles.append((len(written), match[1]))
            written += "a"  # until the word after it is known
        else:
            text = _slot(match[1], person, template, match)
            capital = match[1][:1].isupper() or _begins_sentence(written)
            written += text[:1].upper() + text[1:] if capital else text
    written += template[place:]
    for at, slot in reversed(articles):
        words = split_words(written[at + 1 :])
        article = article_of(words[0].text) if words else "a"
        capital = slot[0].isupper() or _begins_sentence(written[:at])
        written = written[:at] + (article.capitalize() if capital else article) + written[at + 1 :]
    return written


def _begins_sentence(before: str) -> bool:
    return not before.strip() or bool(re.search(r"[.!?…]['\"”’)]*\s+$", before))


def _slot(slot: str, person: Person, template: str, match: "re.Match[str]") -> str:
    forms = pronoun_sets()[person.pronouns]
    key = slot.lower()
    if "|" in slot:
        choices = slot.split("|")
        if len(choices) != 2:
            raise _wrong("expected {singular|plural}", template, match)
        return choices[forms["number"] == "plural"]
    if key.startswith("pronoun."):
        form = key.removeprefix("pronoun.")
        if form not in FORMS:
            raise _wrong(unknown_name("pronoun form", form, FORMS), template, match)
        return forms[form]
    if key in {"name", "name's", "name’s"} and person.name is not None:
        return person.name + slot[4:]
    if key in person.terms:
        return person.terms[key]
    known = ["name", "name's", *(f"pronoun.{form}" for form in FORMS), "a", *person.terms]
    if key in {"name", "name's", "name’s"}:
        raise _wrong(f"the person with pronouns {person.pronouns!r} has no name", template, match)
    raise _wrong(unknown_name("slot", slot, known), template, match)


def _wrong(message: str, template: str, match: "re.Match[str]") -> ExpressionError:
    return ExpressionError(message, text=template, position=match.start(), label="template")

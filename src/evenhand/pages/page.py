"""The one environment in which all pages are rendered: a shell, a stylesheet, and what rooms put in."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from evenhand.deferred import jinja2
from evenhand.pages import nouns, numbers
from evenhand.pages.commands import readable, unbroken
from evenhand.pages.marks import MARKS
from evenhand.pages.sampled import sampled


def render_page(name: str, **values: Any) -> str:
    """A page from a room's template, named ``evenhand.room:file``; every text from the data is escaped."""
    return _environment().get_template(name).render(**values)


@cache
def glossary() -> dict[str, str]:
    """Words that pages explain, with their meanings."""
    return tomllib.loads(_own("static", "glossary.toml"))


@cache
def _environment() -> "jinja2.Environment":
    from markupsafe import Markup  # noqa: PLC0415 - comes with jinja2, which is loaded here

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "stylesheet": Markup(_own("static", "page.css")),  # noqa: S704 - our own file
        "glossary": glossary(),
        "marks": MARKS,
        "readable": readable,
        "unbroken": unbroken,
        "soft": lambda name: Markup("_<wbr>").join(name.split("_")),
        **{function.__name__: function for function in _WRITTEN},
    }
    return environment


#: Ways to write numbers and nouns that every template knows.
_WRITTEN = (
    numbers.amount,
    nouns.count_units,
    numbers.count,
    numbers.interval,
    numbers.minus,
    numbers.p_value,
    numbers.percent,
    numbers.plural,
    numbers.points,
    numbers.rate,
    numbers.ratio,
    numbers.share,
    numbers.shares,
    numbers.significant,
    sampled,
)


def _template(name: str) -> str:
    room, _, file = name.partition(":")
    return (files(room) / "templates" / file).read_text(encoding="utf-8")


def _own(folder: str, name: str) -> str:
    return (files("evenhand.pages") / folder / name).read_text(encoding="utf-8")

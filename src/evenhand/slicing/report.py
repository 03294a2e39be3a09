"""The answer that users hold: slices with their numbers, and the ways to show them."""

from dataclasses import dataclass

from rich.console import RenderableType

from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.shown import Shown
from evenhand.slicing.figures import draw_figure, render_html
from evenhand.slicing.result import (
    Result,
)
from evenhand.slicing.terminal import render_slices


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices(Result, Shown):
    """Found slices: confirmed ones and leads.

    Prints as a table, also in notebooks; `to_dict`, `to_json` and `to_html` give the other forms, and
    `from_dict` the way back.
    """

    def to_html(self, edition: Edition = PLAIN) -> str:
        """A report in one self-contained HTML file."""
        return render_html(self, edition=edition)

    def to_figure(self, edition: Edition = PLAIN) -> str:
        """The figure of the differences as an SVG file."""
        return draw_figure(self, edition)

    def to_terminal(self, width: int) -> RenderableType:
        """What a terminal of this width shows."""
        return render_slices(self, width=width)

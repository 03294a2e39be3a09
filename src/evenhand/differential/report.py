"""The answer that users hold: effects, and the ways to show them."""

from dataclasses import dataclass

from rich.console import RenderableType

from evenhand.differential.figures import draw_figure, render_html
from evenhand.differential.result import Result
from evenhand.differential.terminal import render_effects
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.shown import Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects(Result, Shown):
    """What each condition costs each group beyond what it costs the others.

    Prints as tables, also in notebooks; `to_dict`, `to_json` and `to_html` give the other forms, and
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
        return render_effects(self, width=width)

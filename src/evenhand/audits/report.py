"""The audit that users hold: its results, and the ways to show them."""

from dataclasses import dataclass

from rich.console import RenderableType

from evenhand.audits.csv import render_csv
from evenhand.audits.figures import draw_figure, render_html
from evenhand.audits.result import Result
from evenhand.audits.terminal import render_audit
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.shown import Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit(Result, Shown):
    """Verdicts about the groups of a table under one metric.

    Prints as a table, also in notebooks; `to_dict`, `to_json`, `to_csv` and `to_html` give the
    other forms, and `from_dict` the way back.
    """

    def to_csv(self) -> str:
        """One row a group, as comma-separated values."""
        return render_csv(self)

    def to_html(self, edition: Edition = PLAIN) -> str:
        """A report in one self-contained HTML file."""
        return render_html(self, edition=edition)

    def to_figure(self, edition: Edition = PLAIN) -> str:
        """The figure of the differences as an SVG file."""
        return draw_figure(self, edition)

    def to_terminal(self, width: int) -> RenderableType:
        """What a terminal of this width shows."""
        return render_audit(self, width=width)

"""The audit that users hold: its results, and the ways to show them."""

import html
import io
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult

from evenhand.audits.csv import render_csv
from evenhand.audits.html import render_html
from evenhand.audits.result import Result
from evenhand.audits.terminal import render_audit
from evenhand.pages.caveats import inert


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit(Result):
    """Verdicts about the groups of a table under one metric.

    Prints as a table, also in notebooks; `to_dict`, `to_json`, `to_csv` and `to_html` give the
    other forms, and `from_dict` the way back.
    """

    def to_csv(self) -> str:
        """One row a group, as comma-separated values."""
        return render_csv(self)

    def to_html(self) -> str:
        """A report in one self-contained HTML file."""
        return render_html(self)

    def __str__(self) -> str:
        text = io.StringIO()
        Console(file=text, width=110, highlight=False, color_system=None).print(self)
        return text.getvalue()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        del console
        yield render_audit(inert(self), width=options.max_width)

    def _repr_html_(self) -> str:
        # A frame of its own keeps the report's style out of the notebook's.
        page = html.escape(self.to_html(), quote=True)
        return f'<iframe srcdoc="{page}" style="width:100%;height:40em;border:0" title="Audit"></iframe>'

"""The holder of an answer: what makes a result show itself at a terminal, in a notebook, and as a page."""

import html
import io
from importlib import import_module
from typing import Any, ClassVar

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

from evenhand.pages.caveats import inert
from evenhand.pages.edition import PLAIN, Edition
from evenhand.results.protocol import Result

#: Width of an answer as text.
WIDTH = 110


class Shown(Result):
    """An answer that prints as tables, also in notebooks, and makes a page and a figure of itself.

    How is in its room: ``figures`` (`render_html`, `draw_figure`) and ``terminal`` (`render_terminal`) are loaded
    by name when something is shown, so that who wants JSON loads neither.

    Attributes
    ----------
    ROOM : str
        The package of the room.
    """

    __slots__ = ()
    ROOM: ClassVar[str]

    @classmethod
    def drawn_by(cls, module: str) -> Any:
        """A module of the room."""
        return import_module(f"{cls.ROOM}.{module}")

    def to_html(self, edition: Edition = PLAIN) -> str:
        """A report in one self-contained HTML file."""
        return str(self.drawn_by("figures").render_html(self, edition=edition))

    def to_figure(self, edition: Edition = PLAIN) -> str:
        """The figure of the differences as an SVG file; `pages.picture.to_png` makes a PNG of it."""
        return str(self.drawn_by("figures").draw_figure(self, edition=edition))

    def to_terminal(self, width: int) -> RenderableType:
        """What a terminal of this width shows."""
        shown: RenderableType = self.drawn_by("terminal").render_terminal(self, width=width)
        return shown

    def __str__(self) -> str:
        text = io.StringIO()
        Console(file=text, width=WIDTH, highlight=False, color_system=None).print(self)
        return text.getvalue()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        del console
        yield type(self).to_terminal(inert(self), options.max_width)

    def _repr_html_(self) -> str:
        # A frame of its own keeps the report's style out of the notebook's.
        page, title = html.escape(self.to_html(), quote=True), type(self).__name__
        return f'<iframe srcdoc="{page}" style="width:100%;height:40em;border:0" title="{title}"></iframe>'

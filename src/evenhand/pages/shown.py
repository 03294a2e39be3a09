"""The holder of an answer: what makes a result show itself at a terminal, in a notebook, and as a page."""

import html
import io
from abc import ABC, abstractmethod

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

from evenhand.pages.caveats import inert
from evenhand.pages.edition import PLAIN, Edition
from evenhand.results.protocol import Answer

#: Width of an answer as text.
WIDTH = 110


class Shown(Answer, ABC):
    """An answer that prints as tables, also in notebooks, and makes a page of itself."""

    __slots__ = ()

    @abstractmethod
    def to_html(self, edition: Edition = PLAIN) -> str:
        """A report in one self-contained HTML file."""

    @abstractmethod
    def to_figure(self, edition: Edition = PLAIN) -> str:
        """The figure of the differences as an SVG file; `pages.picture.to_png` makes a PNG of it."""

    @abstractmethod
    def to_terminal(self, width: int) -> RenderableType:
        """What a terminal of this width shows."""

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

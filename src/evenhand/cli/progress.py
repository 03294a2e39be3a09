"""Bars of long work, on the error output and only where a person looks."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, Self

from evenhand.deferred import Deferred

#: Where no terminal is, there is no bar, and nothing is loaded for one.
_PROGRESS, _CONSOLE = Deferred("rich.progress"), Deferred("rich.console")


class ProgressBar(Protocol):
    """What commands ask of a bar."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
    def add_task(self, description: str, *, total: float | None, visible: bool = True) -> Any:
        """Begin; what it gives is given back to `update`."""
        ...

    def update(self, task: Any, **changes: Any) -> None:
        """Show how far it is."""
        ...


class NoBar:
    """A bar that nobody sees."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def add_task(self, description: str, *, total: float | None, visible: bool = True) -> None:
        """Nothing to begin."""

    def update(self, task: Any, **changes: Any) -> None:
        """Nothing to show."""


def new_bar(*columns: str) -> ProgressBar:
    """A bar that leaves nothing behind, and is not there where no terminal is.

    Parameters
    ----------
    columns : str
        Names of rich's columns to the right of the bar.
    """
    if not sys.stderr.isatty():
        return NoBar()
    bar: ProgressBar = _PROGRESS.Progress(
        _PROGRESS.TextColumn("{task.description}", markup=False),
        _PROGRESS.BarColumn(),
        *(getattr(_PROGRESS, name)() for name in columns),
        console=_CONSOLE.Console(stderr=True),
        transient=True,
    )
    return bar


@contextmanager
def progress_bar(doing: str) -> Iterator[Callable[..., None]]:
    """A bar that is told ``(done, of, what)``."""
    bar = new_bar("MofNCompleteColumn", "TimeElapsedColumn")
    task = bar.add_task(doing, total=None)

    def report(done: int, total: int | None, what: str = doing) -> None:
        bar.update(task, description=what, completed=done, total=total)

    with bar:
        yield report


@contextmanager
def counting_bar(doing: str) -> Iterator[Callable[[int], None]]:
    """A bar of rows, shown once there are some, that is told how many more are done."""
    bar = new_bar("MofNCompleteColumn", "TimeElapsedColumn")
    task = bar.add_task(doing, total=None, visible=False)

    def advance(rows: int) -> None:
        bar.update(task, advance=rows, visible=True)

    with bar:
        yield advance

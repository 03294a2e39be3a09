"""Bars of long work, on the error output and only where a person looks."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)


def new_bar(*columns: ProgressColumn) -> Progress:
    """A bar that leaves nothing behind, and is not there where no terminal is."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        *columns,
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )


@contextmanager
def progress_bar(doing: str) -> Iterator[Callable[..., None]]:
    """A bar that is told ``(done, of, what)``."""
    bar = new_bar(MofNCompleteColumn(), TimeElapsedColumn())
    task = bar.add_task(doing, total=None)

    def report(done: int, total: int | None, what: str = doing) -> None:
        bar.update(task, description=what, completed=done, total=total)

    with bar:
        yield report


@contextmanager
def counting_bar(doing: str) -> Iterator[Callable[[int], None]]:
    """A bar of rows, shown once there are some, that is told how many more are done."""
    bar = new_bar(MofNCompleteColumn(), TimeElapsedColumn())
    task = bar.add_task(doing, total=None, visible=False)

    def advance(rows: int) -> None:
        bar.update(task, advance=rows, visible=True)

    with bar:
        yield advance

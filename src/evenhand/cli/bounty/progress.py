"""A progress bar for verbs that take their time."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


@contextmanager
def progress_bar(doing: str) -> Iterator[Callable[..., None]]:
    """A progress bar that is told ``(done, of, what)``."""
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    task = bar.add_task(doing, total=None)

    def report(done: int, total: int | None, what: str = doing) -> None:
        bar.update(task, description=what, completed=done, total=total)

    with bar:
        yield report

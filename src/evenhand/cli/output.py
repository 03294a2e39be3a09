"""What commands print and write: answers for people and for programs."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from evenhand.cli.drawing import check_figure, write_figure
from evenhand.cli.options import Output, Reading
from evenhand.errors import InputError
from evenhand.pages.edition import Edition
from evenhand.pages.shown import Shown
from evenhand.pages.table import Table
from evenhand.pages.terminal import lay_out
from evenhand.records.output import check_outputs, input_files, write_text


def check_printed(output: Output, *, csv: bool) -> None:
    """Refuse two things that would both be printed."""
    if output.json and csv:
        raise InputError("--json and --csv cannot both go to the output.  Choose one.")


def show(answers: Sequence[Shown], output: Output, *, opening: Table | None = None) -> None:
    """Print answers, after what stands before all of them, and name their report where one was asked for."""
    if output.json:
        texts = [answer.to_json() for answer in answers]
        print(texts[0] if len(texts) == 1 else "[" + ",\n".join(texts) + "]")
        return
    console = Console(highlight=False)
    if opening is not None:
        console.print(lay_out(opening, console.width), Text())
    for place, answer in enumerate(answers):
        if place:
            console.print()
        console.print(answer)
    for called, path in (("Report", output.html), ("Figure", output.figure)):
        if path is not None:
            console.print(f"{called}: {path}", style="bold", markup=False, soft_wrap=True)


def check_files(
    table: str,
    reading: Reading,
    output: Output,
    *outputs: tuple[str, Path | None],
    others: Sequence[str] = (),
) -> None:
    """Refuse files that cannot be written, or would replace something of worth, before the work."""
    read = [path for name in (table, *others) for path in input_files(name)]
    check_written([*read, *reading.joined], output, *outputs)


def check_written(read: Sequence[Path], output: Output, *outputs: tuple[str, Path | None]) -> None:
    """The same, of files that are read and are known."""
    check_outputs([*output.files, *outputs], read, force=output.force)
    if output.html is None and output.figure is None:
        for option in ("title", "note", "labels"):
            if getattr(output, option) is not None:
                raise InputError(f"--{option} is for a report.  Add --html FILE.")
    check_figure(output.figure)


def write_files(found: Shown, page: str | None, output: Output, edition: Edition) -> None:
    """Write the page and the figure of an answer, where they were asked for."""
    if output.html is not None and page is not None:
        write_text(output.html, page)
    if output.figure is not None:
        write_figure(output.figure, found.to_figure(edition))

"""What commands print and write: answers for people and for programs."""

from collections.abc import Sequence

from rich.console import Console

from evenhand.cli.options import Output
from evenhand.pages.shown import Shown
from evenhand.records.output import write_text


def show(answers: Sequence[Shown], output: Output) -> None:
    """Print answers, and name their report where one was asked for."""
    if output.json:
        texts = [answer.to_json() for answer in answers]
        print(texts[0] if len(texts) == 1 else "[" + ",\n".join(texts) + "]")
        return
    console = Console(highlight=False)
    for answer in answers:
        console.print(answer)
    if output.html is not None:
        console.print(f"Report: {output.html}", style="bold", markup=False, soft_wrap=True)


def write_report(page: str | None, output: Output) -> None:
    """Write the page of an answer, where one was asked for."""
    if output.html is not None and page is not None:
        write_text(output.html, page)

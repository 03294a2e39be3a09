"""The live demo in the terminal: how far it is, what it found, and where its report is."""

import sys
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from evenhand.cli.drawing import write_figure
from evenhand.cli.lines import ready
from evenhand.cli.progress import new_bar
from evenhand.demos.figures import commands, draw_figure, render_html
from evenhand.demos.live import run_live
from evenhand.demos.story import CONDITIONS, Story, points
from evenhand.errors import EXIT_INTERRUPTED
from evenhand.pages import numbers
from evenhand.pages.table import Table, TableColumn, table_of
from evenhand.pages.terminal import lay_out
from evenhand.records.output import write_text
from evenhand.trials import InterruptedTrial


def run_demo(console: Console, html: Path, figure: Path | None = None) -> int:
    """Run the trial, tell what it found, and write the report and a figure where one is asked for; exit code."""
    records = html.with_suffix(".parquet")
    console.print("\nOne to two minutes on two free cores; after Ctrl-C the same command goes on.")
    bar = new_bar("MofNCompleteColumn", "TimeRemainingColumn")
    task = bar.add_task("utterances", total=None)
    try:
        with bar:
            story = run_live(records, tell=lambda n, most: bar.update(task, advance=n, total=most))
    except InterruptedTrial as interruption:
        print(interruption, file=sys.stderr)
        return EXIT_INTERRUPTED
    _show(console, story)
    write_text(html, render_html(story))
    if figure is not None:
        write_figure(figure, draw_figure(story))
        console.print(f"\nFigure: {figure}", markup=False, soft_wrap=True)
    go_on = map(ready, commands(story))
    console.print("\nAsk the records yourself:", *go_on, sep="\n", markup=False, soft_wrap=True)
    console.print(f"\nOpen the report: [bold]{html.resolve().as_uri()}[/bold]", soft_wrap=True)
    return 0


def _show(console: Console, story: Story) -> None:
    for number, (title, sentence) in enumerate(story.sentences, 1):
        console.print(f"\n[bold]{number}. {escape(title)}[/bold]: {escape(sentence)}")
    console.print(
        "\nWord error rate by voice; what the alarm costs it beyond the others, and the notch's gain, in points:"
    )
    console.print(lay_out(_table(story), console.width))


def _table(story: Story) -> Table:
    names = [name for name in CONDITIONS if name in story.lines[0].rates]
    heads = [name.replace("_", " + ") for name in names]
    columns = [TableColumn(head="voice", left=True, fold=True)]
    columns += [TableColumn(head=head) for head in (*heads, "beyond others", "gain")]
    rows = []
    for line in story.lines:
        rates = (numbers.share(line.rates[name]) for name in names)
        gain = "–" if line.gain.value is None else numbers.points(line.gain.value, in_points=True)
        rows.append([line.voice, *rates, points(line.beyond), gain])
    return table_of("voices", columns, rows)

"""``evenhand demo``: a trial that runs here, or an audit of records that come with the package."""

from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown

from evenhand.audits import Audit, audit
from evenhand.cli.drawing import check_figure, write_figure
from evenhand.cli.kinds import Flag
from evenhand.cli.lines import ready
from evenhand.deferred import Deferred
from evenhand.demos import absent_packages, find_data, read_artie, ward_commands
from evenhand.records.output import check_outputs, write_text

#: Trials take 0.4 s to import.
_LIVE = Deferred("evenhand.cli.live_demo")
_CONDITIONS = (
    ("1. A quiet room", "condition = 'quiet' AND engine = 'flite'"),
    (
        "2. The same voices and sentences, beside equipment that beeps",
        "condition = 'tone_12hz' AND engine = 'flite'",
    ),
)
_GO_ON = (
    "evenhand demo --records ward_commands.csv",
    "evenhand audit ward_commands.csv --metric 'wer(reference, hypothesis)' --by voice --unit sentence",
)
_METRIC = "wer(reference=reference, hypothesis=hypothesis)"


def demo(
    *,
    html: Path = Path("evenhand-demo.html"),
    figure: Path | None = None,
    live: bool | None = None,
    records: Path | None = None,
    force: Flag = False,
) -> int:
    """Find the noise that harms a speech recogniser, who pays for it, and what a filter mends.

    With the extra evenhand[demo] a trial runs here, in one to two minutes on two cores; its records
    and answers are kept beside the report. Without it, records that come with the package are
    audited.

    Parameters
    ----------
    html
        Where to write the report.
    figure
        Write what was found to this file too: .svg, or .png with the extra png.
    live
        Run the trial here, or do not; where neither is said, it runs if the extra is installed.
    records
        Only copy the records that come with the package to this file, to audit them yourself.
    force
        Replace output files that Evenhand did not make; never one that this run reads.
    """
    console = Console(highlight=False)
    if records is not None:
        text = ward_commands().read_text(encoding="utf-8")
        kept = records.is_file() and records.read_bytes() == text.encode()
        check_outputs([("--records", records)], [ward_commands()], force=force or kept)
        write_text(records, text)
        console.print(f"Records: {records}", markup=False, soft_wrap=True)
        return 0
    absent = absent_packages()
    live = not absent if live is None else live
    beside = [("the records", html.with_suffix(end)) for end in (".parquet", ".sweep.parquet")]
    outputs = [("--html", html), ("--figure", figure), *(beside if live else [])]
    check_outputs(outputs, [], force=force)
    check_figure(figure)
    if live:
        console.print(Markdown(_text("live.md")))
        return int(_LIVE.run_demo(console, html, figure))
    report = _show_ward(console)
    folder = find_data("artie")
    if folder is not None:
        report = _show_artie(console, folder)
    write_text(html, report.to_html())
    if figure is not None:
        write_figure(figure, report.to_figure())
        console.print(f"Figure: {figure}", markup=False, soft_wrap=True)
    if absent:
        console.print("\nTo run the trial itself: pip install 'evenhand[demo]'", markup=False)
    go_on = map(ready, _GO_ON)
    console.print("\nGo on:", *go_on, sep="\n", markup=False, soft_wrap=True)
    console.print(f"\nOpen the report: [bold]{html.resolve().as_uri()}[/bold]", soft_wrap=True)
    return 0


def _show_ward(console: Console) -> Audit:
    """Two conditions of the same voices and sentences: quiet, and a scanner's tone."""
    path = ward_commands()
    console.print(Markdown(_text("ward.md")))
    for title, where in _CONDITIONS:
        console.print(f"\n[bold underline]{title}[/bold underline]")
        result = audit(str(path), metric=_METRIC, by="voice", unit="sentence", where=where)
        console.print(result)
    return result


def _show_artie(console: Console, folder: Path) -> Audit:
    console.print(
        f"\n[bold underline]3. Real people: the Artie Bias Corpus in {folder}[/bold underline]"
    )
    result = audit(
        read_artie(folder),
        metric="wer(reference=sentence, hypothesis=transcript)",
        by=["accent", "gender"],
        unit="client_id",
    )
    console.print(result)
    return result


def _text(name: str) -> str:
    return (Path(__file__).parent / "texts" / name).read_text(encoding="utf-8")

"""``evenhand demo``: an audit of records that come with the package, without network or data."""

from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown

from evenhand.audits import Audit, audit
from evenhand.demos import find_data, read_artie, ward_commands
from evenhand.errors import InputError

_CONDITIONS = (
    ("1. A quiet room", "condition = 'quiet' AND engine = 'flite'"),
    (
        "2. The same voices and sentences, beside equipment that beeps",
        "condition = 'tone_12hz' AND engine = 'flite'",
    ),
)
_METRIC = "wer(reference=reference, hypothesis=hypothesis)"


def demo(*, html: Path = Path("evenhand-demo.html")) -> None:
    """Audit records that come with the package.

    Parameters
    ----------
    html
        Where to write the report.
    """
    console = Console(highlight=False)
    report = _show_ward(console)
    folder = find_data("artie")
    if folder is not None:
        report = _show_artie(console, folder)
    try:
        html.write_text(report.to_html(), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{html} cannot be written: {error.strerror}.") from error
    console.print(f"\nOpen the report: [bold]{html.resolve().as_uri()}[/bold]")


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

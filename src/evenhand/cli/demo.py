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


def demo(*, html: Path = Path("evenhand-demo.html"), records: Path | None = None) -> None:
    """Audit records that come with the package.

    Parameters
    ----------
    html
        Where to write the report.
    records
        Only copy the records to this file, to audit them yourself.
    """
    console = Console(highlight=False)
    if records is not None:
        _write(records, ward_commands().read_text(encoding="utf-8"))
        console.print(f"Records: {records}", markup=False)
        return
    report = _show_ward(console)
    folder = find_data("artie")
    if folder is not None:
        report = _show_artie(console, folder)
    _write(html, report.to_html())
    console.print(f"\nOpen the report: [bold]{html.resolve().as_uri()}[/bold]")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from error


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

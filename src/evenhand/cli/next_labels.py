"""``evenhand next-labels``: which rows people should label next, with the weights that undo the choice."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from evenhand.cli.kinds import Flag, Several
from evenhand.cli.lines import say
from evenhand.cli.options import Reading
from evenhand.errors import InputError
from evenhand.lastmile.next_labels import LabelDraw, draw_labels
from evenhand.pages.numbers import percent, plural, rate
from evenhand.records import MISSING_VALUES
from evenhand.records.output import check_outputs, input_files, write_file

#: What files of rows are called.
_ENDINGS = (".csv", ".parquet")


def next_labels(
    table: str,
    /,
    *,
    score: str,
    number: int,
    out: Path,
    uniform: float = 0.2,
    weight: str = "weight",
    seed: int = 0,
    where: str | None = None,
    missing: Several = MISSING_VALUES,
    columns: str | None = None,
    read: str | None = None,
    with_: Annotated[Several, Parameter(name="--with")] = (),
    on: Several = (),
    force: Flag = False,
    json: Flag = False,
) -> None:
    """Draw rows for people to label: more often those that say more of a rate, each with the weight that undoes it.

    Parameters
    ----------
    table
        Path, glob or URL of the records.
    score
        Column of a judge's probability, 0 to 1, that a row counts in the rate: that it is wrong.
    number
        Rows to draw.
    out
        File to write them to, .csv or .parquet, with all their columns and their weight.
    uniform
        Share of the draw that is at random whatever the judge says, above 0: it keeps the weights bounded.
    weight
        Name of the column of weights, of which the table has none yet.
    seed
        Of the draw: the same seed draws the same rows.
    where
        Draw only from rows that satisfy this predicate, for example "label IS NULL".
    missing
        A text that means missing; may be repeated and replaces the usual list.
    columns
        What columns hold where you know better: 'doubt=number, code=text, when=date:%d/%m/%Y'.
    read
        The tool whose log the table is, such as inspect or lm-eval, where its content does not tell.
    with_
        A file whose columns are joined to the rows, such as the judge's probabilities; may be repeated.
    on
        Column by which it is joined, such as call, or id=file where the file calls it otherwise; may be repeated.
    force
        Replace a file even where Evenhand did not write it.
    json
        Print JSON.
    """
    if out.suffix not in _ENDINGS:
        raise InputError(f"--out is {out}, but must end in {' or '.join(_ENDINGS)}.")
    reading = Reading(where=where, missing=missing, columns=columns, read=read, with_=with_, on=on)
    check_outputs([("--out", out)], [*input_files(table), *reading.joined], force=force)
    drawn, told = draw_labels(
        reading.table(table),
        score,
        number,
        uniform=uniform,
        where=where,
        weight=weight,
        seed=seed,
        missing_values=missing,
        columns=reading.given()["columns"],
        file=str(out),
    )
    write_file(out, lambda beside: _fill(beside, drawn, out.suffix))
    if json:
        print(told.to_json())
        return
    say(*_sentences(told))


def _fill(beside: Path, drawn: object, ending: str) -> None:
    if ending == ".csv":
        from pyarrow import csv  # noqa: PLC0415 - only what is written is loaded

        csv.write_csv(drawn, beside)
    else:
        from pyarrow import parquet  # noqa: PLC0415

        parquet.write_table(drawn, beside)


def _sentences(told: LabelDraw) -> Iterator[str]:
    of = f" that satisfy {told.where}" if told.where else ""
    least, greatest = rate(told.least), rate(told.greatest)
    spread = (
        f"each stands for {least}"
        if least == greatest
        else f"one stands for {least} to {greatest} of them"
    )
    yield (
        f"{told.file}: {told.number:,} of {plural(told.rows, 'row')}{of} of {told.source} to be labelled; {spread} "
        f"(column {told.weight})."
    )
    if told.certain:
        yield f"{plural(told.certain, 'row')} would be in every draw."
    yield (
        f"{percent(told.uniform)} of the draw is at random.  Were the judge to say nothing at all, these labels would "
        f"still be worth {told.effective:,.0f} drawn alike."
    )
    yield (
        f"Have people label them in a new column, then audit {told.file} with --weight {told.weight}: the weighted "
        "rate is that of all rows."
    )

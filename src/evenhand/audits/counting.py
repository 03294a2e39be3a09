"""Counting without judging: a cube of records, cubes added, and one brought up to date."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from evenhand.audits.measured import counted_now, measure_rows, premises_of_rows, without_rows
from evenhand.cubes import CountedRecords, merge_all, read_cube, write_cube
from evenhand.cubes.counted import common_kind
from evenhand.errors import InputError
from evenhand.groups import parse_partitions, parse_predicate
from evenhand.metrics import Metric, parse_metric
from evenhand.metrics.inputs import has_values
from evenhand.metrics.weights import Weighting
from evenhand.questions.keywords import tells_options
from evenhand.questions.opening import opened
from evenhand.questions.options import check_choices, check_texts
from evenhand.questions.premises import explained
from evenhand.questions.question import (
    By,
    Question,
    bound_metric,
    check_metrics,
    check_rows,
    directions,
    has_rows,
    read_question,
    unit_columns,
)
from evenhand.records import MISSING_VALUES, Kind, Records, find_column, find_files, holds_counts
from evenhand.records.column_types import parse_declared
from evenhand.records.declarations import columns_option
from evenhand.records.output import input_files


@tells_options
def count_cube(
    table: Any,
    metrics: str | Metric | Sequence[str | Metric],
    by: By,
    *,
    unit: str | Sequence[str] | None = None,
    weight: str | None = None,
    stratum: str | None = None,
    where: str | None = None,
    worse: str | None = None,
    bins: Mapping[str, int | Sequence[float]] | None = None,
    missing_values: Sequence[str] = MISSING_VALUES,
    columns: str | Mapping[str, str] | None = None,
    progress: Callable[[int], None] | None = None,
) -> CountedRecords:
    """Count a table once, to be audited as often as one likes, added to others, and kept without its rows.

    Parameters
    ----------
    table : str, Path or data frame
        As in `evenhand.audit`.
    metrics : str, Metric or sequence of them
        What is counted.
    by : str or sequence
        What cells are told apart by; whoever reads the cube can ask for these groups, for some of them, and for
        predicates on them.
    unit, weight, stratum, where, worse, bins, missing_values, columns, progress
        As in `evenhand.audit`.

    Returns
    -------
    CountedRecords
        What `evenhand.audit` takes in place of a table; `write_cube` writes it to a file.

    Raises
    ------
    InputError
        For anything that must be changed first; all faults of a file come together.

    Notes
    -----
    A cube holds the counts of small cells too, and the names of units.  It is as confidential as the records.

    Examples
    --------
    >>> import pyarrow as pa, evenhand
    >>> table = pa.table({"site": ["a"] * 50 + ["b"] * 50, "wrong": [0] * 45 + [1] * 5 + [0] * 20 + [1] * 30})
    >>> cube = evenhand.count_cube(table, "mean(wrong)", by="site", worse="higher")
    >>> result = evenhand.audit(cube)
    >>> [(group.label, group.estimate.value, group.verdict) for group in result.groups]
    [('b', 0.6, 'worse'), ('a', 0.1, 'not worse')]
    """
    check_texts({"where": where, "weight": weight, "stratum": stratum})
    weighting = Weighting(weight=weight, stratum=stratum)
    check_choices({"worse": worse})
    asked = [metrics] if isinstance(metrics, str | Metric) else list(metrics)
    with opened(
        table, columns=columns, missing_values=missing_values, progress=progress
    ) as records:
        check_metrics(asked)
        check_rows(records)
        units = unit_columns(unit)
        question = read_question(
            records, by, units=units, where=where, bins=bins, weighting=weighting
        )
        bound = [bound_metric(metric, records) for metric in asked]
        # Who only counts need not say what harm is.
        open_ = any(metric.definition.higher_is_worse is None for metric in bound) and worse is None
        own = [metric.definition.higher_is_worse for metric in bound]
        return _counted(question, bound, own if open_ else directions(bound, worse))


def _counted(
    question: Question, metrics: Sequence[Metric], higher: Sequence[bool | None]
) -> CountedRecords:
    premises = premises_of_rows(question, metrics, few=0)
    with explained(premises, metrics, question.records):
        measured = measure_rows(question, metrics, premises, few=0, as_written=True)
    return counted_now(question, metrics, measured, higher)


def merge_cubes(
    cubes: str | Path | CountedRecords | Sequence[str | Path | CountedRecords],
) -> CountedRecords:
    """Add cubes of other days, shards or customers, wherever each was counted.

    Parameters
    ----------
    cubes : sequence of str, Path or CountedRecords
        Files that `write_cube` wrote, globs of them, or what `count_cube` gave.

    Raises
    ------
    InputError
        Where there is none, two count different things, or two count the same records.
    """
    if not isinstance(cubes, str | Path | CountedRecords | Iterable):
        raise InputError(f"cubes is {cubes!r:.40}, but must be cubes or the paths of their files.")
    given = [cubes] if isinstance(cubes, str | Path | CountedRecords) else list(cubes)
    counted = [id(one) for one in given if isinstance(one, CountedRecords)]
    if len(set(counted)) < len(counted):
        raise InputError(
            "One cube is given twice.  Added, its rows would count twice: leave one out."
        )
    return merge_all(cube for one in given for cube in _cubes_of(one))


def _cubes_of(given: str | Path | CountedRecords) -> Iterator[CountedRecords]:
    """A cube, or those of the files that a path or glob names."""
    if isinstance(given, CountedRecords):
        yield given
    elif isinstance(given, str | Path):
        yield from map(read_cube, sorted(input_files(str(given))) or [Path(given)])
    else:
        raise InputError(
            f"{given!r:.40} is no cube.  Give files that write_cube wrote, or what count_cube gave."
        )


def update_cube(
    cube: str | Path | CountedRecords,
    table: str | Path,
    *,
    keep: str | Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> CountedRecords:
    """Count the files that a cube does not count yet, and add them; only these are read.

    Parameters
    ----------
    cube : str, Path or CountedRecords
        What was counted before.
    table : str or Path
        Path or glob of files.
    keep : str or Path, optional
        File to write the sum to; also when a file cannot be counted or the work is interrupted, what was counted until
        then, so that the next update goes on from there.
    progress : callable, optional
        Told the number of rows done while transcripts are scored.

    Returns
    -------
    CountedRecords
        The sum; where no file is new, what was counted before.

    Raises
    ------
    InputError
        Where a file that was counted holds something else by now, or counts other things than the rest.

    Notes
    -----
    Files are known by the SHA-256 of their bytes, whatever they are called.  Cut points stay those of the cube.
    """
    before = cube if isinstance(cube, CountedRecords) else read_cube(cube)
    if len({source.where for source in before.sources}) > 1:
        raise InputError(
            f"{before.name} counts its files by several filters ({before.where}), so that it is open which are meant "
            "for new files.  Count them by themselves, and add the cubes."
        )
    for code, option in (("label_origin", "--origin"), ("counts_unfolded", "--counts")):
        if any(note.code == code for note in before.notes):
            raise InputError(
                f"{before.name} was counted with {option}, of which an update knows nothing.  Count the new files by "
                f"themselves (evenhand cube count … {option} …), and add the cubes (evenhand cube merge)."
            )
    if not isinstance(table, str | Path):
        raise InputError(
            f"table is a {type(table).__name__}, but an update reads files: a path or a glob of them.  Count it with "
            "count_cube, and add it with merge_cubes."
        )
    files = [path for path in find_files(str(table)) if not _is_itself(path, before)]
    total = before
    try:
        for path in before.unseen(files):
            total = replace(
                merge_all([total, _counted_alike(before, path, progress)]), path=before.path
            )
    finally:
        if keep is not None and total is not before:
            write_cube(total, keep)
    return total


def _is_itself(path: Path, cube: CountedRecords) -> bool:
    """Whether a file is the cube that is brought up to date; another cube is refused."""
    if not holds_counts(path):
        return False
    if cube.path is not None and path.samefile(cube.path):
        return True
    raise InputError(
        f"{path} is a cube: it holds counts, and an update reads rows.  Add it: "
        f"evenhand cube merge {cube.path or 'CUBE'} {path} --out FILE"
    )


def _counted_alike(
    before: CountedRecords, path: Path, progress: Callable[[int], None] | None
) -> CountedRecords:
    """One more file, counted as the others were; one without a row to count adds none, and is known from then on."""
    with _opened_alike(before, path, progress) as records:
        kept = (
            parse_predicate(before.where, records.columns, label="where") if before.where else None
        )
        question = Question(
            records=records,
            attributes=before.attributes,
            partitions=parse_partitions(before.by, records.columns)[1],
            units=before.units,
            where=kept,
            weighting=Weighting(weight=before.weight, stratum=before.stratum),
        )
        if not has_rows(records, kept):
            return without_rows(before, question)
        metrics = [parse_metric(metric.text, records.columns) for metric in before.metrics]
        higher = [metric.higher_is_worse for metric in before.metrics]
        return _counted(question, metrics, higher)


@contextmanager
def _opened_alike(
    before: CountedRecords, path: Path, progress: Callable[[int], None] | None
) -> Iterator[Records]:
    """A file, its columns read as what they were in what was counted before."""
    declared = parse_declared(before.declared or None)
    options: dict[str, Any] = {"missing_values": before.missing_values, "progress": progress}
    with opened(path, columns=declared, **options) as records:
        other = _other_kinds(before, path, records)
        if not other:
            yield records
    if other:
        with opened(path, columns={**declared, **other}, **options) as records:
            yield records


def _other_kinds(before: CountedRecords, path: Path, records: Records) -> dict[str, str]:
    """Columns to be read as another kind: those without a value, and whole numbers among numbers.

    Raises
    ------
    InputError
        Where a column cannot be.
    """
    out = {}
    for column in before.columns:
        found = find_column(column.name, records.columns).kind
        if found is column.kind:
            continue
        among = found is Kind.INTEGER and column.kind is Kind.NUMBER
        if not among and has_values(records, column.name):
            kind = common_kind(found, column.kind)
            raise InputError(
                f"{column.name} holds {found} values in {path}, and {column.kind} values in what was counted before.  "
                f"Count all anew and say what it is: {columns_option(column.name, kind)}"
            )
        out[column.name] = str(column.kind)
    return out

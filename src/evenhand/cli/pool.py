"""``evenhand pool``: groups at several customers, from their cubes, never from rows."""

from collections.abc import Sequence
from pathlib import Path

from evenhand.cli.kinds import Flag, Row, Several
from evenhand.cli.lines import say, written_command
from evenhand.cli.options import Output
from evenhand.cli.output import check_printed, check_written, show, write_files
from evenhand.cli.progress import progress_bar
from evenhand.errors import InputError, unknown_name
from evenhand.pooling import pool as pool_customers
from evenhand.records.output import check_outputs, input_files, write_text

#: Bytes of a name that names a file.
_LONGEST = 200


def pool(
    *cubes: Path,
    metric: str | None = None,
    by: Several = (),
    names: Row = (),
    where: str | None = None,
    level: float = 0.95,
    min_units: int = 5,
    worse: str | None = None,
    only: str | None = None,
    back: Path | None = None,
    csv: Flag = False,
    output: Output = Output(),
) -> None:
    """Estimate groups at each of several customers, borrowing from the others' counts.

    Parameters
    ----------
    cubes
        One file a customer, as evenhand cube share writes them, or globs of them.
    metric
        Which of the metrics that were counted; needed where there are several.
    by
        Attributes whose crossing makes the groups; those that were counted.
    names
        What the customers are called, in the order of the files; else the files' names.
    where
        Cells to read, for example "site = 'north'".
    level
        Confidence of each interval by itself.
    min_units
        Units that an interval needs.
    worse
        Direction of harm, higher or lower, where it is not the metric's own.
    only
        Show what one customer gets back: its own groups and what is usual.
    back
        A folder in which what each customer gets back is written, a JSON file each.
    csv
        Print comma-separated values: a line a customer and group.
    """
    check_printed(output, csv=csv)
    if not cubes:
        raise InputError(
            "There is no cube.  Name files: evenhand pool north.cube south.cube east.cube"
        )
    # What names nothing stays, so that it is told by its name.
    files = [path for given in cubes for path in input_files(str(given)) or [given]]
    check_written(files, output)
    edition = output.edition()
    with progress_bar("reading") as advance:
        found = pool_customers(
            files,
            metric,
            by or None,
            names=names or None,
            where=where,
            level=level,
            min_units=min_units,
            worse=worse,
            command=written_command(),
            progress=advance,
        )
    told = [one.name for one in found.customers]
    if only is not None and only not in told:
        raise InputError(unknown_name("customer", only, told))
    if back is not None:
        places = {name: back / f"{name}.json" for name in told}
        _check_names(told)
        try:
            back.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"--back is {str(back)!r}, which cannot be a folder: {error.strerror}."
            ) from error
        check_outputs([("--back", place) for place in places.values()], files, force=output.force)
        for name, place in places.items():
            text = found.for_customer(name).to_json()
            write_text(place, text)
    if only is not None:
        found = found.for_customer(only)
    write_files(found, None if output.html is None else found.to_html(edition), output, edition)
    if csv:
        print(found.to_csv(), end="")
    else:
        show([found], output)
    if back is not None and not output.json and not csv:
        say(f"What each customer gets back is in {back}.")


def _check_names(names: Sequence[str]) -> None:
    """Names that are to name files, each another one, in the folder itself."""
    for name in names:
        if not name.isprintable() or len(name.encode()) > _LONGEST or set(name) & set("/\\:"):
            raise InputError(
                f"--back writes a file for each customer, and {name!r} cannot name one.  Name it with --names, "
                "without / and \\ and :."
            )
    folded = [name.casefold() for name in names]
    for name, one in zip(names, folded, strict=True):
        if folded.count(one) > 1:
            raise InputError(
                f"--back writes a file for each customer, and {name!r} differs from another in capitals alone, which "
                "are one file for some systems.  Name them with --names."
            )

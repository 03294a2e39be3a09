"""Watches that users ask for: tables taken in one after the other, alarms told."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evenhand.errors import InputError
from evenhand.metrics import Metric
from evenhand.pages.numbers import listed
from evenhand.questions.command import write_command
from evenhand.questions.keywords import tells_options
from evenhand.questions.options import (
    NUMBERS,
    Allowed,
    check_choices,
    check_numbers,
    check_texts,
    plain,
    plain_bins,
    whole,
)
from evenhand.questions.question import By
from evenhand.records import MISSING_VALUES, find_files
from evenhand.watching.result import Watch
from evenhand.watching.settling import check_note
from evenhand.watching.state import WatchState
from evenhand.watching.taking import Watcher, WatchQuestion

_NUMBERS = {
    "level": NUMBERS["level"],
    "threshold": Allowed(least=-1e300, below=1e300, words="a finite number"),
    "run_length": Allowed(least=100, below=1e15, words="a number of rows from 100 to 10^15"),
    "groups": whole(1, 5_000),
}
#: What is promised where nothing is said.
_LEVEL, _RUN_LENGTH = 0.95, 100_000
#: Endings of the files of a folder that are read.
ENDINGS = (
    *(f"{kind}{gz}" for kind in (".csv", ".tsv", ".jsonl", ".ndjson") for gz in ("", ".gz")),
    *(".parquet", ".arrow", ".feather", ".json"),
)


@tells_options
def watch(
    tables: Any,
    metric: str | Metric | None = None,
    by: By = (),
    *,
    threshold: float | None = None,
    explain: Sequence[str] = (),
    time: str | None = None,
    unit: str | None = None,
    id: str | None = None,  # noqa: A002 - what the column is called
    state: str | Path | None = None,
    level: float = _LEVEL,
    run_length: float = _RUN_LENGTH,
    groups: int | None = None,
    bounds: tuple[float, float] | None = None,
    worse: str | None = None,
    where: str | None = None,
    bins: Mapping[str, Sequence[float]] | None = None,
    missing_values: Sequence[str] = MISSING_VALUES,
    columns: str | Mapping[str, str] | None = None,
    settle: str | None = None,
    command: str | None = None,
    progress: Callable[[int], None] | None = None,
    on_alarm: Callable[[Watch], None] | None = None,
) -> Watch:
    """Say when a group fares worse than is tolerated, or than it used to; look as often as you like.

    Parameters
    ----------
    tables
        A table as in `evenhand.audit`, a folder of files, or a sequence or iterator of these; taken in one after the
        other.
    metric : str or Metric, optional
        What is watched; with `by` and all else as the state has it, where it was begun and none of it is given.  A
        ratio of sums over rows: `error_rate`, `accuracy`, `mean`, `wer`, `false_negative_rate`, …
    by : str or sequence
        Which groups are watched, beside everyone; they may overlap.
    threshold : float, optional
        Rate that is tolerated.  Without one only changes are looked for.
    explain : sequence of str
        Columns beside those of `by` that may explain what changed in a group after an alarm.
    time : str, optional
        Column of dates or numbers that orders the rows of each table; their order stands without it.  Times that have a
        zone are taken, and told, as those of UTC.
    unit : str, optional
        Column that names what is independent, where units return.
    id : str, optional
        Column that names a row: then labels that come late, again or corrected count once, at their time.
    state : path, optional
        File that keeps the watch; without one all that is known are these tables.
    level : float
        Probability that no group within the threshold is ever called above it.
    run_length : float
        Rows of a group, on average, before a change is told that is none; within n rows the probability is at
        most ``n / run_length``.
    groups : int, optional
        Groups that the level is shared by; as many as the first table has where not given.
    bounds : (float, float), optional
        Range of a row's value, where the metric does not know it.
    worse : {'higher', 'lower'}, optional
        Direction of harm, where it is not the metric's own.
    where, bins, missing_values, columns, command, progress
        As in `evenhand.audit`; bins are edges.
    settle : str, optional
        What was done: the alarms of the state are closed with the first table, as by `evenhand.settle_watch`.
    on_alarm : callable, optional
        Called after each table where there are alarms that were not told yet, with the answer as it is then.  What an
        earlier run kept and was stopped before it told is told by the next.

    Returns
    -------
    Watch
        Its `exit_code` is 0 where it is quiet, 1 with an alarm, 3 where there is too little.

    Raises
    ------
    InputError
        For anything that must be changed first; then nothing of that table was taken in.

    Notes
    -----
    Rows (or, with `unit`, units) are taken for independent of each other while nothing changes.  *Above* is an
    e-process of the rate against the threshold, alarms by Ville's inequality with the level shared among the groups;
    *changed* a Shiryaev-Roberts e-detector against the smallest upper limit of the group's own past.  Sums and these
    are all that is kept, so that it takes no more time after years.  Waudby-Smith & Ramdas (2024),
    doi:10.1093/jrsssb/qkad009; Shin, Ramdas & Rinaldo (2024), doi:10.51387/23-NEJSDS51; which groups at all are above:
    Wang & Ramdas (2022), doi:10.1111/rssb.12489.

    Examples
    --------
    >>> import pyarrow as pa, evenhand
    >>> table = pa.table({"site": ["a", "b"] * 300, "wrong": [0, 0, 0, 1] * 150})
    >>> found = evenhand.watch(table, "mean(wrong)", "site", threshold=0.2, worse="higher")
    >>> [(alarm.group, alarm.kind, alarm.at.n) for alarm in found.alarms]
    [({'site': 'b'}, 'above', 26)]
    """
    if metric is None:
        given = {
            "by": by,
            "threshold": threshold is not None,
            "explain": explain,
            "time": time,
            "unit": unit,
            "id": id,
            "groups": groups is not None,
            "bounds": bounds,
            "worse": worse,
            "where": where,
            "bins": bins,
            "level": level != _LEVEL,
            "run-length": run_length != _RUN_LENGTH,
            "missing": tuple(missing_values) != tuple(MISSING_VALUES),
        }
        known = _kept_question(state, [name for name, one in given.items() if one])
        return watch(
            tables,
            **(known if columns is None else {**known, "columns": columns}),
            state=state,
            settle=settle,
            command=command,
            progress=progress,
            on_alarm=on_alarm,
        )
    numbers: dict[str, Any] = {
        "threshold": plain(threshold),
        "level": plain(level),
        "run_length": plain(run_length),
        "groups": plain(groups),
    }
    check_numbers({name: one for name, one in numbers.items() if one is not None}, _NUMBERS)
    check_texts({"where": where, "time": time, "unit": unit, "id": id})
    check_choices({"worse": worse})
    if settle is not None:
        check_note(settle)
    _check_bounds(bounds)
    for name, edges in plain_bins(bins).items():
        if not isinstance(edges, Sequence):
            raise InputError(
                f"bins of {name!r} are {edges!r}, a number of quantile bins, which each table would cut elsewhere.  "
                "Give their edges."
            )
    asked = WatchQuestion(
        metric=metric,
        by=by,
        explain=(explain,) if isinstance(explain, str) else tuple(explain),
        threshold=numbers["threshold"],
        time=time,
        unit=unit,
        name=id,
        level=numbers["level"],
        run_length=float(numbers["run_length"]),
        groups=numbers["groups"],
        bounds=None if bounds is None else (float(bounds[0]), float(bounds[1])),
        worse=worse,
        where=where,
        bins=bins,
        missing_values=tuple(missing_values),
        columns=columns,
    )
    kept = WatchState(None if state is None else Path(state))
    try:
        watcher = Watcher(asked, kept, progress, settle)

        def written(source: str) -> str:
            given = {**watcher.settings, "state": state, "worse": worse}
            return command or write_command(watch, source, given)

        for table in tables_of(tables):
            if watcher.take(table) and on_alarm is not None:
                on_alarm(watcher.answer(written))
                watcher.tell()
        found = watcher.answer(written)
        watcher.tell()
        return found
    finally:
        kept.close()


def _kept_question(state: str | Path | None, given: Sequence[str]) -> dict[str, Any]:
    """What a state that was begun watches, as arguments; nothing else may be given beside it."""
    if given or state is None or not Path(state).is_file():
        beside = (
            f"{listed([f'--{name}' for name in given])} given without --metric.  " if given else ""
        )
        raise InputError(
            f"{beside}Say what is watched, and for which groups: --metric 'wer(reference, hypothesis)' --by accent. "
            " Only of a --state that was begun all of it can be left out."
        )
    kept = WatchState(Path(state))
    try:
        with kept.intake():
            asked = kept.settings() if kept.has_rules() else None
            columns = kept.columns()
    finally:
        kept.close()
    if asked is None:
        raise InputError(f"{state} has taken no table in yet.  Say what is watched: --metric, --by")
    return {
        **asked,
        "columns": columns,
        "bounds": None if asked["bounds"] is None else tuple(asked["bounds"]),
    }


def _check_bounds(bounds: Any) -> None:
    if bounds is None:
        return
    fine = (
        isinstance(bounds, Sequence)
        and len(bounds) == 2
        and all(isinstance(one, int | float) for one in bounds)
        and -1e300 < bounds[0] < bounds[1] < 1e300
    )
    if not fine:
        raise InputError(
            f"bounds are {bounds!r}, but must be two numbers, the lower first, for example 0,1."
        )


def tables_of(tables: Any) -> Iterator[Any]:
    """Each table: files of folders and globs one after the other, in the order of their names."""
    if isinstance(tables, list | tuple | Iterator):
        for table in tables:
            yield from tables_of(table)
        return
    if not isinstance(tables, str | Path) or "://" in str(tables):
        yield tables
        return
    place = Path(tables)
    if place.is_dir():
        yield from _files_of(place)
        return
    if place.exists() or not any(mark in str(tables) for mark in "*?["):
        yield str(tables)
        return
    yield from map(str, find_files(str(tables)))


def _files_of(folder: Path) -> list[str]:
    """Files of a folder that are read, in the order of their names.

    Raises
    ------
    InputError
        Where there are others only.
    """
    files = sorted(one for one in folder.iterdir() if not one.name.startswith((".", "_")))
    read = [str(one) for one in files if one.name.lower().endswith(ENDINGS)]
    if files and not read:
        raise InputError(
            f"{folder} holds nothing that is read: {listed([one.name for one in files[:3]])}"
            f"{' and more' if len(files) > 3 else ''}.  Files end in {', '.join(ENDINGS)}."
        )
    return read

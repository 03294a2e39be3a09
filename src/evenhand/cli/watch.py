"""``evenhand watch``: rows as they come, and an alarm when a group fares worse."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from evenhand.cli.kinds import Flag, Several
from evenhand.cli.lines import written_command
from evenhand.cli.options import Output, Reading
from evenhand.cli.output import check_files, show, write_files
from evenhand.cli.progress import counting_bar
from evenhand.cli.standard_input import input_tables
from evenhand.cli.webhook import Webhook
from evenhand.errors import InputError, inert_text
from evenhand.pages.edition import Edition
from evenhand.records import public_name
from evenhand.results.protocol import to_plain
from evenhand.watching import StreamPart, Watch, WatchAlarm, merge_watches, tables_of
from evenhand.watching import watch as watch_tables
from evenhand.watching.words import alarm

#: Names of the standard input: the second stands for the first where commands are read.
STANDARD = ("-", "/dev/stdin")


def watch(
    *tables: str,
    metric: str | None = None,
    by: Several = (),
    threshold: float | None = None,
    explain: Several = (),
    time: str | None = None,
    unit: str | None = None,
    id: str | None = None,  # noqa: A002 - what the column is called
    state: Path | None = None,
    level: float = 0.95,
    run_length: float = 100_000,
    groups: int | None = None,
    bounds: str | None = None,
    worse: str | None = None,
    webhook: str | None = None,
    merge: Several = (),
    settle: str | None = None,
    jsonl: Flag = False,
    reading: Reading = Reading(),
    output: Output = Output(),
) -> int:
    """Say when a group fares worse than is tolerated, or than it used to.  Exit code 0: quiet; 1: alarm; 3: too little.

    Parameters
    ----------
    tables
        Files, globs, folders or URLs of records, taken in one after the other; - is the standard input.
    metric
        A ratio of sums over rows, for example 'error_rate(label=y, prediction=p)'. See: evenhand metrics. With --by and
        all else as a --state has it that was begun, where neither is given.
    by
        Which groups are watched, beside everyone: a column, columns a,b crossed, or a predicate; may be repeated.
    threshold
        The rate that is tolerated. Without one only changes are looked for.
    explain
        Column beside those of --by that may explain what changed in a group after an alarm; may be repeated.
    time
        Column of dates or numbers that orders the rows of each table; times with a zone are told as of UTC.
    unit
        Column that names what is independent, where units return: speaker, patient.
    id
        Column that names a row: labels that come late, again or corrected then count once, at their time.
    state
        File that keeps the watch. The next run goes on where this one stopped.
    level
        Probability that no group within the threshold is ever called above it.
    run_length
        Rows of a group, on average, before a change is told that is none.
    groups
        How many groups there will be, where the first table does not have them all.
    bounds
        Range of a row's value, where the metric does not know it: 0,1.
    worse
        Direction of harm, higher or lower, where it is not the metric's own.
    webhook
        Send new alarms as JSON to this https address, or env:NAME; that it failed is told, and loses no alarm.
    merge
        First make a new --state of those of several shards; may be repeated.
    settle
        First close the alarms of --state, saying what was done: 'filter installed'. Watching goes on from there.
    jsonl
        Print a line of JSON for each new alarm, at once, and nothing else.
    """
    if output.json and jsonl:
        raise InputError("--json and --jsonl cannot both go to the output.  Choose one.")
    others = [*map(str, merge), *([] if state is None else [str(state)])]
    named = _named(tables, reading, output, others)
    edition = output.edition()
    hook = None if webhook is None else Webhook(webhook)
    command = written_command()
    if webhook is not None and hook is not None and not webhook.startswith("env:"):
        command = command.replace(public_name(webhook), hook.public)
    _check_state(state, settle, merge)
    if not tables and (metric is not None or by or threshold is not None):
        raise InputError(
            "There is no table to watch.  Name files, folders, or - for the standard input; --state alone says how a "
            "watch stands, without --metric, --by and --threshold."
        )
    given = {name: value for name, value in reading.given().items() if name != "weight"}
    told: set[str] = set()

    def tell(found: Watch) -> None:
        """Send and print what was not told yet, the oldest first."""
        for one in reversed(found.alarms):
            data = to_plain(one)
            again = sum((s.group, s.kind) == (one.group, one.kind) for s in found.settled)
            name = json.dumps([data["group"], one.kind, again])
            if one.new and name not in told:
                told.add(name)
                _told(one, data, found, edition, hook, jsonl=jsonl)

    if merge and state is not None:
        merged = merge_watches(merge, state)
        tell(merged)
        if not named and settle is None:
            return _shown(merged, output, edition, jsonl=jsonl)
    with TemporaryDirectory() as folder, counting_bar("scoring") as advance:
        found = watch_tables(
            _each(named, reading, Path(folder)),
            metric,
            by,
            threshold=threshold,
            explain=explain,
            time=time,
            unit=unit,
            id=id,
            state=state,
            level=level,
            run_length=run_length,
            groups=groups,
            bounds=_bounds(bounds),
            worse=worse,
            settle=settle,
            command=command,
            progress=advance,
            on_alarm=tell,
            **given,
        )
    return _shown(found, output, edition, jsonl=jsonl)


def _shown(found: Watch, output: Output, edition: Edition, *, jsonl: bool) -> int:
    write_files(found, None if output.html is None else found.to_html(edition), output, edition)
    if not jsonl:
        show([found], output)
    return found.exit_code


def _check_state(state: Path | None, settle: str | None, merge: Sequence[str]) -> None:
    """Refuse what needs a state without one."""
    if state is None and (merge or settle is not None):
        told = "--merge makes a new state." if merge else "--settle closes the alarms of a state."
        raise InputError(f"{told}  Name its file: --state FILE")


def _named(
    tables: Sequence[str], reading: Reading, output: Output, others: Sequence[str]
) -> list[str]:
    """Each table by its name, once what is to be written can be; `others` are files that are read or kept besides."""
    if reading.weight is not None:
        raise InputError(
            f"--weight {reading.weight} is not for watch, in which each row is one.  Leave it out, or use audit."
        )
    named = [
        name for table in tables for name in ([table] if table in STANDARD else tables_of(table))
    ]
    for table in named or [""]:
        own = "-" if table in STANDARD or not table else table
        check_files(own, reading, output, others=others)
    return named


def _each(named: Iterable[str], reading: Reading, folder: Path) -> Iterator[Any]:
    """Each table, opened where more is said of it than its name."""
    for name in named:
        if name not in STANDARD:
            yield reading.table(name)
            continue
        for part in input_tables(folder):
            yield _opened(part, reading) if isinstance(part, StreamPart) else reading.table(part)


def _opened(part: StreamPart, reading: Reading) -> StreamPart:
    """A part of a stream, opened where more is said of it than its name."""
    return StreamPart(
        reading.table(part.table),
        part.unread,
        lambda: [_opened(one, reading) for one in part.halves()],
    )


def _told(
    one: WatchAlarm,
    data: dict[str, Any],
    found: Watch,
    edition: Edition,
    hook: Webhook | None,
    *,
    jsonl: bool,
) -> None:
    data = {"text": alarm(one, found, edition), "metric": found.metric.expression, **data}
    if jsonl:
        print(json.dumps(data, ensure_ascii=False), flush=True)
    fault = None if hook is None else hook.send(data)
    if fault is not None:
        print(
            inert_text(f"{fault}  The alarm stands in the answer and the state."), file=sys.stderr
        )


def _bounds(text: str | None) -> tuple[float, float] | None:
    """Two numbers."""
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(
            f"bounds are {text!r}, but must be two numbers, the lower first: --bounds 0,1"
        ) from error
    return low, high

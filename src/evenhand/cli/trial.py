"""``evenhand trial``: from a plan to records, resumable."""

import shlex
import sys
import tomllib
from pathlib import Path
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from evenhand.cli.kinds import Flag
from evenhand.errors import EXIT_ERROR, EXIT_INTERRUPTED, EXIT_REFUSED
from evenhand.records.output import check_outputs
from evenhand.services.service import SAID
from evenhand.trials import InterruptedTrial, Plan, Trial, TrialProgress, read_plan, run_trial
from evenhand.trials.words import duration, next_steps, silence_steps, summary_lines

#: Seconds between two lines of progress where no bar can be shown: at first, and later.
_FIRST_LINE, _NEXT_LINES = 5.0, 30.0


def trial(
    plan: Path,
    /,
    *,
    out: Path = Path("records.parquet"),
    dry_run: Flag = False,
    json: Flag = False,
    force: Flag = False,
) -> int:
    """Put a service under the conditions of its real use.

    Every answer is kept as it arrives: after Ctrl-C, a crash or a full disk the same command goes
    on where it ended, and pays for nothing twice.

    Parameters
    ----------
    plan
        TOML file with samples, conditions and services.
    out
        Parquet file of the records; the answers are kept beside it.
    dry_run
        Call nothing; print the calls, the time and the cost to expect.
    json
        Print the summary as JSON.
    force
        Replace output files that Evenhand did not make; never one that this run reads.
    """
    # As for a script: modules beside the plan can be imported, by worker processes too.
    sys.path.insert(0, str(plan.parent.resolve()))
    read = read_plan(plan)
    if not dry_run:
        media = [one.media for one in read.samples if isinstance(one.media, Path)]
        inputs = [plan, *_named_files(plan), *media]
        check_outputs([("--out", out)], inputs, force=force, makes_folders=True)
    try:
        with _TrialBar() as tell:
            found = run_trial(read, out=out, dry_run=dry_run, progress=tell)
    except InterruptedTrial as interruption:
        print(interruption, file=sys.stderr)
        return EXIT_INTERRUPTED
    except KeyboardInterrupt:
        again = shlex.join(["evenhand", "trial", str(plan), "--out", str(out)])
        print(f"Interrupted.  What was answered is kept; to go on: {again}", file=sys.stderr)
        return EXIT_INTERRUPTED
    if json:
        print(found.to_json(indent=1))
    else:
        _print(found, _steps(found, read, plan, out))
    return _code(found)


def _steps(found: Trial, read: Plan, plan: Path, out: Path) -> list[str]:
    """Commands to go on with; an audit of answers waits until there are answers to all rows."""
    if found.dry_run:
        return []
    if not found.unanswered:
        return next_steps(read, out)
    again = shlex.join(["evenhand", "trial", str(plan), "--out", str(out)])
    return silence_steps(found, read, out, again)


def _named_files(plan: Path) -> list[Path]:
    """Files that a plan names anywhere: manifests, profiles, modules, recordings."""
    texts: list[Any] = [tomllib.loads(plan.read_text(encoding="utf-8"))]
    found = []
    while texts:
        item = texts.pop()
        if isinstance(item, dict | list):
            texts += item.values() if isinstance(item, dict) else item
        elif isinstance(item, str) and 0 < len(item) < 1000 and "\0" not in item:
            found.append(plan.parent / item)
    return [path for path in found if path.is_file()]


def _print(found: Trial, steps: list[str]) -> None:
    console = Console(highlight=False, markup=False)
    for line in summary_lines(found):
        console.print(line, soft_wrap=True)
    for place, step in enumerate(steps):
        console.print(("Next: " if place == 0 else "      ") + step, soft_wrap=True)


def _code(found: Trial) -> int:
    """2 where something must be changed, 3 where rows have no answer.

    A service without any answer, unless it is only parked, or a dry run that found what is missing.
    """
    if found.dry_run:
        return EXIT_ERROR if found.problems else 0
    for name, counts in found.services.items():
        if name in found.parked:
            continue
        if counts and not any(counts.get(outcome) for outcome in SAID):
            return EXIT_ERROR
    return EXIT_REFUSED if found.unanswered or found.parked or found.stopped else 0


class _TrialBar:
    """Progress with the rate of calls, the cost and what went wrong: a bar, or plain lines."""

    def __init__(self) -> None:
        self.bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[said]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self.next_line = _FIRST_LINE
        self.task = self.bar.add_task("measuring the samples", total=None, said="")

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def __call__(self, progress: TrialProgress) -> None:
        """Show how far the trial is."""
        parts = [f"{progress.rate:.3g} calls/s"]
        parts += [f"cost {progress.cost:.4g}"] if progress.cost else []
        parts += [f"{progress.failed:,} failed"] if progress.failed else []
        parts += [f"{progress.retries:,} retried"] if progress.retries else []
        if progress.waiting >= 1:
            parts.append(f"the service asks to wait {duration(progress.waiting)}")
        said = " · ".join(parts)
        if self.bar.disable:
            self._line(progress, said)
            return
        self.bar.update(
            self.task,
            description="calls",
            completed=progress.done,
            total=progress.total,
            said=said,
        )

    def _line(self, progress: TrialProgress, said: str) -> None:
        """A plain line now and then: for files, pipes and the logs of a server."""
        if progress.seconds < self.next_line:
            return
        self.next_line = progress.seconds + _NEXT_LINES
        print(
            f"{progress.done:,} of {progress.total:,} calls · {said}", file=sys.stderr, flush=True
        )

"""The runner: every call of a plan is made once, and what it said is kept."""

import asyncio
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evenhand.errors import InputError
from evenhand.questions.keywords import tells_options
from evenhand.services.service import SAID, Answer, Service
from evenhand.trials.cache import Cache
from evenhand.trials.calls import Calls, Tell
from evenhand.trials.executors import open_executor
from evenhand.trials.expect import expect
from evenhand.trials.judging import agreement, judging_plan, verdicts_of
from evenhand.trials.layout import Call, Layout, lay_out
from evenhand.trials.line import Line
from evenhand.trials.media import Measuring, measure, missing_package
from evenhand.trials.plan import Plan, make_plan, read_plan, with_cache
from evenhand.trials.records import Row, score_rows, write_records
from evenhand.trials.scoring import AnswerScore, ScoredColumn
from evenhand.trials.spending import Spending
from evenhand.trials.trial import Trial, count_rows, unscored

#: Seconds that calls in flight are given to end after Ctrl-C: they are paid already.
GRACE = 10.0
#: Endings by which a file would later be read as something else.
_NOT_PARQUET = {".csv", ".tsv", ".json", ".jsonl", ".txt", ".xlsx"}


class InterruptedTrial(KeyboardInterrupt):
    """Ctrl-C; every answer that arrived is kept, and the same command goes on."""


@tells_options
def run_trial(
    plan: Plan | Mapping[str, Any] | str | Path,
    *,
    out: str | Path = "records.parquet",
    dry_run: bool = False,
    progress: Tell | None = None,
    executor: Executor | None = None,
) -> Trial:
    """Make every call of a plan that was not made before, and write the records.

    Parameters
    ----------
    plan : Plan, mapping or path
    out : path
        Parquet file of the records; answers are kept beside it unless the plan names a cache.
    dry_run : bool
        Only count calls and estimate time and cost.
    progress : callable, optional
        Told a `Progress` at most ten times a second.
    executor : concurrent.futures.Executor, optional
        Where media are read and changed and local services compute: the plan's `workers` if not
        given; a `ProcessPoolExecutor`, or dask's ``client.get_executor()``, work as well.

    Returns
    -------
    Trial

    Raises
    ------
    InputError
        For a faulty plan, records named as another kind of file, a full disk, or a service that
        cannot be called at all (no key).
    InterruptedTrial
        After Ctrl-C.
    """
    target = Path(out)
    if target.suffix.lower() in _NOT_PARQUET:
        raise InputError(
            f"--out {target}: records are written as Parquet, and a file of this name would be read as "
            f"something else.  Name it {target.with_suffix('.parquet')}."
        )
    if isinstance(plan, str | Path):
        plan = read_plan(Path(plan))
    elif not isinstance(plan, Plan):
        plan = make_plan(plan)
    plan = with_cache(plan, target)
    layout = lay_out(plan)
    assert plan.cache is not None
    if dry_run:
        return expect(layout, plan.cache)
    with Cache(plan.cache) as cache:
        with open_executor(executor, plan.workers) as pool:
            run = _Run.of(layout, cache, pool, progress)
            _wait_for(run)
            rows = run.rows()
            scored = [_scored(run, rows, score) for score in plan.scores]
        write_records(target, plan, rows, run.measured, scored)
    pairs = list(zip(plan.scores, scored, strict=True))
    found = [agreement(plan, score, rows, made) for score, made in pairs]
    return replace(
        run.summary(rows, target),
        agreements=tuple(each for each in found if each is not None),
        unscored=tuple(each for score, made in pairs for each in unscored(score.column, made)),
    )


def _scored(run: "_Run", rows: Sequence[Row], score: AnswerScore) -> ScoredColumn:
    """Scores of all rows; the calls and costs of a judge are the trial's."""
    if score.judge is None:
        return score_rows(run.layout.plan, rows, score)
    layout = lay_out(judging_plan(run.layout.plan, rows, score.judge, run.spending.gone))
    second = _Run.of(layout, run.cache, run.calls.executor, run.calls.tell)
    _wait_for(second)
    run.add(second)
    return verdicts_of(rows, second.rows(), score.judge)


def _wait_for(run: "_Run") -> None:
    """Run the event loop here, or in a thread where one runs already (a notebook)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(run.go())
    else:
        _wait_in_thread(run)
    if run.interrupted:
        raise InterruptedTrial(run.interruption())


def _wait_in_thread(run: "_Run") -> None:
    caught: list[Exception] = []

    def other() -> None:
        try:
            asyncio.run(run.go())
        except Exception as error:  # noqa: BLE001 - it goes to the caller's thread
            caught.append(error)

    thread = threading.Thread(target=other, name="evenhand-trial")
    thread.start()
    try:
        # In turns: see `records.engine`.
        while thread.is_alive():
            thread.join(0.1)
    except KeyboardInterrupt:
        run.interrupted = True
        run.calls.stop()
        thread.join()
    if caught:
        raise caught[0]


def _chosen(found: dict[str, Any], wanted: bool | Sequence[str]) -> dict[str, Any]:
    return found if isinstance(wanted, bool) else {n: found[n] for n in wanted if n in found}


@dataclass(slots=True, kw_only=True)
class _Run:
    """State of one run."""

    layout: Layout
    cache: Cache
    calls: Calls
    cells: list[Call]
    measured: list[dict[str, Any]] = field(default_factory=list)
    ended: float = 0.0
    interrupted: bool = False

    @classmethod
    def of(cls, layout: Layout, cache: Cache, executor: Executor, tell: Tell | None) -> "_Run":
        """A run of all cells of a layout."""
        spending = Spending(cache=cache, budget=layout.plan.budget)
        calls = Calls(layout=layout, spending=spending, executor=executor, tell=tell)
        # Once: each cell has its content address worked out.
        return cls(layout=layout, cache=cache, calls=calls, cells=list(layout))

    @property
    def spending(self) -> Spending:
        """What was paid."""
        return self.calls.spending

    async def go(self) -> None:
        """Make all calls; on Ctrl-C, those in flight."""
        try:
            self.calls.lines = self._lines()
            await self._check_packages()
            await self._measure()
            workers = [
                asyncio.create_task(self.calls.work(line))
                for line in self.calls.lines
                for _ in range(min(line.wired.in_flight, len(line.waiting)))
            ]
            await self._gather(workers)
        finally:
            self.spending.commit()
            for wired in self.layout.plan.services:
                if isinstance(wired.service, Service):
                    await wired.service.close()
            self.ended = time.monotonic()
        self.calls.say(final=True)

    async def _gather(self, workers: Sequence["asyncio.Task[None]"]) -> None:
        """Wait for the workers; on Ctrl-C let the calls in flight end, since they are paid."""
        if not workers:
            return
        try:
            await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
        except asyncio.CancelledError:
            self.interrupted = True
        self.calls.stop()
        _, unfinished = await asyncio.wait(workers, timeout=GRACE)
        for worker in unfinished:
            worker.cancel()
        for found in await asyncio.gather(*workers, return_exceptions=True):
            if isinstance(found, Exception):
                raise found

    def interruption(self) -> str:
        """What Ctrl-C leaves, in words."""
        return (
            f"Interrupted: {len(self.calls.known) + len(self.spending.fresh):,} answers are kept in "
            f"{self.cache.path}.  Run the same command to go on."
        )

    async def _check_packages(self) -> None:
        """Refuse to begin where media cannot be read or written, for want of a package, where that is done."""
        samples = self.layout.plan.samples
        kinds = {
            samples[cell.sample].kind: None
            for line in self.calls.lines
            for cell in line.waiting
            if isinstance(samples[cell.sample].media, Path) or not line.local
        }
        for kind in kinds:
            missing = await self.calls.compute(missing_package, kind)
            if missing is not None:
                raise InputError(f"samples: {missing}\nNothing was called.")

    async def _measure(self) -> None:
        """Measure the samples that were not measured before."""
        plan, contents = self.layout.plan, self.layout.contents
        self.measured = [{} for _ in plan.samples]
        if not plan.measure:
            return
        found = self.cache.measures(contents)
        todo = {
            content: place
            for place, content in enumerate(contents)
            if content not in found and place not in self.layout.faults
        }
        fresh: dict[bytes, dict[str, Any]] = {}
        for content, place in todo.items():
            task = self._measuring(place)
            inline = task.kind in ("text", "table") and not isinstance(task.source, Path)
            fresh[content] = measure(task) if inline else await self.calls.compute(measure, task)
        self.cache.keep_measures(fresh)
        found |= fresh
        self.measured = [_chosen(found.get(content, {}), plan.measure) for content in contents]

    def _measuring(self, place: int) -> Measuring:
        listed = self.layout.plan.samples[place]
        spoken = listed.kind == "audio" and isinstance(listed.reference, str)
        return Measuring(
            kind=listed.kind,
            source=listed.media,
            content=self.layout.contents[place],
            words=len(listed.reference.split()) if spoken else None,
            profile=self.layout.plan.profile if listed.kind == "table" else None,
        )

    def _lines(self) -> list[Line]:
        """Calls to make, by service; each content address once."""
        lines = [Line(wired=wired) for wired in self.layout.plan.services]
        keys = [cell.key for cell in self.cells]
        costs = self.cache.known(keys)
        self.calls.known = set(costs)
        self.spending.open(costs, self.cache.possibly_spent(list(dict.fromkeys(keys))))
        seen = set(self.calls.known)
        for cell in self.cells:
            if cell.sample in self.layout.faults:
                continue
            if cell.key in seen:
                self.calls.done += 1
            else:
                seen.add(cell.key)
                lines[cell.service].waiting.append(cell)
        return lines

    def add(self, other: "_Run") -> None:
        """Count the calls of another run, a judge's, as this one's."""
        self.spending.spent_before += other.spending.spent_before
        self.spending.spent += other.spending.spent
        self.spending.possibly += other.spending.possibly
        self.spending.possibly_before += other.spending.possibly_before
        self.calls.retries += other.calls.retries
        self.spending.fresh |= other.spending.fresh
        self.calls.failed |= other.calls.failed
        self.calls.lines += other.calls.lines
        self.ended = other.ended

    def rows(self) -> list[Row]:
        """Row of every cell, in the order of the design."""
        cells = self.cells
        answers = self.cache.answers([cell.key for cell in cells])
        told: set[bytes] = set()
        rows = []
        for cell in cells:
            answer, outcome = self._outcome(cell, answers)
            first = cell.key not in told
            again = cell.key in self.calls.known or not first
            told.add(cell.key)
            rows.append(
                Row(
                    sample=cell.sample,
                    treatment=cell.treatment,
                    service=cell.service,
                    repeat=cell.repeat,
                    answer=answer,
                    outcome=outcome,
                    cached=again and outcome in SAID,
                    first=first,
                )
            )
        return rows

    def _outcome(self, cell: Call, answers: Mapping[bytes, Answer]) -> tuple[Answer, str]:
        fault = self.layout.faults.get(cell.sample)
        if fault is not None:
            # A doubled id is left out by us; media that cannot be read have failed.
            outcome = "not run" if fault.startswith("duplicate_id") else "failed"
            return Answer(outcome="failed", reason=fault), outcome
        answer = answers.get(cell.key) or self.calls.failed.get(cell.key)
        if answer is not None:
            return answer, answer.outcome
        return Answer(
            outcome="failed", reason=self.calls.unrun.get(cell.key, "interrupted")
        ), "not run"

    def summary(self, rows: Sequence[Row], target: Path) -> Trial:
        """Summary of the run."""
        return Trial(
            name=self.layout.plan.name,
            records=str(target),
            dry_run=False,
            rows=len(rows),
            calls=len(self.spending.fresh) + len(self.calls.failed),
            cached=sum(row.cached for row in rows),
            retries=self.calls.retries,
            cost=self.spending.spent,
            cost_total=self.spending.spent_before + self.spending.spent,
            possibly_spent=self.spending.possibly + self.spending.possibly_before,
            parked={
                line.wired.service.name: line.parked for line in self.calls.lines if line.parked
            },
            stopped={
                line.wired.service.name: line.stopped
                for line in self.calls.lines
                if line.stopped and not line.parked
            },
            seconds=self.ended - self.calls.started,
            **count_rows(self.layout.plan, rows),
        )

"""The runner: every call of a plan is made once, and what it said is kept."""

import asyncio
import contextlib
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from dataclasses import dataclass, field, replace
from pathlib import Path
from pickle import PicklingError
from typing import Any

from evenhand.errors import InputError
from evenhand.samples.sample import SampleError
from evenhand.services.service import SAID, Answer, Request, Service, ServiceError
from evenhand.trials.cache import Cache
from evenhand.trials.cells import Cell, Layout, lay_out
from evenhand.trials.expect import expect
from evenhand.trials.judging import Verdict, agreement, judging_plan, verdicts_of
from evenhand.trials.ledger import FREE, Charge, Ledger
from evenhand.trials.line import Line
from evenhand.trials.media import CANNOT_RUN, Measuring, answer_here, failure, measure, prepare
from evenhand.trials.pace import Stretch
from evenhand.trials.plan import Plan, make_plan, read_plan, with_cache
from evenhand.trials.records import Row, write_records
from evenhand.trials.trial import Progress, Trial, count_rows

#: Failures that say something of the service (or of its plan), not of the one sample.
_SYSTEMATIC = (
    "http_", "no_connection", "timeout", "broken_reply", "malformed_reply", "no_answer",
    "exception", "exit_code",
)  # fmt: skip
#: Seconds that calls in flight are given to end after Ctrl-C: they are paid already.
GRACE = 10.0
_TOLD_EVERY = 0.1

Tell = Callable[[Progress], None]


class InterruptedTrial(KeyboardInterrupt):
    """Ctrl-C; every answer that arrived is kept, and the same command goes on."""


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
        For a faulty plan, a full disk, or a service that cannot be called at all (no key).
    InterruptedTrial
        After Ctrl-C.
    """
    target = Path(out)
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
        with _executor(executor, plan.workers) as pool:
            run = _Run(layout=layout, cache=cache, executor=pool, tell=progress)
            _wait_for(run)
            rows = run.rows()
            verdicts = _judged(run, rows)
        write_records(target, plan, rows, run.measured, verdicts)
    found = [agreement(plan, score, rows, verdicts.get(score.column, ())) for score in plan.scores]
    agreements = tuple(each for each in found if each is not None)
    return replace(run.summary(rows, target), agreements=agreements)


def _judged(run: "_Run", rows: Sequence[Row]) -> dict[str, list[Verdict]]:
    """Verdicts of each judge by its column; its calls and costs are the trial's."""
    found = {}
    for score in run.layout.plan.scores:
        if score.judge is None:
            continue
        spent = run.ledger.gone
        layout = lay_out(judging_plan(run.layout.plan, rows, score.judge, spent))
        second = _Run(layout=layout, cache=run.cache, executor=run.executor, tell=run.tell)
        _wait_for(second)
        found[score.column] = verdicts_of(rows, second.rows(), score.judge)
        run.add(second)
    return found


@contextlib.contextmanager
def _executor(given: Executor | None, workers: str) -> Iterator[Executor]:
    if given is not None:
        yield given
        return
    count = os.cpu_count() or 1
    pool: Executor = ThreadPoolExecutor(count, thread_name_prefix="evenhand")
    if workers == "processes":
        # A fork would copy locks that other threads hold.
        pool = ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


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
        run.stop()
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
    executor: Executor
    tell: Tell | None
    measured: list[dict[str, Any]] = field(default_factory=list)
    known: set[bytes] = field(default_factory=set)
    failed: dict[bytes, Answer] = field(default_factory=dict)
    unrun: dict[bytes, str] = field(default_factory=dict)
    ledger: Ledger = field(init=False)
    lines: list[Line] = field(default_factory=list)
    retries: int = 0
    calls: int = 0
    started: float = field(default_factory=time.monotonic)
    ended: float = 0.0
    done: int = 0
    told: float = 0.0
    closing: bool = False
    interrupted: bool = False
    cells: list[Cell] = field(init=False)

    def __post_init__(self) -> None:
        self.cells = list(self.layout)  # once: each has its content address worked out
        self.ledger = Ledger(cache=self.cache, budget=self.layout.plan.budget)

    async def go(self) -> None:
        """Make all calls; on Ctrl-C, those in flight."""
        try:
            await self._measure()
            self.lines = self._lines()
            workers = [
                asyncio.create_task(self._work(line))
                for line in self.lines
                for _ in range(min(line.wired.in_flight, len(line.waiting)))
            ]
            await self._gather(workers)
        finally:
            self.ledger.commit()
            for wired in self.layout.plan.services:
                if isinstance(wired.service, Service):
                    await wired.service.close()
            self.ended = time.monotonic()
        self._say(final=True)

    async def _gather(self, workers: Sequence["asyncio.Task[None]"]) -> None:
        """Wait for the workers; on Ctrl-C let the calls in flight end, since they are paid."""
        if not workers:
            return
        try:
            await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
        except asyncio.CancelledError:
            self.interrupted = True
        self.stop()
        _, unfinished = await asyncio.wait(workers, timeout=GRACE)
        for worker in unfinished:
            worker.cancel()
        for found in await asyncio.gather(*workers, return_exceptions=True):
            if isinstance(found, Exception):
                raise found

    def stop(self) -> None:
        """Start no further call, and let nobody wait for its turn."""
        self.closing = True
        for line in self.lines:
            line.pace.close()

    def interruption(self) -> str:
        """What Ctrl-C leaves, in words."""
        return (
            f"Interrupted: {len(self.known) + len(self.ledger.fresh):,} answers are kept in "
            f"{self.cache.path}.  Run the same command to go on."
        )

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
            fresh[content] = measure(task) if inline else await self._compute(measure, task)
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

    async def _compute(self, function: Callable[..., Any], *given: Any) -> Any:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self.executor, function, *given)
        except (BrokenExecutor, PicklingError, AttributeError, TypeError) as error:
            # Work itself returns its failures: what arrives here is the executor's own.
            raise InputError(
                f"The executor cannot do the work ({type(error).__name__}: {error}).  Its processes "
                "must be able to import what the plan names; threads (the default) always can."
            ) from error

    def _lines(self) -> list[Line]:
        """Calls to make, by service; each content address once."""
        lines = [Line(wired=wired) for wired in self.layout.plan.services]
        keys = [cell.key for cell in self.cells]
        costs = self.cache.known(keys)
        self.known = set(costs)
        self.ledger.open(costs, self.cache.possibly_spent(list(dict.fromkeys(keys))))
        seen = set(self.known)
        for cell in self.cells:
            if cell.sample in self.layout.faults:
                continue
            if cell.key in seen:
                self.done += 1
            else:
                seen.add(cell.key)
                lines[cell.service].waiting.append(cell)
        return lines

    async def _work(self, line: Line) -> None:
        """One of a service's callers: takes the next waiting call until there is none."""
        while line.waiting and not self.closing:
            cell = line.waiting.popleft()
            if line.stopped:
                self.unrun[cell.key] = line.stopped
                continue
            await self._call(line, cell)

    async def _call(self, line: Line, cell: Cell) -> None:
        job = self.layout.job(cell)
        service: Any = line.wired.service
        if line.local:
            found = await self._compute(answer_here, service, job)
            if found.reason and found.reason.startswith(CANNOT_RUN):
                line.stop(found.reason)
            await self._ended(line, cell, found)
            return
        heavy = job.request.kind in ("audio", "image") or isinstance(job.source, Path)
        ready = await self._compute(prepare, job) if heavy else prepare(job)
        if isinstance(ready, Answer):
            await self._ended(line, cell, ready)
            return
        await self._attempts(line, service, cell, ready)

    async def _attempts(self, line: Line, service: Service, cell: Cell, request: Request) -> None:
        """Ask as often as it takes and the plan allows; a wait that was asked for is no attempt."""
        attempt = 0
        while True:
            stretch = line.pace.at_once() or await line.pace.turn()
            if stretch is None:
                return
            free = not line.priced and not line.stopped
            charge = FREE if free else await self._charge(line, cell, request)
            if charge is None:
                return
            error = await self._ask(line, service, cell, request, charge)
            if error is None:
                return
            if error.asks_to_wait:
                again = self._waited(line, error, stretch)
            else:
                attempt += 1
                again = error.retry and attempt < line.wired.attempts and not line.stopped
            if not again or self.closing:
                self._give_up(line, cell, error)
                return
            self.retries += 1
            self._say()
            if not error.asks_to_wait:
                await asyncio.sleep(line.pace.wait(attempt - 1))

    async def _charge(self, line: Line, cell: Cell, request: Request) -> Charge | None:
        """What the call may cost, set aside; `None` where it is not to be made."""
        if line.stopped:
            self.unrun[cell.key] = line.stopped
            return None
        try:
            most = line.most(request)
        except ServiceError as error:  # a slot that the sample cannot fill
            await self._ended(line, cell, failure(error))
            return None
        charge = await self.ledger.charge(cell.key, line.wired.service.name, most)
        if charge is None:
            budget = self.layout.plan.budget
            self.unrun[cell.key] = f"over_budget: the budget is {budget:g}"
        return charge

    async def _ask(
        self, line: Line, service: Service, cell: Cell, request: Request, charge: Charge
    ) -> ServiceError | None:
        """Ask once and keep the answer; the error where there is none and the row has not ended."""
        try:
            answer = await service.answer(request)
        except ServiceError as error:
            return None if await self._failed(line, cell, charge, error) else error
        except SampleError as error:
            self.ledger.release(charge)
            answer = failure(error)
        except InputError:
            self.ledger.release(charge)
            raise
        except Exception as error:  # noqa: BLE001 - somebody else's service; the row tells it
            self.ledger.lost(charge, ServiceError("exception", billed="maybe"))
            answer = failure(error)
        else:
            line.pace.admitted()
            await self._ended(line, cell, self.ledger.priced(charge, answer), charge)
            return None
        await self._ended(line, cell, answer)
        return None

    async def _failed(self, line: Line, cell: Cell, charge: Charge, error: ServiceError) -> bool:
        """Account for a call without an answer; whether that is its end, since it was billed."""
        if error.billed == "yes" and charge.amount > 0:
            line.pace.admitted()
            kept = self.ledger.priced(charge, failure(error))
            await self._ended(line, cell, kept, charge)
            return True
        if error.billed == "no":
            self.ledger.release(charge)
        else:
            self.ledger.lost(charge, error)
        if error.stop:
            line.stop(f"service_stopped: {error.reason}")
        return False

    def _waited(self, line: Line, error: ServiceError, stretch: Stretch) -> bool:
        """Let the whole service wait; whether that is worth it, or it is parked."""
        asked = error.retry_after
        if asked is not None and asked > line.wired.longest_wait:
            line.park(asked)
            return False
        if error.slow_down or asked is None:
            line.pace.refused(asked, stretch)
        else:
            line.pace.pause(asked)
        return not line.starving()

    def _give_up(self, line: Line, cell: Cell, error: ServiceError) -> None:
        if error.asks_to_wait and (line.parked or self.closing):
            if line.stopped:
                self.unrun[cell.key] = line.stopped
            return
        self.done += 1
        self.failed[cell.key] = failure(error)
        self._count_failure(line, error.reason)
        self._say()

    async def _ended(
        self, line: Line, cell: Cell, answer: Answer, charge: Charge | None = None
    ) -> None:
        """Keep an answer; when this returns it is safe, so at most `in_flight` can ever be lost."""
        self.done += 1
        if answer.outcome == "failed":
            self._count_failure(line, answer.reason or "failed")
            if charge is None or not answer.cost:
                if charge is not None:
                    self.ledger.release(charge)
                self.failed[cell.key] = answer
                self._say()
                return
        else:
            line.succeeded, line.failures = True, 0
        try:
            await self.ledger.keep(charge, cell.key, answer, line.wired.service.name)
        except InputError:
            self.stop()
            raise
        self._say()

    def _count_failure(self, line: Line, reason: str) -> None:
        if not reason.startswith(_SYSTEMATIC):
            return
        line.count_failure(reason)

    def _say(self, *, final: bool = False) -> None:
        now = time.monotonic()
        if self.tell is None or (not final and now - self.told < _TOLD_EVERY):
            return
        self.told = now
        self.tell(
            Progress(
                done=self.done,
                total=len(self.layout),
                cached=len(self.known),
                failed=len(self.failed),
                retries=self.retries,
                cost=self.ledger.spent,
                waiting=max((line.pace.held() for line in self.lines), default=0.0),
                seconds=now - self.started,
            )
        )

    def add(self, other: "_Run") -> None:
        """Count the calls of another run, a judge's, as this one's."""
        self.ledger.spent_before += other.ledger.spent_before
        self.ledger.spent += other.ledger.spent
        self.ledger.possibly += other.ledger.possibly
        self.ledger.possibly_before += other.ledger.possibly_before
        self.retries += other.retries
        self.ledger.fresh |= other.ledger.fresh
        self.failed |= other.failed
        self.lines += other.lines
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
            again = cell.key in self.known or not first
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

    def _outcome(self, cell: Cell, answers: Mapping[bytes, Answer]) -> tuple[Answer, str]:
        fault = self.layout.faults.get(cell.sample)
        if fault is not None:
            # A doubled id is left out by us; media that cannot be read have failed.
            outcome = "not run" if fault.startswith("duplicate_id") else "failed"
            return Answer(outcome="failed", reason=fault), outcome
        answer = answers.get(cell.key) or self.failed.get(cell.key)
        if answer is not None:
            return answer, answer.outcome
        return Answer(outcome="failed", reason=self.unrun.get(cell.key, "interrupted")), "not run"

    def summary(self, rows: Sequence[Row], target: Path) -> Trial:
        """Summary of the run."""
        return Trial(
            name=self.layout.plan.name,
            records=str(target),
            dry_run=False,
            rows=len(rows),
            calls=len(self.ledger.fresh) + len(self.failed),
            cached=sum(row.cached for row in rows),
            retries=self.retries,
            cost=self.ledger.spent,
            cost_total=self.ledger.spent_before + self.ledger.spent,
            possibly_spent=self.ledger.possibly + self.ledger.possibly_before,
            parked={line.wired.service.name: line.parked for line in self.lines if line.parked},
            stopped={
                line.wired.service.name: line.stopped
                for line in self.lines
                if line.stopped and not line.parked
            },
            seconds=self.ended - self.started,
            **count_rows(self.layout.plan, rows),
        )

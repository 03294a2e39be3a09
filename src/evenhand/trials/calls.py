"""Calls of a trial: each is asked as often as the plan allows, paid for once, and kept before it counts."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, Executor
from dataclasses import dataclass, field
from pathlib import Path
from pickle import PicklingError
from typing import Any

from evenhand.errors import InputError
from evenhand.samples.sample import SampleError
from evenhand.services.service import Answer, Request, Service, ServiceError
from evenhand.trials.layout import Call, Layout
from evenhand.trials.line import Line
from evenhand.trials.media import CANNOT_RUN, answer_here, failure, prepare
from evenhand.trials.pace import Stretch
from evenhand.trials.spending import FREE, Charge, Spending
from evenhand.trials.trial import TrialProgress

#: Failures that say something of the service (or of its plan), not of the one sample.
_SYSTEMATIC = (
    "http_", "no_connection", "timeout", "broken_reply", "malformed_reply", "no_answer",
    "exception", "exit_code",
)  # fmt: skip
_TOLD_EVERY = 0.1

Tell = Callable[[TrialProgress], None]


@dataclass(slots=True, kw_only=True)
class Calls:
    """What became of the calls so far, and how the next one is made.

    Attributes
    ----------
    layout : Layout
        The trial's cells.
    spending : Spending
        What was paid, and the answers that were kept.
    executor : Executor
        Where media are prepared and local services compute.
    tell : callable, optional
        Told how far it is.
    lines : list of Line
        Calls that wait, by service.
    known : set of bytes
        Cells that an earlier run answered.
    failed : dict
        Cells whose call ended without an answer, and its failure.
    unrun : dict
        Cells that were not called, and why.
    """

    layout: Layout
    spending: Spending
    executor: Executor
    tell: Tell | None
    lines: list[Line] = field(default_factory=list)
    known: set[bytes] = field(default_factory=set)
    failed: dict[bytes, Answer] = field(default_factory=dict)
    unrun: dict[bytes, str] = field(default_factory=dict)
    retries: int = 0
    done: int = 0
    closing: bool = False
    started: float = field(default_factory=time.monotonic)
    told: float = 0.0

    def stop(self) -> None:
        """Start no further call, and let nobody wait for its turn."""
        self.closing = True
        for line in self.lines:
            line.pace.close()

    async def compute(self, function: Callable[..., Any], *given: Any) -> Any:
        """What a function gives, computed by the executor."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self.executor, function, *given)
        except (BrokenExecutor, PicklingError, AttributeError, TypeError) as error:
            # Work itself returns its failures: what arrives here is the executor's own.
            raise InputError(
                f"The executor cannot do the work ({type(error).__name__}: {error}).  Its processes "
                "must be able to import what the plan names; threads (the default) always can."
            ) from error
        except (CancelledError, asyncio.CancelledError, ConnectionError, OSError) as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # we were interrupted ourselves
            raise InputError(
                f"The workers were lost ({type(error).__name__}).  What was answered is kept: run the same command to "
                "go on, there or with workers = 'threads'."
            ) from error

    async def work(self, line: Line) -> None:
        """One of a service's callers: takes the next waiting call until there is none."""
        while line.waiting and not self.closing:
            cell = line.waiting.popleft()
            if line.stopped:
                self.unrun[cell.key] = line.stopped
                continue
            await self._call(line, cell)

    async def _call(self, line: Line, cell: Call) -> None:
        job = self.layout.job(cell)
        service: Any = line.wired.service
        if line.local:
            found = await self.compute(answer_here, service, job)
            if found.reason and found.reason.startswith(CANNOT_RUN):
                line.stop(found.reason)
            await self._ended(line, cell, found)
            return
        heavy = job.request.kind in ("audio", "image") or isinstance(job.source, Path)
        ready = await self.compute(prepare, job) if heavy else prepare(job)
        if isinstance(ready, Answer):
            await self._ended(line, cell, ready)
            return
        await self._attempts(line, service, cell, ready)

    async def _attempts(self, line: Line, service: Service, cell: Call, request: Request) -> None:
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
            self.say()
            if not error.asks_to_wait:
                await asyncio.sleep(line.pace.wait(attempt - 1))

    async def _charge(self, line: Line, cell: Call, request: Request) -> Charge | None:
        """What the call may cost, set aside; `None` where it is not to be made."""
        if line.stopped:
            self.unrun[cell.key] = line.stopped
            return None
        try:
            most = line.most(request)
        except ServiceError as error:  # a slot that the sample cannot fill
            await self._ended(line, cell, failure(error))
            return None
        charge = await self.spending.charge(cell.key, line.wired.service.name, most)
        if charge is None:
            budget = self.layout.plan.budget
            self.unrun[cell.key] = f"over_budget: the budget is {budget:g}"
        return charge

    async def _ask(
        self, line: Line, service: Service, cell: Call, request: Request, charge: Charge
    ) -> ServiceError | None:
        """Ask once and keep the answer; the error where there is none and the row has not ended."""
        try:
            answer = await service.answer(request)
        except ServiceError as error:
            return None if await self._failed(line, cell, charge, error) else error
        except SampleError as error:
            self.spending.release(charge)
            answer = failure(error)
        except InputError:
            self.spending.release(charge)
            raise
        except Exception as error:  # noqa: BLE001 - somebody else's service; the row tells it
            self.spending.lost(charge, ServiceError("exception", billed="maybe"))
            answer = failure(error)
        else:
            line.pace.admitted()
            await self._ended(line, cell, self.spending.priced(charge, answer), charge)
            return None
        await self._ended(line, cell, answer)
        return None

    async def _failed(self, line: Line, cell: Call, charge: Charge, error: ServiceError) -> bool:
        """Account for a call without an answer; whether that is its end, since it was billed."""
        if error.billed == "yes" and charge.amount > 0:
            line.pace.admitted()
            kept = self.spending.priced(charge, failure(error))
            await self._ended(line, cell, kept, charge)
            return True
        if error.billed == "no":
            self.spending.release(charge)
        else:
            self.spending.lost(charge, error)
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

    def _give_up(self, line: Line, cell: Call, error: ServiceError) -> None:
        if error.asks_to_wait and (line.parked or self.closing):
            if line.stopped:
                self.unrun[cell.key] = line.stopped
            return
        self.done += 1
        self.failed[cell.key] = failure(error)
        self._count_failure(line, error.reason)
        self.say()

    async def _ended(
        self, line: Line, cell: Call, answer: Answer, charge: Charge | None = None
    ) -> None:
        """Keep an answer; when this returns it is safe, so at most `in_flight` can ever be lost."""
        self.done += 1
        if answer.outcome == "failed":
            self._count_failure(line, answer.reason or "failed")
            if charge is None or not answer.cost:
                if charge is not None:
                    self.spending.release(charge)
                self.failed[cell.key] = answer
                self.say()
                return
        else:
            line.succeeded, line.failures = True, 0
        try:
            await self.spending.keep(charge, cell.key, answer, line.wired.service.name)
        except InputError:
            self.stop()
            raise
        self.say()

    def _count_failure(self, line: Line, reason: str) -> None:
        if not reason.startswith(_SYSTEMATIC):
            return
        line.count_failure(reason)

    def say(self, *, final: bool = False) -> None:
        """Tell how far it is, at most ten times a second."""
        now = time.monotonic()
        if self.tell is None or (not final and now - self.told < _TOLD_EVERY):
            return
        self.told = now
        self.tell(
            TrialProgress(
                done=self.done,
                total=len(self.layout),
                cached=len(self.known),
                failed=len(self.failed),
                retries=self.retries,
                cost=self.spending.spent,
                waiting=max((line.pace.held() for line in self.lines), default=0.0),
                seconds=now - self.started,
            )
        )

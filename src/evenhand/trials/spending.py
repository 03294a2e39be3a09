"""Spending of a run: what was answered, what it cost, what may have been spent, and the budget.

Everything that must outlive a kill is written before the run goes on: the most that a call can cost
before its first byte is sent, its answer before the next call of the same caller.  The writes of one
turn of the event loop are one transaction; one by one they cost three times as much.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from evenhand.errors import InputError
from evenhand.services.service import Answer, ServiceError
from evenhand.trials.cache import Cache, Writes


@dataclass(slots=True)
class Charge:
    """What one call may cost, set aside until its answer says."""

    key: bytes
    service: str
    amount: float
    number: int | None = None


#: Of a call that costs nothing: there is nothing to set aside.
FREE = Charge(b"", "", 0.0)


@dataclass(slots=True, kw_only=True)
class Spending:
    """Answers and money of one run.

    Attributes
    ----------
    spent : float
        By answers of this run.
    spent_before : float
        By answers of earlier runs, and what these may have spent without one.
    possibly : float
        By calls of this run without an answer that the service may have billed.
    reserved : float
        By calls in flight, at most.
    """

    cache: Cache
    budget: float | None = None
    spent: float = 0.0
    spent_before: float = 0.0
    possibly: float = 0.0
    possibly_before: float = 0.0
    reserved: float = 0.0
    fresh: set[bytes] = field(default_factory=set)
    #: By service, how far a call has cost more than was thought to be the most.
    scale: dict[str, float] = field(default_factory=dict)
    _writes: Writes = field(default_factory=Writes)
    _commit: "asyncio.Future[None] | None" = None
    _number: int = 0

    @property
    def gone(self) -> float:
        """Money that is spent, may be, or is set aside."""
        return self.spent_before + self.possibly_before + self.spent + self.possibly + self.reserved

    async def charge(self, key: bytes, service: str, most: float) -> Charge | None:
        """Set the most that a call can cost aside; `None` where the budget does not allow it."""
        amount = most * self.scale.get(service, 1.0)
        if self.budget is not None and self.gone + amount > self.budget * (1 + 1e-12):
            return None
        found = Charge(key, service, amount)
        if amount > 0:
            self.reserved += amount
            self._number += 1
            found.number = self.cache.first_number + self._number
            self._writes.charges.append((found.number, key, service, amount, "in_flight"))
            await self._soon()
        return found

    def release(self, charge: Charge) -> None:
        """The call was not billed."""
        self.reserved -= charge.amount
        if charge.number is not None:
            self._writes.settled.append(charge.number)
            self._soon()

    def lost(self, charge: Charge, error: ServiceError) -> None:
        """The call gave no answer and may have been billed."""
        amount = charge.amount if error.cost is None else error.cost
        self.reserved -= charge.amount
        self.possibly += amount
        if charge.number is not None:
            row = (charge.number, charge.key, charge.service, amount, error.code)
            self._writes.charges.append(row)
            self._soon()

    def priced(self, charge: Charge, answer: Answer) -> Answer:
        """Answer with its cost: the most that it can be where the reply does not say."""
        if charge.number is None:
            return answer
        if answer.cost is None:
            return replace(answer, cost=charge.amount, at_most=True)
        if answer.cost > charge.amount > 0:
            known = self.scale.get(charge.service, 1.0)
            self.scale[charge.service] = known * answer.cost / charge.amount
        return answer

    async def keep(self, charge: Charge | None, key: bytes, answer: Answer, service: str) -> None:
        """Keep an answer; it is safe when this returns."""
        if charge is not None:
            self.reserved -= charge.amount
            if charge.number is not None:
                self._writes.settled.append(charge.number)
        self.spent += answer.cost or 0.0
        self._writes.answers.append((key, answer, service))
        await self._soon()

    def _soon(self) -> "asyncio.Future[None]":
        if self._commit is None:
            loop = asyncio.get_running_loop()
            self._commit = loop.create_future()
            loop.call_soon(self.commit)
        return self._commit

    def commit(self) -> None:
        """Write what is waiting."""
        writes, self._writes = self._writes, Writes()
        waiting, self._commit = self._commit, None
        try:
            self.cache.keep(writes)
            self.fresh.update(key for key, _, _ in writes.answers)
        except InputError as error:
            if waiting is None or waiting.done():
                raise
            waiting.set_exception(error)
            return
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def open(self, costs: Mapping[bytes, float], possibly: float) -> None:
        """Take over what earlier runs spent."""
        self.spent_before = sum(costs.values())
        self.possibly_before = possibly

"""Line of calls to one service: what is waiting, how it has gone, and why it was stopped."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from evenhand.services.service import LocalService, Request
from evenhand.trials.layout import Call
from evenhand.trials.pace import Pace
from evenhand.trials.wiring import Wired

#: Failures in a row, without one success, after which a service is given up.
GIVE_UP = 20
_YEAR_SECONDS = 366 * 86_400
_CODE_OF_OWN = ("exception", "exit_code")


@dataclass(slots=True, kw_only=True)
class Line:
    """The calls of one service.

    Attributes
    ----------
    waiting : deque of Cell
    stopped : str, optional
        Why nothing more is asked; the reason of the rows that were not run.
    parked : str, optional
        Until when the service is not to be asked, in words.
    """

    wired: Wired
    waiting: deque[Call] = field(default_factory=deque)
    pace: Pace = field(init=False)
    local: bool = field(init=False)
    most: Callable[[Request], float] = field(init=False)
    priced: bool = field(init=False)
    succeeded: bool = False
    failures: int = 0
    kinds: set[str] = field(default_factory=set)
    stopped: str | None = None
    parked: str | None = None

    def __post_init__(self) -> None:
        service = self.wired.service
        self.pace = Pace(per_second=self.wired.per_second)
        self.local = isinstance(service, LocalService)
        self.most = getattr(service, "most", lambda _: 0.0)
        self.priced = getattr(service, "price", None) is not None

    def stop(self, reason: str) -> None:
        """Ask nothing more; the first reason stays."""
        self.stopped = self.stopped or reason

    def park(self, seconds: float) -> None:
        """Ask nothing more before a time: the service said so."""
        if self.parked is None:
            self.parked = until(seconds)
            self.stop(f"parked: the service asks to wait until {self.parked}")

    def starving(self) -> bool:
        """Park the service where it has only asked to wait for as long as the plan allows."""
        if self.parked is None and self.pace.starved() > self.wired.longest_wait:
            self.parked = "it answers again"
            self.stop(
                f"parked: for {self.wired.longest_wait:g} s (longest_wait) the service asked to wait "
                "and answered nothing"
            )
        return self.parked is not None

    def count_failure(self, reason: str) -> None:
        """Give a service up that never succeeds; code of one's own must fail in one way."""
        self.failures += 1
        code, _, detail = reason.partition(": ")
        self.kinds.add(detail.partition(":")[0] if code in _CODE_OF_OWN else "")
        if self.succeeded or len(self.kinds) > 1:
            return
        if self.failures >= max(GIVE_UP, self.wired.in_flight):
            self.stop(f"service_stopped: {self.failures} failures in a row, last {reason}")


def until(seconds: float) -> str:
    """Moment so many seconds from now, in words; the wall clock is read for people only."""
    if seconds > _YEAR_SECONDS:
        return f"{seconds / _YEAR_SECONDS:.1f} years from now"
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%d %H:%M UTC")

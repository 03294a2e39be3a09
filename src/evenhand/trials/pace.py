"""Pace of calls to one service: the plan's rate, waits that were asked for, and what they teach."""

import asyncio
import random
from dataclasses import dataclass, field

FIRST_WAIT = 0.5
LARGEST_WAIT = 30.0
#: Refusals in a row after which the times that a service asks for are not believed alone.
_BELIEVED = 5
#: Share of a measured rate that is asked for: timers and networks jitter, and a refusal costs a wait.
_MARGIN = 0.96
#: Fall of the rate by a refusal, and first step of its growth (additive increase, multiplicative
#: decrease: Chiu and Jain 1989, doi:10.1016/0169-7552(89)90019-6).
_FALL = 0.95
_STEP = 0.01
_GUESSED_STEP = 0.16
_FASTEST = 1e6
_LARGEST_STEP = 0.5
#: Calls without a refusal before the rate grows, at least.
_CALM = 20


@dataclass(slots=True)
class Stretch:
    """Calls that left between two waits."""

    begun: float
    left: int = 0
    refused: int = 0
    over: bool = False


@dataclass(slots=True, kw_only=True)
class Pace:
    """When the next call may start, on the event loop's clock, which no clock jump moves.

    Callers leave one at a time.  After a refusal all of them wait as long as was asked; the rate is
    then what was admitted between the first call of the stretch and the end of the wait, less a
    margin, and grows while nothing is refused.

    Attributes
    ----------
    per_second : float, optional
        Calls a second at most, evenly spaced.
    learnt : float, optional
        Calls a second that the service takes, as far as it has shown; `None` before it refused any.
    refusals : int
        Refusals since the last admitted call.
    """

    per_second: float | None = None
    learnt: float | None = None
    refusals: int = 0
    admitted_at: float | None = None
    _next: float = 0.0
    _stretch: Stretch | None = None
    _shown: tuple[int, float] | None = None
    _wait: float = 0.0
    _calm: int = 0
    _step: float = _STEP
    _guessed: bool = False
    _closed: asyncio.Event | None = None
    _gate: asyncio.Lock | None = None
    _jitter: random.Random = field(default_factory=random.Random, repr=False)

    def at_once(self) -> Stretch | None:
        """Stretch of a call that need not wait; `None` where there is a pace to keep."""
        if self.per_second is not None or self._next != 0.0:
            return None
        if self._stretch is None:
            self._stretch = Stretch(asyncio.get_running_loop().time())
        self._stretch.left += 1
        return self._stretch

    async def turn(self) -> Stretch | None:
        """Wait until a call may start; `None` where none may any more."""
        clock = asyncio.get_running_loop().time
        if self._gate is None:
            self._gate, self._closed = asyncio.Lock(), asyncio.Event()
        async with self._gate:
            while (now := clock()) < self._next:
                if await self._is_closed(self._next - now):
                    return None
            spacing = self._spacing(now)
            self._next = max(now, self._next) + spacing
            assert self._stretch is not None
            self._stretch.left += 1
            return self._stretch

    async def _is_closed(self, seconds: float) -> bool:
        assert self._closed is not None
        try:
            await asyncio.wait_for(self._closed.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """Let nobody leave any more, nor wait."""
        if self._closed is not None:
            self._closed.set()

    def _spacing(self, now: float) -> float:
        """Seconds between two departures."""
        if self._stretch is None or self._stretch.over:
            if self._stretch is not None:
                self._learn(self._stretch, now)
            self._stretch = Stretch(now)
        rates = [rate for rate in (self.per_second, self.learnt) if rate is not None]
        return 1 / min(rates) if rates else 0.0

    def _learn(self, past: Stretch, now: float) -> None:
        """Rate after a wait, from the stretch that it ended.

        Who left and was not refused counts as admitted: refusals come fast, answers need not.
        """
        admitted = past.left - past.refused
        if admitted:
            self._shown = (admitted, past.begun)
        fall = _FALL if admitted else 1.0
        if self._shown is None:
            self.learnt = 1 / max(self._wait, 0.1) if self.learnt is None else self.learnt / 2
        else:
            # Where nobody was admitted, the wait was too short: it took what was admitted before
            # as long as until now.
            measured = _MARGIN * self._shown[0] / max(now - self._shown[1], 1e-3)
            self.learnt = measured if self.learnt is None else min(measured, fall * self.learnt)
        # A pause of a moment must not end in a pace of hours.
        self.learnt = max(self.learnt, 1 / LARGEST_WAIT)
        # A rate that grew out of waits of our own choosing may be far below what the service takes.
        self._guessed = not admitted
        unseen = _LARGEST_STEP if self._shown is None else _GUESSED_STEP
        self._calm, self._step = 0, _STEP if admitted else unseen

    def admitted(self) -> None:
        """Count a call that was not refused; the rate grows when enough were."""
        self.refusals = 0
        if self._next == 0.0:
            return
        self.admitted_at = asyncio.get_running_loop().time()
        if self.learnt is None:
            return
        self._calm += 1
        # The dearer a refusal, the more calls lie between two steps.
        enough = max(_CALM, 10 * self.learnt * self._wait)
        if self._calm >= (_CALM / 4 if self._guessed else enough):
            self.learnt = min(_FASTEST, self.learnt * (1 + self._step))
            self._calm, self._step = 0, min(_LARGEST_STEP, 2 * self._step)

    def refused(self, seconds: float | None, stretch: Stretch) -> float:
        """Hold every call back, for the time asked for where one is given; seconds of the wait.

        Parameters
        ----------
        seconds : float, optional
            Time that the service asked for.
        stretch : Stretch
            That in which the refused call left.
        """
        now = asyncio.get_running_loop().time()
        stretch.refused += 1
        if not stretch.over:
            stretch.over = True
            self.refusals += 1
        late = self.refusals if seconds is None else self.refusals - _BELIEVED
        backed_off = min(LARGEST_WAIT, FIRST_WAIT * 2 ** max(0, late - 1)) if late > 0 else 0.0
        wait = max(seconds or 0.0, backed_off)
        if self.admitted_at is None:
            self.admitted_at = now  # from here on the service is held to give one answer
        self._wait = wait
        self._next = max(self._next, now + wait)
        return wait

    def pause(self, seconds: float) -> None:
        """Let no call start for so long, without learning from it."""
        now = asyncio.get_running_loop().time()
        self.refusals += 1
        if self.admitted_at is None:
            self.admitted_at = now
        late = self.refusals - _BELIEVED
        backed_off = min(LARGEST_WAIT, FIRST_WAIT * 2 ** max(0, late - 1)) if late > 0 else 0.0
        self._next = max(self._next, now + max(seconds, backed_off))

    def starved(self) -> float:
        """Seconds since a call was admitted; 0 while none was refused since."""
        if not self.refusals or self.admitted_at is None:
            return 0.0
        return asyncio.get_running_loop().time() - self.admitted_at

    def held(self) -> float:
        """Seconds until the next call may start."""
        return max(0.0, self._next - asyncio.get_running_loop().time()) if self._next else 0.0

    def wait(self, attempt: int) -> float:
        """Seconds before the next attempt: exponential, with full jitter.

        Source: Brooker 2015, "Exponential backoff and jitter", AWS Architecture Blog.
        """
        return self._jitter.uniform(0.0, min(LARGEST_WAIT, FIRST_WAIT * 2**attempt))

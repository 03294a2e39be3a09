"""Pace of calls to one service: rate, pauses the service asks for, and waits between attempts."""

import asyncio
import random
from dataclasses import dataclass, field

FIRST_WAIT = 0.5
LARGEST_WAIT = 30.0


@dataclass(slots=True, kw_only=True)
class Pace:
    """When the next call may start, on the event loop's clock, which no clock jump moves.

    Attributes
    ----------
    per_second : float, optional
        Calls a second at most, evenly spaced.
    """

    per_second: float | None = None
    _next: float = 0.0
    _jitter: random.Random = field(default_factory=random.Random, repr=False)

    async def turn(self) -> None:
        """Wait until a call may start."""
        if self.per_second is None and self._next == 0.0:
            return
        clock = asyncio.get_running_loop().time
        while True:
            now = clock()
            if now >= self._next:
                break
            mine = self._next
            await asyncio.sleep(mine - now)
        if self.per_second is not None:
            self._next = max(now, self._next) + 1 / self.per_second

    def pause(self, seconds: float) -> None:
        """Let no call start for so long: the service asked for it."""
        until = asyncio.get_running_loop().time() + seconds
        self._next = max(self._next, until)

    def wait(self, attempt: int) -> float:
        """Seconds before the next attempt: exponential, with full jitter.

        Source: Brooker 2015, "Exponential backoff and jitter", AWS Architecture Blog.
        """
        return self._jitter.uniform(0.0, min(LARGEST_WAIT, FIRST_WAIT * 2**attempt))

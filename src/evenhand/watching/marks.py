"""Marks in the stream of a group: places, alarms, and alarms that were closed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPlace:
    """A place in the rows of a group.

    Attributes
    ----------
    n : int
        Rows of the group up to here.
    a, b : float
        Their sums.
    row : int
        Rows of all groups up to here.
    time : float, optional
        Of the row, where there are times.
    """

    n: int = 0
    a: float = 0.0
    b: float = 0.0
    row: int = 0
    time: float | None = None

    def plus(self, other: "StreamPlace", time: float | None) -> "StreamPlace":
        """Rows of two shards up to these places, at a time."""
        return StreamPlace(
            n=self.n + other.n,
            a=self.a + other.a,
            b=self.b + other.b,
            row=self.row + other.row,
            time=time,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Evidence that reached its limit; `at` is when, `since` where the run of evidence began.

    `a` and `b` are the sums of the rows whose evidence it was, of one shard where shards were merged.
    """

    kind: str
    at: StreamPlace
    since: StreamPlace
    a: float
    b: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """An alarm that somebody closed; `at` is when, `note` what was done."""

    alarm: Alarm
    at: StreamPlace
    note: str

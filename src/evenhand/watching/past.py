"""What a group's past is known not to exceed: sums of its rows, and the smallest limit they ever told."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from evenhand.stats.monitors import ratio_limits, refreshed, sequence_limits

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(slots=True, kw_only=True)
class Past:
    """Sums of the first visits of a group, and the limit of its rate.

    Attributes
    ----------
    known : int
        First visits: each unit once.
    sums : array of shape (2,)
        Of harm and what it is divided by, scaled.
    proportion : array of shape (2,)
        Harm and number of the rows before the first that is not 0 or 1: those of a proportion.
    squares : array of shape (3,)
        Of the rows from that one on (see `evenhand.stats.monitors.ratio_limits`).
    limit : float
        Smallest upper limit so far; infinite where nothing is known.
    shards : array of shape (2,)
        Since a merge, as long as no row came: limits of the shards by their sizes, and these sizes, summed.

    Notes
    -----
    The rows up to the first that is not 0 or 1 are judged by the mixture of binomial likelihoods, all from it on by
    the mixture of exponential supermartingales, and a rate by the product of both: one test martingale for each rate,
    so that the limit is ever wrong with probability at most alpha.  It depends on the rows and not on the tables they
    came in.
    """

    known: int = 0
    sums: Floats = field(default_factory=lambda: np.zeros(2))
    proportion: Floats = field(default_factory=lambda: np.zeros(2))
    squares: Floats = field(default_factory=lambda: np.zeros(3))
    limit: float = float("inf")
    shards: Floats = field(default_factory=lambda: np.zeros(2))

    def take(
        self, a: Floats, b: Floats, binary: npt.NDArray[np.bool_], alpha: float
    ) -> tuple[Integers, Floats]:
        """Take first visits in, scaled so that ``0 <= a <= b <= 1``; `binary` are those of 0 or 1, divided by 1.

        Returns
        -------
        (at, limits)
            Numbers of these rows after which each limit holds, and the limits; the first is that before them.
        """
        n, known = len(a), self.known
        if not n:
            return np.zeros(1, np.int64), np.array([self.limit])
        sums = self.sums + np.cumsum(np.stack([a, b], 1), axis=0)
        # All rows from the first on that is not 0 or 1 are of a ratio.
        one = known == self.proportion[1]
        own = (n if binary.all() else int(np.argmin(binary))) if one else 0
        before = np.vstack([self.sums, sums])[own:-1]
        guess = before / np.maximum(known + np.arange(own, n), 1)[:, None]
        x, y = a[own:] - guess[:, 0], b[own:] - guess[:, 1]
        squares = np.cumsum(np.vstack([self.squares, np.stack([x * x, x * y, y * y], 1)]), axis=0)
        at = refreshed(known, known + n + 1) - known
        inside = np.minimum(at, own)
        proportion = self.proportion + np.stack(
            [np.append(0.0, np.cumsum(a[:own]))[inside], inside], 1
        )
        found = _limits(
            sums[at - 1], proportion, squares[np.maximum(at - own, 0)], known + at, alpha
        )
        limits = np.minimum.accumulate(np.append(self.limit, found))
        self.limit = float(limits[-1])
        self.known += n
        self.sums, self.squares = sums[-1], squares[-1]
        self.proportion = self.proportion + np.array([a[:own].sum(), own])
        return np.append(0, at), limits

    def join(self, other: "Past", sizes: tuple[float, float], alpha: float) -> None:
        """Take the past of another shard in; `sizes` are the sums that the rates of both are divided by.

        Notes
        -----
        A shard's rate is not above its limit, but with probability alpha; below 1 it is at any rate.  So the rate of
        all is not above their mean by their sizes, though shards may differ in their rates, but with the sum of their
        probabilities; the smallest of them would call a change what is only the rate of another shard.  It is smaller
        than what all rows tell where harm is among them that came after a limit.  The smaller of both stays, and it
        is the same in whichever order and nesting shards are merged.
        """
        mine, theirs = self.weighed(sizes[0]), other.weighed(sizes[1])
        self.shards = mine + theirs
        self.known += other.known
        self.sums, self.squares = self.sums + other.sums, self.squares + other.squares
        self.proportion = self.proportion + other.proportion
        total, size = self.shards.tolist()
        kept = total / size if size > 0 else 1.0
        self.limit = kept if kept < 1 else np.inf
        if self.known:
            number = np.array([self.known])
            sums = self.sums[None, :], self.proportion[None, :], self.squares[None, :]
            self.limit = min(self.limit, float(_limits(*sums, number, alpha)[0]))

    def weighed(self, size: float) -> Floats:
        """Limits of shards by their sizes and these sizes, summed; of one, where it was not merged."""
        return self.shards if self.shards[1] else np.array([min(self.limit, 1.0) * size, size])


def _limits(
    sums: Floats, proportion: Floats, squares: Floats, known: Integers, alpha: float
) -> Floats:
    """Limits at several times; infinite where nothing is known."""
    out = np.full(len(known), np.inf)
    plain = proportion[:, 1] == known
    if plain.any():
        _, out[plain] = sequence_limits(proportion[plain, 0], known[plain].astype(float), alpha)
    ratio = ~plain
    if ratio.any():
        rest = sums[ratio] - proportion[ratio]
        out[ratio] = ratio_limits(rest, squares[ratio], alpha, proportion[ratio])
    return np.where(out < 1, out, np.inf)

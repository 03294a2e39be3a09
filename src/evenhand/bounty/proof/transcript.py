"""What a sealed block has answered, as an adaptive code: the code's probability is the price.

A model that was updated by a block's answers is one of as many models as there are answers.  Any
code for the answers, fixed in advance, shares the error probability out among those models (Dwork
et al. 2015, arXiv 1506.02629, count them all alike; Globus-Harris, Kearns & Roth 2022, arXiv
2201.10408, theorem 11, count sparse ones).  Two things make it cheap here.  The code adapts: a
counter for each class of candidates predicts its next answer (Krichevsky & Trofimov 1981,
doi:10.1109/TIT.1981.1056331), so a thousand expected refusals cost 4 nats.  And a candidate that was
fixed before the block was opened pays only for answers that could have changed the model *within
its own group*: acceptances and repairs of groups that it can share rows with.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from evenhand.deferred import special

#: What the code expects of repairs: none, with this probability; else each next one with 1/2.
NO_REPAIRS = 0.8


def code_probability(yes: int, no: int) -> float:
    """Logarithm of Krichevsky and Trofimov's probability of any one sequence of such answers.

    Examples
    --------
    >>> round(code_probability(0, 1000), 2), round(code_probability(40, 0), 2)
    (-4.03, -2.42)
    """
    return float(
        special.gammaln(yes + 0.5)
        + special.gammaln(no + 0.5)
        - special.gammaln(yes + no + 1)
        - np.log(np.pi)
    )


@dataclass(slots=True)
class Transcript:
    """The answers of one block so far; groups are known by their number among those introduced."""

    _refused: Counter[str] = field(default_factory=Counter)
    _accepted: list[tuple[str, int]] = field(default_factory=list)
    _repairs: list[tuple[int, int]] = field(default_factory=list)

    def refuse(self, kind: str) -> None:
        """Record a refusal of a candidate of this class."""
        self._refused[kind] += 1

    def accept(self, kind: str, group: int) -> None:
        """Record an acceptance, which introduced this group."""
        self._accepted.append((kind, group))

    def repair(self, group: int, alternatives: int) -> None:
        """Record a repair of a group, one of so many that could have been made there and then."""
        self._repairs.append((group, alternatives))

    def log_probability(self, meets: Callable[[int], bool] | None = None) -> float:
        """Natural logarithm of what the code expected of the answers.

        Parameters
        ----------
        meets : callable, optional
            Whether a group of this number can share rows with the candidate's.  Answers about
            others are left out.  Refusals are never left out: that only lowers the result.
        """
        seen = [kind for kind, group in self._accepted if meets is None or meets(group)]
        return self._answers(Counter(seen)) + _repairs_code(
            alternatives for group, alternatives in self._repairs if meets is None or meets(group)
        )

    def _answers(self, accepted: Counter[str]) -> float:
        kinds = set(self._refused) | set(accepted)
        return sum(code_probability(accepted[kind], self._refused[kind]) for kind in kinds)

    @property
    def bits(self) -> float:
        """What all answers cost, in bits."""
        return -self.log_probability() / float(np.log(2))


def _repairs_code(alternatives: Iterable[int]) -> float:
    sizes = list(alternatives)
    if not sizes:
        return float(np.log(NO_REPAIRS))
    return float(np.log(1 - NO_REPAIRS) - len(sizes) * np.log(2) - np.log(sizes).sum())

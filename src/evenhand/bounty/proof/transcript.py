"""What a sealed block has answered, as an adaptive code: the code's probability is the price.

A model that was updated by a block's answers is one of as many models as there are answers.  Any
code for the answers, fixed in advance, shares the error probability out among those models (Dwork
et al. 2015, arXiv 1506.02629, count them all alike; Globus-Harris, Kearns & Roth 2022, arXiv
2201.10408, theorem 11, count sparse ones).  Three things make it cheap here.  The code adapts: a
counter for each class of candidates predicts its next answer (Krichevsky & Trofimov 1981,
doi:10.1109/TIT.1981.1056331), so a thousand expected refusals cost 4 nats.  A team that is unlike the
others of a class has a counter of its own, so that one that floods it makes only its own answers
dear.  And a candidate that was fixed before the block was opened pays only for acceptances that could
have changed the model *within its own group*: those of groups that it can share rows with.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from evenhand.deferred import special

#: The code expects k teams of a class to stand apart with probability (1 - APART) APART^k.
APART = 0.25
#: What it gives to "always no", and as much to "always yes", of a class and of a team that stands apart.
CONSTANT = 0.1
Counts = npt.NDArray[np.intp]


def code_probability(yes: npt.ArrayLike, no: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Logarithm of Krichevsky and Trofimov's probability of any one sequence of such answers.

    Examples
    --------
    >>> code_probability([0, 40], [1000, 0]).round(2).tolist()
    [-4.03, -2.42]
    """
    y, n = np.asarray(yes, float), np.asarray(no, float)
    return np.asarray(
        special.gammaln(y + 0.5)
        + special.gammaln(n + 0.5)
        - special.gammaln(y + n + 1)
        - np.log(np.pi)
    )


@dataclass(slots=True)
class Transcript:
    """The answers of one block so far; groups are known by their number among those introduced."""

    _places: dict[tuple[str, str], int] = field(default_factory=dict)
    _refused: list[int] = field(default_factory=list)
    _accepted: list[tuple[int, int]] = field(default_factory=list)

    def refuse(self, kind: str, team: str) -> None:
        """Record a refusal of a team's candidate of this class."""
        self._refused[self._place(kind, team)] += 1

    def accept(self, kind: str, team: str, group: int) -> None:
        """Record an acceptance, which introduced this group."""
        self._accepted.append((self._place(kind, team), group))

    def _place(self, kind: str, team: str) -> int:
        place = self._places.setdefault((kind, team), len(self._places))
        if place == len(self._refused):
            self._refused.append(0)
        return place

    def log_probability(self, meets: Callable[[int], bool] | None = None) -> float:
        """Natural logarithm of what the code expected of the answers.

        Parameters
        ----------
        meets : callable, optional
            Whether a group of this number can share rows with the candidate's.  Acceptances of
            others are left out.  Refusals are never left out: that only lowers the result.
        """
        if not self._places:
            return 0.0
        seen = [place for place, group in self._accepted if meets is None or meets(group)]
        places = len(self._places)
        yes = np.bincount(np.array(seen, int), minlength=places)
        no = np.array(self._refused)
        tested = no + np.bincount(
            np.array([place for place, _ in self._accepted], int), minlength=places
        )
        kinds = np.array([kind for kind, _ in self._places])
        return sum(
            _class_code(yes[kinds == kind], no[kinds == kind], tested[kinds == kind])
            for kind in np.unique(kinds)
        )


def _class_code(yes: Counts, no: Counts, tested: Counts) -> float:
    """A lower bound of the code of a class, whose teams answer so often yes and no.

    The code is a mixture over which teams stand apart, those with more candidates the likelier; one term of
    it, found by setting apart one more team as long as that helps, is never more than the whole.
    """
    together = np.ones(len(yes), bool)
    prior, own = float(np.log(1 - APART)) if len(yes) > 1 else 0.0, 0.0
    best = prior + float(_answers_code(yes.sum(), no.sum()))
    apart = _answers_code(yes, no)
    weights = np.log(np.maximum(tested, 1))
    for _ in range(1, len(yes)):
        which = weights - np.log(np.maximum(tested, 1)[together].sum())
        rest = _answers_code(yes[together].sum() - yes, no[together].sum() - no)
        found = np.where(together, prior + np.log(APART) + which + own + apart + rest, -np.inf)
        chosen = int(np.argmax(found))
        if found[chosen] <= best:
            break
        best, together[chosen] = float(found[chosen]), False
        prior += float(np.log(APART) + which[chosen])
        own += float(apart[chosen])
    return best


def _answers_code(yes: npt.ArrayLike, no: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """As `code_probability`, with some of it kept for answers that are all alike."""
    mixed = np.log(1 - 2 * CONSTANT) + code_probability(yes, no)
    for other in (yes, no):
        alike = np.where(np.asarray(other) == 0, np.log(CONSTANT), -np.inf)
        mixed = np.logaddexp(mixed, alike)
    return np.asarray(mixed)


def choice_probability(chosen: int, of: int) -> float:
    """Logarithm of a code's probability of one choice of so many things.

    Examples
    --------
    >>> round(choice_probability(0, 10), 2)
    -1.74
    """
    return float(code_probability(chosen, of - chosen))

"""How the error probability of a block is shared out among candidates, before it is opened."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from evenhand.bounty.proof.rules import SERVED_SHARE

#: Standard errors below 0 on practice rows from which a candidate is not tested without a word.
AGAINST = -3


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A submission in the order of an epoch's tests.

    Attributes
    ----------
    key : str
        The submission's hash.
    team : str
        Who sent it.
    kind : str
        Its class of practice evidence, see `practice_kind`.
    """

    key: str
    team: str
    kind: str


def practice_kind(improvement: float | None, standard_error: float | None) -> str:
    """Class of evidence of a candidate's practice score: how many standard errors above 0.

    Examples
    --------
    >>> practice_kind(0.01, 0.001), practice_kind(0.001, 0.001), practice_kind(None, None)
    ('over 5', 'under 2', 'unknown')
    >>> practice_kind(-0.004, 0.001)
    'against'
    """
    if improvement is None or standard_error is None:
        return "unknown"
    if standard_error <= 0:
        return "under 2"
    z = improvement / standard_error
    if z <= AGAINST:
        return "against"
    return next((f"over {edge}" for edge in (5, 3, 2) if z >= edge), "under 2")


def shares(candidates: Sequence[Queued]) -> dict[str, float]:
    """Share of the level of each candidate.

    Half of what is not kept for the served list is cut into equal parts for each class of practice evidence, and
    within it for each candidate; half for each team, then each class of the team's, then each candidate in
    it.  So strong evidence gets a larger part whoever sends it, and nobody's ten thousand submissions take
    more than half of anybody's.

    Examples
    --------
    >>> flood = [Queued(key=str(i), team="flood", kind="over 5") for i in range(1000)]
    >>> found = shares([*flood, Queued(key="ada", team="ada", kind="over 5")])
    >>> round(found["ada"], 3), round(sum(found.values()), 12)
    (0.225, 0.9)
    """
    kinds = Counter(one.kind for one in candidates)
    own = Counter((one.team, one.kind) for one in candidates)
    classes = Counter(team for team, _ in own)
    whole = (1 - SERVED_SHARE) / 2
    return {
        one.key: whole / (len(kinds) * kinds[one.kind])
        + whole / (len(classes) * classes[one.team] * own[one.team, one.kind])
        for one in candidates
    }

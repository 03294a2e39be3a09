"""How a bounty decides."""

from dataclasses import dataclass
from typing import Literal

from evenhand.errors import InputError

Order = Literal["practice", "arrival"]
#: Share of a block's error probability that is kept for the certificate of the list that is served.
SERVED_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How a bounty decides; fixed when it begins.

    Attributes
    ----------
    delta : float
        Probability that any candidate is ever accepted without being an improvement.
    blocks : int
        Sealed blocks; each may spend ``delta / blocks``.
    margin : float
        What the lower bound of μΔ must exceed.
    caution : float
        When an epoch ends, an introduced group keeps what its rows were given only where the block shows
        a gain of more than so many standard errors over the list served before; else it goes back.
    order : "practice" or "arrival"
        In which order an epoch's candidates are tested: by their lower bound on the practice rows,
        or as they came.  Either is fixed before the block is opened.
    """

    delta: float = 0.05
    blocks: int = 2
    margin: float = 0.0
    caution: float = 3.0
    order: Order = "practice"

    def __post_init__(self) -> None:
        checks = {
            "delta": (0 < self.delta < 1, "between 0 and 1"),
            "blocks": (1 <= self.blocks <= 1_000, "from 1 to 1000"),
            "margin": (self.margin >= 0, "0 or more"),
            "caution": (0 <= self.caution <= 10, "from 0 to 10"),
            "order": (self.order in ("practice", "arrival"), "'practice' or 'arrival'"),
        }
        for name, (right, allowed) in checks.items():
            if not right:
                raise InputError(f"{name} is {getattr(self, name)!r}.  Allowed: {allowed}.")

    @property
    def block_delta(self) -> float:
        """What one block may spend."""
        return self.delta / self.blocks

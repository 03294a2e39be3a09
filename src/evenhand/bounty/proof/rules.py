"""How a bounty decides."""

from dataclasses import dataclass
from typing import Literal

from evenhand.errors import InputError

Mode = Literal["epochs", "continuous"]
Order = Literal["practice", "arrival"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How a bounty decides; fixed when it begins.

    Attributes
    ----------
    delta : float
        Probability that any candidate is ever accepted without being an improvement.
    blocks : int
        Sealed blocks; each may spend ``delta / blocks``.
    mode : "epochs" or "continuous"
        See the module.
    margin : float
        What the lower bound of μΔ must exceed.
    repair_margin : float
        Loss per row of the block that an introduced group may stand above its lowest version.
    max_repairs : int
        Most repairs of one acceptance.
    max_bits : float
        What the transcript of a block may cost in continuous mode.
    order : "practice" or "arrival"
        In which order an epoch's candidates are tested: by their lower bound on the practice rows,
        or as they came.  Either is fixed before the block is opened.
    """

    delta: float = 0.05
    blocks: int = 2
    mode: Mode = "epochs"
    margin: float = 0.0
    repair_margin: float = 0.0
    max_repairs: int = 64
    max_bits: float = 60.0
    order: Order = "practice"

    def __post_init__(self) -> None:
        checks = {
            "delta": (0 < self.delta < 1, "between 0 and 1"),
            "blocks": (1 <= self.blocks <= 1_000, "from 1 to 1000"),
            "mode": (self.mode in ("epochs", "continuous"), "'epochs' or 'continuous'"),
            "margin": (self.margin >= 0, "0 or more"),
            "repair_margin": (self.repair_margin >= 0, "0 or more"),
            "max_repairs": (0 <= self.max_repairs <= 10_000, "from 0 to 10000"),
            "max_bits": (1 <= self.max_bits <= 500, "from 1 to 500"),
            "order": (self.order in ("practice", "arrival"), "'practice' or 'arrival'"),
        }
        for name, (right, allowed) in checks.items():
            if not right:
                raise InputError(f"{name} is {getattr(self, name)!r}.  Allowed: {allowed}.")

    @property
    def block_delta(self) -> float:
        """What one block may spend."""
        return self.delta / self.blocks

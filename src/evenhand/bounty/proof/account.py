"""What has been spent of the sealed rows, and what is left."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account of what sealed rows have given away.

    Attributes
    ----------
    mode : str
        `epochs` or `continuous`.
    delta : float
        Probability that anything is ever accepted wrongly.
    delta_spent : float
        Part of it that opened blocks have used up.
    blocks_left : int
        Sealed blocks not yet opened.
    bits_spent : float
        What the answers of the block in use have cost; 0 in epochs mode, where a block is used once.
    bits_budget : float or None
        Most that they may cost; `None` in epochs mode.
    smallest_detectable : float or None
        Smallest improvement a row that the next test could prove, if about a hundred are tested;
        `None` where nothing can be.
    reason : str or None
        `budget_spent` where nothing more can be proven; `None` otherwise.
    """

    mode: Literal["epochs", "continuous"]
    delta: float
    delta_spent: float
    blocks_left: int
    bits_spent: float
    bits_budget: float | None
    smallest_detectable: float | None
    reason: str | None

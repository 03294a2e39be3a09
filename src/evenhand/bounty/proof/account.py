"""What has been spent of the sealed rows, and what is left."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account of what sealed rows have given away.

    Attributes
    ----------
    delta : float
        Probability that anything is ever accepted wrongly.
    delta_spent : float
        Part of it that opened blocks have used up.
    blocks_left : int
        Sealed blocks not yet opened.
    smallest_detectable : float or None
        Smallest improvement a row that the next test could prove, if about a hundred are tested;
        `None` where nothing can be.
    reason : str or None
        `budget_spent` where nothing more can be proven; `None` otherwise.
    """

    delta: float
    delta_spent: float
    blocks_left: int
    smallest_detectable: float | None
    reason: str | None

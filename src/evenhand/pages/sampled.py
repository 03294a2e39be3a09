"""How rows were drawn, as a part of the sentence that counts them."""

from evenhand.pages.edition import PLAIN, Edition

#: Head of the column of effective sample sizes.
EFFECTIVE = "effective"


def sampled(
    weight: str | None, stratum: str | None, size: float | None, edition: Edition = PLAIN
) -> str:
    """What rows stand for, after how many there are; empty where each stands for one.

    Examples
    --------
    >>> sampled("pw", "stype", 143.6)
    ', weighted by pw (worth 144 of one weight), in strata of stype'
    >>> sampled(None, None, None)
    ''
    """
    text = ""
    if weight is not None:
        worth = "" if size is None else f" (worth {size:,.0f} of one weight)"
        text += f", weighted by {edition.column(weight)}{worth}"
    if stratum is not None:
        text += f", in strata of {edition.column(stratum)}"
    return text


def effective(size: float | None) -> str:
    """An effective sample size: ``144``."""
    return "–" if size is None else f"{size:,.0f}"

"""What is claimed, and what was measured of it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

#: What a world answers: the outcome of each contestant, None where it refused to say.
Answers = Mapping[str, float | None]
OURS = "evenhand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claim in words, its world, and how the measured mean is to lie by its nominal value.

    `bound` says the side: "at most" (false alarms), "at least" (power, against the better rival less
    3 points where `nominal` is None), "near" (coverage: 2 points beside Monte Carlo errors), or
    "told" (a weakness that is stated and no promise).
    """

    name: str
    title: str
    words: str
    world: str
    nominal: float | None
    bound: str
    worlds: int
    run: Callable[[np.random.Generator, int], Answers]
    #: Former figure of the case that broke the claim, or why it is weaker.
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Mean of one contestant's outcomes, its Monte Carlo error, worlds answered and refused."""

    mean: float | None
    error: float | None
    worlds: int
    refused: int


def measured(outcomes: list[float | None]) -> Measured:
    """Mean and standard error of the outcomes that are there; a refusal is counted, not averaged."""
    said = np.array([x for x in outcomes if x is not None], float)
    refused = len(outcomes) - len(said)
    if not len(said):
        return Measured(mean=None, error=None, worlds=0, refused=refused)
    mean = float(said.mean())
    # A share of 0 or 1 has an error too: that of one outcome more of each kind (Agresti & Coull
    # 1998, doi:10.1080/00031305.1998.10480550).
    spread = float(said.std())
    if spread == 0 and set(said) <= {0.0, 1.0}:
        share = (said.sum() + 1) / (len(said) + 2)
        spread = math.sqrt(share * (1 - share))
    return Measured(
        mean=mean, error=spread / math.sqrt(len(said)), worlds=len(said), refused=refused
    )


def holds(claim: Claim, found: Mapping[str, Measured]) -> bool | None:
    """Whether the measured mean stands with the claim; None for what is only told or all refused."""
    ours = found[OURS]
    if claim.bound == "told" or ours.mean is None or ours.error is None:
        return None
    if claim.nominal is None:
        rivals = [one.mean for name, one in found.items() if name != OURS and one.mean is not None]
        return ours.mean >= max(rivals) - 0.03 - 3 * ours.error
    chance = 3 * _error_at(claim.nominal, ours)
    if claim.bound == "at most":
        return ours.mean <= claim.nominal + chance
    if claim.bound == "at least":
        return ours.mean >= claim.nominal - chance
    return abs(ours.mean - claim.nominal) <= 0.02 + chance


def _error_at(nominal: float, ours: Measured) -> float:
    """Monte Carlo error of a share whose true value is the nominal one."""
    return math.sqrt(nominal * (1 - nominal) / ours.worlds)

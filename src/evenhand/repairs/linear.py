"""Linear scores of a row's features, learnt here: logistic regressions, alone or several that vote."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearScorer:
    """To be learnt."""

    name: str

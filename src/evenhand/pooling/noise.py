"""Noise that makes counts differentially private, by OpenDP; and what it costs."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.errors import InputError

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountNoise:
    """Discrete Laplace noise on counts to each of which a row adds at most 1, and to one of them only.

    Attributes
    ----------
    epsilon : float
        What all counts together may give away of a row.
    """

    epsilon: float

    @property
    def variance(self) -> float:
        """Of the noise of one count."""
        left = math.exp(-self.epsilon)
        return 2 * left / (1 - left) ** 2

    @property
    def usual(self) -> float:
        """What the noise of one count does not pass in 95 of 100 draws."""
        return math.log(20) / self.epsilon

    def surely_counted(self, cells: int) -> float:
        """Rows from which on a cell is of rows: twice what noise passes in none of so many counts, in 95 of 100 draws.

        Counts are not below 0, so that noise only adds to cells without rows: many of them, added up, would be
        taken for rows.
        """
        return 2 * math.log(20 * cells) / self.epsilon

    def added(self, counts: Integers) -> Integers:
        """The counts with noise, none of them below 0.

        Raises
        ------
        InputError
            Where OpenDP is not installed.

        Notes
        -----
        Dwork, McSherry, Nissim & Smith (2006), doi:10.1007/11681878_14; discrete noise, whose last digits give
        nothing away, as OpenDP draws it (Canonne, Kamath & Steinke 2020, arXiv:2004.00010).
        """
        dp = _opendp()
        space = dp.vector_domain(dp.atom_domain(T=int)), dp.l1_distance(T=int)
        noisy = space >> dp.m.then_laplace(scale=1 / self.epsilon)
        drawn = np.array(noisy([int(one) for one in counts.ravel()]), np.int64)
        return np.asarray(np.maximum(drawn, 0).reshape(counts.shape), np.int64)


def _opendp() -> Any:
    try:
        import opendp.prelude as dp  # noqa: PLC0415 - heavy extra
    except ImportError:
        raise InputError(
            "epsilon needs OpenDP: pip install 'evenhand[private]'.  Or leave it out, and hide small cells only."
        ) from None
    dp.enable_features("contrib")
    return dp

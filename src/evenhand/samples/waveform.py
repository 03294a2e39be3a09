"""Sound as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from evenhand.deferred import numpy as np
from evenhand.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Signal: TypeAlias = "NDArray[np.float64]"

LOWEST_RATE_HZ = 1_000
HIGHEST_RATE_HZ = 768_000
_PIECE = 2**18


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Audio:
    """Sound of one channel.

    Attributes
    ----------
    signal : array of shape (frames,), float64
        Full scale is -1 to 1; beyond it a file would clip.  Must not be changed in place.
    rate : int
        Frames per second, in Hz.
    """

    signal: Signal
    rate: int

    def __post_init__(self) -> None:
        signal = np.ascontiguousarray(self.signal, dtype=np.float64)
        if signal.ndim != 1:
            shape = " × ".join(map(str, signal.shape))
            raise InputError(
                f"The signal has the shape {shape}; one channel of shape (frames,) is needed.  "
                "Average the channels first."
            )
        if not LOWEST_RATE_HZ <= self.rate <= HIGHEST_RATE_HZ or self.rate != int(self.rate):
            raise InputError(
                f"The sampling rate is {self.rate} Hz.  "
                f"Allowed: whole numbers from {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz"
            )
        object.__setattr__(self, "signal", signal)
        object.__setattr__(self, "rate", int(self.rate))

    @property
    def seconds(self) -> float:
        """Duration."""
        return self.signal.size / self.rate

    def with_signal(self, signal: Signal) -> Audio:
        """Build another sound of the same rate."""
        return Audio(signal=signal, rate=self.rate)


def mean_power(signal: NDArray[Any]) -> float:
    """Mean of the squares; 0 for no frames."""
    pieces = range(0, signal.size, _PIECE)  # sums of single precision must stay short
    squares = (np.dot(piece, piece) for piece in (signal[at : at + _PIECE] for at in pieces))
    return float(sum(map(float, squares))) / max(1, signal.size)


def to_ratio(level_db: float) -> float:
    """Ratio of powers of a level.

    Examples
    --------
    >>> to_ratio(10)
    10.0
    """
    return float(10.0 ** (level_db / 10.0))


def to_decibels(ratio: float) -> float:
    """Level of a ratio of powers above 0.

    Examples
    --------
    >>> to_decibels(100)
    20.0
    """
    return float(10.0 * np.log10(ratio))

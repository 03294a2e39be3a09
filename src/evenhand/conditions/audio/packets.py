"""Packets that a network loses."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evenhand.conditions.condition import ConditionDefinition, Parameter, ParameterKind
from evenhand.samples.waveform import Audio, Signal

_FADE_PER_S = 25.0  # a repeated packet is silent after 40 ms, as in appendix I of G.711 after 60 ms
_RAMP_S = 0.001


def lose_packets(audio: Audio, generator: np.random.Generator, values: Mapping[str, Any]) -> Audio:
    """Speech with packets lost, which are silent or repeat the last one that came."""
    if not audio.signal.size:
        return audio
    size = max(1, round(values["frame"] * audio.rate / 1000.0))
    count = -(-audio.signal.size // size)
    lost = lost_packets(count, values["share"], values["burst"], generator)
    packets = np.zeros((count, size))
    packets.reshape(-1)[: audio.signal.size] = audio.signal
    if values["fill"] == "repeat":
        packets = _repeated(packets, lost, audio.rate)
    else:
        packets[lost] = 0.0
    return audio.with_signal(packets.reshape(-1)[: audio.signal.size])


def lost_packets(
    count: int, share: float, burst: float, generator: np.random.Generator
) -> NDArray[np.bool_]:
    """Draw which packets are lost.

    Parameters
    ----------
    count : int
    share : float
        Probability of each packet to be lost.
    burst : float
        Mean number of packets lost in a row, at least 1.
    generator : numpy.random.Generator

    References
    ----------
    Gilbert (1960), doi:10.1002/j.1538-7305.1960.tb03959.x, with all packets lost in the bad state.
    """
    if share == 0.0:
        return np.zeros(count, dtype=bool)
    begin = share / (burst * (1.0 - share))
    runs = 2 * (count // 2 + 1)  # each of them has a packet at least, so they are enough
    good = generator.geometric(begin, size=runs // 2)
    bad = generator.geometric(1.0 / burst, size=runs // 2)
    first_bad = bool(generator.random() < share)
    pairs = (bad, good) if first_bad else (good, bad)
    lengths = np.minimum(np.column_stack(pairs).reshape(-1), count)
    ends = np.cumsum(lengths)
    state = np.searchsorted(ends, np.arange(count), side="right") % 2
    return np.asarray(state == (0 if first_bad else 1))


def _repeated(packets: Signal, lost: NDArray[np.bool_], rate: int) -> Signal:
    """Lost packets filled with the last that came, fading to silence."""
    places = np.arange(len(packets))
    last = np.maximum.accumulate(np.where(lost, -1, places))
    age = places - last
    seconds = (age[lost, None] - 1) * packets.shape[1] + np.arange(packets.shape[1])
    fade = np.clip(1.0 - _FADE_PER_S * seconds / rate, 0.0, 1.0)
    fade[last[lost] < 0] = 0.0
    filled = packets.copy()
    filled[lost] = packets[np.maximum(last[lost], 0)] * fade
    return filled


def _possible(values: Mapping[str, Any]) -> str | None:
    most = values["burst"] / (values["burst"] + 1.0)
    if values["share"] > most:
        return (
            f"a share of {values['share']:g} cannot be lost in bursts of {values['burst']:g}; "
            f"at most {most:.3g}.  Make burst larger"
        )
    return None


PACKET_LOSS = ConditionDefinition(
    name="packet_loss",
    kind="audio",
    parameters=(
        Parameter(name="share", low=0, high=0.9, about="share of the packets lost", required=True),
        Parameter(
            name="burst", default=1.0, low=1, high=100, about="mean number of packets lost in a row"
        ),
        Parameter(
            name="frame", default=20.0, low=2.5, high=120, unit="ms", about="sound in a packet"
        ),
        Parameter(
            name="fill",
            default="silence",
            about="what stands for a lost packet",
            takes=ParameterKind.TEXT,
            choices=("silence", "repeat"),
        ),
    ),
    apply=lose_packets,
    about="Packets lost in bursts, as on a crowded network.",
    source="Gilbert (1960), doi:10.1002/j.1538-7305.1960.tb03959.x",
    check=_possible,
)

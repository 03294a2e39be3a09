"""Codecs of telephones and conferences: encoded and decoded by libsndfile, in memory."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from evenhand.conditions.condition import Apply, ConditionDefinition, Parameter
from evenhand.samples.audio import import_extra, resample
from evenhand.samples.waveform import Audio, Signal

_TELEPHONE_HZ = 8_000
_OPUS_RATES_HZ = (8_000, 12_000, 16_000, 24_000, 48_000)
#: libsndfile maps its compression level 0 … 1 to these bit rates per channel.
_OPUS_MOST, _OPUS_LEAST = 256.0, 6.0


def _telephone(subtype: str) -> Apply:
    """Codec that works at 8 kHz."""

    def apply(audio: Audio, _: np.random.Generator, __: Mapping[str, Any]) -> Audio:
        narrow = resample(audio, _TELEPHONE_HZ)
        return _restored(_through(narrow, format="WAV", subtype=subtype), audio)

    return apply


def code_opus(audio: Audio, _: np.random.Generator, values: Mapping[str, Any]) -> Audio:
    """Speech through Opus at a bit rate."""
    fitting = [rate for rate in _OPUS_RATES_HZ if rate >= audio.rate]
    coded = _through(
        resample(audio, fitting[0] if fitting else _OPUS_RATES_HZ[-1]),
        format="OGG",
        subtype="OPUS",
        compression_level=(_OPUS_MOST - values["bit_rate"]) / (_OPUS_MOST - _OPUS_LEAST),
    )
    return _restored(coded, audio)


def _through(audio: Audio, **options: Any) -> Audio:
    """Encoded and decoded again; louder than full scale is clipped, as any converter does."""
    if not audio.signal.size:
        return audio
    soundfile = import_extra("soundfile")
    stream = io.BytesIO()
    soundfile.write(stream, audio.signal, audio.rate, **options)
    stream.seek(0)
    signal, rate = soundfile.read(stream, dtype="float64")
    return Audio(signal=signal, rate=rate)


def _restored(coded: Audio, audio: Audio) -> Audio:
    """At the rate and length of the original; codecs fill up their last frame."""
    return audio.with_signal(fitted(resample(coded, audio.rate).signal, audio.signal.size))


def fitted(signal: Signal, size: int) -> Signal:
    """Signal cut, or filled up with zeros, to `size` frames."""
    return signal[:size] if signal.size >= size else np.pad(signal, (0, size - signal.size))


MU_LAW = ConditionDefinition(
    name="mu_law",
    kind="audio",
    apply=_telephone("ULAW"),
    about="Telephone codec of North America and Japan: 8 kHz, 8 bit on a logarithmic scale.",
    source="ITU-T G.711 μ-law, by libsndfile",
)
A_LAW = ConditionDefinition(
    name="a_law",
    kind="audio",
    apply=_telephone("ALAW"),
    about="Telephone codec of Europe: 8 kHz, 8 bit on a logarithmic scale.",
    source="ITU-T G.711 A-law, by libsndfile",
)
GSM = ConditionDefinition(
    name="gsm",
    kind="audio",
    apply=_telephone("GSM610"),
    about="Mobile telephone codec, full rate: 8 kHz, 13 kbit/s.",
    source="ETSI GSM 06.10, by libsndfile",
)
OPUS = ConditionDefinition(
    name="opus",
    kind="audio",
    parameters=(
        Parameter(
            name="bit_rate",
            low=_OPUS_LEAST,
            high=_OPUS_MOST,
            unit="kbit/s",
            about="6 to 12 is a poor connection, 24 a good call",
            required=True,
        ),
    ),
    apply=code_opus,
    about="Codec of conferences, browsers and messengers, at a variable rate with this mean.",
    source="RFC 6716, by libopus in libsndfile",
)

"""Audio files: any that libsndfile reads, to one channel of floats; writing and resampling."""

from __future__ import annotations

import io
import re
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

from evenhand.deferred import numpy as np
from evenhand.errors import InputError, near
from evenhand.samples.sample import SampleError
from evenhand.samples.speech_measures import measure_audio
from evenhand.samples.waveform import HIGHEST_RATE_HZ, LOWEST_RATE_HZ, Audio, Signal

__all__ = ["Audio", "import_extra", "measure_audio", "read_audio", "resample", "write_audio"]

#: Three hours at 48 kHz: 4 GB of floats.
MAX_FRAMES = 2**29
_BLOCK_FRAMES = 2**18
_CLAIMED = re.compile(r"^\W*data : (\d+) \(should be (\d+)\)", re.MULTILINE)
_STREAMED_BYTES = 0x7FFF_0000  # programs that write to a pipe put such a size into the header
_FORMATS = {
    "wav": ("WAV", "PCM_16"),
    "wav-float": ("WAV", "FLOAT"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}
_OPUS_RATES_HZ = (8_000, 12_000, 16_000, 24_000, 48_000)


def import_extra(module: str) -> Any:
    """Import a package of the extra ``audio``, or say how to get it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise InputError(
            f"Audio needs one more package ({module}).  Run: pip install 'evenhand[audio]'"
        ) from error
    except OSError as error:
        raise InputError(
            f"{module} is installed, but its library does not load: {error}.  "
            "On Debian and Ubuntu run: apt-get install libsndfile1"
        ) from error


def read_audio(source: Path | str | bytes, *, rate: int | None = None) -> Audio:
    """Read a sound; several channels are averaged.

    Parameters
    ----------
    source : path or bytes
        WAV, FLAC, Ogg (Vorbis or Opus), MP3, AIFF … of any depth, rate and number of channels.  It
        is read in blocks, so that memory holds one channel only.
    rate : int, optional
        Resample to this many Hz.

    Raises
    ------
    SampleError
        With a reason: missing, unreadable (damaged or cut short), empty or too large.
    """
    name = "The audio" if isinstance(source, bytes) else str(source)
    sound = _read(source, name, rate)
    if not sound.signal.size:
        raise SampleError(f"{name} holds no sound: 0 s.", reason="empty_media")
    return sound


def _read(source: Path | str | bytes, name: str, rate: int | None) -> Audio:
    soundfile = import_extra("soundfile")
    if isinstance(source, bytes):
        stream: Any = io.BytesIO(source)
    else:
        try:
            stream = Path(source).open("rb")  # noqa: SIM115 - closed below, where bytes are too
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise SampleError(
                f"{name} cannot be read: {reason}.", reason="missing_media"
            ) from error
    with closing(stream):
        try:
            with soundfile.SoundFile(stream) as file:
                if file.frames > MAX_FRAMES:
                    raise _too_large(name, file.samplerate)
                if not LOWEST_RATE_HZ <= file.samplerate <= HIGHEST_RATE_HZ:
                    raise SampleError(
                        f"{name} has a sampling rate of {file.samplerate} Hz.  "
                        f"Allowed: {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz",
                        reason="unreadable_media",
                    )
                wanted = file.samplerate if rate is None else rate
                return Audio(signal=_mixed(file, name, wanted), rate=wanted)
        except (soundfile.SoundFileError, RuntimeError, ValueError, TypeError) as error:
            detail = str(getattr(error, "error_string", error)).strip().rstrip(".")
            raise SampleError(
                f"{name} is no audio that can be read: {detail}.", reason="unreadable_media"
            ) from error


def _mixed(file: Any, name: str, rate: int) -> Signal:
    """Channels averaged and resampled, block by block."""
    change = None
    if rate != file.samplerate:
        stream = import_extra("soxr").ResampleStream
        change = stream(file.samplerate, rate, 1, dtype="float64", quality="HQ")
    blocks, frames = [], 0
    while True:
        channels = file.read(_BLOCK_FRAMES, dtype="float64", always_2d=True)
        frames += len(channels)
        if frames > MAX_FRAMES:
            raise _too_large(name, file.samplerate)
        block = channels[:, 0].copy() if channels.shape[1] == 1 else channels.mean(axis=1)
        if not np.isfinite(block).all():
            raise SampleError(
                f"{name} holds values that are no numbers (NaN or infinity).",
                reason="unreadable_media",
            )
        last = not channels.size
        blocks.append(block if change is None else change.resample_chunk(block, last=last))
        if last:
            break
    _check_whole(file, frames, name)
    return np.concatenate(blocks)


def _check_whole(file: Any, frames: int, name: str) -> None:
    """Refuse a file that was cut short: what is missing would count as the service's error."""
    claimed = _CLAIMED.search(file.extra_info)
    share = frames / file.frames if file.frames else 1.0
    if claimed and 0 < int(claimed[2]) < int(claimed[1]) < _STREAMED_BYTES:
        share = int(claimed[2]) / int(claimed[1])
    if share < 0.98:
        raise SampleError(
            f"{name} is cut short: {share:.0%} of what its header promises is there.",
            reason="unreadable_media",
        )


def _too_large(name: str, rate: int) -> SampleError:
    hours = MAX_FRAMES / rate / 3600
    return SampleError(
        f"{name} is longer than {hours:.1f} h at {rate} Hz.  Cut it into pieces.",
        reason="too_large_media",
    )


def resample(audio: Audio, rate: int) -> Audio:
    """Sound at another rate, by soxr's high-quality filter (linear phase, no delay)."""
    if rate == audio.rate:
        return audio
    soxr = import_extra("soxr")
    if not audio.signal.size:
        return Audio(signal=audio.signal, rate=rate)
    return Audio(signal=soxr.resample(audio.signal, audio.rate, rate), rate=rate)


def write_audio(audio: Audio, format: str = "wav") -> bytes:  # noqa: A002 - the field's word
    """Sound as the bytes of a file.

    Where the signal exceeds full scale, the whole of it is turned down to fit: clipping would add a
    distortion that no condition asked for, and ratios of levels stay.

    Parameters
    ----------
    audio : Audio
    format : str
        ``wav`` (16 bit), ``wav-float``, ``flac``, ``ogg`` (Vorbis), ``opus`` or ``mp3``.
    """
    if format not in _FORMATS:
        raise InputError(
            f"Audio is not written as {format!r}.{near(format, _FORMATS)}  Formats: {', '.join(_FORMATS)}"
        )
    soundfile = import_extra("soundfile")
    major, subtype = _FORMATS[format]
    if subtype == "OPUS":
        fitting = [rate for rate in _OPUS_RATES_HZ if rate >= audio.rate]
        audio = resample(audio, fitting[0] if fitting else _OPUS_RATES_HZ[-1])
    peak = float(np.abs(audio.signal).max(initial=0.0))
    signal = audio.signal / peak if peak > 1.0 and subtype != "FLOAT" else audio.signal
    stream = io.BytesIO()
    try:
        soundfile.write(stream, signal, audio.rate, format=major, subtype=subtype)
    except (soundfile.SoundFileError, ValueError) as error:
        raise InputError(f"{format} cannot hold {audio.rate} Hz: {error}") from error
    return stream.getvalue()

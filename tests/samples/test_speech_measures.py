"""Each measure follows its definition, and is None where it has none."""

import numpy as np
import pytest
from scipy.signal import fftconvolve, lfilter

from evenhand.conditions.audio.room import room_response
from evenhand.errors import InputError
from evenhand.samples import Audio, measure_audio
from evenhand.samples.reverberation import schroeder_seconds
from evenhand.samples.speech_level import speech_level
from evenhand.samples.speech_measures import MEASURES
from evenhand.samples.waveform import mean_power, to_decibels, to_ratio

RATE = 16_000


def audio(signal, rate=RATE):
    return Audio(signal=np.asarray(signal, dtype=float), rate=rate)


def sine(seconds=4.0, frequency=1000.0, amplitude=0.5, rate=RATE):
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)


def itu_level_db(signal, rate):
    """Frame by frame, as ITU-T P.56 writes method B; thresholds 6 dB apart."""
    decay = np.exp(-1 / (rate * 0.03))
    envelope = lfilter([(1 - decay) ** 2], [1, -2 * decay, decay**2], np.abs(signal))
    hold, frames = int(np.ceil(rate * 0.2)), np.arange(signal.size)
    before = None
    for exponent in range(-20, 1):
        threshold = 2.0**exponent
        last = np.maximum.accumulate(np.where(envelope >= threshold, frames, -(10**9)))
        active = np.count_nonzero(frames - last <= hold)
        level = 10 * np.log10(np.dot(signal, signal) / active)
        margin = level - 20 * np.log10(threshold)
        if before and margin < 15.9:
            weight = (before[1] - 15.9) / (before[1] - margin)
            return before[0] + weight * (level - before[0])
        before = (level, margin)
    raise AssertionError


def test_every_measure_has_a_source_a_unit_and_a_value(voice):
    values = measure_audio(voice, words=20)
    assert list(values) == [measure.name for measure in MEASURES]
    for measure in MEASURES:
        assert values[measure.name] is not None, measure.name
        assert len(measure.source) > 5, measure.name
        assert len(measure.undefined) > 4, measure.name


def test_the_level_is_that_of_the_itu(voice):
    rng = np.random.default_rng(3)
    for seconds in (0.0, 1.0, 5.0):
        for noise in (0.0, 1e-3, 3e-2):
            silence = np.zeros(round(seconds * RATE))
            signal = np.concatenate([silence, voice.signal, silence])
            signal = signal + noise * rng.standard_normal(signal.size)
            ours = to_decibels(speech_level(audio(signal)).power)
            assert ours == pytest.approx(itu_level_db(signal, RATE), abs=0.1)


def test_a_steady_tone_has_its_own_power():
    level = speech_level(audio(sine(amplitude=0.5)))
    assert to_decibels(level.power) == pytest.approx(to_decibels(0.125), abs=0.05)
    assert level.active_share == pytest.approx(1.0, abs=0.02)


def test_silence_around_speech_does_not_change_its_level(voice):
    alone = measure_audio(voice)
    padded = measure_audio(audio(np.pad(voice.signal, 5 * RATE)))
    assert padded["speech_level_db"] == pytest.approx(alone["speech_level_db"], abs=0.2)
    assert padded["speech_share"] < 0.6 * alone["speech_share"]


def test_ten_decibels_louder_is_ten_decibels(voice):
    louder = measure_audio(audio(voice.signal * np.sqrt(10)))
    difference = louder["speech_level_db"] - measure_audio(voice)["speech_level_db"]
    assert difference == pytest.approx(10, abs=1e-6)


def test_a_constant_offset_is_no_speech(voice):
    shifted = measure_audio(audio(voice.signal + 0.4))
    level = measure_audio(voice)["speech_level_db"]
    assert shifted["speech_level_db"] == pytest.approx(level, abs=0.05)
    assert measure_audio(audio(np.full(RATE, 0.4)))["speech_level_db"] is None


@pytest.mark.parametrize("snr", [0, 5, 10, 20, 30])
def test_noise_at_a_known_ratio_is_found_within_3_db(voice, snr):
    rng = np.random.default_rng(snr)
    noise = rng.standard_normal(voice.signal.size)
    noise *= np.sqrt(speech_level(voice).power / to_ratio(snr) / mean_power(noise))
    assert measure_audio(audio(voice.signal + noise))["snr_db"] == pytest.approx(snr, abs=3.0)


def test_pauses_of_digital_silence_tell_no_noise(voice):
    assert measure_audio(audio(np.pad(voice.signal, 2 * RATE)))["snr_db"] is None


@pytest.mark.parametrize("edge", [2000, 3400, 6000])
def test_bandwidth_is_where_the_band_ends(edge):
    rng = np.random.default_rng(0)
    spectrum = np.fft.rfft(rng.standard_normal(4 * RATE))
    spectrum[np.fft.rfftfreq(4 * RATE, 1 / RATE) > edge] = 0
    signal = 0.1 * np.fft.irfft(spectrum)
    assert measure_audio(audio(signal))["bandwidth_hz"] == pytest.approx(edge, abs=100)


def test_clipping_share_counts_flat_tops(voice):
    assert measure_audio(voice)["clipping_share"] == 0.0
    limit = np.quantile(np.abs(voice.signal), 0.9)
    share = measure_audio(audio(np.clip(voice.signal, -limit, limit)))["clipping_share"]
    assert share == pytest.approx(0.1, abs=0.03)
    assert measure_audio(audio(sine(frequency=997.0)))["clipping_share"] == 0.0


def test_schroeder_finds_the_time_of_an_exact_decay():
    time = np.arange(2 * RATE) / RATE
    assert schroeder_seconds(10 ** (-3 * time / 0.7), RATE) == pytest.approx(0.7, rel=0.01)
    assert schroeder_seconds(np.zeros(100), RATE) is None
    assert schroeder_seconds(np.ones(100), RATE) is None


def test_longer_reverberation_is_estimated_longer(voice):
    estimates = [measure_audio(voice)["reverberation_s"]]
    for rt60 in (0.5, 0.8, 1.2):
        rng = np.random.default_rng(5)
        response = room_response(RATE, rt60, ratio=0, gap=2, generator=rng)
        estimate = measure_audio(audio(fftconvolve(voice.signal, response)))["reverberation_s"]
        assert estimate == pytest.approx(rt60, rel=0.4)
        estimates.append(estimate)
    assert estimates == sorted(estimates)


def test_pace_counts_from_the_first_to_the_last_word(voice):
    alone = measure_audio(voice, words=16)["words_per_second"]
    padded = measure_audio(audio(np.pad(voice.signal, 3 * RATE)), words=16)["words_per_second"]
    assert alone == pytest.approx(2.1, abs=0.3)
    assert padded == pytest.approx(alone, rel=0.1)
    assert measure_audio(voice)["words_per_second"] is None
    assert measure_audio(voice, words=0)["words_per_second"] == 0.0
    for words in (-1, 1.5, True):
        with pytest.raises(InputError, match="whole numbers from 0"):
            measure_audio(voice, words=words)


@pytest.mark.parametrize("size", [0, 1, 2, 50, 400, 3000])
@pytest.mark.parametrize("value", [0.0, 1.0, "noise"])
def test_no_recording_is_too_short_or_too_quiet_to_be_described(size, value):
    rng = np.random.default_rng(size)
    signal = rng.standard_normal(size) if value == "noise" else np.full(size, value)
    values = measure_audio(audio(signal), words=3)
    assert values["duration_s"] == size / RATE
    for number in values.values():
        assert number is None or np.isfinite(number)
    if value == 0.0:
        assert values["speech_level_db"] is values["snr_db"] is values["words_per_second"] is None


def test_an_hour_is_measured():
    rng = np.random.default_rng(0)
    minute = rng.standard_normal(60 * 4000) * np.repeat(rng.random(600), 400)
    values = measure_audio(audio(np.tile(0.1 * minute, 60), rate=4000))
    assert values["duration_s"] == 3600
    assert values["speech_level_db"] is not None

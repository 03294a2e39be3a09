"""Any file is one channel of floats, or a reason."""

import io
import os
import sys

import numpy as np
import pytest
import soundfile

from evenhand.errors import InputError
from evenhand.samples import (
    MEDIA_REASONS,
    Audio,
    Sample,
    SampleError,
    check_measures,
    read_audio,
    resample,
    write_audio,
)
from evenhand.samples.waveform import mean_power


def sine(seconds=1.0, rate=16_000, frequency=440.0, amplitude=0.5):
    time = np.arange(round(seconds * rate)) / rate
    return amplitude * np.sin(2 * np.pi * frequency * time)


def written(signal, rate, **options):
    stream = io.BytesIO()
    soundfile.write(stream, signal, rate, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("options", "rate", "tolerance"),
    [
        ({"format": "WAV", "subtype": "PCM_U8"}, 16_000, 1e-2),
        ({"format": "WAV", "subtype": "PCM_16"}, 16_000, 1e-4),
        ({"format": "WAV", "subtype": "PCM_24"}, 96_000, 1e-6),
        ({"format": "WAV", "subtype": "DOUBLE"}, 44_100, 1e-12),
        ({"format": "FLAC", "subtype": "PCM_16"}, 48_000, 1e-4),
        ({"format": "AIFF", "subtype": "PCM_16"}, 22_050, 1e-4),
    ],
)
def test_lossless_files_give_the_signal_back(options, rate, tolerance):
    signal = sine(rate=rate)
    audio = read_audio(written(signal, rate, **options))
    assert audio.rate == rate
    assert audio.signal.dtype == np.float64
    assert np.abs(audio.signal - signal).max() < tolerance


@pytest.mark.parametrize("kind", ["ogg", "opus", "mp3"])
def test_lossy_files_keep_power_and_length(kind):
    audio = Audio(signal=sine(), rate=16_000)
    heard = read_audio(write_audio(audio, kind))
    assert heard.signal.size == pytest.approx(16_000, abs=1)
    assert 10 * np.log10(mean_power(heard.signal) / mean_power(audio.signal)) == pytest.approx(
        0, abs=0.5
    )


def test_six_channels_are_averaged():
    channels = np.column_stack([sine(amplitude=0.1 * k) for k in range(1, 7)])
    audio = read_audio(written(channels, 48_000, format="WAV", subtype="FLOAT"))
    assert np.abs(audio.signal - channels.mean(axis=1)).max() < 1e-7


def test_a_file_may_be_given_as_path_or_text(tmp_path):
    path = tmp_path / "say «ah».wav"
    path.write_bytes(write_audio(Audio(signal=sine(), rate=8_000)))
    assert read_audio(path).signal.size == read_audio(str(path)).signal.size == 16_000


def test_reading_can_resample():
    audio = read_audio(write_audio(Audio(signal=sine(rate=44_100), rate=44_100)), rate=16_000)
    assert (audio.rate, audio.signal.size) == (16_000, 16_000)
    assert np.abs(audio.signal - sine())[200:-200].max() < 1e-3


def test_reading_and_resampling_in_blocks_is_resampling_at_once(monkeypatch):
    monkeypatch.setattr("evenhand.samples.audio._BLOCK_FRAMES", 1000)
    rng = np.random.default_rng(0)
    content = written(0.1 * rng.standard_normal(44_100), 44_100, format="WAV", subtype="DOUBLE")
    at_once = resample(read_audio(content), 16_000).signal
    assert read_audio(content, rate=16_000).signal == pytest.approx(at_once, abs=1e-6)


def faulty():
    whole = written(sine(), 16_000, format="WAV", subtype="PCM_16")
    flac = written(sine(), 16_000, format="FLAC", subtype="PCM_16")
    mp3 = written(sine(4), 16_000, format="MP3", subtype="MPEG_LAYER_III")
    bad = np.array([0.1, np.nan, np.inf])
    return {
        "no bytes": (b"", "unreadable_media"),
        "text": (b"hello, I am no sound at all. " * 50, "unreadable_media"),
        "cut short": (whole[:10_000], "unreadable_media"),
        "cut flac": (flac[: len(flac) // 2], "unreadable_media"),
        "cut mp3": (mp3[: len(mp3) // 2], "unreadable_media"),
        "only a header": (whole[:44], "empty_media"),
        "0 s": (written(np.zeros(0), 16_000, format="WAV", subtype="PCM_16"), "empty_media"),
        "not a number": (
            written(bad, 16_000, format="WAV", subtype="FLOAT"),
            "unreadable_media",
        ),
        "slow": (written(sine(), 500, format="WAV", subtype="PCM_16"), "unreadable_media"),
    }


@pytest.mark.parametrize("name", faulty())
def test_a_bad_file_says_why(name, capfd):
    content, reason = faulty()[name]
    with pytest.raises(SampleError, match="The audio") as caught:
        read_audio(content)
    assert caught.value.reason == reason
    assert reason in MEDIA_REASONS
    assert "Traceback" not in capfd.readouterr().err


def test_a_file_that_is_not_there_says_so(tmp_path):
    for path in (tmp_path / "gone.wav", tmp_path, "nul\0byte"):
        with pytest.raises(SampleError, match="cannot be read") as caught:
            read_audio(path)
        assert caught.value.reason == "missing_media"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_must_not_be_read_says_so(tmp_path):
    path = tmp_path / "mine.wav"
    path.write_bytes(b"x")
    path.chmod(0)
    with pytest.raises(SampleError, match="denied") as caught:
        read_audio(path)
    assert caught.value.reason == "missing_media"


def test_a_streamed_header_is_no_damage():
    """Programs that write into a pipe do not know the length; ffmpeg writes -1."""
    content = bytearray(written(sine(), 16_000, format="WAV", subtype="PCM_16"))
    content[40:44] = b"\xff" * 4
    assert read_audio(bytes(content)).signal.size == 16_000


def test_too_long_a_file_is_refused_before_it_fills_memory(monkeypatch):
    monkeypatch.setattr("evenhand.samples.audio.MAX_FRAMES", 10_000)
    with pytest.raises(SampleError, match="Cut it into pieces") as caught:
        read_audio(write_audio(Audio(signal=sine(), rate=16_000)))
    assert caught.value.reason == "too_large_media"


def test_loud_sound_is_turned_down_and_not_clipped():
    loud = Audio(signal=sine(amplitude=3.0), rate=16_000)
    heard = read_audio(write_audio(loud))
    assert np.abs(heard.signal * 3 - loud.signal).max() < 1e-3
    assert np.abs(read_audio(write_audio(loud, "wav-float")).signal - loud.signal).max() < 1e-6


def test_what_cannot_be_written_is_told():
    audio = Audio(signal=sine(), rate=16_000)
    with pytest.raises(InputError, match="Did you mean 'flac'"):
        write_audio(audio, "flak")
    with pytest.raises(InputError, match="mp3 cannot hold 17001 Hz"):
        write_audio(Audio(signal=sine(), rate=17_001), "mp3")


def test_resampling_keeps_a_tone_and_its_duration():
    audio = Audio(signal=sine(rate=44_100), rate=44_100)
    assert np.abs(resample(audio, 16_000).signal - sine())[200:-200].max() < 1e-4
    assert resample(audio, 44_100) is audio
    assert resample(Audio(signal=np.zeros(0), rate=8_000), 16_000).signal.size == 0


def test_audio_is_one_channel_at_a_possible_rate():
    with pytest.raises(InputError, match="2 × 5"):
        Audio(signal=np.zeros((2, 5)), rate=16_000)
    for rate in (0, 999, 768_001):
        with pytest.raises(InputError, match="sampling rate"):
            Audio(signal=np.zeros(5), rate=rate)


def test_an_absent_package_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(InputError, match=r"pip install 'evenhand\[audio\]'"):
        read_audio(b"RIFF")


def test_importing_the_room_loads_no_heavy_package():
    import subprocess

    code = "import sys, evenhand.samples, evenhand.conditions; print(sorted(sys.modules))"
    modules = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    for heavy in ("'soundfile'", "'soxr'", "'scipy.signal'", "'scipy.special'"):
        assert heavy not in modules


@pytest.mark.parametrize("name", ["gender", "speaker_age", "skin_tone", "Race", "accent"])
def test_who_a_person_is_is_never_measured(name):
    with pytest.raises(InputError, match="no signal tells who a person is"):
        check_measures([name], ["snr_db"])


def test_an_unknown_measure_offers_a_near_one():
    with pytest.raises(InputError, match="Did you mean 'snr_db'"):
        check_measures(["snr_bd"], ["snr_db", "duration_s"])


def test_a_sample_is_a_value():
    sample = Sample(id="a", kind="text", media="hello", reference="hello")
    assert sample.attributes == {}
    assert sample.unit is None

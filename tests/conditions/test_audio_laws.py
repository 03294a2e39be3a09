"""Laws of all audio conditions, whatever they do."""

import numpy as np
import pytest

from evenhand.conditions import FAMILIES, parse_condition
from evenhand.conditions.condition import ParameterKind
from evenhand.errors import InputError
from evenhand.samples import Audio, SampleError, write_audio

RATE = 16_000
AUDIO = {definition.name: definition for definition in FAMILIES["audio"]}
CHANGE_LENGTH = {"speed", "tempo"}
WITHOUT_CHANCE = {"impulse_response", "band", "microphone", "mu_law", "a_law", "gsm", "opus"} | {
    *("clipping", "gain", "speed", "tempo", "pitch", "notch")
}
NEED_SPEECH = {"tone", "noise", "recorded_noise", "babble"}
TYPICAL = {
    "tone": "frequency=1000, rate=16",
    "noise": "snr=10, colour=pink",
    "recorded_noise": "file='{folder}/noise.wav', snr=10",
    "babble": "files=['{folder}/voice.wav', '{folder}/noise.wav'], snr=10, talkers=3",
    "reverberation": "rt60=0.4",
    "impulse_response": "file='{folder}/noise.wav'",
    "opus": "bit_rate=16",
    "packet_loss": "share=0.2, burst=2",
    "clipping": "share=0.1",
    "gain": "level=-6",
    "speed": "factor=1.2",
    "tempo": "factor=1.2",
    "pitch": "semitones=2",
    "notch": "frequency=1000",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, voice):
    folder = tmp_path_factory.mktemp("recordings")
    rng = np.random.default_rng(9)
    noise = Audio(signal=0.1 * rng.standard_normal(11_025), rate=22_050)
    (folder / "noise.wav").write_bytes(write_audio(noise))
    (folder / "voice.wav").write_bytes(write_audio(voice))
    return folder


@pytest.fixture
def condition(request, folder):
    given = TYPICAL.get(request.param, "").format(folder=folder)
    return parse_condition(f"{request.param}({given})")


every_condition = pytest.mark.parametrize("condition", sorted(AUDIO), indirect=True)


def audio(signal, rate=RATE):
    return Audio(signal=np.asarray(signal, dtype=float), rate=rate)


def applied(condition, sound):
    """What comes out, or the reason why nothing does."""
    try:
        return condition.apply(sound, 1)
    except SampleError as error:
        return error.reason


def bound(definition, values):
    try:
        return definition(**values)
    except InputError as error:
        return str(error)


@every_condition
def test_same_seed_same_sound_other_seed_other_sound(condition, voice):
    first = condition.apply(voice, 1).signal
    assert np.array_equal(first, condition.apply(voice, 1).signal)
    assert np.array_equal(first, condition.apply(voice, 2).signal) == (
        condition.name in WITHOUT_CHANCE
    )


@every_condition
def test_the_sample_itself_is_left_as_it_is(condition, voice):
    before = voice.signal.copy()
    condition.apply(voice, 1)
    assert np.array_equal(voice.signal, before)


@every_condition
def test_length_rate_and_finiteness_are_kept(condition, voice):
    result = condition.apply(voice, 1)
    assert result.rate == voice.rate
    assert result.signal.dtype == np.float64
    assert np.isfinite(result.signal).all()
    assert not np.array_equal(result.signal, voice.signal)
    if condition.name in CHANGE_LENGTH:
        assert result.signal.size == pytest.approx(voice.signal.size / 1.2, abs=2)
    else:
        assert result.signal.size == voice.signal.size


@every_condition
@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 96_000])
def test_any_rate_works(condition, rate):
    rng = np.random.default_rng(0)
    sound = audio(0.1 * rng.standard_normal(rate), rate)
    result = condition.apply(sound, 1)
    assert result.rate == rate
    assert np.isfinite(result.signal).all()
    if condition.name not in CHANGE_LENGTH:
        assert result.signal.size == rate


@every_condition
@pytest.mark.parametrize("size", [0, 1, 2, 7, 160, 500])
def test_short_sounds_give_sound_or_a_reason(condition, size):
    sound = audio(np.full(size, 0.1) * (-1.0) ** np.arange(size))
    result = applied(condition, sound)
    if isinstance(result, str):
        assert result == "no_speech"
        assert condition.name in NEED_SPEECH
        return
    assert np.isfinite(result.signal).all()
    if condition.name not in CHANGE_LENGTH:
        assert result.signal.size == size


@every_condition
def test_silence_stays_finite_or_says_that_it_is_silent(condition):
    silence = audio(np.zeros(RATE))
    if condition.name in NEED_SPEECH:
        with pytest.raises(SampleError, match="silent") as caught:
            condition.apply(silence, 1)
        assert caught.value.reason == "no_speech"
    else:
        assert np.abs(condition.apply(silence, 1).signal).max() < 1e-2


@every_condition
def test_both_ends_of_every_range_work_and_beyond_is_refused(condition, voice):
    short = audio(voice.signal[: 2 * RATE])
    given = dict(condition.parameters)
    for parameter in AUDIO[condition.name].parameters:
        if parameter.takes not in {ParameterKind.NUMBER, ParameterKind.WHOLE}:
            continue
        for end, step in ((parameter.low, -1), (parameter.high, 1)):
            with pytest.raises(InputError, match=f"{parameter.name} is"):
                AUDIO[condition.name](**{**given, parameter.name: end + step})
            extreme = bound(AUDIO[condition.name], {**given, parameter.name: end})
            if isinstance(extreme, str):
                assert condition.name in {"band", "microphone", "packet_loss"}, extreme
                continue
            result = applied(extreme, short)
            assert result == "unfit_media" or np.isfinite(result.signal).all()


def test_no_condition_is_forgotten_here():
    assert set(TYPICAL) | {"band", "microphone", "mu_law", "a_law", "gsm"} == set(AUDIO)


@pytest.mark.parametrize(
    "text",
    ["tone(frequency=1000, rate=16)", "noise(snr=10)", "reverberation(rt60=0.6)", "band", "mu_law"],
)
def test_an_hour_goes_through(text):
    rate = 4000
    minute = np.repeat(np.random.default_rng(0).random(600), 400) - 0.5
    hour = audio(np.tile(minute, 60), rate)
    text = "band(low=300, high=1500)" if text == "band" else text
    result = parse_condition(text).apply(hour, 1)
    assert result.seconds == 3600
    assert np.isfinite(result.signal).all()


def test_a_recording_that_cannot_be_read_blames_the_condition(tmp_path, voice):
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no sound")
    silent = tmp_path / "silent.wav"
    silent.write_bytes(write_audio(audio(np.zeros(RATE))))
    for text, message in {
        f"recorded_noise(file='{tmp_path}/gone.wav', snr=10)": "cannot be read",
        f"recorded_noise(file='{bad}', snr=10)": "no audio that can be read",
        f"recorded_noise(file='{silent}', snr=10)": "silent",
        f"impulse_response(file='{silent}')": "silent",
        f"babble(files=['{silent}'], snr=10)": "silent",
    }.items():
        with pytest.raises(InputError, match=message) as caught:
            parse_condition(text).apply(voice, 1)
        assert not isinstance(caught.value, SampleError)


def test_a_changed_recording_is_read_again(tmp_path, voice):
    path = tmp_path / "noise.wav"
    rng = np.random.default_rng(1)
    condition = parse_condition(f"recorded_noise(file='{path}', snr=0)")
    results = []
    for size in (20_000, 30_000):
        path.write_bytes(write_audio(audio(0.1 * rng.standard_normal(size))))
        results.append(condition.apply(voice, 1).signal)
    assert not np.array_equal(*results)

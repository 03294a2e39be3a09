"""Each audio condition is what physics says it is."""

import numpy as np
import pytest
import soundfile
from scipy.signal import hilbert

from evenhand.conditions import parse_condition
from evenhand.conditions.audio.noise import density, normals
from evenhand.conditions.audio.packets import lost_packets
from evenhand.conditions.audio.spectrum import convolve, good_length
from evenhand.conditions.audio.tone import gate
from evenhand.samples import Audio, SampleError, write_audio
from evenhand.samples.reverberation import schroeder_seconds
from evenhand.samples.speech_level import speech_level
from evenhand.samples.waveform import mean_power, to_decibels

RATE = 16_000


def audio(signal, rate=RATE):
    return Audio(signal=np.asarray(signal, dtype=float), rate=rate)


def sine(frequency, seconds=2.0, rate=RATE, amplitude=0.1):
    return audio(
        amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate), rate
    )


def hiss(seconds=8.0, rate=RATE, seed=3, amplitude=0.05):
    return audio(
        amplitude * np.random.default_rng(seed).standard_normal(round(seconds * rate)), rate
    )


def added(text, sound, seed=1):
    """What a condition adds."""
    return parse_condition(text).apply(sound, seed).signal - sound.signal


def spectrum(signal, rate=RATE):
    """Power by frequency, with a window so that nothing leaks."""
    power = np.square(np.abs(np.fft.rfft(signal * np.blackman(signal.size))))
    return np.fft.rfftfreq(signal.size, 1 / rate), power


def peak_hz(signal, rate=RATE):
    frequencies, power = spectrum(signal, rate)
    return frequencies[np.argmax(power)]


def gain_db(text, frequency, rate=RATE):
    """Gain for a steady sine, after the beginning."""
    sound = sine(frequency, rate=rate)
    result = parse_condition(text).apply(sound, 1).signal
    return to_decibels(mean_power(result[rate:]) / mean_power(sound.signal[rate:]))


def level_db(sound):
    return to_decibels(speech_level(sound).power)


@pytest.mark.parametrize("frequency", [63, 250, 1000, 3000, 7500])
def test_a_tone_peaks_at_its_frequency_and_nowhere_else(voice, frequency):
    tone = added(f"tone(frequency={frequency})", voice)
    assert peak_hz(tone) == pytest.approx(frequency, abs=0.2)
    frequencies, power = spectrum(tone)
    near = np.abs(frequencies - frequency) < 2
    assert power[~near].sum() < 1e-6 * power.sum()


@pytest.mark.parametrize("level", [-20, 0, 10])
def test_a_steady_tone_has_its_level_over_the_speech(voice, level):
    tone = added(f"tone(frequency=1000, level={level})", voice)
    assert to_decibels(mean_power(tone)) == pytest.approx(level_db(voice) + level, abs=0.1)


@pytest.mark.parametrize("rate", [2, 12, 16])
def test_a_gated_tone_has_its_level_while_it_is_on(voice, rate):
    tone = added(f"tone(frequency=1000, rate={rate}, level=10)", voice)
    envelope = np.abs(hilbert(tone))
    on = np.median(envelope[envelope > 0.5 * envelope.max()])
    assert to_decibels(on**2 / 2) == pytest.approx(level_db(voice) + 10, abs=0.1)


@pytest.mark.parametrize(("rate", "duty"), [(2, 0.5), (12, 0.25), (16, 0.5), (16, 0.75), (33, 0.5)])
def test_the_rhythm_of_a_gate_is_seen_in_the_envelope(voice, rate, duty):
    tone = added(f"tone(frequency=1000, rate={rate}, duty={duty})", voice)
    envelope = np.abs(hilbert(tone))
    frequencies, power = spectrum(envelope - envelope.mean())
    low = frequencies < 100
    assert frequencies[low][np.argmax(power[low])] == pytest.approx(rate, abs=0.1)
    assert (envelope > 0.5 * np.median(envelope[envelope > 0.1 * envelope.max()])).mean() == (
        pytest.approx(duty, abs=0.01)
    )


def test_a_gate_never_clicks():
    envelope = gate(RATE, RATE, 16, duty=0.5)
    assert np.abs(np.diff(envelope)).max() < 0.06
    assert envelope.min() == 0.0
    assert envelope.max() == 1.0


def test_a_gate_keeps_its_rhythm_for_an_hour():
    """Cycles are counted from the beginning of each piece, so no error adds up."""
    whole = gate(3600 * 4000, 4000, 16, duty=0.5, phase=0.3)
    assert whole[-4000:] == pytest.approx(whole[:4000], abs=1e-6)


def test_harmonics_lie_at_multiples_and_fall_as_one_over_k(voice):
    tone = added("tone(frequency=700, harmonics=8)", voice)
    frequencies, power = spectrum(tone)
    found = [np.sqrt(power[np.argmin(np.abs(frequencies - 700 * k))]) for k in range(1, 9)]
    assert np.array(found) / found[0] == pytest.approx(1 / np.arange(1, 9), rel=0.02)
    assert to_decibels(mean_power(tone)) == pytest.approx(level_db(voice), abs=0.1)


def test_harmonics_above_the_band_are_left_out_and_the_level_kept(voice):
    tone = added("tone(frequency=3000, harmonics=8)", voice)
    frequencies, power = spectrum(tone)
    strong = frequencies[power > 1e-3 * power.max()]
    assert {round(f, -3) for f in strong} == {3000, 6000}
    assert to_decibels(mean_power(tone)) == pytest.approx(level_db(voice), abs=0.1)


@pytest.mark.parametrize(
    "text", ["tone(frequency=5000)", "notch(frequency=3900)", "band(low=4500, high=9000)"]
)
def test_a_frequency_that_the_sample_cannot_hold_is_told(text):
    with pytest.raises(SampleError, match="does not fit a sample of 8000 Hz") as caught:
        parse_condition(text).apply(sine(440, rate=8000), 1)
    assert caught.value.reason == "unfit_media"


@pytest.mark.parametrize("colour", ["white", "pink", "brown", "speech"])
@pytest.mark.parametrize("snr", [-10, 10, 30])
def test_ten_decibels_are_ten_decibels(voice, colour, snr):
    noise = added(f"noise(snr={snr}, colour={colour})", voice)
    assert level_db(voice) - to_decibels(mean_power(noise)) == pytest.approx(snr, abs=0.01)


@pytest.mark.parametrize(("colour", "slope"), [("white", 0.0), ("pink", -1.0), ("brown", -2.0)])
def test_noise_has_the_slope_of_its_colour(colour, slope):
    noise = added(f"noise(snr=0, colour={colour})", hiss())
    frequencies, power = spectrum(noise)
    middles, levels = [], []
    for low in 50.0 * 2 ** np.arange(7):
        inside = (frequencies >= low) & (frequencies < 2 * low)
        middles.append(np.log2(low))
        levels.append(np.log2(power[inside].mean()))
    assert np.polyfit(middles, levels, 1)[0] == pytest.approx(slope, abs=0.05)


def test_speech_noise_has_the_published_spectrum():
    noise = added("noise(snr=0, colour=speech)", hiss(20.0))
    frequencies, power = spectrum(noise)
    published = {125: 57.7, 250: 60.3, 500: 62.1, 1000: 53.7, 2000: 48.7, 4000: 45.6}
    found = {}
    for middle in published:
        edges = middle * 2 ** (-1 / 6), middle * 2 ** (1 / 6)
        found[middle] = to_decibels(
            power[(frequencies > edges[0]) & (frequencies < edges[1])].sum()
        )
    offset = found[1000] - published[1000]
    for middle, level in published.items():
        assert found[middle] - offset == pytest.approx(level, abs=1.5)
    assert density(np.array([10.0]), "pink") == 0.0


def test_normal_numbers_are_normal():
    drawn = normals(2_000_000, np.random.default_rng(5)).astype(float)
    assert drawn.mean() == pytest.approx(0, abs=0.003)
    assert np.mean(drawn**2) == pytest.approx(1, abs=0.004)
    assert np.mean(drawn**4) == pytest.approx(3, abs=0.03)
    assert np.mean(drawn > 3) == pytest.approx(0.00135, abs=0.0001)
    assert np.corrcoef(drawn[:-1], drawn[1:])[0, 1] == pytest.approx(0, abs=0.003)


@pytest.mark.parametrize("seconds", [0.7, 20.0])
def test_recorded_noise_meets_the_ratio_and_keeps_its_sound(tmp_path, voice, seconds):
    path = tmp_path / "hum.wav"
    path.write_bytes(write_audio(sine(440, seconds, rate=44_100)))
    noise = added(f"recorded_noise(file='{path}', snr=10)", voice)
    assert level_db(voice) - to_decibels(mean_power(noise)) == pytest.approx(10, abs=0.01)
    assert peak_hz(noise) == pytest.approx(440, abs=1)
    assert np.abs(np.diff(noise)).max() < 1.5 * 2 * np.pi * 440 / RATE * np.abs(noise).max()


def test_babble_meets_the_ratio_and_is_no_single_voice(tmp_path, voice):
    files = []
    for number in range(3):
        files.append(tmp_path / f"{number}.wav")
        files[-1].write_bytes(write_audio(audio(np.roll(voice.signal, 20_000 * number))))
    listed = ", ".join(f"'{file}'" for file in files)
    shares = []
    for talkers in (1, 8):
        noise = added(f"babble(files=[{listed}], snr=5, talkers={talkers})", voice)
        assert level_db(voice) - to_decibels(mean_power(noise)) == pytest.approx(5, abs=0.01)
        shares.append(speech_level(audio(noise)).active_share)
    assert shares[1] > shares[0]


@pytest.mark.parametrize("rt60", [0.2, 0.5, 1.2])
@pytest.mark.parametrize("ratio", [-6, 6])
def test_a_room_has_its_reverberation_time_and_ratio(rt60, ratio):
    impulse = np.zeros(round(2 * rt60 * RATE))
    impulse[0] = 1.0
    response = (
        parse_condition(f"reverberation(rt60={rt60}, ratio={ratio}, gap=5)")
        .apply(audio(impulse), 4)
        .signal
    )
    gap = round(0.005 * RATE)
    assert response[0] == pytest.approx(1.0)
    assert np.abs(response[1:gap]).max() < 1e-12
    assert schroeder_seconds(response[gap:], RATE) == pytest.approx(rt60, rel=0.08)
    assert to_decibels(1.0 / np.dot(response[1:], response[1:])) == pytest.approx(ratio, abs=0.01)


def test_an_impulse_response_is_aligned_to_its_direct_sound(tmp_path):
    path = tmp_path / "room.wav"
    response = np.zeros(2000)
    response[[100, 500, 900]] = 0.5, 0.25, -0.1
    path.write_bytes(write_audio(audio(response), "wav-float"))
    sound = hiss(1.0)
    result = parse_condition(f"impulse_response(file='{path}')").apply(sound, 1).signal
    expected = sound.signal.copy()
    expected[400:] += 0.5 * sound.signal[:-400]
    expected[800:] -= 0.2 * sound.signal[:-800]
    assert result == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("size", [1, 100, 20_000, 50_001])
@pytest.mark.parametrize("taps", [1, 2, 333, 9000])
def test_fast_convolution_is_convolution(size, taps):
    rng = np.random.default_rng(size + taps)
    signal, response = rng.standard_normal(size), rng.standard_normal(taps)
    expected = np.fft.irfft(
        np.fft.rfft(signal, size + taps) * np.fft.rfft(response, size + taps), size + taps
    )[:size]
    assert convolve(signal, response) == pytest.approx(expected, abs=1e-9)


def test_a_good_length_is_the_next_smooth_one():
    for size in [*range(1, 300), 11_521, 999_983]:
        length = good_length(size)
        assert length >= size
        smooth = [n for n in range(size, length + 1) if is_smooth(n)]
        assert smooth[0] == length


def is_smooth(number):
    for factor in (2, 3, 5):
        while number % factor == 0:
            number //= factor
    return number == 1


def test_a_handset_passes_its_band_and_no_more():
    assert gain_db("band", 1000) == pytest.approx(0, abs=0.1)
    for edge in (300, 3400):
        assert gain_db("band", edge) == pytest.approx(-3.01, abs=0.1)
    assert gain_db("band", 75) < -22  # two octaves at 12 dB
    assert gain_db("band(order=4)", 75) < -45
    assert gain_db("band", 7000) < -15


def test_a_band_above_the_sample_is_a_high_pass():
    assert gain_db("band(low=300, high=20000)", 7900) == pytest.approx(0, abs=0.1)
    assert gain_db("band(low=300, high=20000)", 300) == pytest.approx(-3.01, abs=0.1)


def test_a_microphone_has_soft_ends_and_a_peak():
    text = "microphone(low=100, high=7000, presence=3000, boost=6)"
    assert gain_db(text, 3000) == pytest.approx(6, abs=0.3)
    assert gain_db(text, 500) == pytest.approx(0, abs=0.3)
    assert gain_db(text, 100) == pytest.approx(-3, abs=0.1)
    assert gain_db(text, 25) == pytest.approx(-24, abs=0.5)


def test_a_notch_removes_its_band_and_no_more():
    text = "notch(frequency=1000, quality=2.5)"
    assert gain_db(text, 1000) < -60
    edges = [1000 * (np.sqrt(1 + 0.04) + sign * 0.2) for sign in (-1, 1)]
    assert edges[1] - edges[0] == pytest.approx(400)
    for edge in edges:
        assert gain_db(text, edge) == pytest.approx(-3.01, abs=0.15)
    assert gain_db(text, 300) == pytest.approx(0, abs=0.1)
    assert gain_db(text, 3000) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("rate", [2, 16])
def test_a_notch_takes_a_gated_tone_away_and_leaves_the_speech(voice, rate):
    tone = f"tone(frequency=1000, rate={rate})"
    repaired = parse_condition(f"{tone} | notch(frequency=1000)").apply(voice, 1).signal
    alone = parse_condition("notch(frequency=1000)").apply(voice, 1).signal
    left = to_decibels(mean_power(repaired - alone) / mean_power(added(tone, voice)))
    assert left < -20
    assert to_decibels(mean_power(alone) / mean_power(voice.signal)) > -2


@pytest.mark.parametrize(("codec", "low", "high"), [("mu_law", 32, 42), ("a_law", 32, 42)])
def test_g711_has_its_signal_to_noise_ratio(codec, low, high):
    """G.711 keeps 33 to 39 dB over a wide range of levels, whatever the level."""
    for amplitude in (0.03, 0.3):
        sound = sine(1020, amplitude=amplitude)
        noise = parse_condition(codec).apply(sound, 1).signal - sound.signal
        ratio = to_decibels(mean_power(sound.signal[RATE:]) / mean_power(noise[RATE:]))
        assert low < ratio < high


@pytest.mark.parametrize("codec", ["mu_law", "a_law", "gsm"])
def test_telephone_codecs_end_at_4_khz_and_do_not_shift(voice, codec):
    coded = parse_condition(codec).apply(hiss(2.0), 1).signal
    frequencies, power = spectrum(coded)
    assert power[frequencies > 4200].sum() < 1e-4 * power.sum()
    result = parse_condition(codec).apply(voice, 1).signal
    assert shift(voice.signal, result) == 0
    assert to_decibels(mean_power(result) / mean_power(voice.signal)) == pytest.approx(0, abs=1)


def shift(signal, other):
    """Frames by which the other one is late."""
    size = 2 * good_length(signal.size)
    product = np.fft.rfft(other, size) * np.conj(np.fft.rfft(signal, size))
    place = int(np.argmax(np.fft.irfft(product, size)))
    return place if place < size / 2 else place - size


def test_gsm_is_worse_than_g711(voice):
    def noise(codec):
        return mean_power(parse_condition(codec).apply(voice, 1).signal - voice.signal)

    assert noise("gsm") > 10 * noise("mu_law")


def test_opus_keeps_its_bit_rate_and_time(voice, monkeypatch):
    sizes = []
    read = soundfile.read

    def watched(stream, **options):
        sizes.append(len(stream.getvalue()))
        return read(stream, **options)

    monkeypatch.setattr(soundfile, "read", watched)
    noises = []
    for bit_rate in (8, 16, 32, 64):
        result = parse_condition(f"opus(bit_rate={bit_rate})").apply(voice, 1).signal
        assert abs(shift(voice.signal, result)) <= 1
        noises.append(mean_power(result - voice.signal))
        # Ogg adds a little more than 1 kbit/s; a variable rate spends less where nobody speaks
        assert 0.5 * bit_rate < sizes[-1] * 8 / voice.seconds / 1000 < 1.15 * bit_rate + 1.5
    assert noises == sorted(noises, reverse=True)


@pytest.mark.parametrize(("share", "burst"), [(0.05, 1), (0.2, 1), (0.1, 3), (0.3, 5), (0.6, 2)])
def test_packets_are_lost_at_their_share_and_in_their_bursts(share, burst):
    lost = lost_packets(200_000, share, burst, np.random.default_rng(2))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], lost, [False]])))
    lengths = edges[1::2] - edges[::2]
    error = 3 * np.sqrt(share * (1 - share) * 2 * burst / 200_000)
    assert lost.mean() == pytest.approx(share, abs=error)
    assert lengths.mean() == pytest.approx(burst, rel=0.05)


def test_the_first_packet_is_as_often_lost_as_any():
    firsts = [lost_packets(1, 0.3, 3, np.random.default_rng(seed))[0] for seed in range(2000)]
    assert np.mean(firsts) == pytest.approx(0.3, abs=0.04)


def test_lost_packets_are_silent_and_the_others_untouched():
    sound = hiss(20.0)
    result = parse_condition("packet_loss(share=0.2, burst=2, frame=20)").apply(sound, 1).signal
    packets, before = result.reshape(-1, 320), sound.signal.reshape(-1, 320)
    silent = (packets == 0).all(axis=1)
    assert silent.mean() == pytest.approx(0.2, abs=0.06)
    assert np.array_equal(packets[~silent], before[~silent])
    assert np.array_equal(
        parse_condition("packet_loss(share=0)").apply(sound, 1).signal, sound.signal
    )


def test_repeated_packets_fade():
    sound = audio(np.full(RATE, 0.5))
    text = "packet_loss(share=0.5, burst=5, frame=20, fill=repeat)"
    result = parse_condition(text).apply(sound, 3).signal.reshape(-1, 320)
    full = (result == 0.5).all(axis=1)
    after = np.flatnonzero(full[:-1] & ~full[1:]) + 1
    assert after.size
    for place in after:
        assert result[place, 0] == pytest.approx(0.5)
        assert result[place, -1] == pytest.approx(0.25, abs=0.01)
        assert (np.diff(result[place]) <= 0).all()


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_clipping_reaches_its_share_of_the_frames(voice, share):
    result = parse_condition(f"clipping(share={share})").apply(voice, 1).signal
    limit = np.abs(result).max()
    assert (np.abs(result) == limit).mean() == pytest.approx(share, abs=1e-3)
    inside = np.abs(voice.signal) < limit
    assert np.array_equal(result[inside], voice.signal[inside])


@pytest.mark.parametrize("level", [-20, -6, 6])
def test_gain_is_decibels(voice, level):
    result = parse_condition(f"gain(level={level})").apply(voice, 1)
    assert level_db(result) - level_db(voice) == pytest.approx(level, abs=0.01)


def test_gain_ends_at_full_scale(voice):
    result = parse_condition("gain(level=40)").apply(voice, 1).signal
    assert np.abs(result).max() == 1.0


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.1, 2])
def test_speed_changes_pitch_and_duration_together(factor):
    sound = sine(500)
    result = parse_condition(f"speed(factor={factor})").apply(sound, 1)
    assert result.seconds == pytest.approx(2.0 / factor, abs=0.001)
    assert peak_hz(result.signal) == pytest.approx(500 * factor, abs=1)


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.1, 2])
def test_tempo_changes_duration_and_not_pitch(voice, factor):
    sound = sine(500)
    result = parse_condition(f"tempo(factor={factor})").apply(sound, 1)
    assert result.seconds == pytest.approx(2.0 / factor, abs=0.001)
    assert peak_hz(result.signal) == pytest.approx(500, abs=2)
    middle = result.signal[2000:-2000]
    assert to_decibels(mean_power(middle) / mean_power(sound.signal)) == pytest.approx(0, abs=0.5)
    spoken = parse_condition(f"tempo(factor={factor})").apply(voice, 1)
    assert level_db(spoken) == pytest.approx(level_db(voice), abs=1)


@pytest.mark.parametrize("semitones", [-12, -2, 2, 12])
def test_pitch_changes_frequency_and_not_duration(semitones):
    sound = sine(500)
    result = parse_condition(f"pitch(semitones={semitones})").apply(sound, 1)
    assert result.signal.size == sound.signal.size
    assert peak_hz(result.signal) == pytest.approx(500 * 2 ** (semitones / 12), rel=0.005)

"""The ward-command example: its sounds, its language model, and the records in the wheel."""

import csv
import doctest
import importlib.util
import math
import random
import re
import shutil
import sys
import tomllib
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest

import evenhand

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "ward_commands"
RECORDS = ROOT / "src" / "evenhand" / "demos" / "ward_commands.csv"
sys.path.insert(0, str(EXAMPLE))

import language_model  # noqa: E402
import tones  # noqa: E402
from sentences import Templates  # noqa: E402

SECOND = tones.SAMPLE_RATE_HZ
COLUMNS = [
    "utterance",
    "voice",
    "engine",
    "accent",
    "gender",
    "condition",
    "tone_hz",
    "gate_hz",
    "snr_db",
    "sentence",
    "reference",
    "hypothesis",
    "duration_s",
]


def level_db(samples):
    return 10 * math.log10(tones.power(samples))


def spectrum_peak_hz(samples):
    spectrum = np.abs(np.fft.rfft(samples))
    return np.argmax(spectrum) * tones.SAMPLE_RATE_HZ / samples.size


def speech_like(seed=0):
    """Bursts of noise with pauses, at the level of levelled speech."""
    noise = np.random.default_rng(seed).standard_normal(2 * SECOND)
    bursts = np.repeat([0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0], SECOND // 4)
    return tones.levelled(noise * bursts)


def under(speech, **condition):
    return tones.heard(
        speech,
        tones.Condition(name="tested", **condition),
        floor_snr_db=40.0,
        generator=np.random.default_rng(7),
    )


# --- Sounds -------------------------------------------------------------------------------------


@pytest.mark.parametrize("frequency_hz", [500.0, 1000.0, 3000.0])
def test_a_tone_peaks_at_its_frequency(frequency_hz):
    assert spectrum_peak_hz(tones.tone(SECOND, frequency_hz, 0.01)) == frequency_hz


def test_a_tone_has_the_power_asked_for():
    assert tones.power(tones.tone(SECOND, 1000.0, 0.02, phase=0.3)) == pytest.approx(0.02)


def test_pauses_do_not_count_as_speech():
    noise = np.random.default_rng(1).standard_normal(SECOND)
    with_pauses = np.concatenate([np.zeros(SECOND), noise, np.zeros(3 * SECOND)])
    assert tones.active_power(with_pauses) == pytest.approx(tones.active_power(noise))


def test_levelled_speech_has_its_level_whatever_it_was():
    speech = np.random.default_rng(2).standard_normal(SECOND)
    for loudness in (0.001, 1.0, 30.0):
        active = tones.active_power(tones.levelled(speech * loudness))
        assert 10 * math.log10(active) == pytest.approx(tones.SPEECH_LEVEL_DB)


@pytest.mark.parametrize("snr_db", [0.0, 10.0, -5.0])
def test_the_signal_to_noise_ratio_is_the_one_asked_for(snr_db):
    speech = speech_like()
    alarm = under(speech, tone_hz=1000.0, snr_db=snr_db) - under(speech)
    assert tones.SPEECH_LEVEL_DB - level_db(alarm) == pytest.approx(snr_db, abs=0.01)


def test_a_gated_tone_has_the_ratio_while_it_is_on():
    speech = speech_like()
    alarm = under(speech, tone_hz=1000.0, gate_hz=12.0, snr_db=0.0) - under(speech)
    peak_power = np.max(np.abs(alarm)) ** 2 / 2
    assert 10 * math.log10(peak_power) == pytest.approx(tones.SPEECH_LEVEL_DB, abs=0.01)


@pytest.mark.parametrize("rate_hz", [2.0, 12.0, 16.0])
def test_a_gate_opens_as_often_as_it_says(rate_hz):
    is_open = tones.gate(10 * SECOND, rate_hz) > 0.5
    assert np.count_nonzero(np.diff(is_open.astype(int)) == 1) == 10 * rate_hz


@pytest.mark.parametrize("duty", [0.25, 0.5, 0.75])
def test_a_gate_is_open_for_its_share_of_the_time(duty):
    envelope = tones.gate(10 * SECOND, 12.0, duty=duty, phase=0.4)
    assert np.mean(envelope > 0.5) == pytest.approx(duty, abs=0.002)
    assert envelope.min() == 0.0
    assert envelope.max() == 1.0


def test_a_gate_does_not_click():
    steepest = np.max(np.abs(np.diff(tones.gate(SECOND, 16.0))))
    assert steepest < 2.0 / (tones.RAMP_S * SECOND)


def test_room_noise_has_its_power_and_falls_by_three_decibels_an_octave():
    noise = tones.room_noise(20 * SECOND, 1e-4, np.random.default_rng(3))
    assert tones.power(noise) == pytest.approx(1e-4)
    density = np.abs(np.fft.rfft(noise)) ** 2
    hertz = np.fft.rfftfreq(noise.size, 1 / SECOND)
    octaves = [density[(hertz >= low) & (hertz < 2 * low)].mean() for low in (200, 400, 800, 1600)]
    np.testing.assert_allclose(10 * np.diff(np.log10(octaves)), -3.01, atol=0.5)


def test_a_notch_removes_a_gated_tone_and_spares_the_rest():
    gated = tones.tone(2 * SECOND, 1000.0, 0.01) * tones.gate(2 * SECOND, 16.0)
    assert level_db(tones.notch(gated, 1000.0)) < level_db(gated) - 20
    for spared_hz in (300.0, 3000.0):
        spared = tones.tone(2 * SECOND, spared_hz, 0.01)
        assert level_db(tones.notch(spared, 1000.0)) == pytest.approx(level_db(spared), abs=0.5)


def test_conditions_differ_in_the_tone_alone():
    speech = speech_like()
    difference = under(speech, tone_hz=1000.0, snr_db=0.0) - under(speech)
    energy = np.abs(np.fft.rfft(difference * np.hanning(difference.size))) ** 2
    hertz = np.fft.rfftfreq(difference.size, 1 / SECOND)
    assert energy[np.abs(hertz - 1000.0) < 5.0].sum() > 0.999999 * energy.sum()


def test_nothing_clips():
    loudest = max(
        np.max(np.abs(under(speech_like(), tone_hz=1000.0, snr_db=0.0, gate_hz=gate_hz)))
        for gate_hz in (None, 12.0, 16.0)
    )
    assert loudest < 1.0


# --- Language model -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plan():
    return tomllib.loads((EXAMPLE / "ward_commands.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def templates(plan):
    return Templates(patterns=plan["language"]["templates"], slots=plan["language"]["slots"])


@pytest.fixture(scope="module")
def arpa(templates):
    sentences = templates.draw(400, random.Random(1))
    return language_model.fit_witten_bell(sentences).to_arpa()


def read_arpa(text):
    """Probabilities and back-off weights of an ARPA file, as a decoder would read them."""
    probability, backoff = {}, {}
    for order, body in re.findall(r"\\(\d)-grams:\n(.*?)\n\n", text, flags=re.DOTALL):
        for line in body.splitlines():
            likely, words, *weight = line.split("\t")
            ngram = tuple(words.split())
            assert len(ngram) == int(order)
            probability[ngram] = 10 ** float(likely)
            if weight:
                backoff[ngram] = 10 ** float(weight[0])
    return probability, backoff


def test_probabilities_of_each_context_add_up_to_one(arpa):
    probability, backoff = read_arpa(arpa)

    def likely(ngram):
        if ngram in probability:
            return probability[ngram]
        return backoff.get(ngram[:-1], 1.0) * likely(ngram[1:])

    vocabulary = [ngram[0] for ngram in probability if len(ngram) == 1]
    assert len(vocabulary) > 100
    for context in [(), *backoff]:
        total = sum(likely((*context, word)) for word in vocabulary)
        assert total == pytest.approx(1.0, abs=1e-3), context


def test_the_header_counts_the_ngrams(arpa):
    counted = Counter(len(ngram) for ngram in read_arpa(arpa)[0])
    stated = {int(order): int(count) for order, count in re.findall(r"ngram (\d)=(\d+)", arpa)}
    assert stated == counted


def test_nothing_predicts_the_start(arpa):
    probability, _ = read_arpa(arpa)
    starts = [ngram for ngram in probability if ngram[-1] == "<s>"]
    assert starts == [("<s>",)]
    assert probability["<s>",] < 1e-98


def test_the_worked_example_of_the_language_model_holds():
    results = doctest.testmod(language_model)
    assert results.attempted > 0
    assert results.failed == 0


# --- Sentences ----------------------------------------------------------------------------------


def test_spoken_sentences_are_distinct_and_not_trained_on(templates):
    spoken = templates.draw_distinct(40, random.Random(1))
    training = templates.draw(1000, random.Random(2), besides=frozenset(spoken))
    assert len(set(spoken)) == 40
    assert not set(spoken) & set(training)


def test_sentences_hold_only_words_of_the_vocabulary(templates):
    words = set(templates.words())
    assert 100 <= len(words) <= 120
    assert all(set(text.split()) <= words for text in templates.draw(500, random.Random(3)))


# --- Records ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def records():
    with RECORDS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_records_have_the_columns_promised(records):
    assert list(records[0]) == COLUMNS
    assert all(None not in row and None not in row.values() for row in records)


def test_every_utterance_is_named_once(records):
    assert len({row["utterance"] for row in records}) == len(records)


def test_no_reference_is_missing(records):
    assert all(row["reference"].split() for row in records)


def test_each_sentence_occurs_once_per_voice_and_condition(records, plan):
    counted = Counter((row["voice"], row["condition"], row["sentence"]) for row in records)
    assert set(counted.values()) == {1}
    assert len(counted) == (len(plan["voice"]) * len(plan["condition"]) * plan["spoken_sentences"])


def test_a_sentence_has_one_wording(records):
    wordings = defaultdict(set)
    for row in records:
        wordings[row["sentence"]].add(row["reference"])
    assert all(len(texts) == 1 for texts in wordings.values())


def test_records_tell_the_plan(records, plan):
    voices = {voice["name"]: voice for voice in plan["voice"]}
    conditions = {condition["name"]: condition for condition in plan["condition"]}
    for row in records:
        for name in ("engine", "accent", "gender"):
            assert row[name] == voices[row["voice"]][name]
        for name in ("tone_hz", "gate_hz", "snr_db"):
            assert row[name] == str(conditions[row["condition"]].get(name, ""))


def test_every_flite_voice_is_understood_in_the_quiet_room(records):
    quiet = [row for row in records if row["engine"] == "flite" and row["condition"] == "quiet"]
    assert len(quiet) == 160
    assert all(row["hypothesis"] == row["reference"] for row in quiet)


def test_hearing_nothing_is_kept_as_an_empty_hypothesis(records):
    assert sum(row["hypothesis"] == "" for row in records) == 16


def test_the_file_fits_into_a_wheel():
    assert 150_000 < RECORDS.stat().st_size < 400_000


def test_the_figures_of_the_readme_are_those_of_the_records(records):
    distance = pytest.importorskip("rapidfuzz.distance").Levenshtein.distance
    errors, words = Counter(), Counter()
    for row in records:
        for voice in (row["voice"], "all"):
            reference = row["reference"].split()
            errors[voice, row["condition"]] += distance(reference, row["hypothesis"].split())
            words[voice, row["condition"]] += len(reference)

    readme = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    head, _, *body = re.findall(r"^\|(.+)\|$", readme, flags=re.MULTILINE)
    conditions = [cell.strip(" `") for cell in head.split("|")[1:]]
    assert len(body) == len({row["voice"] for row in records}) + 1
    for line in body:
        voice, *cells = (cell.strip(" `*") for cell in line.split("|"))
        rates = [errors[voice, condition] / words[voice, condition] for condition in conditions]
        assert cells == [f"{rate:.3f}" for rate in rates], voice


@pytest.mark.parametrize(
    ("condition", "told", "points"),
    [
        ("tone_12hz", "52 points more errors than `kal16` at 12 Hz (95 % interval 42 to 62", (52, 42, 62)),
        ("tone_16hz", "31 at 16 Hz (22 to 40)", (31, 22, 40)),
        ("tone_12hz_notch", ".3 (−.3 to .9)", (0.3, -0.3, 0.9)),
        ("tone_16hz_notch", "0 (−2.3 to 2.3)", (0, -2.3, 2.3)),
    ],
)  # fmt: skip
def test_the_differences_of_the_readme_are_those_of_an_audit(condition, told, points):
    assert told in " ".join((EXAMPLE / "README.md").read_text(encoding="utf-8").split())
    audit = evenhand.audit(
        RECORDS,
        "wer(reference, hypothesis)",
        "voice",
        unit="sentence",
        where=f"condition = '{condition}' AND voice IN ('slt', 'kal16')",
        versus="voice = 'kal16'",
    )
    found = next(group.versus for group in audit.groups if group.label == "slt")
    figures = [100 * value for value in (found.difference, found.low, found.high)]
    assert figures == pytest.approx(points, abs=0.05 if "notch" in condition else 0.5)


@pytest.mark.parametrize(
    ("condition", "told"),
    [("tone_12hz", "at least 38.5 points apart at 12 Hz"), ("tone_16hz", "and 18.6 at 16 Hz")],
)
def test_the_gap_of_the_readme_holds_for_all_pairs(condition, told):
    assert told in " ".join((EXAMPLE / "README.md").read_text(encoding="utf-8").split())
    audit = evenhand.audit(
        RECORDS,
        "wer(reference, hypothesis)",
        "voice",
        unit="sentence",
        where=f"condition = '{condition}' AND engine = 'flite'",
    )
    assert f"{100 * audit.gap.lower_bound:.1f}" in told


@pytest.mark.skipif(shutil.which("flite") is None, reason="needs flite: apt-get install flite")
@pytest.mark.skipif(
    importlib.util.find_spec("pocketsphinx") is None
    or importlib.util.find_spec("soundfile") is None,
    reason="needs the recogniser: pip install pocketsphinx soundfile",
)
def test_recognising_again_gives_the_same_words(records):
    import make_records

    recorded = {row["utterance"]: row["hypothesis"] for row in records}
    experiment = make_records.read_experiment()
    recognizer = experiment.recognizer()
    voice = next(voice for voice in experiment.voices if voice.name == "slt")
    sentence = experiment.sentences()[0]
    speech = make_records.levelled(make_records.speak(voice, sentence.text))
    # Backwards, because the order must not matter.
    for condition in experiment.conditions[2::-1]:
        sound = experiment.sound(speech, sentence, condition)
        utterance = f"{voice.name}/{sentence.name}/{condition.name}"
        assert recognizer.transcribe(sound) == recorded[utterance], utterance

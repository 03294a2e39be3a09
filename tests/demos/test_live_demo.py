"""The live demo: a small real run, its search and its story, and what happens without the extra."""

import csv
import dataclasses
import io
import os
from pathlib import Path

import pyarrow as pa
import pytest
from rich.console import Console

from evenhand import effects
from evenhand.cli import live_demo
from evenhand.conditions import parse_condition
from evenhand.demos import EXTRA, absent_packages, finding, recording, story
from evenhand.demos.figures import commands, render_html
from evenhand.demos.finding import Setting, ToneSearch, Tried, find_condition, most_calls
from evenhand.demos.live import run_live
from evenhand.demos.recording import METRIC, Ward, ward_folder
from evenhand.errors import InputError
from evenhand.trials import InterruptedTrial

VOICES = ("slt", "kal16")


@pytest.fixture(scope="module")
def manifest():
    with (ward_folder() / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# --- What comes with the package -----------------------------------------------------------------


def test_every_voice_says_every_sentence_once(manifest):
    said = {(row["voice"], row["sentence"]) for row in manifest}
    assert len(said) == len(manifest) == 4 * 24
    assert all((ward_folder() / row["file"]).is_file() for row in manifest)


def test_the_sentences_that_find_are_not_those_that_prove(manifest):
    parts = {
        part: {r["reference"] for r in manifest if r["part"] == part} for part in ("find", "prove")
    }
    assert {part: len(texts) for part, texts in parts.items()} == {"find": 4, "prove": 20}
    assert not parts["find"] & parts["prove"]


def test_the_dictionary_pronounces_every_word_that_is_said(manifest):
    lines = (ward_folder() / "ward.dict").read_text(encoding="utf-8").splitlines()
    known = {line.split()[0] for line in lines}
    assert {word for row in manifest for word in row["reference"].split()} <= known
    assert 100 <= len({word.partition("(")[0] for word in known}) <= 120


def test_the_voices_fit_into_a_wheel():
    size = sum(path.stat().st_size for path in ward_folder().rglob("*") if path.is_file())
    assert size < 1_050_000


# --- Finding -------------------------------------------------------------------------------------


def pretended(wrong):
    """Records as a recogniser would give them that mistakes the first word with a probability of 0 or 1."""

    def recognise(conditions, most):
        rows = [
            (
                name,
                f"s{s}",
                "one two three four",
                "one two three four" if s >= wrong(name) else "two three four",
            )
            for name in conditions
            for s in range(min(4, most or 4))
        ]
        columns = zip(*rows, strict=True)
        return pa.table(
            dict(zip(("condition", "sentence", "reference", "output"), columns, strict=True))
        )

    return recognise


def test_the_search_closes_in_on_the_worst():
    def wrong(text):
        tone = parse_condition(text).steps[1].parameters
        near = {(1000, 16): 2, (1000, 12): 4}
        return near.get((tone["frequency"], tone["rate"]), 0) if tone["level"] == 0 else 0

    found = find_condition(pretended(wrong))
    assert found.worst == Setting(frequency=1000, rate=12)
    assert [one.wer for one in found.step("finer")] == [0.125, 0.25, 0, 0, 0]
    assert len(found.step("coarse")) == 15
    assert {one.setting.level for one in found.step("level")} == {-5, -10, -15}


def test_a_steady_tone_has_no_rate_to_refine():
    assert all(
        one.rate is None for one in finding.finer_settings(Setting(frequency=500, rate=None))
    )


def test_every_setting_is_a_condition_that_reads():
    for setting in finding.coarse_settings():
        assert parse_condition(setting.text).name == "noise | tone"
    for text in story.proof_conditions(Setting(frequency=750, rate=24)).values():
        parse_condition(text)


# --- The story -----------------------------------------------------------------------------------


def told(mistakes, setting=None):
    """Story of two voices; `mistakes` counts wrong words of ten by voice and condition."""
    setting = setting or Setting(frequency=1000, rate=12)
    names = [n for n in story.CONDITIONS if n != story.STEADY or setting.rate]
    reference = " ".join("abcdefghij")
    rows = []
    for voice in VOICES:
        for name in names:
            for s in range(20):
                wrong = mistakes.get((voice, name), 0)
                wrong += (s + (voice == "slt")) % 2 if wrong else 0
                rows.append((voice, name, f"s{s}", reference, " ".join("abcdefghij"[wrong:])))
    columns = dict(
        zip(
            ("voice", "condition", "sentence", "reference", "output"),
            zip(*rows, strict=True),
            strict=True,
        )
    )
    table = pa.table(columns)

    def compared(against, *only):
        return effects(table, METRIC, "voice", reference=against, only=only, unit="sentence")

    steady = (story.STEADY,) if setting.rate else ()
    tried = tuple(
        Tried(setting=s, step=step, wer=0.1, utterances=8)
        for step, some in (
            ("coarse", finding.coarse_settings()),
            ("finer", [setting]),
            ("level", []),
        )
        for s in some
    )
    return story.Story(
        search=ToneSearch(tried=tried, worst=setting),
        harm=compared(story.QUIET, *steady, story.ALARM),
        repair=compared(story.ALARM, story.ALARM_NOTCH),
        price=compared(story.QUIET, story.QUIET_NOTCH, story.ALARM_NOTCH),
        records="records.parquet",
    )


HARM = {("slt", "alarm"): 6, ("kal16", "alarm"): 1}


def test_the_story_names_who_pays():
    sentences = dict(told(HARM).sentences)
    assert sentences["Quiet room"].startswith("every voice is understood without an error")
    assert "slt +50.0" in sentences["Who pays"]
    assert "than kal16" in sentences["Who pays"]
    assert sentences["Repair"].endswith("No voice loses by it.")


def test_a_voice_that_loses_by_the_repair_is_named_with_the_place():
    lines = {one.voice: one for one in told(HARM | {("kal16", "quiet_notch"): 1}).lines}
    assert lines["kal16"].lost == ("in the quiet room",)
    assert lines["slt"].lost == ()
    worse = told(HARM | {("kal16", "alarm_notch"): 3})
    assert "Who loses by it: kal16, beside the alarm." in dict(worse.sentences)["Repair"]


def test_where_nobody_pays_more_the_story_says_so():
    equal = told({("slt", "alarm"): 3, ("kal16", "alarm"): 3})
    assert dict(equal.sentences)["Who pays"] == "no voice is proven to pay more than the others."


def test_a_steady_tone_is_told_without_a_second_one():
    found = told(HARM, Setting(frequency=500, rate=None))
    assert "without its rhythm" not in dict(found.sentences)["Found"]
    assert "steady" in render_html(found)


def test_the_report_warns_and_needs_nothing_from_elsewhere():
    page = render_html(told(HARM))
    assert "no evidence about people" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "<script" not in page
    assert "NaN" not in page


def test_the_report_escapes_its_texts():
    page = render_html(dataclasses.replace(told(HARM), records="<b>.parquet"))
    assert "<b>.parquet" not in page


def test_the_commands_of_the_report_name_the_records():
    assert all("records.parquet" in one for one in commands(told(HARM)))


# --- Without the extra, and with it ---------------------------------------------------------------


def test_without_the_extra_the_error_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(recording, "absent_packages", lambda: ["pocketsphinx"])
    with pytest.raises(InputError, match=r"pip install 'evenhand\[demo\]'"):
        run_live(tmp_path / "records.parquet")


def test_what_was_not_recognised_is_no_error_of_the_voice():
    rows = {"outcome": ["answered", "failed"], "reason": [None, "unreadable_media: cut short"]}
    with pytest.raises(
        InputError, match="1 of 2 utterances could not be recognised: unreadable_media"
    ):
        recording._check_heard(pa.table(rows))


def test_the_extra_names_what_the_demo_imports():
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("demo = "))
    assert all(f'"{name}>=' in line for name in EXTRA)


def test_a_small_run_ends_in_a_story_and_a_second_one_recognises_nothing(tmp_path, monkeypatch):
    if absent_packages() and os.environ.get("CI") != "true":
        pytest.skip("needs the extra: pip install 'evenhand[demo]'")
    monkeypatch.setattr(finding, "FREQUENCIES_HZ", (1000,))
    monkeypatch.setattr(finding, "RATES_HZ", (None, 12))
    monkeypatch.setattr(finding, "LEVELS_DB", (-15,))
    monkeypatch.setattr(finding, "COARSE_SENTENCES", 1)
    monkeypatch.setattr(finding, "NEAR", (1.5,))
    counted = []
    few = {"find": 2, "prove": 3}
    target = tmp_path / "records.parquet"
    found = run_live(
        target, voices=VOICES, sentences=few, tell=lambda n, most: counted.append((n, most))
    )
    assert found.setting.rate is not None
    assert found.overall(story.QUIET) == 0.0
    assert found.overall(story.ALARM) > found.overall(story.ALARM_NOTCH)
    assert all(not one.verdict or one.verdict == "insufficient evidence" for one in found.lines)
    assert sum(n for n, _ in counted) <= counted[0][1]
    assert "no evidence about people" in render_html(found)
    again = run_live(target, voices=VOICES, sentences=few)
    assert (again.recognised, again.kept) == (0, found.recognised + found.kept)
    assert again.harm.to_dict()["groups"] == found.harm.to_dict()["groups"]


def test_the_search_never_asks_for_more_than_was_announced():
    asked = []

    def recognise(conditions, most):
        asked.append(len(conditions) * min(4, most or 4))
        return pretended(lambda _: 0)(conditions, most)

    find_condition(recognise)
    assert sum(asked) <= most_calls(1, 4)


def test_sentences_can_be_few(tmp_path):
    ward = Ward(records=tmp_path / "r.parquet", voices=("awb",), sentences={"prove": 2})
    assert [one.id for one in ward.samples("prove")] == ["awb/s01", "awb/s02"]
    assert len(ward.samples("find", 3)) == 3


# --- The command ----------------------------------------------------------------------------------


@pytest.fixture
def shown():
    return Console(file=io.StringIO(), width=80, highlight=False, color_system=None)


def test_the_command_tells_the_story_and_ends_with_the_report(monkeypatch, tmp_path, shown):
    monkeypatch.setattr(live_demo, "run_live", lambda *_, **__: told(HARM))
    assert live_demo.run_demo(shown, tmp_path / "demo.html") == 0
    lines = shown.file.getvalue().strip().splitlines()
    assert lines[-1] == f"Open the report: {(tmp_path / 'demo.html').as_uri()}"
    assert any(line.split()[:4] == ["slt", "0.0", "%", "0.0"] for line in lines)
    assert "Whom does a ward" in (tmp_path / "demo.html").read_text(encoding="utf-8")


def test_the_story_is_a_figure_of_its_own(monkeypatch, tmp_path, shown):
    monkeypatch.setattr(live_demo, "run_live", lambda *_, **__: told(HARM))
    figure = tmp_path / "demo.svg"
    assert live_demo.run_demo(shown, tmp_path / "demo.html", figure) == 0
    drawn = figure.read_text(encoding="utf-8")
    assert drawn.startswith("<svg")
    assert all(line.voice in drawn for line in told(HARM).lines)
    assert f"Figure: {figure}" in shown.file.getvalue().replace("\n", "")


def test_ctrl_c_says_how_to_go_on(monkeypatch, tmp_path, shown, capsys):
    def interrupted(*_, **__):
        raise InterruptedTrial("Interrupted: 3 answers are kept.  Run the same command to go on.")

    monkeypatch.setattr(live_demo, "run_live", interrupted)
    assert live_demo.run_demo(shown, tmp_path / "demo.html") == 130
    assert "Run the same command" in capsys.readouterr().err
    assert not (tmp_path / "demo.html").exists()


def test_a_report_that_cannot_be_written_is_an_error(monkeypatch, tmp_path, shown):
    monkeypatch.setattr(live_demo, "run_live", lambda *_, **__: told(HARM))
    with pytest.raises(InputError, match="cannot be written"):
        live_demo.run_demo(shown, tmp_path / "nowhere" / "demo.html")


def test_live_without_the_extra_is_an_error_and_without_asking_a_hint(
    monkeypatch, tmp_path, capsys
):
    from evenhand.cli import demo

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "find_data", lambda _: None)
    for home in (demo, recording):
        monkeypatch.setattr(home, "absent_packages", lambda: ["pocketsphinx", "soxr"])
    with pytest.raises(InputError, match="needs pocketsphinx and soxr"):
        demo.demo(live=True)
    assert demo.demo() == 0
    assert "pip install 'evenhand[demo]'" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["evenhand-demo.html"]

"""What recognisers and scorers of speech write: sclite, meeteval, Kaldi, NeMo, Common Voice, Transcribe, Whisper."""

import json
import shutil
import subprocess

import pytest
from tests.conftest import absent
from tests.records.logs.reading import rows_of, written_json, written_lines

from evenhand import audit, join_records, open_records
from evenhand.errors import InputError


@pytest.fixture
def sclite_files(data, tmp_path):
    for name in ("ref.trn", "hyp.trn", "ref.stm", "hyp.ctm"):
        shutil.copy(data / "logs" / f"sclite_{name}", tmp_path / name)
    return tmp_path


def _summary(text):
    """Sentences, words and counts by speaker, from sclite's own table."""
    out = {}
    for line in text.splitlines():
        parts = line.replace("|", " ").split()
        if len(parts) == 9 and parts[1].isdecimal():
            out[parts[0]] = [int(n) for n in parts[1:]]
    return out


def _counted(rows):
    """The same from rows."""
    out = {}
    for row in rows:
        found = out.setdefault(row["speaker"], [0] * 8)
        names = ("words", "correct", "substitutions", "deletions", "insertions", "errors")
        for place, number in enumerate([1, *(row[name] for name in names), int(row["errors"] > 0)]):
            found[place] += number
    return out


@pytest.mark.data
@pytest.mark.parametrize("form", ["sgml", "pralign"])
def test_sclite_gives_the_tool_s_own_summary(data, form):
    rows, notes = rows_of(data / "logs" / f"sclite_trn.{form}.txt")
    own = _summary((data / "logs" / "sclite_trn.rsum.txt").read_text())
    del own["Sum"]
    assert _counted(rows) == own
    assert "leaves out utterances" in notes


@pytest.mark.data
def test_sclite_s_labels_are_groups(data):
    rows, _ = rows_of(data / "logs" / "sclite_stm.sgml.txt")
    found = {row["id"]: row for row in rows}
    assert found["anna-001"]["reference"] == "please 2 tablets (uh) now"
    assert found["anna-001"]["hypothesis"] == "please 2 tablets now"
    assert [found["bob-001"][f"label{i}"] for i in range(3)] == ["Overall", "Planned", "Female"]
    assert (found["bob-000"]["words"], found["bob-000"]["insertions"]) == (0, 1)
    assert (found["anna-001"]["start"], found["anna-001"]["end"]) == (5, 8)


def test_a_path_that_cannot_be_read(tmp_path):
    log = tmp_path / "a.sgml"
    log.write_text(
        '<SYSTEM title="h" ref_fname="r" hyp_fname="h">\n<SPEAKER id="a">\n<PATH id="(a-1)" word_cnt="3" sequence="0">\n'
        'C,"the","the":D,"cat",\n</PATH>\n</SPEAKER>\n</SYSTEM>\n'
    )
    with pytest.raises(
        InputError,
        match=r"line 5: the path of \(a-1\) has 2 steps that can be read and should have 3",
    ):
        rows_of(log)


def test_what_sclite_writes_today(tmp_path):
    """Made by the tool: the rows' counts are those of its summary, in both forms."""
    if shutil.which("sctk") is None:
        absent("sctk", "apt-get install sctk")
    words = ["the", "nurse", "said", "two", "tablets", "please", "now", "go", "home", "again"]
    ref, hyp = [], []
    for speaker in ("ann", "bob", "cy"):
        for number in range(12):
            line = words[number % 7 :]
            heard = [w for i, w in enumerate(line) if (i + number + len(speaker)) % 5] + ["uh"] * (
                number % 3
            )
            ref.append(f"{' '.join(line)} ({speaker}-u{number})")
            hyp.append(f"{' '.join(heard)} ({speaker}-u{number})")
    (tmp_path / "ref.trn").write_text("\n".join(ref) + "\n")
    (tmp_path / "hyp.trn").write_text("\n".join(hyp) + "\n")

    def sclite(form):
        command = [
            "sctk",
            "sclite",
            "-r",
            "ref.trn",
            "trn",
            "-h",
            "hyp.trn",
            "trn",
            "-i",
            "spu_id",
            "-o",
            form,
            "stdout",
            "-f",
            "0",
        ]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    own = _summary(sclite("rsum"))
    del own["Sum"]
    for form in ("sgml", "pralign"):
        (tmp_path / f"out.{form}").write_text(sclite(form))
        assert _counted(rows_of(tmp_path / f"out.{form}")[0]) == own
    # The transcripts themselves, joined and aligned here, give the same errors.
    joined = join_records(open_records(tmp_path / "ref.trn"), tmp_path / "hyp.trn", "id")
    found = audit(joined, "wer(text, hyp_text)", "speaker")
    counts = {
        group.label: (group.estimate.numerator, group.estimate.denominator)
        for group in found.groups
    }
    assert counts == {speaker: (n[6], n[1]) for speaker, n in own.items()}


@pytest.mark.data
def test_trn_has_all_references_that_alternatives_make(sclite_files):
    rows, notes = rows_of(sclite_files / "ref.trn")
    found = {row["id"]: row["text"] for row in rows}
    assert found["anna-u2"] == ["gonna go home", "going to go home"]
    assert found["bob_u2"] == ["you know yes it is", "yes it is"]
    assert found["anna-u3"] == [""]
    assert {row["speaker"] for row in rows} == {"anna", "bob", "carl_x"}
    assert "alternatives in braces" in notes
    joined = join_records(open_records(sclite_files / "ref.trn"), sclite_files / "hyp.trn", "id")
    found = audit(joined, "wer(text, hyp_text)", "speaker")
    # The words that sclite counts; as written The and Mat are wrong, which it folds.
    assert found.overall.denominator == 19


@pytest.mark.data
def test_words_of_a_recording_join_their_segments(sclite_files):
    joined = join_records(open_records(sclite_files / "ref.stm"), sclite_files / "hyp.ctm")
    rows = joined.read_rows().to_pylist()
    heard = [
        (row["speaker"], row["start"], row["hyp_text"])
        for row in rows
        if row["outcome"] == "answered"
    ]
    assert heard == [
        ("Anna", 0, "hello there doctor"), ("Anna", 5, "please 2 tablets now"), ("Bob", 8, "yes"), ("Bob", 9, "thank"),
    ]  # fmt: skip
    found = audit(joined, "wer(text, hyp_text)", "label2")
    # sclite: ten words, two deletions, one insertion.
    assert (found.overall.numerator, found.overall.denominator) == (3, 10)
    assert "2 segments to be ignored" in "\n".join(note.text for note in found.notes)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        (
            "a.trn",
            "hello world (a-1)\nno id here\n",
            r"a\.trn line 2: 'no id here' does not end with an id",
        ),
        (
            "a.trn",
            f"{'{ a / b } ' * 12}(a-1)\n",
            r"line 1 has alternatives that make 4,096 references",
        ),
        ("a.stm", "r 1 ann 0 1 <o> hi\nr 1 ann\n", r"a\.stm line 2: .* is no segment of STM"),
        ("a.ctm", "r 1 0.1 0.2 hi\nr 1 x\n", r"a\.ctm line 2: .* is no word of CTM"),
        ("a.ctm", "r 1 0.1 0.2 hi\nr 1 * * <ALT_BEGIN>\n", r"a\.ctm line 2: .* is no word of CTM"),
    ],
)
def test_lines_that_are_none(tmp_path, name, text, told):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=told):
        rows_of(tmp_path / name)


def test_words_outside_all_segments_are_counted(tmp_path):
    (tmp_path / "r.stm").write_text("r 1 ann 0 1 hello\nr 1 ann 2 3 bye\n")
    (tmp_path / "h.ctm").write_text("r 1 0.1 0.2 hello\nr 1 1.2 0.2 stray\nr 1 2.9 0.2 edge\n")
    joined = join_records(open_records(tmp_path / "r.stm"), tmp_path / "h.ctm")
    assert joined.read_rows()["h_text"].to_pylist() == ["hello", ""]
    assert "2 lie in none and are left out" in joined.notes[-1].text


@pytest.mark.data
def test_meeteval_gives_the_tool_s_own_average(data):
    rows, _ = rows_of(data / "logs" / "meeteval_per_reco.json")
    own = json.loads((data / "logs" / "meeteval_average.json").read_text())
    for name in ("errors", "length", "insertions", "deletions", "substitutions", "missed_speaker"):
        assert sum(row[name] for row in rows) == own[name]


def test_a_folder_of_kaldi(tmp_path):
    for name, text in {
        "text": "u1 hello there\nu2 bye\nu3\nu4 lost\n",
        "utt2spk": "u1 ann\nu2 bob\nu3 ann\n",
        "spk2gender": "ann f\nbob m\n",
        "utt2dur": "u1 1.5\nu2 0.5\n",
        "spk2utt": "ann u1 u3\nbob u2\n",
    }.items():
        (tmp_path / name).write_text(text)
    rows, notes = rows_of(str(tmp_path))
    assert rows[0] == {
        "id": "u1",
        "speaker": "ann",
        "text": "hello there",
        "gender": "f",
        "dur": "1.5",
    }
    assert rows[2]["text"] == ""
    assert "1 utterance of text without a speaker" in notes
    (tmp_path / "hyp.txt").write_text("u1 hello\nu2 bye\nu4 lost\n")
    rows, _ = rows_of(tmp_path / "hyp.txt", read="kaldi")
    assert [row["text"] for row in rows] == ["hello", "bye", "lost"]
    hyp = open_records(tmp_path / "hyp.txt", read="kaldi")
    joined = join_records(open_records(str(tmp_path)), hyp, "id")
    assert joined.read_rows()["hyp_text"].to_pylist() == ["hello", "bye", None, "lost"]
    assert "3 of 4 rows have a partner, 1 have none" in joined.notes[-1].text


def test_a_manifest_of_nemo(tmp_path):
    entries = [
        {
            "audio_filepath": "a.wav",
            "offset": 1.5,
            "duration": 2,
            "text": "hi",
            "pred_text": "hey",
            "accent": "us",
        },
        {
            "audio_filepath": "a.wav",
            "offset": 0,
            "duration": 1,
            "text": "yo",
            "pred_text": "yo",
            "accent": "uk",
        },
    ]
    rows, _ = rows_of(written_lines(tmp_path / "m.json", entries))
    assert [row["id"] for row in rows] == ["a.wav#1.5", "a.wav"]
    assert rows[0]["accent"] == "us"
    found = audit(tmp_path / "m.json", "wer(text, pred_text)", "accent")
    assert {group.label: group.estimate.value for group in found.groups} == {"us": 1, "uk": 0}


def test_common_voice(tmp_path):
    header = "client_id\tpath\tsentence_id\tsentence\tup_votes\tdown_votes\tage\tgender\taccents\tvariant\tlocale\tsegment"
    lines = [
        header,
        'x\ta.mp3\ts1\tHe said "no\t2\t0\ttwenties\tfemale_feminine\t\t\ten\t',
        "x\tb.mp3\ts2\tYes\t2\t1\ttwenties\t\tUS\t\ten\t",
    ]
    table = tmp_path / "validated.tsv"
    table.write_text("\n".join(lines) + "\n")
    rows, notes = rows_of(table)
    assert rows[0] == {
        "id": "a.mp3", "client_id": "x", "sentence_id": "s1", "sentence": 'He said "no', "up_votes": 2, "down_votes": 0,
        "age": "twenties", "gender": "female_feminine", "locale": "en",
    }  # fmt: skip
    assert "was not given" in notes
    assert open_records(table).unit == ("client_id",)
    table.write_text(header + "\nx\ta.mp3\n")
    with pytest.raises(InputError, match=r"validated\.tsv line 2: 2 fields, but the header has 12"):
        rows_of(table)


_TRANSCRIBE = {
    "jobName": "job-1",
    "accountId": "000000000000",
    "status": "COMPLETED",
    "results": {
        "language_code": "en-US",
        "transcripts": [{"transcript": "Two tablets."}],
        "items": [
            {"type": "pronunciation", "alternatives": [{"confidence": "0.9", "content": "Two"}]},
            {
                "type": "pronunciation",
                "alternatives": [{"confidence": "0.7", "content": "tablets"}],
            },
            {"type": "punctuation", "alternatives": [{"confidence": "0.0", "content": "."}]},
        ],
    },
}
_OPENAI = {
    "text": " Two tablets.",
    "segments": [
        {
            "id": 0,
            "text": " Two",
            "avg_logprob": -0.2,
            "no_speech_prob": 0.1,
            "compression_ratio": 1.1,
        },
        {
            "id": 1,
            "text": " tablets.",
            "avg_logprob": -0.5,
            "no_speech_prob": 0.4,
            "compression_ratio": 0.9,
        },
    ],
    "language": "en",
}
_CPP = {
    "systeminfo": "x",
    "model": {"type": "tiny"},
    "params": {},
    "result": {"language": "en"},
    "transcription": [{"text": " Two"}, {"text": " tablets."}],
}


@pytest.mark.parametrize(
    "found", [_TRANSCRIBE, _OPENAI, _CPP, {k: v for k, v in _OPENAI.items() if k != "text"}]
)
def test_transcripts_join_a_manifest(tmp_path, found):
    (tmp_path / "out").mkdir()
    for name in ("clip1", "clip2"):
        written_json(tmp_path / "out" / f"{name}.json", found)
    (tmp_path / "manifest.csv").write_text(
        "clip,accent,reference\nclip1,us,two tablets\nclip2,uk,two tablets now\n"
    )
    made = open_records(tmp_path / "manifest.csv")
    joined = join_records(made, str(tmp_path / "out"), "clip=id")
    assert joined.read_rows()["text"].to_pylist() == ["Two tablets."] * 2
    result = audit(joined, "wer(reference, text, normalizer=basic)", "accent")
    assert {g.label: g.estimate.numerator for g in result.groups} == {"us": 0, "uk": 1}


def test_what_a_transcript_says_of_itself(tmp_path):
    (row,), _ = rows_of(written_json(tmp_path / "a.json", _TRANSCRIBE))
    assert (row["job"], row["language"]) == ("job-1", "en-US")
    assert row["confidence"] == pytest.approx(0.8)
    (row,), _ = rows_of(written_json(tmp_path / "a.json", _OPENAI))
    assert (row["avg_logprob"], row["no_speech_prob"]) == (-0.5, 0.4)
    (row,), _ = rows_of(written_json(tmp_path / "a.json", _TRANSCRIBE | {"status": "FAILED"}))
    assert row["outcome"] == "errored"
    with pytest.raises(InputError, match="is no transcript that is known"):
        rows_of(written_json(tmp_path / "a.json", {"x": 1}), read="whisper")

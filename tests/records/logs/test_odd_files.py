"""Logs as they are found: names that clash, words that meet no segment, times and ids of every form."""

import pytest
from tests.records.logs.reading import lm_eval_row, rows_of, written_json, written_lines

from evenhand import join_records, open_records
from evenhand.errors import InputError


@pytest.mark.parametrize("turned", [False, True])
def test_a_part_of_a_structure_and_a_name_of_its_own_are_two_columns(tmp_path, turned):
    about = {"spk": {"age": 30}, "spk_age": "young"}
    about = dict(reversed(about.items())) if turned else about
    manifest = written_lines(
        tmp_path / "m.jsonl",
        [{"audio_filepath": "a.wav", "duration": 1.0, "text": "x", "pred_text": "x", **about}],
    )
    (row,), _ = rows_of(manifest)
    assert (row["spk.age"], row["spk_age"]) == (30, "young")
    samples = written_lines(
        tmp_path / "samples_t_2026-11-28T00-00-00.jsonl",
        [lm_eval_row(n, doc={"q": "x", **about}) for n in range(3)],
    )
    rows, _ = rows_of(samples)
    assert {(row["spk.age"], row["spk_age"]) for row in rows} == {(30, "young")}


def _recording(folder, *, segments, words):
    (folder / "a.stm").write_text("".join(f"{line}\n" for line in segments))
    (folder / "a.ctm").write_text("".join(f"{line}\n" for line in words))
    return join_records(open_records(folder / "a.stm"), folder / "a.ctm")


def test_words_that_meet_no_segment_are_an_error_and_not_silence(tmp_path):
    with pytest.raises(InputError) as error:
        _recording(tmp_path, segments=["a A zoe 0.0 2.0 hello there"], words=["a 1 0.1 0.2 hello"])
    assert "No word of" in str(error.value)
    assert "Here the first is of file and channel a A, there of a 1" in str(error.value)


def test_a_word_in_two_segments_is_told(tmp_path):
    segments = ["a 1 zoe 0.0 2.0 hello there", "a 1 ada 1.0 3.0 there now"]
    joined = _recording(
        tmp_path,
        segments=segments,
        words=["a 1 0.1 0.2 hello", "a 1 1.4 0.2 there", "a 1 2.5 0.2 now", "a 1 9 .1 x"],
    )
    assert joined.read_rows()["a_text"].to_pylist() == ["hello there", "there now"]
    assert joined.notes[-1].text.endswith(
        "; 1 lie in none and are left out; 1 lie in several, which overlap, and count in each."
    )


def test_two_recognisers_are_joined_to_one_reference(tmp_path):
    joined = _recording(
        tmp_path, segments=["a 1 zoe 0.0 2.0 hello there"], words=["a 1 0.1 0.2 hello"]
    )
    (tmp_path / "b.ctm").write_text("a 1 0.1 0.2 yellow 0.5\n")
    both = join_records(joined, tmp_path / "b.ctm")
    row = both.read_rows().to_pylist()[0]
    assert (row["a_text"], row["b_text"]) == ("hello", "yellow")
    with pytest.raises(
        InputError, match="its words would be called 'b_text', which stands there already"
    ):
        join_records(both, tmp_path / "b.ctm")


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("a.ctm", "a 1 0.1.2 0.2 hello 1", "is no word of CTM"),
        ("a.ctm", "a 1 . 0.2 hello 1", "is no word of CTM"),
        ("a.stm", "a 1 zoe 0.1.2 2.0 hello", "is no segment of STM"),
    ],
)
def test_times_that_are_none_are_told_by_line(tmp_path, name, line, message):
    (tmp_path / name).write_text(f"{line}\n")
    with pytest.raises(InputError, match=f"line 1: .* {message}"):
        open_records(tmp_path / name, read=name.partition(".")[2])


def test_a_word_of_which_nothing_is_sure(tmp_path):
    (tmp_path / "a.ctm").write_text("a 1 .1 2. hello -\na 1 1 2 there NA\na 1 1 2 now 1e-3\n")
    rows, _ = rows_of(tmp_path / "a.ctm")
    assert [(row["start"], row.get("confidence")) for row in rows] == [
        (0.1, None),
        (1.0, None),
        (1.0, 0.001),
    ]


def test_what_people_wrote_and_chose_in_label_studio_is_read(tmp_path):
    def part(name, kind, value):
        return {"from_name": name, "to_name": "a", "type": kind, "value": value}

    results = [
        part("said", "textarea", {"text": ["hello there"]}),
        part("better", "pairwise", {"selected": "left"}),
        part("mood", "choices", {"choices": ["calm"]}),
        part("box", "fancyregion", {"x": 1}),
    ]
    export = written_json(
        tmp_path / "export.json",
        [{"id": 1, "data": {"audio": "a.wav"}, "annotations": [{"id": 7, "result": results}]}],
    )
    (row,), notes = rows_of(export)
    assert (row["said"], row["better"], row["mood"]) == ("hello there", "left", "calm")
    assert "1 result of type 'fancyregion': not read here." in notes


@pytest.mark.parametrize(
    "offsets", [(12345.67, 12345.71), ("1.5", "1.6"), (1_000_000.5, 1_000_001.5)]
)
def test_parts_of_a_sound_have_ids_of_their_own(tmp_path, offsets):
    entries = [
        {"audio_filepath": "a.wav", "duration": 1.0, "text": "x", "offset": offset}
        for offset in offsets
    ]
    rows, _ = rows_of(written_lines(tmp_path / "m.jsonl", entries))
    assert [row["id"] for row in rows] == [f"a.wav#{offset}" for offset in offsets]


def test_a_tab_ends_an_utterances_id_in_kaldi(tmp_path):
    (tmp_path / "text").write_text("u1\thello there\nu2   now  then \n")
    (tmp_path / "utt2spk").write_text("u1\tzoe\nu2 ada\n")
    rows, _ = rows_of(tmp_path)
    assert [(row["id"], row["speaker"], row["text"]) for row in rows] == [
        ("u1", "zoe", "hello there"), ("u2", "ada", "now  then"),
    ]  # fmt: skip


def test_dates_in_names_of_sounds_stay_in_their_ids(tmp_path):
    for month in ("01", "02"):
        found = {"text": "x", "segments": [{"text": "x"}], "language": "en"}
        written_json(tmp_path / f"2024.{month}.mp3.json", found)
    rows, _ = rows_of(tmp_path)
    assert sorted(row["id"] for row in rows) == ["2024.01", "2024.02"]


def test_texts_where_promptfoo_has_structures_are_read(tmp_path):
    result = {
        "success": True, "score": 1, "vars": {"q": "x"}, "provider": "echo", "prompt": "p1", "response": "said",
        "testCase": {"assert": [{"type": "equals"}]},
    }  # fmt: skip
    path = written_json(
        tmp_path / "out.json", {"evalId": "e", "results": {"results": [result]}, "config": {}}
    )
    (row,), _ = rows_of(path)
    assert (row["provider"], row["prompt"], row["output"]) == ("echo", "p1", "said")


def test_names_that_differ_in_case_keep_their_values(tmp_path):
    about = {"Dialect": "north", "dialect": "south", "": "nothing"}
    path = written_lines(
        tmp_path / "samples_t_2026-11-28T00-00-00.jsonl",
        [lm_eval_row(n, doc={"q": "x", **about}) for n in range(3)],
    )
    rows, _ = rows_of(path)
    assert {(row["Dialect"], row["metadata_dialect"], row["metadata_"]) for row in rows} == {
        ("north", "south", "nothing")
    }
    manifest = written_lines(
        tmp_path / "m.jsonl",
        [{"audio_filepath": "a.wav", "duration": 1.0, "text": "x", "pred_text": "x", **about}],
    )
    (row,), _ = rows_of(manifest)
    assert (row["Dialect"], row["metadata_dialect"], row["metadata_"]) == (
        "north",
        "south",
        "nothing",
    )


def test_what_transcribe_leaves_out_is_no_word(tmp_path):
    item = {"type": "pronunciation", "alternatives": [{"confidence": None, "content": "x"}]}
    results = {
        "transcripts": [{"transcript": None}, {"transcript": "hello"}],
        "items": [item, None],
    }
    rows, _ = rows_of(
        written_json(
            tmp_path / "t.json", {"jobName": "j", "results": results, "status": "COMPLETED"}
        )
    )
    assert rows == [
        {"id": "t", "file": "t.json", "outcome": "answered", "text": " hello", "job": "j"}
    ]
    found = {"language": "en", "segments": [None, {"text": "hi", "avg_logprob": None}]}
    rows, _ = rows_of(written_json(tmp_path / "w.json", found))
    assert rows[0]["text"] == "hi"


def test_common_voice_with_blank_lines_and_columns_of_one_name(tmp_path):
    path = tmp_path / "cv.tsv"
    path.write_text("client_id\tpath\tsentence\tage\na\t1.mp3\thello\tteens\n\nb\t2.mp3\tyes\t\n")
    rows, _ = rows_of(path)
    assert [row["id"] for row in rows] == ["1.mp3", "2.mp3"]
    path.write_text("client_id\tpath\tsentence\tage\tage\na\t1.mp3\thello\tteens\tfifties\n")
    with pytest.raises(InputError, match="several columns are called age"):
        open_records(path)


def test_ids_of_trn_meet_in_any_case(tmp_path):
    (tmp_path / "ref.trn").write_text("hello (ANN-1)\nyes (bob-1)\n")
    (tmp_path / "people.csv").write_text("speaker,accent\nANN,wales\nBob,kent\n")
    joined = join_records(open_records(tmp_path / "ref.trn"), tmp_path / "people.csv", "speaker")
    assert joined.read_rows()["accent"].to_pylist() == ["wales", "kent"]


def test_transcripts_in_utf_16_are_known(tmp_path):
    (tmp_path / "ref.trn").write_bytes("hello (ann-1)\n".encode("utf-16"))
    rows, _ = rows_of(tmp_path / "ref.trn")
    assert rows[0]["text"] == "hello"


@pytest.mark.parametrize("name", ["x.trn", "x.stm", "x.ctm", "x.eval"])
def test_an_empty_log_says_that_it_is_none(tmp_path, name):
    (tmp_path / name).write_text("")
    with pytest.raises(
        InputError, match="is called as a log is and has not its content: it is empty, cut off"
    ):
        open_records(tmp_path / name)


def test_two_runs_of_other_documents_are_not_paired_by_number(tmp_path):
    """The same task with another seed: document 3 is another question."""
    for name, shift in (("a", 0), ("b", 5)):
        (tmp_path / name).mkdir()
        rows = [lm_eval_row(n, doc_hash=f"h{n + shift}") for n in range(20)]
        written_lines(tmp_path / name / "samples_t_2026-11-28T00-00-00.jsonl", rows)
    first, second = (
        open_records(tmp_path / name / "samples_t_2026-11-28T00-00-00.jsonl") for name in ("a", "b")
    )
    with pytest.raises(InputError, match="has a partner"):
        join_records(first, second)

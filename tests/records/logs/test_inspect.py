"""Logs of inspect_ai: as the tool itself wrote them, and as they come broken."""

import json
import struct
import zipfile
import zlib
from pathlib import Path

import pyarrow as pa
import pytest
from tests.commands import run_command
from tests.records.logs.reading import (
    inspect_document,
    inspect_sample,
    rows_of,
    written_json,
)

from evenhand import audit, effects, slices
from evenhand.errors import InputError

_NAME = "inspect_epochs_error_limit"


@pytest.mark.data
@pytest.mark.parametrize("ending", ["eval", "json"])
def test_rows_are_what_the_tool_recorded(data, ending):
    rows, notes = rows_of(data / "logs" / f"{_NAME}.{ending}")
    assert len(rows) == 12
    found = {(row["id"], row["epoch"]): row for row in rows}
    # Ids as texts, also the number 3 and one with a slash, which is a folder in the archive.
    assert {id_ for id_, _ in found} == {"q1", "q 2", "3", "q4", "q/5", "q6"}
    assert found["q/5", 2]["outcome"] == "errored"
    assert "invented failure" in found["q/5", 2]["error"]
    assert "verdict" not in found["q/5", 2]
    assert found["q6", 1]["outcome"] == "limited"
    assert found["q6", 1]["verdict"] == 0
    assert [found[id_, 1]["verdict"] for id_ in ("q1", "3", "q4", "q 2")] == [1, 0.5, 0, 0]
    # A scorer that gave nothing, and one part that was NaN.
    assert "traits_polite" not in found["3", 1]
    assert found["q1", 1]["traits_polite"] == 1
    assert found["q1", 1].get("traits_short") != found["q1", 1].get("traits_short")  # NaN
    assert found["q4", 2]["dialect"] == "south"
    assert found["q4", 2]["letter"] == "N"
    assert (
        "inspect_ai says accuracy 0.417 of verdict; the 11 rows that have a score give 0.364"
        in notes
    )


@pytest.mark.data
def test_the_issue_s_command(data):
    log = str(data / "logs" / f"{_NAME}.eval")
    found = run_command(
        "audit", log, "--metric", "mean(verdict)", "--worse", "lower", "--by", "dialect", "--json"
    )
    result = json.loads(found.stdout)
    assert result["unit"] == "id"
    assert {g["group"]["dialect"]: g["estimate"]["value"] for g in result["groups"]} == {
        "north": 0.8,
        "south": 0,
    }
    told = " ".join(note["text"] for note in result["notes"])
    assert "By dialect: south 2 limited of 6; north 1 errored of 6." in told


def test_all_questions_take_the_log_s_unit(tmp_path):
    samples = [
        inspect_sample(
            f"s{i}",
            epoch,
            scores={"right": "C" if (i + epoch) % 3 else "I"},
            metadata={"dialect": "ab"[i % 2], "noise": "clean" if i % 4 < 2 else "tone"},
        )
        for i in range(40)
        for epoch in (1, 2)
    ]
    log = written_json(tmp_path / "run.json", inspect_document(samples))
    metric = "mean(right)"
    assert audit(log, metric, "dialect", worse="lower").unit == "id"
    assert audit(log, metric, "dialect", worse="lower", unit="task").unit == "task"
    assert slices(log, metric, features="dialect", worse="lower").unit == "id"
    found = effects(log, metric, "dialect", condition="noise", reference="clean", worse="lower")
    assert found.unit == "id"
    # Unasked, slices are made of what was known beforehand.
    searched = slices(log, metric, worse="lower")
    assert set(searched.searched.features) == {"dialect", "noise"}
    assert "epoch" in searched.left_out


def test_an_errored_epoch_leaves_the_mean(tmp_path):
    """1 of 1 and 1 of 4: the tool says .625, the rows give .4."""
    samples = [
        inspect_sample("a", 1),
        inspect_sample("a", 2, scores={}, error={"message": "broken"}),
    ]
    samples += [
        inspect_sample("b", epoch, scores={"right": "C" if epoch == 1 else "I"})
        for epoch in (1, 2, 3, 4)
    ]
    results = {
        "scores": [
            {
                "name": "right",
                "scorer": "right",
                "metrics": {"accuracy": {"name": "accuracy", "value": 0.625}},
            }
        ]
    }
    log = written_json(tmp_path / "run.json", inspect_document(samples, results=results))
    rows, notes = rows_of(log)
    assert [row.get("right") for row in rows] == [1, None, 1, 0, 0, 0]
    assert (
        "inspect_ai says accuracy 0.625 of right; the 5 rows that have a score give 0.400" in notes
    )
    assert "an epoch without a score leaves the mean" in notes


def test_a_number_that_agrees_is_not_told(tmp_path):
    results = {
        "scores": [
            {
                "name": "right",
                "scorer": "right",
                "metrics": {"accuracy": {"name": "accuracy", "value": 1.0}},
            }
        ]
    }
    log = written_json(
        tmp_path / "run.json", inspect_document([inspect_sample("a")], results=results)
    )
    assert "says" not in rows_of(log)[1]


@pytest.mark.parametrize(
    ("values", "read"),
    [
        (["C", "I", "P", "N"], [1, 0, 0.5, 0]),
        (["yes", "No", "TRUE", "false"], [1, 0, 1, 0]),
        (["C", "4", "0.5"], [1, 4, 0.5]),
        ([True, False], [1, 0]),
        # An answer among A to D is a letter, and C is not the right one.
        (["A", "B", "C", "D"], ["A", "B", "C", "D"]),
        (["C", "happy"], ["C", "happy"]),
        ([1, 2.5], [1, 2.5]),
    ],
)
def test_letters_are_numbers_where_all_are(tmp_path, values, read):
    samples = [inspect_sample(str(i), scores={"right": value}) for i, value in enumerate(values)]
    rows, _ = rows_of(written_json(tmp_path / "run.json", inspect_document(samples)))
    assert [row["right"] for row in rows] == read


def test_names_that_clash(tmp_path):
    metadata = {"id": "own", "right": "other", "Epoch": 7, "who": {"age": 30, "tags": ["a", "b"]}}
    log = written_json(
        tmp_path / "run.json",
        inspect_document(
            [inspect_sample("a", scores={"right": "C", "input": 3}, metadata=metadata)]
        ),
    )
    (row,), _ = rows_of(log)
    assert (row["id"], row["metadata_id"]) == ("a", "own")
    assert (row["right"], row["metadata_right"]) == (1, "other")
    assert (row["epoch"], row["metadata_Epoch"]) == (1, 7)
    assert (row["input"], row["score_input"]) == ("question a", 3)
    assert (row["who_age"], row["who_tags"]) == (30, '["a","b"]')


def test_metadata_of_mixed_types_is_text(tmp_path):
    values = [1, "one", 2.5, True, None, {"a": 1}]
    samples = [
        inspect_sample(str(i), metadata={"m": v, "n": i or None}) for i, v in enumerate(values)
    ]
    rows, _ = rows_of(written_json(tmp_path / "run.json", inspect_document(samples)))
    assert [row.get("m") for row in rows] == ["1", "one", "2.5", "true", None, None]
    assert rows[5]["m_a"] == 1
    assert [row.get("n") for row in rows] == [None, 1, 2, 3, 4, 5]


def test_columns_that_come_late_and_widen(tmp_path):
    """Parts of thousands of rows: what a later one has, earlier ones lack; a type may widen."""
    samples = [
        inspect_sample(
            str(i),
            scores={"right": i % 2 if i < 9000 else 0.5},
            metadata={"late": "x"} if i > 8500 else {"code": i if i < 5000 else f"c{i}"},
        )
        for i in range(10_000)
    ]
    rows, _ = rows_of(written_json(tmp_path / "run.json", inspect_document(samples)))
    assert [row["id"] for row in rows] == [str(i) for i in range(10_000)]
    assert [row["right"] for row in rows[8998:9002]] == [0, 1, 0.5, 0.5]
    assert rows[4999]["code"] == "4999"
    assert rows[5000]["code"] == "c5000"
    assert "late" not in rows[8500]
    assert rows[8501]["late"] == "x"


def test_two_models_are_not_pooled(tmp_path):
    for model in ("one", "two"):
        document = inspect_document([inspect_sample("a"), inspect_sample("b")])
        document["eval"]["model"] = model
        written_json(tmp_path / f"{model}.json", document)
    with pytest.raises(InputError, match=r"2 values of model: one, two.*--where .model = 'one'"):
        audit(str(tmp_path), "mean(right)", "target", worse="lower")
    found = audit(tmp_path / "*.json", "mean(right)", "model", worse="lower")
    assert {group.label for group in found.groups} == {"one", "two"}
    audit(str(tmp_path), "mean(right)", "target", worse="lower", where="model = 'one'")


def test_ids_of_several_tasks_are_apart(tmp_path):
    for task in ("one", "two"):
        document = inspect_document([inspect_sample("a"), inspect_sample("b")])
        document["eval"]["task"] = task
        written_json(tmp_path / f"{task}.json", document)
    rows, notes = rows_of(str(tmp_path))
    assert [row["id"] for row in rows] == ["one/a", "one/b", "two/a", "two/b"]
    assert [row["log"] for row in rows] == ["one.json", "one.json", "two.json", "two.json"]
    assert "Read 2 files as inspect_ai: 4 rows." in notes


def test_a_run_that_did_not_end(tmp_path):
    document = inspect_document([inspect_sample("a")], status="cancelled")
    document["eval"] |= {"dataset": {"samples": 10}, "config": {"epochs": 2}}
    _, notes = rows_of(written_json(tmp_path / "run.json", document))
    assert "did not end (cancelled): 1 answers of 20 planned are there" in notes


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"version": 9}, r"format 9; those of inspect up to format 3"),
        ({"samples": []}, "has no row"),
        (
            {"samples": [{"epoch": 1}]},
            r"samples 1: Object missing required field `id`\.  So it is damaged, or of",
        ),
        ({"samples": [inspect_sample("a"), 7]}, "samples 2: Expected `object`, got `int`"),
    ],
)
def test_documents_that_are_none(tmp_path, change, told):
    log = written_json(tmp_path / "run.json", inspect_document([inspect_sample("a")]) | change)
    with pytest.raises(InputError, match=told):
        rows_of(log)


def test_a_document_that_was_cut(tmp_path):
    text = json.dumps(inspect_document([inspect_sample(str(i)) for i in range(50)]))
    log = tmp_path / "run.json"
    for cut in (len(text) // 2, len(text) - 3):
        log.write_text(text[:cut])
        with pytest.raises(InputError, match=r"run\.json is no whole JSON document"):
            rows_of(log)


# -- archives ----------------------------------------------------------------------------------------


def _archive(path: Path, members, *, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as packed:
        for name, value in members.items():
            packed.writestr(name, value if isinstance(value, bytes) else json.dumps(value))
    return path


def _members(samples):
    document = inspect_document(samples)
    header = {k: v for k, v in document.items() if k != "samples"}
    named = {f"samples/{s['id']}_epoch_{s['epoch']}.json": s for s in samples}
    return {"_journal/start.json": header, **named, "header.json": header}


def test_an_archive_packed_by_deflate_or_not_at_all(tmp_path):
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
        log = _archive(
            tmp_path / "run.eval",
            _members([inspect_sample("a/b"), inspect_sample("c")]),
            method=method,
        )
        assert [row["id"] for row in rows_of(log)[0]] == ["a/b", "c"]


def test_an_archive_of_an_interrupted_run(tmp_path):
    members = _members([inspect_sample("a")])
    del members["header.json"]
    members["_journal/start.json"]["status"] = "started"
    rows, notes = rows_of(_archive(tmp_path / "run.eval", members))
    assert len(rows) == 1
    assert "did not end (started)" in notes


def test_an_archive_without_its_head(tmp_path):
    members = {k: v for k, v in _members([inspect_sample("a")]).items() if k.startswith("samples/")}
    log = _archive(tmp_path / "run.eval", members | {"summaries.json": []})
    with pytest.raises(InputError, match=r"run\.eval lacks its member 'header\.json'"):
        rows_of(log)


def test_an_archive_that_lies_about_a_size(tmp_path):
    """A member that says it is smaller than it is, and one that says it is larger than is read."""
    log = _archive(tmp_path / "run.eval", _members([inspect_sample("a")]))
    whole = log.read_bytes()
    name = b"samples/a_epoch_1.json"
    # The last entry of that name is the directory's; its size stands 24 bytes after its beginning.
    place = whole.rindex(name) - 46 + 24
    (size,) = struct.unpack_from("<I", whole, place)
    for said, told in (
        (size - 5, "should have"),
        (size + 5, "should have"),
        (2**31, "more than 268,435,456"),
    ):
        log.write_bytes(whole[:place] + struct.pack("<I", said) + whole[place + 4 :])
        with pytest.raises(InputError, match=rf"member 'samples/a_epoch_1\.json'.*{told}"):
            rows_of(log)


def test_an_archive_that_is_damaged(tmp_path):
    log = _archive(
        tmp_path / "run.eval", _members([inspect_sample("a" * 200)]), method=zipfile.ZIP_STORED
    )
    whole = log.read_bytes()
    place = whole.index(b"question aaaa")
    log.write_bytes(whole[:place] + b"Question" + whole[place + 8 :])
    with pytest.raises(InputError, match="its checksum is another"):
        rows_of(log)
    log.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"--read|no whole archive|was its writer interrupted"):
        rows_of(log, read="inspect")


def test_zstandard_without_a_library_for_it(tmp_path):
    """Method 93 of ZIP, as inspect writes it; the decoder is Arrow's."""
    log = tmp_path / "run.eval"
    members = {n: json.dumps(v).encode() for n, v in _members([inspect_sample("é")]).items()}
    out, directory = b"", b""
    for name, data in members.items():
        packed = pa.compress(data, codec="zstd", asbytes=True)
        head = struct.pack(
            "<HHHHHIIIHH",
            20,
            0x800,
            93,
            0,
            0,
            zlib.crc32(data),
            len(packed),
            len(data),
            len(name.encode()),
            0,
        )
        directory += (
            b"PK\1\2"
            + struct.pack("<H", 20)
            + head
            + struct.pack("<HHHII", 0, 0, 0, 0, len(out))
            + name.encode()
        )
        out += b"PK\3\4" + head + name.encode() + packed
    end = struct.pack("<HHHHIIH", 0, 0, len(members), len(members), len(directory), len(out), 0)
    log.write_bytes(out + directory + b"PK\5\6" + end)
    assert [row["id"] for row in rows_of(log)[0]] == ["é"]

"""Joining: every row of the first stays, with what the other says of it, and what has no partner is counted."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.commands import run_command

from evenhand import audit, join_records, open_records
from evenhand.errors import InputError

_CALLS = "id,speaker,wrong\n1,007,1\n2,7,0\n3,,1\n4,zoe,0\n5,007,1\n"
_PEOPLE = "speaker,accent,age\n007,wales,30\n7,kent,41\nada,kent,20\n"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "calls.csv").write_text(_CALLS)
    (tmp_path / "people.csv").write_text(_PEOPLE)
    return tmp_path


def test_rows_stay_in_their_order_and_are_counted(files):
    joined = join_records(open_records(files / "calls.csv"), files / "people.csv", "speaker")
    rows = joined.read_rows().to_pylist()
    assert [row["id"] for row in rows] == [1, 2, 3, 4, 5]
    # 007 and 7 are two speakers: both columns are texts.
    assert [row["accent"] for row in rows] == ["wales", "kent", None, None, "wales"]
    assert [row["age"] for row in rows] == [30, 41, None, None, 30]
    told = joined.notes[-1].text
    assert "3 of 5 rows have a partner, 2 have none" in told
    assert "1 of its 3 rows belong to nobody here" in told
    assert joined.files == (files / "calls.csv", files / "people.csv")


def test_the_rows_are_those_of_a_join_elsewhere(files):
    """The same as pandas, for keys of numbers, texts and both."""
    import pandas as pd

    for keys, theirs in (([1, 2, 3], [2, 3, 4]), (["a", "b"], ["b", "c"]), ([1, 2], ["2", "x"])):
        left = pd.DataFrame({"k": keys * 2, "v": range(len(keys) * 2)})
        right = pd.DataFrame({"k": theirs, "w": range(len(theirs))})
        pq.write_table(pa.Table.from_pandas(right), files / "right.parquet")
        joined = join_records(
            open_records(pa.Table.from_pandas(left)), files / "right.parquet", "k"
        )
        asked = left.assign(k=left.k.astype(str)).merge(
            right.assign(k=right.k.astype(str)), on="k", how="left"
        )
        found = joined.read_rows().to_pandas()
        assert found.w.astype("Float64").tolist() == asked.w.astype("Float64").tolist()


def test_a_number_meets_the_text_that_is_written_so(tmp_path):
    (tmp_path / "calls.csv").write_text("speaker,wrong\n07,1\n8,0\n")
    (tmp_path / "people.csv").write_text("who,accent\n07,wales\n8,kent\nx,kent\n")
    joined = join_records(
        open_records(tmp_path / "calls.csv"), tmp_path / "people.csv", "speaker=who"
    )
    assert joined.read_rows()["accent"].to_pylist() == ["wales", "kent"]
    assert "who" not in joined.read_rows().column_names


def test_names_that_both_have(files):
    (files / "extra.csv").write_text("speaker,wrong,ID\n007,9,x\n7,8,y\n")
    joined = join_records(open_records(files / "calls.csv"), files / "extra.csv", "speaker")
    assert {"wrong", "extra_wrong", "extra_ID"} <= {column.name for column in joined.columns}
    again = join_records(joined, files / "people.csv", "speaker")
    assert [c.name for c in again.columns][-2:] == ["accent", "age"]
    with pytest.raises(InputError, match=r"'extra_wrong', which stands in .* already"):
        join_records(joined, files / "extra.csv", "speaker")


@pytest.mark.parametrize(
    ("other", "on", "told"),
    [
        (
            "speaker,accent\n007,wales\n007,kent\n",
            "speaker",
            r"several rows of one speaker: 007 \(2 times\)",
        ),
        (
            "speaker,accent\nada,wales\n",
            "speaker",
            r"No row of .* has a partner .* Here stand 007.* there ada",
        ),
        ("speaker,accent\n007,wales\n", "voice", r"--on, .*calls\.csv: .*voice"),
        ("speaker,accent\n007,wales\n", "speaker=voice", r"--on, .*other\.csv: .*voice"),
        ("speaker,accent\n007,wales\n", "", r"Say on which column .* Both have: speaker"),
        ("voice,accent\n007,wales\n", "", r"No column stands in both; --on A=B"),
        ("speaker,accent\n", "speaker", r"other\.csv has no rows"),
    ],
)
def test_joins_that_are_none(files, other, on, told):
    (files / "other.csv").write_text(other)
    with pytest.raises(InputError, match=told):
        join_records(open_records(files / "calls.csv"), files / "other.csv", on or ())


CLIPS = "client_id\tpath\tsentence\n" + "".join(f"v{i}\tclip_{i}.mp3\tgo on\n" for i in range(4))


def test_a_column_that_a_tool_s_file_calls_otherwise_is_told_what_it_is_called_here(tmp_path):
    (tmp_path / "clips.tsv").write_text(CLIPS)
    (tmp_path / "heard.tsv").write_text("path\theard\nclip_1.mp3\tgo on\n")
    clips = open_records(tmp_path / "clips.tsv")
    with pytest.raises(
        InputError, match="read as Common Voice, where path is called id: --on id, or id=path"
    ):
        join_records(clips, tmp_path / "heard.tsv", "path")
    assert (
        "heard" in join_records(clips, tmp_path / "heard.tsv", "id=path").read_rows().column_names
    )
    with pytest.raises(InputError) as error:
        join_records(clips, tmp_path / "heard.tsv", "voice")
    assert "Common Voice" not in str(error.value)


def test_names_that_differ_in_their_ending_alone_are_told_so(tmp_path):
    (tmp_path / "clips.tsv").write_text(CLIPS)
    (tmp_path / "heard.tsv").write_text("path\theard\nclip_1.wav\tgo on\nclip_2.wav\tgo on\n")
    with pytest.raises(InputError, match=r"But for their endings, .*, 2 rows would have one"):
        join_records(open_records(tmp_path / "clips.tsv"), tmp_path / "heard.tsv", "id=path")
    (tmp_path / "heard.tsv").write_text("path\theard\nother_1.wav\tgo on\n")
    with pytest.raises(InputError) as error:
        join_records(open_records(tmp_path / "clips.tsv"), tmp_path / "heard.tsv", "id=path")
    assert "endings" not in str(error.value)


def test_on_the_command_line(files):
    where = {"cwd": files}
    found = run_command("audit", "calls.csv", "--with", "people.csv", "--on", "speaker", "--metric", "mean(wrong)", "--worse", "higher", "--by", "accent", "--json", **where)  # fmt: skip
    assert "partner" in found.stdout, found.stderr
    missing = run_command(
        "audit", "calls.csv", "--on", "speaker", "--metric", "mean(wrong)", "--by", "id", **where
    )
    assert "Name the file: --with FILE" in missing.stderr
    none = run_command("audit", "calls.csv", "--with", "people.csv", "--on", "speaker", "--on", "x=y", "--metric", "mean(wrong)", "--by", "id", **where)  # fmt: skip
    assert "--on x=y: none of people.csv has a column 'y'" in none.stderr
    # What is read is never replaced.
    kept = run_command("audit", "calls.csv", "--with", "people.csv", "--on", "speaker", "--metric", "mean(wrong)", "--worse", "higher", "--by", "accent", "--html", "people.csv", "--force", **where)  # fmt: skip
    assert "would replace people.csv, which this run reads" in kept.stderr


def test_several_files_each_by_its_own_column(files):
    (files / "sites.csv").write_text("number,site\n1,a\n2,b\n3,a\n4,b\n5,a\n")
    found = run_command("audit", "calls.csv", "--with", "people.csv", "--with", "sites.csv", "--on", "speaker", "--on", "id=number", "--metric", "mean(wrong)", "--worse", "higher", "--by", "accent,site", "--json", cwd=files)  # fmt: skip
    assert "sites.csv is joined by id = number: 5 of 5 rows" in found.stdout, found.stderr
    assert "people.csv is joined by speaker: 3 of 5 rows" in found.stdout


def test_the_command_asks_again(files):
    joined = join_records(open_records(files / "calls.csv"), files / "people.csv", "speaker")
    found = audit(joined, "mean(wrong)", "accent", worse="higher")
    command = found.settings.command
    assert f"--with {files / 'people.csv'} --on speaker" in command


def test_a_cube_of_joined_rows(files):
    cube = files / "calls.cube"
    counted = run_command("cube", "count", "calls.csv", "--with", "people.csv", "--on", "speaker", "--metric", "mean(wrong)", "--by", "accent", "--out", str(cube), cwd=files)  # fmt: skip
    assert counted.returncode == 0, counted.stderr
    assert cube.exists()

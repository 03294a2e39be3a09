"""What a run writes: nothing that it reads, nothing that it did not make, all of it or nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from evenhand.audits.disclosure.attack import attack
from evenhand.audits.disclosure.printed import read_printed
from evenhand.cli.audit import audit
from evenhand.cli.demo import demo
from evenhand.cli.effects import effects
from evenhand.cli.options import Output
from evenhand.cli.slices import slices
from evenhand.cli.trial import trial
from evenhand.cubes import read_cube
from evenhand.errors import InputError
from evenhand.records.output import check_outputs, made_here, write_bytes, write_file

METRIC = "error_rate(label=y, prediction=p)"
ROWS = "g,condition,y,p\n" + "".join(
    f"{g},{c},{i % 2},{int(i % 2 == (i % 7 > 1))}\n"
    for g in "ab"
    for c in ("clean", "noise")
    for i in range(40)
)


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "data.csv"
    path.write_text(ROWS)
    return path


def run(verb, table, html=None, figure=None, force=False, **options):
    options["output"] = Output(html=html, figure=figure, force=force)
    if verb is audit:
        return audit(table, metric=[METRIC], by=["g"], **options)
    if verb is effects:
        return effects(table, metric=METRIC, by=["g"], **options)
    return slices(table, metric=METRIC, **options)


VERBS = [(audit, "html"), (audit, "cube"), (slices, "html"), (effects, "html")]


@pytest.mark.parametrize(("verb", "option"), VERBS)
@pytest.mark.parametrize("force", [False, True])
def test_an_output_never_replaces_an_input(data, verb, option, force):
    with pytest.raises(InputError, match=r"would replace data\.csv, which this run reads"):
        run(verb, "data.csv", force=force, **{option: Path("data.csv")})
    assert data.read_text() == ROWS


@pytest.mark.parametrize("way", ["link", "hard link", "dots", "absolute"])
def test_an_input_is_known_by_any_of_its_names(data, way):
    (data.parent / "sub").mkdir()
    other = Path("other.html")
    if way == "link":
        other.symlink_to(data)
    elif way == "hard link":
        os.link(data, other)
    else:
        other = Path("sub/../data.csv") if way == "dots" else data
    with pytest.raises(InputError, match="which this run reads"):
        run(audit, "data.csv", html=other, force=True)
    assert data.read_text() == ROWS


def test_each_file_of_a_glob_and_a_database_are_inputs(data):
    (data.parent / "data2.csv").write_text(ROWS)
    with pytest.raises(InputError, match=r"data2\.csv, which this run reads"):
        run(audit, "data*.csv", html=Path("data2.csv"), force=True)
    with duckdb.connect("f.db") as made:
        made.execute("CREATE TABLE t AS FROM 'data.csv'")
    for url in ("duckdb:///f.db?table=t", f"duckdb:///{data.parent}/f.db?table=t"):
        with pytest.raises(InputError, match="which this run reads"):
            run(audit, url, html=Path("f.db"), force=True)


@pytest.mark.parametrize(("verb", "option"), VERBS)
def test_a_file_of_somebody_else_is_kept(data, verb, option):
    Path("thesis.html").write_text("<html>years of work</html>")
    with pytest.raises(InputError, match=r"Evenhand did not make it.*--force"):
        run(verb, "data.csv", **{option: Path("thesis.html")})
    assert "years" in Path("thesis.html").read_text()
    run(verb, "data.csv", force=True, **{option: Path("thesis.html")})
    assert made_here(Path("thesis.html"))


@pytest.mark.parametrize(("verb", "option"), VERBS)
def test_our_own_file_is_replaced_unasked(data, verb, option):
    for _ in range(2):
        run(verb, "data.csv", **{option: Path("mine")})
    assert sorted(p.name for p in data.parent.iterdir()) == ["data.csv", "mine"]


def test_refusals_come_before_the_work(data):
    with pytest.raises(InputError, match="No such file or directory"):
        run(audit, "no such file.csv", html=Path("nowhere/page.html"))
    with pytest.raises(InputError, match="is a folder"):
        run(audit, "data.csv", html=data.parent)


def test_two_outputs_need_two_files(data):
    with pytest.raises(InputError, match="--html and --cube both write"):
        run(audit, "data.csv", html=Path("x"), cube=Path("./x"))


def test_a_parquet_file_of_somebody_else_is_known(data):
    duckdb.sql("COPY (SELECT 'evenhand' AS evenhand) TO 'theirs.parquet'")
    assert not made_here(Path("theirs.parquet"))
    run(audit, "data.csv", cube=Path("ours.parquet"))
    assert made_here(Path("ours.parquet"))
    assert [a.name for a in read_cube("ours.parquet").attributes] == ["g"]
    assert not made_here(data)


def test_a_figure_is_a_file_of_its_own(data):
    for name in ("f.svg", "f.svg", "f.png"):  # ours is replaced
        run(audit, "data.csv", figure=Path(name))
    assert Path("f.svg").read_text().startswith("<svg")
    assert Path("f.png").read_bytes().startswith(b"\x89PNG")
    for verb in (effects, slices):
        run(verb, "data.csv", figure=Path("f.svg"))


def test_a_figure_that_cannot_be_drawn_is_refused_before_the_work(data):
    with pytest.raises(InputError, match=r"f\.pdf must end in \.svg or \.png"):
        run(audit, "nowhere.csv", figure=Path("f.pdf"))
    metrics = [METRIC, "accuracy(label=y, prediction=p)"]
    with pytest.raises(InputError, match="one metric"):
        audit("data.csv", metric=metrics, by=["g"], output=Output(figure=Path("f.svg")))
    assert not Path("f.svg").exists()


def test_labels_title_and_note_are_in_the_report(data):
    Path("labels.toml").write_text('g = "ward"\n"g=a" = "Ward North"\n', encoding="utf-8")
    given = {"title": "Ward 5", "note": "For the board", "labels": Path("labels.toml")}
    audit("data.csv", metric=[METRIC], by=["g"], output=Output(html=Path("r.html"), **given))
    page = Path("r.html").read_text()
    for text in ("Ward 5", "For the board", "Ward North"):
        assert text in page


@pytest.mark.parametrize(
    ("text", "message"),
    [("g = 3\n", "g is 3, but must be text"), ("g =\n", "is no TOML"), (None, "cannot be read")],
)
def test_labels_that_are_none_are_refused(data, text, message):
    if text is not None:
        Path("labels.toml").write_text(text, encoding="utf-8")
    given = Output(labels=Path("labels.toml"), html=Path("r.html"))
    with pytest.raises(InputError, match=message):
        audit("data.csv", metric=[METRIC], by=["g"], output=given)


def test_labels_that_fit_nothing_or_call_two_groups_alike_are_told(data, capsys):
    Path("labels.toml").write_text('"g=a" = "b"\nvoic = "x"\n', encoding="utf-8")
    given = Output(labels=Path("labels.toml"), html=Path("r.html"))
    audit("data.csv", metric=[METRIC], by=["g"], output=given)
    assert "--labels: nothing here is called voic." in capsys.readouterr().err
    page = Path("r.html").read_text()
    assert "b (a)" in page
    assert ">a<" not in page


@pytest.mark.parametrize(
    ("option", "most", "advice"),
    [("title", 200, "Say more in the note"), ("note", 2000, "Give the rest")],
)
def test_a_title_and_a_note_have_an_end(data, option, most, advice):
    given = {"html": Path("r.html"), option: "x" * (most + 1)}
    message = rf"{option} has {most + 1:,} letters, but may have at most {most:,}.  {advice}"
    with pytest.raises(InputError, match=message):
        audit("nowhere.csv", metric=[METRIC], by=["g"], output=Output(**given))
    given[option] = "x" * most
    audit("data.csv", metric=[METRIC], by=["g"], output=Output(**given))


@pytest.mark.parametrize("verb", [audit, effects, slices])
def test_every_command_tells_labels_of_nothing_and_no_others(data, capsys, verb):
    """Values that no slice is made of are known too; the metric has its plain name on every page."""
    labels = (
        '"g=b" = "south"\na = "north"\ng = "ward"\nerror_rate = "errors"\n"g=c" = "x"\nvoic = "x"\n'
    )
    Path("labels.toml").write_text(labels, encoding="utf-8")
    output = Output(labels=Path("labels.toml"), html=Path("r.html"))
    given = {"metric": METRIC} if verb is not audit else {"metric": [METRIC]}
    if verb is not slices:
        given["by"] = ["g"]
    verb("data.csv", output=output, **given)
    assert "--labels: nothing here is called g=c, voic.\n" in capsys.readouterr().err
    assert "errors" in Path("r.html").read_text()


@pytest.mark.parametrize("option", ["title", "note", "labels"])
def test_what_is_for_a_report_needs_one(data, option):
    with pytest.raises(InputError, match=f"--{option} is for a report"):
        audit("data.csv", metric=[METRIC], by=["g"], output=Output(**{option: Path("x")}))


def test_a_condition_has_its_name_in_every_sentence(data):
    Path("labels.toml").write_text('"condition=noise" = "a pulsing tone"\n', encoding="utf-8")
    given = Output(labels=Path("labels.toml"), html=Path("r.html"))
    effects("data.csv", metric=METRIC, by=["g"], output=given)
    page = Path("r.html").read_text()
    assert "a pulsing tone" in page
    assert ">noise" not in page.partition("How this was made")[0]


def test_a_report_for_strangers_hides_small_groups(data):
    few = "".join(f"c,clean,{i % 2},{i % 2}\n" for i in range(6))
    data.write_text(ROWS + few)
    audit("data.csv", metric=[METRIC], by=["g"], share=True, output=Output(html=Path("r.html")))
    page = Path("r.html").read_text()
    assert "hidden" in page
    assert " 6 rows" not in page
    assert attack(read_printed(Path("r.html"))).leaks == ()


def shared_effects(rows, **options):
    Path("few.csv").write_text("g,h,condition,y,p\n" + rows)
    given = {"metric": METRIC, "by": ["g"], "share": True, "output": Output(html=Path("s.html"))}
    return effects("few.csv", **(given | options))


def made(groups):
    return "".join(
        f"{g},{'k' if i % 3 else 'm'},{c},{i % 2},{int(i % 2 == (i % 7 > 1))}\n"
        for g, n in groups.items()
        for c in ("clean", "noise")
        for i in range(n)
    )


def test_effects_without_small_groups_are_shared_without_folders(data):
    shared_effects(made({"a": 40, "b": 40}))
    assert str(data.parent) not in Path("s.html").read_text()


@pytest.mark.parametrize("verb", ["audit", "effects"])
@pytest.mark.parametrize("first", [True, False])
def test_strangers_get_no_folder_in_json_pages_and_figures(data, verb, first):
    """Wherever a file stands in the command."""
    folder, table = str(data.parent), [str(data)]
    files = [f"--html={folder}/s.html", "--figure", f"{folder}/s.svg", "--share", "--json"]
    asked = ["--metric", METRIC, "--by", "g", *files]
    words = [*table, *asked] if first else [*asked, *table]
    command = [sys.executable, "-c", "from evenhand.cli import main; main()", verb, *words]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert json.loads(told)["source"]["name"] == "data.csv"
    for given in (told, Path("s.html").read_text(), Path("s.svg").read_text()):
        assert folder not in given
    assert "--html=s.html --figure s.svg --share --json" in json.loads(told)["settings"]["command"]


@pytest.mark.parametrize(
    ("groups", "options", "message"),
    [
        (
            {"a": 40, "b": 40, "c": 9},
            {},
            r"group g = 'c' has 9 rows under clean.*fewer than 10.*--where",
        ),
        ({"a": 40, "b": 40, "c": 3}, {}, r"group g = 'c' has 3 rows under clean"),
        ({"a": 40, "b": 40, "": 12}, {}, r"24 of the rows lack g.*g IS NOT NULL"),
        ({"a": 40, "b": 40}, {"by": ["g", "h"]}, "overlap.*one --by at a time"),
        ({"a": 40, "b": 40}, {"by": ["g = 'a'"]}, "predicate"),
    ],
)
def test_effects_of_few_people_are_not_shared(data, groups, options, message):
    with pytest.raises(InputError, match=f"--share: .*{message}"):
        shared_effects(made(groups), **options)
    assert not Path("s.html").exists()


def test_a_dose_that_few_had_is_not_shared(data):
    rows = "".join(
        f"{g},{'clean' if i % 2 else 'noise'},{'' if i % 2 else i % 8},{i % 2},{i % 3 % 2}\n"
        for g in "ab"
        for i in range(60)
    )
    Path("dose.csv").write_text("g,condition,level,y,p\n" + rows)
    given = {"metric": METRIC, "by": ["g"], "dose": "level", "output": Output(html=Path("s.html"))}
    effects("dose.csv", **given)
    with pytest.raises(InputError, match="group a has 8 rows at level 0, and of fewer than 10"):
        effects("dose.csv", share=True, **given)


def test_effects_of_a_crossing_are_shared_with_its_parts(data):
    shared_effects(made({"a": 60, "b": 60}), by=["g,h"])
    assert Path("s.html").exists()


def test_slices_are_not_shared_and_say_why(data):
    with pytest.raises(InputError, match=r"--share: slices overlap.*evenhand audit"):
        slices("data.csv", metric=METRIC, share=True, output=Output(html=Path("s.html")))
    assert not Path("s.html").exists()


def test_several_metrics_share_one_report(data):
    metrics = [METRIC, "accuracy(label=y, prediction=p)"]
    audit("data.csv", metric=metrics, by=["g"], output=Output(html=Path("r.html")))
    assert sorted(path.name for path in Path().iterdir()) == ["data.csv", "r.html"]
    page = Path("r.html").read_text()
    assert "error_rate" in page
    assert "accuracy" in page


def test_a_crash_leaves_the_old_file(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("old")

    def crash(beside):
        beside.write_text("half a pa")
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match="No space left"):
        write_file(path, crash)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    path.chmod(0o640)
    write_bytes(path, b"new")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o640)


def test_a_link_is_followed_and_a_pipe_is_written_to(tmp_path):
    (tmp_path / "page.html").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "page.html")
    write_bytes(tmp_path / "link", b"x")
    assert (tmp_path / "page.html").read_bytes() == b"x"
    check_outputs([("--html", Path("/dev/null")), ("--cube", Path("/dev/null"))], [], force=False)
    write_bytes(Path("/dev/null"), b"x")


def test_the_demo_replaces_nothing(tmp_path):
    path = tmp_path / "ward.csv"
    demo(records=path)
    demo(records=path)  # the same records again
    path.write_text(ROWS)
    with pytest.raises(InputError, match="did not make it"):
        demo(records=path)
    page = tmp_path / "own.html"
    page.write_text("mine")
    with pytest.raises(InputError, match="did not make it"):
        demo(html=page, live=False)
    assert (path.read_text(), page.read_text()) == (ROWS, "mine")


def test_a_trial_replaces_neither_its_plan_nor_its_manifest(tmp_path):
    (tmp_path / "texts.csv").write_text("id,text\na,hello\n")
    (tmp_path / "echo.py").write_text("def echo(text):\n    return text\n")
    plan = tmp_path / "plan.toml"
    plan.write_text(
        '[trial]\nmeasure = ["words"]\n[samples]\nmanifest = "texts.csv"\n'
        '[[services]]\nkind = "python"\nfunction = "echo:echo"\n'
    )
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()}
    for name in ("plan.toml", "texts.csv"):
        with pytest.raises(InputError, match="which this run reads"):
            trial(plan, out=tmp_path / name, force=True)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()} == before


def test_the_command_line_says_so(data):
    evenhand = str(Path(sys.executable).parent / "evenhand")
    done = subprocess.run(
        [evenhand, "audit", "data.csv", "--metric", METRIC, "--by", "g", "--html", "data.csv"],
        capture_output=True,
        text=True,
        cwd=data.parent,
    )
    assert (done.returncode, data.read_text()) == (2, ROWS)
    assert "would replace data.csv" in done.stderr
    assert "Traceback" not in done.stderr


def test_json_is_ours_by_its_schema(tmp_path):
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"b": 1, "schema": "evenhand.audit/1"}))
    assert made_here(path)
    path.write_text(json.dumps({"schema": "theirs", "about": "evenhand"}))
    assert not made_here(path)

"""``evenhand trial`` as people use it: real processes, sockets, files, models and signals."""

import importlib.util
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.commands import run_command

import evenhand

COMMAND = [sys.executable, "-c", "from evenhand.cli import main; main()"]
FAKE = Path(__file__).parents[1] / "services" / "fake.py"
KEY = "sk-a-key-that-nobody-may-see"


def need(*modules):
    """Skip for want of a package; in CI, where the test group brings it, that is a failure."""
    for module in modules:
        if importlib.util.find_spec(module) is None:
            message = f"{module} is not installed.  Run: pip install --group test"
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)


def surroundings(**more):
    return {**os.environ, "COLUMNS": "110", "NO_COLOR": "1", "VENDOR_KEY": KEY, **more}


def run(*words, cwd):
    return run_command(*words, cwd=cwd, env=surroundings(), timeout=240)


def rows_of(path):
    return pq.read_table(path).to_pylist()


@pytest.fixture(scope="module")
def fake():
    spec = importlib.util.spec_from_file_location("evenhand_fake", FAKE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["evenhand_fake"] = module
    spec.loader.exec_module(module)
    return module


def write(folder, name, text):
    (folder / name).write_text(textwrap.dedent(text), encoding="utf-8")


def write_questions(folder, count=24):
    lines = ["id,text,reference,patient,dialect"]
    for i in range(count):
        text = f"Does patient {i} need the pump and it is not working?"
        lines.append(
            f"q{i},{text},{'yes' if i % 3 else 'no'},p{i % 12},{['north', 'south'][i % 2]}"
        )
    write(folder, "questions.csv", "\n".join(lines) + "\n")


def chat_plan(folder, server, **service):
    more = "\n".join(f"{name} = {json.dumps(value)}" for name, value in service.items())
    write(
        folder,
        "plan.toml",
        f"""\
[trial]
name = "ward questions"
metrics = ["error_rate(label=reference, prediction=output)"]

[samples]
manifest = "questions.csv"
kind = "text"
unit = "patient"

[[conditions]]
apply = "typos(rate=0.1)"

[[conditions]]
apply = "casing(to=upper)"

[[services]]
kind = "chat"
name = "bot"
url = "{server.url}"
model = "m"
prompt = "Answer yes or no. {{text}}"
headers = {{Authorization = "Bearer ${{VENDOR_KEY}}"}}
price = {{input_tokens = 100.0, output_tokens = 100.0}}
options = {{max_tokens = 20}}
{more}
""",
    )


def asked_text(body):
    return json.loads(body)["messages"][-1]["content"]


# --- Text, over a socket -------------------------------------------------------------------------


@pytest.fixture
def answers(fake):
    """A server that answers, refuses, says nothing, and now and then stumbles."""

    def answer(count, fields, body):
        text = asked_text(body)
        if count == 5:
            return fake.reply({"error": "slow down"}, 429, Retry_After="0.05")
        if count == 9:
            return fake.reply({"error": "oops"}, 500)
        if "patient 7" in text:
            return fake.chat(None, message={"refusal": "I can't help with that."})
        if "patient 8 " in text:
            return fake.chat("")
        return fake.chat("yes")

    return answer


def test_a_text_plan_from_dry_run_to_audit(tmp_path, fake, answers):
    need("h11")
    write_questions(tmp_path)
    with fake.serving(answers) as server:
        chat_plan(tmp_path, server)
        before = sorted(path.name for path in tmp_path.iterdir())
        dry = run("trial", "plan.toml", "--dry-run", cwd=tmp_path)
        assert dry.returncode == 0, dry.stderr
        assert "ward questions: 72 rows when done; nothing was called" in dry.stdout
        assert re.search(
            r"bot: 72 calls to make; time unknown; cost about [\d.]+, or less", dry.stdout
        )
        assert sorted(path.name for path in tmp_path.iterdir()) == before
        assert server.asked == []

        done = run("trial", "plan.toml", "--out", "r.parquet", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert len(server.asked) == 74
        assert server.asked[0][1]["authorization"] == f"Bearer {KEY}"

        again = run("trial", "plan.toml", "--out", "r.parquet", "--json", cwd=tmp_path)
        assert len(server.asked) == 74
    assert "72 rows in r.parquet" in done.stdout
    assert re.search(r"\d+ answered, \d+ refused, \d+ empty", done.stdout)
    assert "72 calls in" in done.stdout
    assert "2 retries" in done.stdout
    assert re.search(r"cost 0\.36 now, 0\.36 in all", done.stdout)
    assert "refusal: the service declined to answer" in done.stdout
    told = json.loads(again.stdout)
    assert (told["schema"], told["calls"], told["cached"]) == ("evenhand.trial/1", 0, 72)
    rows = rows_of(tmp_path / "r.parquet")
    assert Counter(row["outcome"] for row in rows) == told["outcomes"]
    assert sum(told["outcomes"].values()) == 72
    assert all(row["output"] is not None for row in rows if row["outcome"] == "answered")
    for file in (*tmp_path.glob("r.*"), tmp_path / "plan.toml"):
        assert KEY.encode() not in file.read_bytes()
    assert KEY not in done.stdout + done.stderr

    commands = re.findall(r"(?m)^(?:Next:|     ) evenhand (.*)$", done.stdout)
    assert len(commands) == 2
    audit = run(*shlex.split(commands[0]), "--json", cwd=tmp_path)
    assert audit.returncode in (0, 3), audit.stderr
    groups = [group["group"] for group in json.loads(audit.stdout)["groups"]]
    assert sorted(group["dialect"] for group in groups) == ["north", "south"]
    effects = run(*shlex.split(commands[1]), "--json", cwd=tmp_path)
    assert effects.returncode in (0, 3), effects.stderr
    assert json.loads(effects.stdout)["schema"].startswith("evenhand.effects/")


def start(folder):
    return subprocess.Popen(
        [*COMMAND, "trial", "plan.toml", "--out", "r.parquet"], cwd=folder, env=surroundings(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def slowly(fake):
    async def answer(*_):
        import asyncio

        await asyncio.sleep(0.05)
        return fake.chat("yes")

    return answer


def wait_for(server, calls):
    until = time.monotonic() + 60
    while len(server.asked) < calls and time.monotonic() < until:
        time.sleep(0.01)
    assert len(server.asked) >= calls


def test_after_a_kill_the_same_command_goes_on(tmp_path, fake):
    need("h11")
    write_questions(tmp_path)
    with fake.serving(slowly(fake)) as server:
        chat_plan(tmp_path, server, in_flight=4)
        process = start(tmp_path)
        wait_for(server, 20)
        process.kill()
        process.communicate()
        assert not (tmp_path / "r.parquet").exists()
        time.sleep(0.2)
        asked = len(server.asked)
        done = run("trial", "plan.toml", "--out", "r.parquet", "--json", cwd=tmp_path)
        told = json.loads(done.stdout)
        # What was under way when the process died is all that may be asked again.
        assert told["cached"] >= asked - 4
        assert told["calls"] + told["cached"] == 72
        assert len(server.asked) <= 72 + 4
    assert told["outcomes"] == {"answered": 72}
    assert len(rows_of(tmp_path / "r.parquet")) == 72


def test_ctrl_c_is_130_and_says_how_to_go_on(tmp_path, fake):
    need("h11")
    write_questions(tmp_path)
    with fake.serving(slowly(fake)) as server:
        chat_plan(tmp_path, server, in_flight=4)
        process = start(tmp_path)
        wait_for(server, 12)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        asked = len(server.asked)
        assert process.returncode == 130
        assert f"Interrupted: {asked} answers are kept in r.cache.sqlite." in said
        assert "Run the same command to go on." in said
        assert "Traceback" not in said
        done = run("trial", "plan.toml", "--out", "r.parquet", "--json", cwd=tmp_path)
        assert len(server.asked) == 72
    assert json.loads(done.stdout)["cached"] == asked


def test_people_see_a_bar_with_rate_and_cost(tmp_path, fake):
    need("h11")
    write_questions(tmp_path)
    with fake.serving(slowly(fake)) as server:
        chat_plan(tmp_path, server)
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [*COMMAND, "trial", "plan.toml"], cwd=tmp_path, env=surroundings(TERM="xterm"),
            stdout=subprocess.DEVNULL, stderr=theirs,
        )  # fmt: skip
        os.close(theirs)
        seen = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other end is closed: the process has ended
                break
            if not part:
                break
            seen += part
        os.close(ours)
        assert process.wait(60) == 0
    text = seen.decode("utf-8", "replace")
    assert re.search(r"\d+/72", text)
    assert re.search(r"[\d.]+ calls/s · cost 0\.\d+", text)


def test_a_service_that_never_answers_is_exit_2_and_says_why(tmp_path, fake):
    need("h11")
    write_questions(tmp_path, 30)
    with fake.serving(lambda *_: fake.reply({"error": {"message": "bad key"}}, 401)) as server:
        chat_plan(tmp_path, server)
        done = run("trial", "plan.toml", cwd=tmp_path)
        assert len(server.asked) <= 8
    assert done.returncode == 2
    assert "http_401: the service answered with status 401" in done.stdout
    assert "service_stopped: the service was given up" in done.stdout
    assert len(rows_of(tmp_path / "records.parquet")) == 90


def test_all_faults_of_a_plan_come_at_once(tmp_path):
    write(
        tmp_path,
        "plan.toml",
        """\
        [trial]
        desing = "full"
        measure = ["words", "ethnicity"]
        [samples]
        manifest = "gone.csv"
        [[conditions]]
        apply = "typos(rate=7)"
        [[services]]
        kind = "chatt"
        """,
    )
    done = run("trial", "plan.toml", cwd=tmp_path)
    assert done.returncode == 2
    for said in (
        "Unknown field 'desing'. Did you mean 'design'?",
        "No file is called",
        "rate is 7",
        "Allowed: 0 to 1",
        "Did you mean 'chat'?",
        "Nothing was called.",
    ):
        assert said in done.stderr, said
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["plan.toml"]


def test_who_people_are_is_not_measured(tmp_path):
    write(tmp_path, "m.csv", "id,text\na,hello\n")
    write(
        tmp_path,
        "plan.toml",
        """\
        [trial]
        measure = ["words", "gender"]
        [samples]
        manifest = "m.csv"
        [[services]]
        kind = "python"
        function = "json:dumps"
        """,
    )
    done = run("trial", "plan.toml", cwd=tmp_path)
    assert done.returncode == 2
    assert "'gender' is not measured: no signal tells who a person is" in done.stderr
    assert "Take it from the people themselves" in done.stderr


# --- Images --------------------------------------------------------------------------------------


def onnx_of_brightness(path):
    """A classifier of images: dark or light, by the mean of all pixels."""
    import onnx

    helper, kinds = onnx.helper, onnx.TensorProto
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Reshape", ["mean", "shape"], ["one"]),
        helper.make_node("Sub", ["half", "one"], ["dark"]),
        helper.make_node("Sub", ["one", "half"], ["light"]),
        helper.make_node("Concat", ["dark", "light"], ["both"], axis=1),
        helper.make_node("Softmax", ["both"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", kinds.FLOAT, [1, 3, 16, 16])],
        [helper.make_tensor_value_info("y", kinds.FLOAT, [1, 2])],
        [
            helper.make_tensor("half", kinds.FLOAT, [1, 1], [0.5]),
            helper.make_tensor("shape", kinds.INT64, [2], [1, 1]),
        ],
    )
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)


def test_an_image_plan_with_a_model_and_a_function(tmp_path):
    need("PIL", "onnx", "onnxruntime")
    from evenhand.samples import Image, write_image

    rng = np.random.default_rng(0)
    lines = ["id,file,reference,ward"]
    for i in range(12):
        level = 190 if i % 2 else 60
        pixels = rng.integers(level - 40, level + 40, (40, 40, 3)).astype(np.uint8)
        (tmp_path / f"{i}.png").write_bytes(write_image(Image(pixels=pixels)))
        lines.append(f"i{i},{i}.png,{'light' if i % 2 else 'dark'},{'ab'[i % 3 == 0]}")
    write(tmp_path, "m.csv", "\n".join(lines) + "\n")
    onnx_of_brightness(tmp_path / "m.onnx")
    write(
        tmp_path,
        "mine.py",
        """\
        def judge(image):
            return {"label": "light" if image.pixels.mean() > 128 else "dark"}
        """,
    )
    write(
        tmp_path,
        "plan.toml",
        """\
        [samples]
        manifest = "m.csv"

        [[conditions]]
        name = "dusk"
        apply = "light(stops=-3)"

        [[services]]
        kind = "onnx"
        name = "model"
        model = "m.onnx"
        size = [16, 16]
        labels = ["dark", "light"]

        [[services]]
        kind = "python"
        name = "function"
        function = "mine:judge"
        """,
    )
    done = run("trial", "plan.toml", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = rows_of(tmp_path / "records.parquet")
    assert len(rows) == 48
    wrong = {
        (service, condition): sum(
            row["output"] != row["reference"]
            for row in rows
            if (row["service"], row["condition"]) == (service, condition)
        )
        for service in ("model", "function")
        for condition in ("clean", "dusk")
    }
    assert wrong == {
        ("model", "clean"): 0, ("function", "clean"): 0, ("model", "dusk"): 6, ("function", "dusk"): 6
    }  # fmt: skip
    assert {row["measured_width_px"] for row in rows} == {40}
    audit = evenhand.audit(
        str(tmp_path / "records.parquet"),
        metric="error_rate(label=reference, prediction=output)",
        by="condition",
        unit="id",
        where="service = 'model'",
    )
    assert [(group.label, group.estimate.value) for group in audit.groups] == [
        ("dusk", 0.5),
        ("clean", 0.0),
    ]


# --- Audio ---------------------------------------------------------------------------------------


def test_an_audio_plan_with_pocketsphinx(tmp_path):
    need("pocketsphinx", "soundfile", "soxr")
    from evenhand.samples import Audio, write_audio

    rng = np.random.default_rng(5)
    time_s = np.arange(16_000) / 16_000
    lines = ["id,file,reference,speaker,device"]
    for i in range(4):
        hum = sum(np.sin(2 * np.pi * (110 + 10 * i) * k * time_s) / k for k in range(1, 20))
        voice = 0.1 * hum * (np.sin(2 * np.pi * 3 * time_s) > 0) + 1e-3 * rng.normal(size=16_000)
        (tmp_path / f"{i}.wav").write_bytes(write_audio(Audio(signal=voice, rate=16_000)))
        lines.append(f"u{i},{i}.wav,set the pump,s{i},{'ab'[i % 2]}")
    write(tmp_path, "m.csv", "\n".join(lines) + "\n")
    write(
        tmp_path,
        "plan.toml",
        """\
        [trial]
        workers = "threads"
        [samples]
        manifest = "m.csv"
        unit = "speaker"
        [[conditions]]
        apply = "tone"
        sweep = {frequency = [500, 1000], rate = [12]}
        [[conditions]]
        name = "notched"
        apply = "tone(frequency=1000, rate=12) | notch(frequency=1000)"
        [[services]]
        kind = "pocketsphinx"
        """,
    )
    done = run("trial", "plan.toml", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["rows"] == 16
    assert set(told["outcomes"]) <= {"answered", "empty"}
    rows = rows_of(tmp_path / "records.parquet")
    assert {row["condition"] for row in rows} == {
        "clean", "tone(frequency=500, rate=12)", "tone(frequency=1000, rate=12)", "notched",
    }  # fmt: skip
    swept = [row for row in rows if row["condition"] == "tone(frequency=500, rate=12)"]
    assert {(row["tone_frequency"], row["tone_rate"]) for row in swept} == {(500, 12)}
    assert all(row["measured_duration_s"] == 1.0 for row in rows)
    again = run("trial", "plan.toml", "--json", cwd=tmp_path)
    assert json.loads(again.stdout)["calls"] == 0
    assert [row["output"] for row in rows_of(tmp_path / "records.parquet")] == [
        row["output"] for row in rows
    ]


# --- Tables --------------------------------------------------------------------------------------


def test_a_table_plan_with_a_fitted_model(tmp_path):
    need("sklearn")
    rng = np.random.default_rng(2)
    lines = ["id,weight_kg,age,region,label"]
    for i in range(80):
        weight, age = rng.normal(75, 12), rng.integers(20, 90)
        label = int(weight / 10 + age / 20 + rng.normal(0, 0.3) > 10.3)
        lines.append(f"p{i},{weight:.1f},{age},{['north', 'south'][i % 2]},{label}")
    write(tmp_path, "patients.csv", "\n".join(lines) + "\n")
    write(
        tmp_path,
        "model.py",
        """\
        import csv
        from pathlib import Path

        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        with (Path(__file__).parent / "patients.csv").open() as file:
            ROWS = list(csv.DictReader(file))
        MODEL = make_pipeline(StandardScaler(), LogisticRegression()).fit(
            [[float(row["weight_kg"]), float(row["age"])] for row in ROWS],
            [int(row["label"]) for row in ROWS],
        )


        def predict(row):
            features = [[float(row["weight_kg"]), float(row["age"])]]
            score = MODEL.predict_proba(features)[0, 1]
            return {"label": int(score > 0.5), "score": score}
        """,
    )
    write(
        tmp_path,
        "plan.toml",
        """\
        [samples]
        manifest = "patients.csv"
        kind = "table"
        reference = "label"
        training = "patients.csv"
        features = ["weight_kg", "age"]

        [[conditions]]
        name = "pounds"
        apply = "unit_mistake(columns=['weight_kg'], factor=2.2046)"

        [[conditions]]
        name = "missing weight"
        apply = "missing_fields(share=1, columns=['weight_kg'])"

        [[services]]
        kind = "python"
        name = "risk"
        function = "model:predict"
        """,
    )
    done = run("trial", "plan.toml", cwd=tmp_path)
    # Rows without an answer are said first, and by the exit code.
    assert done.returncode == 3, done.stderr
    assert "Outcomes by condition:" in done.stdout
    assert "missing weight: 80 failed" in done.stdout
    assert "exception: the service's or the condition's code raised an error" in done.stdout
    rows = rows_of(tmp_path / "records.parquet")
    failed = [row for row in rows if row["condition"] == "missing weight"]
    assert {(row["outcome"], row["output"]) for row in failed} == {("failed", None)}
    assert all(row["reason"].startswith("exception: TypeError") for row in failed)
    metric = "error_rate(label=reference, prediction=output)"
    audit = evenhand.audit(
        str(tmp_path / "records.parquet"), metric=metric, by="condition", unit="id",
        where="outcome = 'answered'", versus="condition = 'clean'",
    )  # fmt: skip
    verdicts = {group.label: group.verdict for group in audit.groups}
    assert verdicts["pounds"] == "worse"


# --- Real data through replay --------------------------------------------------------------------


@pytest.mark.data
def test_artie_through_replay_has_the_word_error_rates_of_its_table(tmp_path, data):
    from evenhand.demos import read_artie

    table = read_artie(data / "artie")
    listed = table.append_column("id", [[f"u{i}" for i in range(table.num_rows)]])
    pq.write_table(listed.drop_columns(["transcript"]), tmp_path / "corpus.parquet")
    pq.write_table(listed.select(["id", "transcript"]), tmp_path / "amazon.parquet")
    write(
        tmp_path,
        "plan.toml",
        """\
        [samples]
        manifest = "corpus.parquet"
        kind = "text"
        text = "sentence"
        reference = "sentence"
        unit = "client_id"
        attributes = ["accent", "gender", "age"]
        [[services]]
        kind = "replay"
        name = "amazon-en-US"
        file = "amazon.parquet"
        output = "transcript"
        """,
    )
    done = run("trial", "plan.toml", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["rows"], told["outcomes"]["empty"]) == (1712, 11)
    options = {"by": "accent", "unit": "client_id"}
    direct = evenhand.audit(
        table,
        metric="wer(reference=sentence, hypothesis=transcript, normalizer='basic')",
        **options,
    )
    # An empty transcript of a recogniser is a transcript: its words are all deleted.
    replayed = pq.read_table(tmp_path / "records.parquet")
    heard = [text or "" for text in replayed["output"].to_pylist()]
    trial = evenhand.audit(
        replayed.append_column("heard", [heard]),
        metric="wer(reference=reference, hypothesis=heard, normalizer='basic')",
        **options,
    )
    assert trial.overall.value == direct.overall.value
    assert round(trial.overall.value, 3) == 0.253
    assert [(g.label, g.estimate, g.verdict) for g in trial.groups] == [
        (g.label, g.estimate, g.verdict) for g in direct.groups
    ]


# --- Bad input -----------------------------------------------------------------------------------


def write_wav(path, signal, rate, subtype="PCM_16"):
    import soundfile

    soundfile.write(path, signal, rate, subtype=subtype, format="WAV")


def test_every_bad_sound_leaves_a_row_that_says_what_happened(tmp_path):
    need("soundfile", "soxr")
    rng = np.random.default_rng(8)
    noise = 0.1 * rng.normal(size=16_000)
    write_wav(tmp_path / "good.wav", noise, 16_000)
    write_wav(tmp_path / "zero.wav", noise[:0], 16_000)
    write_wav(tmp_path / "byte.wav", noise[:8_000], 8_000, "PCM_U8")
    write_wav(tmp_path / "studio.wav", 0.1 * rng.normal(size=(9_600, 6)), 96_000, "PCM_24")
    write_wav(tmp_path / "silent.wav", 0 * noise, 16_000)
    hour = np.zeros(3_600 * 8_000, np.float32)
    hour[::400] = 0.5
    write_wav(tmp_path / "hour.wav", hour, 8_000, "PCM_U8")
    del hour
    (tmp_path / "torn.wav").write_bytes((tmp_path / "good.wav").read_bytes()[:999])
    (tmp_path / "text.wav").write_bytes(b"this is no sound")
    names = ("good", "zero", "byte", "studio", "silent", "hour", "torn", "text", "gone")
    lines = ["id,file,reference,voice", *(f"{name},{name}.wav,set the pump,v" for name in names)]
    lines += ["good,byte.wav,again,v", "wordless,good.wav,,v"]
    write(tmp_path, "m.csv", "\n".join(lines) + "\n")
    write(
        tmp_path, "ear.py", "def hear(audio):\n    return f'{audio.signal.size} at {audio.rate}'\n"
    )
    write(
        tmp_path,
        "plan.toml",
        """\
        [samples]
        manifest = "m.csv"
        [[conditions]]
        name = "beep"
        apply = "tone(frequency=6000)"
        [[services]]
        kind = "python"
        function = "ear:hear"
        """,
    )
    done = run("trial", "plan.toml", cwd=tmp_path)
    # Rows without an answer are said first, and by the exit code.
    assert done.returncode == 3, done.stderr
    rows = rows_of(tmp_path / "records.parquet")
    found = {
        (row["id"], row["condition"]): (row["output"], (row["reason"] or "").partition(":")[0])
        for row in rows
        if not (row["reason"] or "").startswith("duplicate_id")
    }
    clean = {name: found[name, "clean"] for name in (*names, "wordless")}
    assert clean == {
        "good": ("16000 at 16000", ""),
        "zero": (None, "empty_media"),
        "byte": ("8000 at 8000", ""),
        "studio": ("9600 at 96000", ""),
        "silent": ("16000 at 16000", ""),
        "hour": ("28800000 at 8000", ""),
        "torn": (None, "unreadable_media"),
        "text": (None, "unreadable_media"),
        "gone": (None, "missing_media"),
        "wordless": ("16000 at 16000", ""),
    }
    beep = {name: found[name, "beep"][1] for name in names}
    assert (beep["good"], beep["byte"], beep["silent"]) == ("", "unfit_media", "no_speech")
    assert len(rows) == 2 * (len(names) + 2)
    doubled = [row for row in rows if (row["reason"] or "").startswith("duplicate_id")]
    assert [row["outcome"] for row in doubled] == ["not run", "not run"]
    assert "2 duplicate_id: another sample of this id stands before it" in done.stdout
    assert "4 unreadable_media: the file is damaged" in done.stdout
    assert "2 missing_media: the file is not there" in done.stdout
    wordless = next(row for row in rows if row["id"] == "wordless")
    assert wordless["reference"] in (None, "")


def test_every_strange_picture_is_read_or_said_to_be_unread(tmp_path):
    need("PIL")
    from PIL import Image

    grey = Image.effect_noise((32, 24), 60)
    grey.save(tmp_path / "grey.png")
    Image.merge("CMYK", [grey] * 4).save(tmp_path / "print.jpg")
    frames = [grey.convert("P"), grey.rotate(90).convert("P")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    grey.convert("RGBA").save(tmp_path / "glass.png")
    (tmp_path / "torn.png").write_bytes((tmp_path / "grey.png").read_bytes()[:200])
    names = ("grey.png", "print.jpg", "moving.gif", "glass.png", "torn.png", "gone.png")
    write(tmp_path, "m.csv", "\n".join(["id,file", *(f"{n},{n}" for n in names)]) + "\n")
    write(tmp_path, "eye.py", "def see(image):\n    return str(image.pixels.shape)\n")
    write(
        tmp_path,
        "plan.toml",
        """\
        [samples]
        manifest = "m.csv"
        [[services]]
        kind = "python"
        function = "eye:see"
        """,
    )
    done = run("trial", "plan.toml", cwd=tmp_path)
    # Rows without an answer are said first, and by the exit code.
    assert done.returncode == 3, done.stderr
    found = {r["id"]: r["output"] or r["reason"] for r in rows_of(tmp_path / "records.parquet")}
    assert found["grey.png"] == found["print.jpg"] == found["glass.png"] == "(24, 32, 3)"
    assert "has 2 frames; a sample is one picture." in found["moving.gif"]
    assert found["torn.png"].startswith("unreadable_media: ")
    assert found["gone.png"].startswith("missing_media: ")


def test_texts_of_every_script_go_there_and_back(tmp_path):
    strange = [
        "👩🏽‍⚕️ help 🚑",
        "שלום עולם",
        "مرحبا",
        "",
        "e\u0301 ﷺ \u202ertl",
        "a" * 50_000,
        "null",
        "007",
    ]
    with (tmp_path / "m.jsonl").open("w", encoding="utf-8") as file:
        for i, text in enumerate(strange):
            file.write(json.dumps({"id": i, "text": text, "reference": text}) + "\n")
    write(tmp_path, "parrot.py", "def say(text):\n    return text\n")
    write(
        tmp_path,
        "plan.toml",
        """\
        [samples]
        manifest = "m.jsonl"
        kind = "text"
        [[services]]
        kind = "python"
        function = "parrot:say"
        [[scores]]
        kind = "exact"
        """,
    )
    done = run("trial", "plan.toml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = rows_of(tmp_path / "records.parquet")
    assert [row["output"] for row in rows] == [text or None for text in strange]
    assert [row["outcome"] for row in rows] == ["answered" if text else "empty" for text in strange]
    assert [row["exact"] for row in rows] == [1.0 if text else None for text in strange]
    assert rows[1]["measured_right_to_left_share"] == 1.0


# --- Conditions ----------------------------------------------------------------------------------


def test_conditions_are_listed_one_and_all(tmp_path):
    listed = run("conditions", cwd=tmp_path)
    assert listed.returncode == 0, listed.stderr
    from evenhand.conditions import DEFINITIONS

    for name in DEFINITIONS:
        assert name in listed.stdout, name
    one = run("conditions", "tone", cwd=tmp_path)
    assert "tone(frequency=NUMBER)" in one.stdout
    assert "20 to 20000 Hz" in one.stdout
    assert "Source: " in one.stdout
    told = json.loads(run("conditions", "text", "--json", cwd=tmp_path).stdout)
    assert {item["family"] for item in told} == {"text"}
    assert all(item["about"] and item["source"] for item in told)
    wrong = run("conditions", "tonne", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "Did you mean 'tone'?" in wrong.stderr


# --- Counterfactual pairs ------------------------------------------------------------------------


def test_the_gap_between_pairs_is_paired_by_template(tmp_path):
    """One template filled for two people: the audit with the template as unit compares in pairs."""
    from evenhand.conditions.text.templates import Person, fill_template

    people = [
        Person(pronouns="she", name="Ann", attributes={"gender": "female"}),
        Person(pronouns="he", name="Bob", attributes={"gender": "male"}),
    ]
    jobs = [
        "nurse",
        "clerk",
        "pilot",
        "cook",
        "judge",
        "guard",
        "baker",
        "actor",
        "tailor",
        "coach",
    ]
    with (tmp_path / "m.jsonl").open("w", encoding="utf-8") as file:
        for job in jobs:
            for filled in fill_template(f"{{Name}} is {{a}} {job}.", people, name=job):
                sample = {"id": f"{job} {filled.attributes['gender']}", "text": filled.text,
                          "template": filled.template, **filled.attributes}  # fmt: skip
                file.write(json.dumps(sample) + "\n")
    write(
        tmp_path,
        "bot.py",
        """\
        def rate(text):
            name, job = text.split()[0], text.rstrip(".").split()[-1]
            return {"warmth": 10 * len(job) + (2 + len(job) % 2 if name == "Ann" else 0)}
        """,
    )
    write(
        tmp_path,
        "plan.toml",
        """\
        [trial]
        metrics = ["mean(output_warmth)"]
        [samples]
        manifest = "m.jsonl"
        kind = "text"
        unit = "template"
        [[services]]
        kind = "python"
        function = "bot:rate"
        """,
    )
    done = run("trial", "plan.toml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    audits = {
        unit: evenhand.audit(str(tmp_path / "records.parquet"), metric="mean(output_warmth)",
                             by="gender", unit=unit, versus="gender = 'male'")
        for unit in ("template", "id")
    }  # fmt: skip
    paired, apart = (
        next(g.versus for g in audits[unit].groups if g.label == "female") for unit in audits
    )
    assert paired.difference == apart.difference > 2
    assert paired.low > 0 > apart.low
    assert (apart.high - apart.low) / (paired.high - paired.low) > 4


# --- Who got no answer ---------------------------------------------------------------------------


def test_a_quota_is_exit_3_said_first_and_by_group(tmp_path, fake):
    need("h11")
    write_questions(tmp_path)

    def answer(count, *_):
        if count > 10:
            return fake.reply({"error": "quota"}, 429, Retry_After="86400")
        return fake.chat("yes")

    with fake.serving(answer) as server:
        chat_plan(tmp_path, server, in_flight=2)
        done = run("trial", "plan.toml", "--out", "r.parquet", cwd=tmp_path)
        assert len(server.asked) <= 12
    assert done.returncode == 3
    first, second, third = done.stdout.splitlines()[:3]
    assert re.match(r"Parked: bot asks to wait until \d{4}-\d\d-\d\d \d\d:\d\d UTC\.", first)
    assert second == "62 of 72 rows have no answer (86.1%)."
    assert third.startswith("  by ")
    assert "Next: evenhand trial plan.toml --out r.parquet" in done.stdout
    command = re.search(r"(?m)^ {6}evenhand (audit .*)$", done.stdout)
    audit = run(*shlex.split(command[1]), "--json", cwd=tmp_path)
    assert audit.returncode in (0, 3), audit.stderr


def test_lines_of_progress_are_written_where_there_is_no_bar(tmp_path, fake, monkeypatch):
    need("h11")
    write_questions(tmp_path)
    quick = "from evenhand.cli import main, trial; trial._FIRST_LINE = 0.05; main()"
    with fake.serving(slowly(fake)) as server:
        chat_plan(tmp_path, server)
        done = subprocess.run(
            [sys.executable, "-c", quick, "trial", "plan.toml"], cwd=tmp_path, env=surroundings(),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert re.search(r"(?m)^\d+ of 72 calls · [\d.]+ calls/s", done.stderr)


def test_a_dry_run_names_what_is_missing(tmp_path):
    write_questions(tmp_path)
    write(
        tmp_path,
        "plan.toml",
        """\
        [samples]
        manifest = "questions.csv"
        kind = "text"
        [[services]]
        kind = "chat"
        name = "bot"
        url = "http://127.0.0.1:9/v1"
        model = "m"
        headers = {X-Api-Key = "${NO_SUCH_KEY_OF_TESTS}"}
        """,
    )
    dry = run("trial", "plan.toml", "--dry-run", cwd=tmp_path)
    assert dry.returncode == 2
    assert "bot: the environment has no NO_SUCH_KEY_OF_TESTS" in dry.stdout
    assert "bot: nobody answers at 127.0.0.1:9" in dry.stdout


def test_a_changed_module_beside_the_plan_is_asked_anew(tmp_path):
    write_questions(tmp_path)
    write(tmp_path, "bot.py", "from words import WORD\ndef reply(text):\n    return WORD\n")
    write(tmp_path, "words.py", "WORD = 'one'\n")
    write(
        tmp_path,
        "plan.toml",
        """\
        [samples]
        manifest = "questions.csv"
        kind = "text"
        [[services]]
        kind = "python"
        function = "bot:reply"
        """,
    )
    assert run("trial", "plan.toml", cwd=tmp_path).returncode == 0
    write(tmp_path, "words.py", "WORD = 'two or more'\n")
    told = json.loads(run("trial", "plan.toml", "--json", cwd=tmp_path).stdout)
    assert told["cached"] < told["rows"]
    assert {row["output"] for row in rows_of(tmp_path / "records.parquet")} == {"two or more"}

"""Running trials: what is called, what is kept, what the records say."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from evenhand.conditions import ConditionDefinition, Parameter, ParameterKind, parse_condition
from evenhand.conditions.catalogue import DEFINITIONS
from evenhand.errors import InputError
from evenhand.samples.audio import Audio, write_audio
from evenhand.samples.image import Image, write_image
from evenhand.services import Answer, MemoryService, Price, ServiceError
from evenhand.services.function import FunctionService
from evenhand.trials import InterruptedTrial, Wired, make_plan, run_trial
from evenhand.trials import pace as pace_module


def _shout(text, generator, values):
    return text.upper() + "!" * int(values["marks"]) + str(generator.integers(10**6))


SHOUT = ConditionDefinition(
    name="shout",
    kind="text",
    parameters=(Parameter(name="marks", default=1, low=0, high=9, takes=ParameterKind.WHOLE),),
    apply=_shout,
    about="Capitals, exclamation marks and a random number.",
    source="this test",
)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    known = {**DEFINITIONS, "shout": SHOUT}
    monkeypatch.setattr("evenhand.conditions.catalogue.DEFINITIONS", known)
    monkeypatch.setattr(pace_module, "FIRST_WAIT", 0.001)


def texts(count=4, **more):
    return [
        {"id": f"s{i}", "text": f"text {i}", "reference": f"text {i}", "unit": f"u{i % 2}",
         "attributes": {"voice": "ab"[i % 2]}, **more}
        for i in range(count)
    ]  # fmt: skip


def run(tmp_path, service, *, samples=None, conditions=(), out="r.parquet", dry_run=False, progress=None,
        executor=None, scores=(), wired=None, **trial):  # fmt: skip
    plan = {
        "trial": {"measure": False, **trial},
        "samples": samples if samples is not None else texts(),
        "conditions": list(conditions),
        "services": [Wired(service=service, **wired)] if wired else [service],
        "scores": list(scores),
    }
    found = run_trial(
        make_plan(plan), out=tmp_path / out, dry_run=dry_run, progress=progress, executor=executor
    )
    return found, None if dry_run else pq.read_table(tmp_path / out).to_pylist()


def echo(request):
    return request.media


def test_there_is_a_row_for_every_sample_condition_and_repeat(tmp_path):
    twin = MemoryService(function=echo)
    trial, rows = run(tmp_path, twin, conditions=["shout(marks=2)"], repeats=3)
    assert (trial.rows, trial.calls, trial.cached) == (24, 24, 0)
    assert [(r["id"], r["condition"], r["repeat"]) for r in rows[:6]] == [
        ("s0", "clean", 0), ("s0", "clean", 1), ("s0", "clean", 2),
        ("s0", "shout(marks=2)", 0), ("s0", "shout(marks=2)", 1), ("s0", "shout(marks=2)", 2),
    ]  # fmt: skip
    shouted = rows[3]
    assert shouted["output"].startswith("TEXT 0!!")
    assert (shouted["shout_marks"], rows[0]["shout_marks"]) == (2, None)
    assert (shouted["voice"], shouted["unit"], shouted["reference"]) == ("a", "u0", "text 0")
    assert (shouted["condition_name"], shouted["service"], shouted["cached"]) == (
        "shout",
        "memory",
        False,
    )


def test_a_second_run_calls_nothing_and_says_the_same(tmp_path):
    twin = MemoryService(function=echo, price=Price(call=0.5))
    first, rows = run(tmp_path, twin, conditions=["shout"])
    again, same = run(tmp_path, twin, conditions=["shout"])
    assert (first.calls, again.calls, again.cached, len(twin.asked)) == (8, 0, 8, 8)
    assert (first.cost, again.cost, again.cost_total) == (4.0, 0.0, 4.0)
    assert all(row["cached"] for row in same)
    drop = ("cached",)
    assert [{k: v for k, v in r.items() if k not in drop} for r in rows] == [
        {k: v for k, v in r.items() if k not in drop} for r in same
    ]


def test_what_changes_the_answer_changes_the_call(tmp_path):
    twin = MemoryService(function=echo)
    run(tmp_path, twin)
    twin.version = "2"
    assert run(tmp_path, twin)[0].calls == 4
    assert run(tmp_path, twin, conditions=["shout"])[0].calls == 4
    assert run(tmp_path, twin, conditions=["shout(marks=3)"])[0].calls == 4
    assert run(tmp_path, twin, conditions=[{"apply": "shout", "seeds": [0, 1]}])[0].calls == 4
    assert run(tmp_path, twin, conditions=["shout"], seed=7)[0].calls == 4
    assert run(tmp_path, twin, repeats=2)[0].calls == 4


def test_equal_calls_are_made_once(tmp_path):
    twin = MemoryService(function=echo)
    samples = [{"id": "a", "text": "same"}, {"id": "b", "text": "same"}]
    trial, rows = run(tmp_path, twin, samples=samples)
    assert len(twin.asked) == 1
    assert [(r["id"], r["output"], r["cached"]) for r in rows] == [
        ("a", "same", False),
        ("b", "same", True),
    ]
    assert trial.calls == 1


def test_conditions_draw_alike_for_one_sample_and_apart_for_others(tmp_path):
    twin = MemoryService(function=echo)
    _, rows = run(tmp_path, twin, conditions=["shout(marks=1)", "shout(marks=2)"], baseline=False)
    drawn = [row["output"].split("!")[-1] for row in rows]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) == 4


def test_refusals_and_empty_answers_are_rows(tmp_path):
    outcomes = {
        "s0": Answer(outcome="refused", reason="refusal"),
        "s1": "",
        "s2": None,
        "s3": "text 3",
    }
    twin = MemoryService(function=lambda request: outcomes[request.sample_id])
    trial, rows = run(tmp_path, twin, scores=["exact", "refusal"])
    assert trial.outcomes == {"answered": 1, "refused": 1, "empty": 2}
    assert [row["exact"] for row in rows] == [None, None, None, 1.0]
    assert [row["refusal"] for row in rows] == [1.0, 0.0, 0.0, 0.0]
    assert run(tmp_path, twin)[0].calls == 0


def test_passing_failures_are_tried_again_and_lasting_ones_are_rows(tmp_path):
    passing = [
        ServiceError("http_429", retry=True, retry_after=0.01),
        ServiceError("http_500", retry=True),
    ]
    twin = MemoryService(function=echo, script=iter(passing))
    trial, _ = run(tmp_path, twin)
    assert (trial.retries, trial.outcomes) == (2, {"answered": 4})
    lasting = MemoryService(
        function=echo, name="m", script=iter([ServiceError("http_500", "x", retry=True)] * 3)
    )
    trial, rows = run(tmp_path, lasting, wired={"attempts": 3, "in_flight": 1})
    assert trial.reasons == {"http_500": 1}
    assert (rows[0]["outcome"], rows[0]["reason"], rows[0]["output"]) == (
        "failed",
        "http_500: x",
        None,
    )
    assert run(tmp_path, lasting)[0].calls == 1


def test_an_exception_of_a_service_is_a_row(tmp_path):
    def broken(request):
        raise ZeroDivisionError("no")

    _, rows = run(tmp_path, MemoryService(function=broken))
    assert {row["reason"] for row in rows} == {"exception: ZeroDivisionError: no"}


def test_a_wrong_key_stops_the_service_not_the_trial(tmp_path):
    twin = MemoryService(
        function=echo, script=iter([ServiceError("http_401", "bad key", stop=True)] * 99)
    )
    trial, rows = run(tmp_path, twin, samples=texts(50), wired={"in_flight": 2})
    assert len(twin.asked) <= 2
    assert trial.outcomes["not run"] >= 48
    assert rows[-1]["reason"] == "service_stopped: http_401: bad key"


def test_a_service_that_never_succeeds_is_given_up(tmp_path):
    twin = MemoryService(
        function=echo, script=iter([ServiceError("no_answer", "wrong path")] * 999)
    )
    trial, _ = run(tmp_path, twin, samples=texts(200), wired={"in_flight": 4})
    assert 20 <= len(twin.asked) <= 24
    assert trial.reasons["service_stopped"] >= 170


def test_the_budget_is_never_passed_not_even_over_two_runs(tmp_path):
    class Priced(MemoryService):
        def most(self, request):
            return self.price.of()

    twin = Priced(function=echo, price=Price(call=1.0))
    trial, rows = run(tmp_path, twin, samples=texts(20), budget=7.5)
    assert (trial.cost, trial.outcomes) == (7.0, {"answered": 7, "not run": 13})
    assert rows[-1]["reason"] == "over_budget: the budget is 7.5"
    trial, _ = run(tmp_path, twin, samples=texts(20), budget=9)
    assert (trial.calls, trial.cost, trial.cost_total) == (2, 2.0, 9.0)


def test_a_dry_run_counts_and_calls_nothing(tmp_path):
    twin = MemoryService(function=echo, price=Price(call=0.25))
    dry, _ = run(tmp_path, twin, dry_run=True)
    assert not list(tmp_path.iterdir())
    assert (dry.rows, dry.expected[0].calls, dry.expected[0].seconds, dry.expected[0].cost) == (
        4,
        4,
        None,
        None,
    )
    run(tmp_path, twin, samples=texts(2))
    dry, _ = run(tmp_path, twin, dry_run=True)
    assert (dry.expected[0].calls, dry.expected[0].cached, dry.expected[0].cost) == (2, 2, 0.5)
    assert dry.expected[0].seconds is not None
    assert len(twin.asked) == 2
    assert json.loads(dry.to_json())["schema"] == "evenhand.trial/1"


def test_doubled_ids_and_bad_media_are_rows_and_the_rest_goes_on(tmp_path):
    pytest.importorskip("soundfile")
    signal = np.sin(np.arange(8000) / 5) * 0.3
    (tmp_path / "good.wav").write_bytes(write_audio(Audio(signal=signal, rate=8000)))
    (tmp_path / "bad.wav").write_bytes(b"RIFF nothing")
    (tmp_path / "empty.wav").write_bytes(b"")
    manifest = tmp_path / "m.csv"
    manifest.write_text(
        "id,file,reference,outcome\na,good.wav,x,1\nb,bad.wav,x,2\nc,empty.wav,x,3\nd,gone.wav,x,4\na,bad.wav,x,5\n"
    )
    plan = {
        "samples": {"manifest": str(manifest)},
        "conditions": ["noise(snr=10)"],
        "services": [
            FunctionService(name="f", function=lambda media: f"{media.rate} Hz", revision="1")
        ],
    }
    trial = run_trial(plan, out=tmp_path / "r.parquet")
    rows = pq.read_table(tmp_path / "r.parquet").to_pylist()
    reasons = [(row["reason"] or "").partition(":")[0] for row in rows[::2]]
    assert reasons == ["", "unreadable_media", "unreadable_media", "missing_media", "duplicate_id"]
    assert trial.outcomes == {"answered": 2, "failed": 6, "not run": 2}
    assert [row["attribute_outcome"] for row in rows[::2]] == [1, 2, 3, 4, 5]
    assert rows[0]["output"] == "8000 Hz"
    assert rows[0]["measured_duration_s"] == 1.0


def test_outputs_with_names_get_columns_of_their_own(tmp_path):
    twin = MemoryService(
        function=lambda r: {"label": "yes", "score": float("nan") if r.sample_id == "s0" else 0.5}
    )
    _, rows = run(tmp_path, twin)
    assert (rows[1]["output"], rows[1]["output_label"], rows[1]["output_score"]) == (
        "yes",
        "yes",
        0.5,
    )
    assert rows[0]["output_score"] is None


def test_strange_texts_survive(tmp_path):
    strange = ["", "😀 שלום", "a\x00b", "\ud800"]
    samples = [{"id": str(i), "text": text} for i, text in enumerate(strange)]
    _, rows = run(tmp_path, MemoryService(function=lambda r: r.media + "x"), samples=samples)
    assert [row["output"] for row in rows][:3] == ["x", "😀 שלוםx", "a\x00bx"]
    assert rows[3]["outcome"] in ("answered", "failed")


def test_progress_is_told_and_ends_with_the_whole(tmp_path):
    told = []
    run(tmp_path, MemoryService(function=echo), progress=told.append)
    assert (told[-1].done, told[-1].total, told[-1].failed) == (4, 4, 0)


def test_a_trial_runs_within_a_notebooks_loop(tmp_path):
    import asyncio

    async def cell():
        return run(tmp_path, MemoryService(function=echo))[0]

    assert asyncio.run(cell()).outcomes == {"answered": 4}


def shout_here(text):
    return f"{text} {os.getpid()}"


def test_work_goes_to_any_executor(tmp_path):
    service = FunctionService(name="f", function="json:dumps")
    with ProcessPoolExecutor(1) as pool:
        trial, rows = run(tmp_path, service, executor=pool)
    assert (trial.outcomes, rows[0]["output"]) == ({"answered": 4}, '"text 0"')
    trial, _ = run(tmp_path, service, workers="processes", seed=2, repeats=2)
    assert trial.outcomes == {"answered": 8}
    unfit = FunctionService(name="g", function=lambda text: text, revision="1")
    with (
        ProcessPoolExecutor(1) as pool,
        pytest.raises(InputError, match="executor cannot do the work"),
    ):
        run(tmp_path, unfit, executor=pool)


def test_calls_in_flight_are_bounded_and_paced(tmp_path, fake):
    async def slow(*_):
        import asyncio

        await asyncio.sleep(0.02)
        return fake.chat("yes")

    with fake.serving(slow) as server:
        table = {"kind": "chat", "url": server.url, "model": "m", "in_flight": 3}
        run(tmp_path, table, samples=texts(12))
        assert server.most_in_flight == 3
        server.times.clear()
        run(tmp_path, {**table, "model": "n", "per_second": 40}, samples=texts(8))
    assert server.times[-1] - server.times[0] >= 7 / 40 * 0.9


def test_retry_after_holds_every_call_back(tmp_path, fake):
    def answer(count, *_):
        return (
            fake.reply({"error": "slow"}, 429, Retry_After="0.5")
            if count == 1
            else fake.chat("yes")
        )

    with fake.serving(answer) as server:
        table = {"kind": "chat", "url": server.url, "model": "m", "in_flight": 1}
        trial, _ = run(tmp_path, table)
    assert trial.outcomes == {"answered": 4}
    assert server.times[1] - server.times[0] >= 0.45


def test_a_full_disk_stops_the_trial_and_loses_nothing(tmp_path, monkeypatch):
    from evenhand.trials import runner

    real = runner.Cache
    twin = MemoryService(function=lambda request: "x" * 2000)
    monkeypatch.setattr(runner, "Cache", lambda path: real(path, largest=60_000))
    with pytest.raises(InputError, match="full"):
        run(tmp_path, twin, samples=texts(200), wired={"in_flight": 1})
    assert len(twin.asked) < 200
    monkeypatch.setattr(runner, "Cache", real)
    with real(tmp_path / "r.cache.sqlite") as cache:
        kept = cache._connection.execute("SELECT count(*) FROM answers").fetchone()[0]
    assert kept > 0
    trial, _ = run(tmp_path, twin, samples=texts(200))
    assert (trial.cached, trial.calls) == (kept, 200 - kept)


def test_records_that_cannot_be_written_leave_the_old_ones(tmp_path, monkeypatch):
    twin = MemoryService(function=echo)
    run(tmp_path, twin)
    before = (tmp_path / "r.parquet").read_bytes()

    def full(table, path, **_):
        Path(path).write_bytes(b"part")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(InputError, match=r"No space left on device.*nothing is called twice"):
        run(tmp_path, twin)
    assert (tmp_path / "r.parquet").read_bytes() == before
    assert not list(tmp_path.glob(".r.parquet*"))


def test_two_trials_do_not_share_a_cache_at_once(tmp_path):
    from evenhand.trials.cache import Cache

    with (
        Cache(tmp_path / "r.cache.sqlite"),
        pytest.raises(InputError, match="Another trial is using"),
    ):
        run(tmp_path, MemoryService(function=echo))


@pytest.mark.parametrize(
    ("kind", "name", "needed"),
    [("image", "a.png", "PIL"), ("audio", "a.wav", "soundfile")],
)
def test_media_without_their_package_stop_a_trial_before_its_first_call(
    tmp_path, monkeypatch, kind, name, needed
):
    pytest.importorskip(needed)
    if kind == "image":
        (tmp_path / name).write_bytes(write_image(Image(pixels=np.zeros((4, 4, 3), np.uint8))))
    else:
        (tmp_path / name).write_bytes(write_audio(Audio(signal=np.zeros(800), rate=8000)))
    samples = [{"id": "s0", "kind": kind, "file": str(tmp_path / name)}]
    twin = MemoryService(function=lambda _: "seen")
    with monkeypatch.context() as missing:
        missing.setitem(sys.modules, needed, None)
        missing.delitem(sys.modules, "PIL.Image", raising=False)
        with pytest.raises(InputError, match=rf"evenhand\[{kind}\].*\nNothing was called") as told:
            run(tmp_path, twin, samples=samples)
        assert str(told.value).startswith("samples: ")
        assert (twin.asked, (tmp_path / "r.parquet").exists()) == ([], False)
    run(tmp_path, twin, samples=samples)
    monkeypatch.setitem(sys.modules, needed, None)
    monkeypatch.delitem(sys.modules, "PIL.Image", raising=False)
    trial, rows = run(tmp_path, twin, samples=samples)
    assert (trial.calls, rows[0]["output"]) == (0, "seen")


def test_a_file_that_is_no_cache_is_left_alone(tmp_path):
    (tmp_path / "r.cache.sqlite").write_bytes(b"my thesis " * 100)
    with pytest.raises(InputError, match=r"cannot be used as a cache.*cache under \[trial\]"):
        run(tmp_path, MemoryService(function=echo))
    assert (tmp_path / "r.cache.sqlite").read_bytes() == b"my thesis " * 100


def test_a_jump_of_the_clock_changes_nothing(tmp_path, monkeypatch):
    jumps = iter([1e9, -1e9, 5e9] * 100)
    monkeypatch.setattr(time, "time", lambda: next(jumps))
    trial, rows = run(tmp_path, MemoryService(function=echo), wired={"per_second": 1000.0})
    assert trial.outcomes == {"answered": 4}
    assert 0 <= trial.seconds < 60
    assert all(0 <= row["seconds"] < 60 for row in rows)


PROGRAM = """
    import sys
    from evenhand.trials import run_trial
    samples = [{{"id": f"s{{i}}", "text": f"text {{i}}"}} for i in range(60)]
    service = {{"kind": "chat", "url": {url!r}, "model": "m", "in_flight": 4}}
    try:
        trial = run_trial({{"trial": {{"measure": False}}, "samples": samples, "services": [service]}}, out={out!r})
    except KeyboardInterrupt as error:
        print(error)
        sys.exit(130)
    print(trial.calls, trial.cached, trial.outcomes)
"""


def _start(server, tmp_path):
    program = textwrap.dedent(PROGRAM).format(url=server.url, out=str(tmp_path / "r.parquet"))
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)


def _slowly(fake):
    async def answer(*_):
        import asyncio

        await asyncio.sleep(0.05)
        return fake.chat("yes")

    return answer


def _wait_until(server, calls):
    until = time.monotonic() + 30
    while len(server.asked) < calls and time.monotonic() < until:
        time.sleep(0.01)


@pytest.mark.parametrize("calls", [9, 30])
def test_after_kill_9_nothing_is_lost_and_nothing_is_asked_twice(tmp_path, fake, calls):
    with fake.serving(_slowly(fake)) as server:
        process = _start(server, tmp_path)
        _wait_until(server, calls)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        time.sleep(0.1)
        asked = len(server.asked)
        assert asked < 60
        from evenhand.trials.cache import Cache

        with Cache(tmp_path / "r.cache.sqlite") as cache:
            kept = cache._connection.execute("SELECT count(*) FROM answers").fetchone()[0]
        again = _start(server, tmp_path)
        said, _ = again.communicate(timeout=60)
        # What was on its way when the process died cannot be known to it: at most `in_flight`.
        assert asked - kept <= 4
        assert len(server.asked) == asked + 60 - kept
        assert sum(count > 1 for count in server.bodies.values()) <= 4
    assert said.split(" ", 2)[:2] == [str(60 - kept), str(kept)]


def test_ctrl_c_lets_calls_in_flight_end_and_can_go_on(tmp_path, fake):
    with fake.serving(_slowly(fake)) as server:
        process = _start(server, tmp_path)
        _wait_until(server, 12)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
        asked = len(server.asked)
        assert process.returncode == 130
        assert f"{asked} answers are kept" in said
        said, _ = _start(server, tmp_path).communicate(timeout=60)
        assert len(server.asked) == 60
        assert set(server.bodies.values()) == {1}
    assert said.startswith(f"{60 - asked} {asked} ")


def test_an_interrupted_trial_is_a_keyboard_interrupt():
    assert issubclass(InterruptedTrial, KeyboardInterrupt)
    assert parse_condition("shout").kind == "text"


@pytest.mark.parametrize("name", ["records.csv", "records.JSON"])
def test_records_are_not_named_as_another_kind_of_file(tmp_path, name):
    plan = {
        "samples": [{"id": "a", "text": "x"}],
        "services": [MemoryService(function=lambda r: pytest.fail("nothing is called"))],
    }
    with pytest.raises(InputError, match=r"Name it \S*records\.parquet"):
        run_trial(plan, out=tmp_path / name)
    assert list(tmp_path.iterdir()) == []

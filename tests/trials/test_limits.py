"""Limits, quotas, budgets and kills: no row is lost, nothing that was answered is bought twice."""

import json
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter

import pyarrow.parquet as pq
import pytest

from evenhand.services import MemoryService, Price, ServiceError
from evenhand.trials import Wired, make_plan, run_trial
from evenhand.trials import pace as pace_module

PRICE = {"input_tokens": 1000.0, "output_tokens": 10_000.0}


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(pace_module, "FIRST_WAIT", 0.01)


def texts(count):
    return [
        {"id": f"s{i}", "text": f"text {i}", "reference": "x", "attributes": {"voice": "ab"[i % 2]}}
        for i in range(count)
    ]


def run(tmp_path, service, count=40, **trial):
    plan = {
        "trial": {"measure": False, **trial},
        "samples": texts(count),
        "services": [service if not isinstance(service, dict) else {"kind": "chat", "model": "m", **service}],
    }  # fmt: skip
    found = run_trial(make_plan(plan), out=tmp_path / "r.parquet")
    return found, pq.read_table(tmp_path / "r.parquet").to_pylist()


class Limiter:
    """Admits so many calls in a window; what it admits it answers and bills."""

    def __init__(self, fake, admits, window, headers, status=429, count_of=None):
        self.fake, self.admits, self.window = fake, admits, window
        self.headers, self.status = headers, status
        self.admitted, self.refused = [], 0

    def __call__(self, *_):
        now = time.monotonic()
        if sum(now - each < self.window for each in self.admitted[-self.admits :]) >= self.admits:
            self.refused += 1
            return self.fake.reply({"error": "slow down"}, self.status, **self.headers)
        self.admitted.append(now)
        return self.fake.chat("yes")


def test_an_honest_limiter_costs_time_and_no_rows(tmp_path, fake):
    limiter = Limiter(fake, 2, 1.0, {"Retry_After": "1"})
    with fake.serving(limiter) as server:
        trial, _ = run(tmp_path, {"url": server.url})
        asked = len(server.asked)
    assert trial.outcomes == {"answered": 40}
    assert asked <= 1.3 * 40
    # By the server's own clock, which the load of a test machine does not stretch much.
    assert limiter.admitted[-1] - limiter.admitted[0] <= 1.2 * 20


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (429, {"Retry_After": "0.1"}),
        (429, {"retry_after_ms": "100"}),
        (429, {"x_ratelimit_reset_requests": "100ms"}),
        (429, {}),
        (503, {"Retry_After": "0.1"}),
        (529, {"x_ratelimit_reset_tokens": "0.1s"}),
    ],
)
def test_every_wording_of_a_limit_is_honoured(tmp_path, fake, status, headers):
    limiter = Limiter(fake, 10, 0.1, headers, status)
    with fake.serving(limiter) as server:
        trial, _ = run(tmp_path, {"url": server.url, "in_flight": 16}, 100)
    assert trial.outcomes == {"answered": 100}
    assert limiter.refused <= 0.5 * 100


def test_fifty_a_second_lose_nothing(tmp_path, fake):
    limiter = Limiter(fake, 100, 0.5, {"Retry_After": "0.5"})
    with fake.serving(limiter) as server:
        trial, _ = run(tmp_path, {"url": server.url, "in_flight": 32}, 600)
    assert trial.outcomes == {"answered": 600}
    assert limiter.refused <= 0.3 * 600


@pytest.mark.parametrize(
    ("asked", "said"), [("86400", "UTC"), ("31536000", "UTC"), ("1e12", "years")]
)
def test_a_quota_parks_the_service(tmp_path, fake, asked, said):
    def answer(count, *_):
        if count > 10:
            return fake.reply({"error": "quota"}, 429, Retry_After=asked)
        return fake.chat("yes")

    with fake.serving(answer) as server:
        trial, rows = run(tmp_path, {"url": server.url, "in_flight": 4}, 300)
        assert len(server.asked) <= 14
        assert trial.outcomes == {"answered": 10, "not run": 290}
        assert said in trial.parked["m"]
        assert rows[-1]["reason"].startswith("parked: the service asks to wait until ")
        server.answer = lambda *_: fake.chat("yes")
        again, _ = run(tmp_path, {"url": server.url, "in_flight": 4}, 300)
    assert (again.outcomes, again.calls, again.parked) == ({"answered": 300}, 290, {})


@pytest.mark.parametrize("asked", ["-1", "nan", "soon"])
def test_a_senseless_wait_is_not_given(tmp_path, fake, asked):
    def answer(count, *_):
        return fake.reply({}, 429, Retry_After=asked) if count % 3 == 1 else fake.chat("yes")

    with fake.serving(answer) as server:
        trial, _ = run(tmp_path, {"url": server.url}, 8)
    assert trial.outcomes == {"answered": 8}


def test_a_service_that_only_asks_to_wait_is_parked(tmp_path, fake):
    with fake.serving(lambda *_: fake.reply({}, 429, Retry_After="0")) as server:
        trial, rows = run(tmp_path, {"url": server.url, "longest_wait": 0.3}, 50)
        assert len(server.asked) < 80
    assert trial.outcomes == {"not run": 50}
    assert "answered nothing" in rows[0]["reason"]


def test_a_jump_of_the_clock_during_a_wait_changes_nothing(tmp_path, fake, monkeypatch):
    jumps = iter([1e9, -1e9, 5e9] * 1000)
    monkeypatch.setattr(time, "time", lambda: next(jumps))
    limiter = Limiter(fake, 10, 0.1, {"Retry_After": "0.1"})
    with fake.serving(limiter) as server:
        trial, _ = run(tmp_path, {"url": server.url}, 40)
    assert trial.outcomes == {"answered": 40}
    assert 0 <= trial.seconds < 60


# --- Money ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": None, "completion_tokens": None}])
def test_what_has_no_usage_is_charged_the_most(tmp_path, fake, usage):
    body = {"choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]}
    body |= {} if usage is None else {"usage": usage}
    with fake.serving(lambda *_: fake.reply(body)) as server:
        table = {"url": server.url, "price": PRICE, "options": {"max_tokens": 5}}
        trial, rows = run(tmp_path, table, 60, budget=0.5)
        asked = len(server.asked)
    assert 0 < asked < 60
    assert 0 < trial.cost == pytest.approx(trial.cost_at_most)
    assert trial.cost_total <= 0.5
    assert rows[0]["cost_at_most"] is True
    assert rows[-1]["reason"] == "over_budget: the budget is 0.5"


def test_time_outs_count_as_possibly_spent(tmp_path, fake):
    with fake.serving(lambda *_: fake.HANG) as server:
        table = {"url": server.url, "price": {"call": 0.1}, "timeout": 0.1, "attempts": 2}
        trial, rows = run(tmp_path, table, 40, budget=1)
        assert len(server.asked) == 10
        again, _ = run(tmp_path, table, 40, budget=1)
        assert len(server.asked) == 10
    assert (trial.cost, trial.possibly_spent) == (0.0, pytest.approx(1.0))
    assert again.possibly_spent == pytest.approx(1.0)
    assert {row["outcome"] for row in rows} == {"failed", "not run"}


def test_a_billed_reply_that_cannot_be_read_is_kept_and_not_bought_again(tmp_path, fake):
    body = {"choices": [{"message": {"content": 7}}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 2}}  # fmt: skip
    with fake.serving(lambda *_: fake.reply(body)) as server:
        table = {"url": server.url, "price": PRICE}
        trial, rows = run(tmp_path, table, 10)
        again, _ = run(tmp_path, table, 10)
        assert len(server.asked) == 10
    assert trial.cost == again.cost_total == pytest.approx(10 * (5 * 1000 + 2 * 10_000) / 1e6)
    assert rows[0]["reason"].startswith("malformed_reply")


def test_a_call_that_costs_more_than_thought_teaches_the_next_ones(tmp_path):
    class Dear(MemoryService):
        def most(self, request):
            return 0.01

    from evenhand.services import Answer

    twin = Dear(function=lambda r: Answer(output="x", cost=0.1), price=Price(call=0.01))
    trial, _ = run(tmp_path, Wired(service=twin, in_flight=1), 40, budget=1)
    assert trial.cost_total <= 1.0 + 1e-9
    assert len(twin.asked) == 10


def test_a_cache_of_the_version_before_is_taken_over(tmp_path):
    import sqlite3

    from evenhand.trials.cache import Cache

    path = tmp_path / "old.sqlite"
    with sqlite3.connect(path) as old:
        old.executescript(
            "CREATE TABLE answers (key BLOB PRIMARY KEY, output TEXT, outcome TEXT NOT NULL, reason "
            "TEXT, seconds REAL NOT NULL, cost REAL, raw TEXT, service TEXT NOT NULL, at REAL NOT "
            "NULL); CREATE TABLE measures (key BLOB PRIMARY KEY, found TEXT NOT NULL);"
            """INSERT INTO answers VALUES (x'01', '"yes"', 'answered', NULL, 1, 2, NULL, 'm', 0);"""
            "PRAGMA user_version=1;"
        )
    old.close()
    with Cache(path) as cache:
        found = cache.answers([b"\x01"])[b"\x01"]
        assert (found.output, found.cost, found.at_most) == ("yes", 2.0, False)


# --- Many misfortunes ----------------------------------------------------------------------------

PROGRAM = """
    import json, sys
    from evenhand.trials import run_trial, pace
    pace.FIRST_WAIT = 0.005
    samples = [{{"id": f"s{{i}}", "text": f"text {{i}}"}} for i in range({rows})]
    service = {{"kind": "chat", "url": {url!r}, "model": "m", "in_flight": 4, "timeout": 0.3, "attempts": 20,
               "price": {{"call": 0.01}}}}
    trial = run_trial({{"trial": {{"measure": False, "budget": {budget}}}, "samples": samples, "services": [service]}},
                      out={out!r})
    print(json.dumps([trial.outcomes, trial.cost_total, trial.possibly_spent]))
"""


class Misfortune:
    """A server that fails at random, and counts what it answered whole, which it bills."""

    def __init__(self, fake, seed):
        self.fake, self.draw = fake, random.Random(seed)
        self.whole, self.bills = Counter(), 0

    async def __call__(self, count, fields, body):
        import asyncio

        kind = self.draw.random()
        await asyncio.sleep(self.draw.random() * 0.005)
        if kind < 0.08:
            return self.fake.reply({}, 429, Retry_After="0.02")
        if kind < 0.16:
            return self.fake.reply(b"oops", 500)
        self.bills += 1
        if kind < 0.19:
            return self.fake.HANG
        if kind < 0.25:
            return (self.fake.chat("yes")[:-5],)
        self.whole[json.loads(body)["messages"][-1]["content"]] += 1
        return self.fake.chat("yes")


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_no_row_is_lost_and_no_answer_is_bought_twice(tmp_path, fake, seed):
    server_side = Misfortune(fake, seed)
    rows, budget = 40, 5.0
    with fake.serving(server_side) as server:
        program = textwrap.dedent(PROGRAM).format(
            rows=rows, url=server.url, budget=budget, out=str(tmp_path / "r.parquet")
        )

        def start():
            return subprocess.Popen(
                [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
            )

        process = start()
        until = time.monotonic() + 30
        while len(server.asked) < 5 + 5 * seed and time.monotonic() < until:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        said, _ = start().communicate(timeout=60)
    outcomes, cost, possibly = json.loads(said)
    assert outcomes == {"answered": rows}
    # What was under way at the kill cannot be known to the killed: at most `in_flight`.
    assert sum(count - 1 for count in server_side.whole.values()) <= 4
    assert server_side.bills * 0.01 <= cost + possibly + 1e-9 <= budget


def test_a_function_that_fails_on_every_row_is_stopped_and_its_cause_said_first(tmp_path):
    from evenhand.services.function import FunctionService
    from evenhand.trials.words import summary_lines

    def broken(text):
        return text + 1

    service = Wired(service=FunctionService(name="f", function=broken), in_flight=2)
    trial, rows = run(tmp_path, service, 200)
    first, second, *_ = summary_lines(trial)
    assert first.startswith("Stopped: f: 20 failures in a row, last exception: TypeError")
    assert second == "200 of 200 rows have no answer (100.0%)."
    assert sum(row["outcome"] == "failed" for row in rows) < 30


def test_who_got_no_answer_is_said_first_and_by_group(tmp_path):
    from evenhand.trials.words import summary_lines

    def reply(request):
        if request.parameters["voice"] == "b":
            raise ServiceError("no_answer", "nothing")
        return "x"

    trial, _ = run(tmp_path, MemoryService(function=reply), 40)
    said = summary_lines(trial)
    assert said[:3] == [
        "20 rows failed: no_answer: nothing",
        "20 of 40 rows have no answer (50.0%).",
        "  by voice: b 20 of 20 (100.0%), a 0 of 20 (0.0%)",
    ]
    shares = [(s.attribute, s.value, s.rows, s.of) for s in trial.unanswered]
    assert shares == [(None, None, 20, 40), ("voice", "b", 20, 20), ("voice", "a", 0, 20)]


def test_what_was_cut_off_is_a_column_and_a_finding(tmp_path, fake):
    def answer(_, __, body):
        long = json.loads(body)["messages"][-1]["content"].endswith(("1", "3"))
        return fake.chat("half", finish_reason="length") if long else fake.chat("yes")

    with fake.serving(answer) as server:
        trial, rows = run(tmp_path, {"url": server.url}, 10)
    assert trial.outcomes == {"answered": 8, "cut_off": 2}
    assert [row["cut_off"] for row in rows[:4]] == [0, 1, 0, 1]
    assert [(s.value, s.rows) for s in trial.cut_off] == [(None, 2), ("b", 2), ("a", 0)]


def test_one_moderated_prompt_is_one_refusal(tmp_path, fake):
    def answer(count, *_):
        metadata = {"reasons": ["violence"], "flagged_input": "x"}
        error = {"error": {"code": 403, "message": "requires moderation", "metadata": metadata}}
        return fake.reply(error, 403) if count == 15 else fake.chat("yes")

    with fake.serving(answer) as server:
        trial, _ = run(tmp_path, {"url": server.url}, 60)
    assert trial.outcomes == {"answered": 59, "refused": 1}


def test_a_dry_run_fills_the_prompts_and_says_what_is_missing(tmp_path):
    samples = [
        {"id": str(i), "text": f"why {i}", "attributes": {"context": "word " * 8800}}
        for i in range(10)
    ]
    service = {"kind": "chat", "url": "http://127.0.0.1:9/v1", "model": "m",
               "prompt": "{text}\n{context}", "options": {"max_tokens": 10},
               "headers": {"X-Api-Key": "${NO_SUCH_KEY_OF_TESTS}"},
               "price": {"input_tokens": 1.0}}  # fmt: skip
    plan = make_plan({"samples": samples, "services": [service]})
    dry = run_trial(plan, out=tmp_path / "r.parquet", dry_run=True)
    assert dry.expected[0].cost == pytest.approx(10 * 44_000 / 3 / 1e6, rel=0.02)
    assert any("NO_SUCH_KEY_OF_TESTS" in problem for problem in dry.problems)
    assert any("nobody answers at 127.0.0.1:9" in problem for problem in dry.problems)


def test_a_service_that_answers_differently_twice_is_told(tmp_path):
    from evenhand.trials.words import summary_lines

    said = iter(range(1000))
    twin = MemoryService(
        function=lambda r: "x" if r.parameters["voice"] == "a" else str(next(said))
    )
    trial, _ = run(tmp_path, twin, 10, repeats=3)
    assert trial.unsteady == {"memory": (5, 10)}
    assert (
        "memory answers differently: 5 of 10 repeated calls had not one answer."
        in summary_lines(trial)
    )


def test_a_judge_that_is_parked_is_told(tmp_path, fake):
    with fake.serving(lambda *_: fake.reply({}, 429, Retry_After="86400")) as server:
        judge = {"kind": "chat", "name": "judge", "url": server.url, "model": "j"}
        plan = {
            "trial": {"measure": False},
            "samples": texts(4),
            "services": [MemoryService(function=lambda r: r.media)],
            "scores": [{"kind": "judge", "service": judge}],
        }
        trial = run_trial(make_plan(plan), out=tmp_path / "r.parquet")
    assert "judge" in trial.parked


def test_a_template_with_a_price_by_tokens_is_never_free(tmp_path, fake):
    table = {"kind": "http", "name": "t", "answer": "a", "body": {"q": "{text}", "max_tokens": 10},
             "price": {"output_tokens": 10_000.0}}  # fmt: skip
    with fake.serving(lambda *_: fake.reply({"a": "yes"})) as server:
        plan = {"trial": {"measure": False, "budget": 0.5}, "samples": texts(20),
                "services": [{**table, "url": server.url}]}  # fmt: skip
        trial = run_trial(make_plan(plan), out=tmp_path / "r.parquet")
    assert trial.outcomes == {"answered": 5, "not run": 15}
    assert trial.cost_at_most == pytest.approx(0.5)

"""Ctrl-C while an engine works is an interruption, wherever it strikes."""

import subprocess
import sys
import threading
import time

import pytest

from evenhand.records.engine import interruptible

#: A statement of minutes, run with an interruption on its way; afterwards the engine still answers.
PROGRAM = """
import os, signal, sys, threading
import polars  # it takes Ctrl-C over
from evenhand.records import DuckDBEngine, PostgresEngine
from evenhand.records.engines.spark_client import connect

how, place = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
if place.startswith("sc:"):
    engine = connect(place)
else:
    engine = PostgresEngine(place) if place else DuckDBEngine()
asked = "SELECT count(*) FROM {0}(1, 2000000) a, {0}(1, 3000000) b".format(
    "generate_series" if place.startswith("postgres") else "range"
)
if place.startswith("sc:"):
    asked = "SELECT count(*) FROM range(300000) a JOIN range(300000) b ON a.id % 7 <> b.id % 5"
work = {
    "query": lambda: engine.query(asked),
    "batches": lambda: list(engine.batches(asked)),
    "execute": lambda: engine.execute(f"CREATE TEMP TABLE t AS {asked}"),
}[how]
assert engine.query("SELECT 1 AS n").to_pylist() == [{"n": 1}]
timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
timer.start()
try:
    work()
except KeyboardInterrupt:
    print("interrupted")
if not place or place.startswith("sc:"):
    engine.query("SELECT 1 AS n")
"""


def interrupt(*words):
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("how", ["query", "batches", "execute"])
def test_a_statement_of_duckdb_is_interrupted(how):
    done = interrupt(how)
    assert (done.stdout, done.returncode) == ("interrupted\n", 0), done.stderr


@pytest.mark.parametrize("how", ["query", "batches"])
def test_a_statement_of_postgresql_is_interrupted(how, postgres_url):
    done = interrupt(how, postgres_url)
    assert (done.stdout, done.returncode) == ("interrupted\n", 0), done.stderr


@pytest.mark.parametrize("how", ["query", "batches"])
def test_a_statement_behind_spark_connect_is_interrupted(how, cluster_url):
    done = interrupt(how, cluster_url)
    assert (done.stdout, done.returncode) == ("interrupted\n", 0), done.stderr


def struck(strike, work, cancel):
    """Do work whose wait a tracer interrupts."""
    before = sys.gettrace()
    sys.settrace(strike)
    try:
        with pytest.raises(KeyboardInterrupt):
            interruptible(work, cancel)
    finally:
        sys.settrace(before)


@pytest.mark.parametrize("line", range(10))
def test_wherever_the_wait_is_interrupted_it_is_an_interruption(line):
    """Ctrl-C strikes between any two lines of Python, also of what the wait is made of."""
    running, cancelled, lines = [], [], []

    def work():
        time.sleep(0.05)  # until the main thread waits
        running.append(True)
        while not cancelled:
            time.sleep(0.001)

    def strike(_frame, event, _argument):
        if running and not cancelled and event == "line":
            lines.append(event)
            if len(lines) > line:
                raise KeyboardInterrupt
        return strike

    try:
        struck(strike, work, lambda: cancelled.append(True))
    finally:
        cancelled.append(True)  # whatever came, no work goes on behind the other tests
    assert interruptible(lambda: 1, lambda: None) == 1


@pytest.mark.parametrize("line", range(24))
def test_work_is_not_left_behind_wherever_it_is_interrupted(line):
    """Also between handing it over and waiting for it: what was given up ends, or never begins."""
    begun, ended, lines, inside = [], [], [], []
    cancelled = threading.Event()

    def work():
        begun.append(True)
        cancelled.wait(20)
        ended.append(True)

    def strike(frame, event, _argument):
        if frame.f_code is interruptible.__code__ and event in ("call", "return"):
            inside[:] = [event == "call"]
        if event == "line" and any(inside):
            lines.append(event)
            if len(lines) == line + 1:
                raise KeyboardInterrupt
        return strike

    try:
        struck(strike, work, cancelled.set)
    finally:
        left = len(begun) - len(ended)
        cancelled.set()  # whatever came, no work goes on behind the other tests
    assert not left
    assert interruptible(lambda: 1, lambda: None) == 1
    assert begun == ended

"""Watching: limits at all times beside ville 0.1.0, rows a second of CPU from Parquet, and the size of the state.

Run `PYTHONPATH=src python benchmarks/watch.py [PYTHON_WITH_VILLE]` on one core (`taskset -c 0`).  It stops where our
limits differ from those of ville by more than 1e-9; ville runs in an interpreter of its own, which prints both.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

import evenhand
from evenhand.stats.monitors import Beta, refreshed, sequence_limits
from evenhand.watching.monitor import Bets, GroupRows, Monitor

ROWS = 100_000
THEIRS = """
import json, sys, time, numpy as np, ville
x = (np.random.default_rng(1).random(100_000) < 0.1).astype(float)
one = ville.BernoulliCS(alpha=0.05, prior=(1, 1), intersect=False)
start = time.process_time()
one.update(x)
spent = time.process_time() - start
print(json.dumps([spent, np.asarray(one.lower_).tolist(), np.asarray(one.upper_).tolist()]))
"""


def spent(work, times=5):
    """Least CPU seconds of some runs, and the answer."""
    best, answer = float("inf"), None
    for _ in range(times):
        start = time.process_time()
        answer = work()
        best = min(best, time.process_time() - start)
    return best, answer


def beside_ville(python):
    x = np.random.default_rng(1).random(ROWS) < 0.1
    prior = Beta(a=1, b=1)

    def final():
        return sequence_limits(x.sum(), ROWS, 0.05, prior)

    def as_watched():
        sums = np.cumsum(x)
        at = np.append(refreshed(0, ROWS), ROWS)
        return sequence_limits(sums[at - 1], at, 0.05, prior)

    def always():
        return sequence_limits(np.cumsum(x), np.arange(1, ROWS + 1), 0.05, prior)

    def monitored():
        bets = Bets(threshold=0.2, past=True, above=3.0, changed=11.0, alpha=0.05)
        rows = GroupRows(
            a=x.astype(float), b=np.ones(ROWS), row=np.arange(ROWS) + 1, time=None, layer=None
        )
        monitor = Monitor()
        monitor.take(rows, bets, 48)
        return monitor

    final()
    theirs = None
    if python is not None:
        run = subprocess.run([python, "-c", THEIRS], capture_output=True, text=True, check=True)
        theirs, low, high = json.loads(run.stdout)
        ours = always()
        # Theirs is one pair after all rows, or one after each.
        both = zip(ours, (low, high), strict=True)
        far = max(np.abs(own[-np.size(its) :] - its).max() for own, its in both)
        assert far < 1e-9, f"limits differ by {far}"
        print(f"ville 0.1.0: {theirs:.3f} s of CPU for {ROWS:,} rows; limits differ by {far:.1e}")
    for name, work in (
        ("limits from counts, after all rows", final),
        ("limits whenever the past is taken anew", as_watched),
        ("limits after each row", always),
        ("both alarms, limits, history", monitored),
    ):
        own, _ = spent(work)
        ratio = "" if theirs is None else f", {theirs / own:,.0f} times as fast as ville"
        print(f"{name}: {own * 1000:.2f} ms of CPU{ratio}")


def from_parquet(rows=4_000_000):
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 2, rows)
    table = pa.table(
        {
            "site": rng.choice(list("abcdefgh"), rows),
            "sex": rng.choice(["f", "m"], rows),
            "y": truth,
            "p": np.where(rng.random(rows) < 0.1, 1 - truth, truth),
        }
    )
    metric = "error_rate(label=y, prediction=p)"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        pyarrow.parquet.write_table(table, path)
        evenhand.watch(table.slice(0, 1000), metric, "site", threshold=0.2)
        for by in (["site"], ["site", "sex"], ["site,sex"]):
            own, found = spent(
                lambda by=by: evenhand.watch(str(path), metric, by, threshold=0.2), 3
            )
            print(
                f"{len(found.groups)} groups, by {' and '.join(by)}: {rows / own / 1e6:.2f} M rows a second of CPU"
            )


def states(groups=1_000, rows=200_000):
    rng = np.random.default_rng(3)
    names = np.char.add("group ", rng.integers(0, groups - 1, rows).astype(str))
    table = pa.table(
        {
            "g": names,
            "wrong": (rng.random(rows) < 0.1).astype(int),
            "e": rng.integers(0, 4, rows),
            "w": rng.integers(5, 16, rows),
        }
    )
    for metric in ("mean(wrong)", "ratio(e, w)"):
        with tempfile.TemporaryDirectory() as folder:
            state = Path(folder) / "watch.state"
            found = evenhand.watch(
                table, metric, "g", threshold=0.9, worse="higher", bounds=(0, 1), state=state
            )
            print(
                f"{metric}: state of {len(found.groups):,} groups: {state.stat().st_size:,} bytes"
            )


if __name__ == "__main__":
    beside_ville(sys.argv[1] if len(sys.argv) > 1 else None)
    from_parquet()
    states()

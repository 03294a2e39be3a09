"""Five rates of 18 groups from Parquet: Evenhand beside fairlearn and a bare DuckDB GROUP BY.

    python benchmarks/audit.py [ROWS]        (default 1,000,000; 10,000,000 for the record)

Groups are race (6) by sex (3), with shares from 58 % down to 1 %; rates are accuracy, selection
rate, true and false positive rate, and precision. Each contestant runs in a process of its own, in
turn, REPEATS times over. It first runs unclocked on WARM_ROWS rows, so that all modules are loaded
(start_up.py tells what that costs); the clock then runs from the closed file to the rates. CPU
seconds are those of all threads; memory is the peak of the resident set of the whole process,
interpreter and libraries included. What each delivers for it:

* fairlearn: the rates (`MetricFrame`, no bootstrap, hence no intervals); up to 1,000,000 rows.
* DuckDB: 18 x 2 x 2 counts and the rates that follow: about the least work that gives the answer.
* Evenhand: the rates of the 18 groups and of each race and sex alone, intervals of all, differences
  and ratios to the rest with simultaneous intervals, adjusted p-values, bounds of the largest gap,
  shrunken estimates, verdicts and the SHA-256 of the file.

All rates must agree to 1e-12. Linux only: peaks are read from /proc.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

RACES = ["White", "Hispanic", "Black", "Asian", "AIAN", "NHPI"]
SEXES = ["Female", "Male", "Nonbinary"]
RATES = ["accuracy", "selection_rate", "true_positive_rate", "false_positive_rate", "precision"]
ROW_GROUP = 1 << 17
CHUNK = 8 * ROW_GROUP
FAIRLEARN_ROWS = 1_000_000
WARM_ROWS = 200_000
REPEATS = 3
OURS, BARE, RIVAL = "evenhand", "DuckDB GROUP BY", "fairlearn"

Rates = dict[str, list[float]]  # "race,sex": the five rates


def make_data(number: int, file: Path) -> None:
    """Write seeded records: the five rates read four of the seven columns."""
    file.parent.mkdir(exist_ok=True)
    unfinished = file.with_suffix(".unfinished")
    writer = None
    for start in range(0, number, CHUNK):
        table = make_chunk(np.random.default_rng([20240817, start]), min(CHUNK, number - start))
        writer = writer or pq.ParquetWriter(unfinished, table.schema, compression="snappy")
        writer.write_table(table, row_group_size=ROW_GROUP)
    assert writer is not None
    writer.close()
    unfinished.rename(file)


def make_chunk(rng: np.random.Generator, number: int) -> pa.Table:
    race = rng.choice(6, number, p=[0.58, 0.18, 0.13, 0.07, 0.03, 0.01]).astype(np.int8)
    sex = rng.choice(3, number, p=[0.50, 0.48, 0.02]).astype(np.int8)
    prevalence = np.array([0.42, 0.36, 0.30, 0.45, 0.25, 0.28])[race]
    prevalence += np.array([0.02, -0.02, -0.05])[sex]
    truth = rng.random(number) < prevalence
    score = rng.normal(0.35 + 0.3 * truth - 0.03 * race + 0.01 * sex, 0.2).clip(0, 1)
    words = 1 + rng.poisson(11, number)
    return pa.table(
        {
            "y_true": truth.astype(np.uint8),
            "y_pred": (score > 0.5).astype(np.uint8),
            "score": score.astype(np.float32),
            "race": pa.DictionaryArray.from_arrays(race, RACES),
            "sex": pa.DictionaryArray.from_arrays(sex, SEXES),
            "errors": rng.binomial(words, 0.06 + 0.015 * race).astype(np.int32),
            "words": words.astype(np.int32),
        }
    )


def evenhand() -> Callable[[str], Rates]:
    from evenhand import audit_metrics

    metrics = [
        f"{rate}({'' if rate == 'selection_rate' else 'label=y_true, '}prediction=y_pred)"
        for rate in RATES
    ]

    def run(file: str) -> Rates:
        rates: Rates = {}
        for audit in audit_metrics(file, metrics, by="race,sex", worse="lower"):
            for group in audit.groups:
                if not audit.refused:
                    assert group.estimate.low is not None
                    assert group.versus is not None
                    assert group.versus.p_adjusted is not None
                if len(group.by) == 2:
                    name = f"{group.group['race']},{group.group['sex']}"
                    rates.setdefault(name, []).append(group.estimate.value)
        return rates

    return run


def duckdb_group_by() -> Callable[[str], Rates]:
    import duckdb

    query = "SELECT race, sex, y_true, y_pred, count(*) FROM read_parquet(?) GROUP BY ALL"

    def run(file: str) -> Rates:
        counts: dict[str, dict[tuple[int, int], int]] = {}
        with duckdb.connect() as connection:
            for race, sex, truth, said, count in connection.execute(query, [file]).fetchall():
                counts.setdefault(f"{race},{sex}", {})[truth, said] = count
        rates = {}
        for name, n in counts.items():
            tn, fp, fn, tp = (n.get(key, 0) for key in ((0, 0), (0, 1), (1, 0), (1, 1)))
            rows = tn + fp + fn + tp
            rates[name] = [
                (tp + tn) / rows, (tp + fp) / rows, tp / (tp + fn), fp / (fp + tn), tp / (tp + fp),
            ]  # fmt: skip
        return rates

    return run


def fairlearn() -> Callable[[str], Rates]:
    from fairlearn.metrics import (
        MetricFrame,
        false_positive_rate,
        selection_rate,
        true_positive_rate,
    )
    from sklearn.metrics import accuracy_score, precision_score

    functions = [
        accuracy_score, selection_rate, true_positive_rate, false_positive_rate, precision_score,
    ]  # fmt: skip

    def run(file: str) -> Rates:
        frame = pq.read_table(file, columns=["y_true", "y_pred", "race", "sex"]).to_pandas()
        groups = frame[["race", "sex"]].astype(str)
        found = MetricFrame(
            metrics=dict(zip(RATES, functions, strict=True)),
            y_true=frame["y_true"],
            y_pred=frame["y_pred"],
            sensitive_features=groups,
        ).by_group
        return {",".join(name): list(row[RATES]) for name, row in found.iterrows()}

    return run


CONTESTANTS = {OURS: evenhand, BARE: duckdb_group_by, RIVAL: fairlearn}


def measure(contestant: str, file: str, warm: str) -> dict[str, object]:
    """Run one contestant in this process."""
    run = CONTESTANTS[contestant]()
    run(warm)
    wall, cpu = time.perf_counter(), time.process_time()
    rates = run(file)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"cpu": cpu, "wall": wall, "memory": peak_mib(), "rates": rates}


def peak_mib() -> float:
    """Peak of this process; ru_maxrss will not do, for it starts at that of the parent."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def compare(number: int) -> None:
    """Print a line for each contestant, and ratios: medians over the rounds."""
    file, warm = (str(data_of(rows)) for rows in (number, WARM_ROWS))
    names = [name for name in CONTESTANTS if name != RIVAL or able(number)]
    rounds = [{name: json.loads(again(["--measure", name, file, warm])) for name in names}
              for _ in range(REPEATS)]  # fmt: skip
    error = worst_difference(rounds)
    load, size = os.getloadavg()[0], Path(file).stat().st_size / 1e6
    print(f"{number:,} rows, {size:,.0f} MB; {os.cpu_count()} processors, load {load:.1f}")
    print("{:18}{:>10}{:>10}{:>10}{:>18}".format("", "CPU s", "wall s", "MiB", "CPU s, each run"))
    for name in names:
        each = [found[name] for found in rounds]
        cpu, wall, memory = (median(run[key] for run in each) for key in ("cpu", "wall", "memory"))
        runs = " ".join(f"{run['cpu']:.3f}" for run in each)
        print(f"{name:18}{cpu:10.3f}{wall:10.3f}{memory:10.0f}   {runs}")
    for name in names[1:]:
        ratios = [found[name]["cpu"] / found[OURS]["cpu"] for found in rounds]
        if name == RIVAL:
            print(f"Evenhand takes 1/{median(ratios):.0f} of the CPU time of {name}")
        else:
            print(f"Evenhand takes {1 / median(ratios):.1f} times the CPU time of {name}")
    print(f"all 18 x 5 rates agree; the largest difference is {error:.0e}")


def data_of(number: int) -> Path:
    """Records of that many rows, made at first."""
    file = Path(__file__).parent / "data" / f"audit_{number}.parquet"
    if not file.exists():
        again(["--make", str(number), str(file)])
    return file


def able(number: int) -> bool:
    """Whether fairlearn takes part; say why where it does not."""
    if number > FAIRLEARN_ROWS:
        print(f"fairlearn is left out: it runs up to {FAIRLEARN_ROWS:,} rows only")
    elif find_spec("fairlearn") is None:
        print("fairlearn is left out: it is not installed (pip install fairlearn)")
    else:
        return True
    return False


def worst_difference(rounds: list[dict[str, dict[str, Rates]]]) -> float:
    """Largest difference of any rate between any two runs, which all have the same groups."""
    every = [run["rates"] for found in rounds for run in found.values()]
    names = sorted(f"{race},{sex}" for race in RACES for sex in SEXES)
    assert all(sorted(rates) == names for rates in every)
    values = np.array([[rates[name] for name in names] for rates in every])
    assert values.shape[1:] == (18, 5)
    worst = float(np.ptp(values, axis=0).max())
    assert worst <= 1e-12, worst
    return worst


def again(arguments: list[str]) -> str:
    """Run this file in a fresh process, so that no contestant inherits the memory of another."""
    command = [sys.executable, __file__, *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="?", type=lambda text: int(float(text)), default=1_000_000)
    parser.add_argument("--make", nargs=2, metavar=("ROWS", "FILE"), help=argparse.SUPPRESS)
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        make_data(int(options.make[0]), Path(options.make[1]))
    elif options.measure:
        print(json.dumps(measure(*options.measure)))
    else:
        compare(options.rows)


if __name__ == "__main__":
    main()

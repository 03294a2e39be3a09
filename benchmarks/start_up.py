"""CPU seconds of whole processes: `evenhand --help`, an audit of 10,000 rows, and bare imports.

    python benchmarks/start_up.py [RUNS]        (default 7)

Each line is the median over RUNS processes, run in turn: user and system seconds of the process
from start to end, interpreter included. The imports show what the libraries that an audit needs
cost by themselves; the line "python" is the empty interpreter, which is part of every other line.
The first round, which may compile modules and fill the file cache, is not counted; modules are kept
compiled, as an installed package's are, even where the environment says otherwise.
"""

import argparse
import csv
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

ROWS = 10_000
BARE = ["numpy", "scipy.special", "duckdb", "pyarrow", "sqlglot"]
# The command hides pandas from pyarrow, which otherwise loads it wherever it is installed.
BLOCK = "import sys; sys.modules['pandas'] = None"


def make_records(file: Path) -> None:
    """Write seeded records of two attributes, a label and a prediction."""
    rng = np.random.default_rng(5)
    race = rng.choice(["a", "b", "c", "d", "e"], ROWS, p=[0.50, 0.20, 0.15, 0.10, 0.05])
    sex = rng.choice(["f", "m"], ROWS)
    label = rng.integers(0, 2, ROWS)
    prediction = np.where(rng.random(ROWS) < 0.8, label, 1 - label)
    with file.open("w", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(["race", "sex", "label", "prediction"])
        writer.writerows(zip(race, sex, label, prediction, strict=True))


def commands(file: Path) -> dict[str, list[str]]:
    evenhand = [sys.executable, "-c", "from evenhand.cli import main; main()"]
    audit = [*evenhand, "audit", str(file), "--metric", "true_positive_rate(label, prediction)"]
    python = [sys.executable, "-c"]
    return {
        "evenhand --help": [*evenhand, "--help"],
        "evenhand audit, 10,000 rows of CSV": [*audit, "--by", "race,sex"],
        "import evenhand.cli.bounty": [*python, f"{BLOCK}; import evenhand.cli.bounty"],
        "python": [*python, ""],
        **{f"import {name}": [*python, f"{BLOCK}; import {name}"] for name in BARE},
        "all five imports": [*python, f"{BLOCK}; import {', '.join(BARE)}"],
    }


def cpu_of(command: list[str]) -> float:
    """CPU seconds of a command that must succeed."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="?", type=int, default=7)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "records.csv"
        make_records(file)
        todo = commands(file)
        rounds = [{n: cpu_of(command) for n, command in todo.items()} for _ in range(runs + 1)]
    print("{:36}{:>8}{:>8}{:>8}".format("CPU seconds", "median", "least", "most"))
    for name in todo:
        each = [found[name] for found in rounds[1:]]
        print(f"{name:36}{median(each):8.3f}{min(each):8.3f}{max(each):8.3f}")


if __name__ == "__main__":
    main()

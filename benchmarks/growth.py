"""How CPU time and memory grow with rows, groups and units: Evenhand, fairlearn, a bare DuckDB.

    python benchmarks/growth.py              up to 1,000,000 rows, printed
    python benchmarks/growth.py --write      up to 100,000,000 rows; writes growth.json beside this file,
                                             docs/how-fast.md and docs/pictures/growth.svg
    python benchmarks/growth.py --page       writes page and picture anew from growth.json

The audit is of one rate (accuracy), by group: intervals, differences to the rest with simultaneous
intervals, verdicts and the SHA-256 of the file.  fairlearn's `MetricFrame` gives the rates alone, of rows
that pandas reads; DuckDB counts by group (and unit) and no more.  Rows grow with 18 groups; groups and units
with 1,000,000 rows.  Each contestant runs in a process of its own, first unclocked on few rows, so that
imports do not count; CPU seconds are those of all threads, memory is the peak of the process.  Linux only.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "growth.json"
PAGE = HERE.parent / "docs" / "how-fast.md"
PICTURE = HERE.parent / "docs" / "pictures" / "growth.svg"
NAMES = ("evenhand", "fairlearn", "DuckDB GROUP BY")
MIDDLE, FEW_ROWS, GROUPS = 1_000_000, 10_000, 18
#: What grows: the points that are measured, and those of a short run.
POINTS = {
    "rows": (10**4, 10**5, 10**6, 10**7, 10**8),
    "groups": (2, 18, 100, 300, 600, 1000),
    "units": (10**2, 10**3, 10**4, 10**5, 10**6),
}
FAIRLEARN_ROWS = 10**7
CHUNK = 1 << 20
REPEATS = 3

Result = dict[str, Any]


def make(rows: int, groups: int, units: int) -> Path:
    """File of seeded records: groups of unequal size, units within groups, four right answers of five."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = HERE / "data" / f"growth_{rows}_{groups}_{units}.parquet"
    if file.exists():
        return file
    file.parent.mkdir(exist_ok=True)
    unfinished, writer = file.with_suffix(".unfinished"), None
    shares = 1 / np.sqrt(np.arange(1, groups + 1))
    for start in range(0, rows, CHUNK):
        rng, number = np.random.default_rng([7, start]), min(CHUNK, rows - start)
        unit = rng.integers(0, units or 1, number).astype(np.int32)
        drawn = rng.choice(groups, number, p=shares / shares.sum())
        group = (unit % groups if units else drawn).astype(np.int16)
        label = rng.random(number) < 0.4
        right = rng.random(number) < 0.8 - 0.1 * (group % 5 == 1)
        names = [f"g{i:04}" for i in range(groups)]
        columns = {
            "label": label.astype(np.uint8),
            "prediction": np.where(right, label, ~label).astype(np.uint8),
            "group": pa.DictionaryArray.from_arrays(group, names),
        }
        table = pa.table(columns | ({"unit": unit} if units else {}))
        writer = writer or pq.ParquetWriter(unfinished, table.schema, compression="snappy")
        writer.write_table(table)
    assert writer is not None
    writer.close()
    unfinished.rename(file)
    return file


def evenhand(unit: str | None) -> Callable[[str], Mapping[str, float]]:
    from evenhand import audit

    def run(file: str) -> Mapping[str, float]:
        found = audit(file, "accuracy(label, prediction)", by="group", unit=unit)
        return {str(one.group["group"]): float(one.estimate.value or 0.0) for one in found.groups}

    return run


def duckdb_group_by(unit: str | None) -> Callable[[str], Mapping[str, float]]:
    import duckdb

    keys = '"group", unit' if unit else '"group"'
    inner = f'SELECT {keys}, label = prediction AS r, COUNT(*) AS n FROM "{{}}" GROUP BY ALL'
    query = f'SELECT "group", SUM(n) FILTER (r) / SUM(n) FROM ({inner}) GROUP BY 1'

    def run(file: str) -> Mapping[str, float]:
        with duckdb.connect() as connection:
            return dict(connection.execute(query.format(file)).fetchall())

    return run


def fairlearn(_: str | None) -> Callable[[str], Mapping[str, float]]:
    import pandas as pd
    from fairlearn.metrics import MetricFrame
    from sklearn.metrics import accuracy_score

    def run(file: str) -> Mapping[str, float]:
        frame = pd.read_parquet(file, columns=["label", "prediction", "group"])
        found = MetricFrame(
            metrics=accuracy_score,
            y_true=frame["label"],
            y_pred=frame["prediction"],
            sensitive_features=frame["group"].astype(str),
        )
        return dict(found.by_group.items())

    return run


CONTESTANTS = dict(zip(NAMES, (evenhand, fairlearn, duckdb_group_by), strict=True))


def measure(name: str, file: str, warm: str, unit: str | None) -> Result:
    """Run one contestant in this process."""
    run = CONTESTANTS[name](unit)
    run(warm)
    before = process_time()
    rates = run(file)
    cpu = process_time() - before
    status = Path("/proc/self/status").read_text()
    memory = int(status.split("VmHWM:")[1].split()[0]) / 1024
    return {"cpu": cpu, "memory": memory, "rates": rates}


def points(*, most: int) -> Iterator[tuple[str, int, tuple[int, int, int]]]:
    """What grows, to where, and the world: rows, groups, units."""
    for x in POINTS["rows"]:
        if x <= most:
            yield "rows", x, (x, GROUPS, 0)
    for x in POINTS["groups"]:
        yield "groups", x, (MIDDLE, x, 0)
    for x in POINTS["units"]:
        yield "units", x, (MIDDLE, GROUPS, x)


def takes_part(name: str, what: str, rows: int) -> bool:
    """fairlearn knows no units, and its frame of 10^8 rows does not fit."""
    return name != "fairlearn" or (what != "units" and rows <= FAIRLEARN_ROWS)


def output_of(command: list[str]) -> bytes:
    """What a contestant says; idle threads of the linear algebra would count, so that there is one."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment).stdout


def measured(what: str, world: tuple[int, int, int], repeats: int) -> dict[str, Result]:
    """Medians of each contestant at one point; all rates must agree."""
    file, warm = make(*world), make(FEW_ROWS, world[1], world[2])
    unit, found = "unit" if world[2] else "", {}
    for name in NAMES:
        if takes_part(name, what, world[0]):
            command = [sys.executable, __file__, "--measure", name, str(file), str(warm), unit]
            runs = [json.loads(output_of(command)) for _ in range(repeats)]
            found[name] = {k: median(run[k] for run in runs) for k in ("cpu", "memory")}
            found[name]["rates"] = runs[0]["rates"]
    ours = found["evenhand"].pop("rates")
    for name in found.keys() - {"evenhand"}:
        theirs = found[name].pop("rates")
        assert ours.keys() == theirs.keys(), (name, world)
        assert max(abs(ours[group] - theirs[group]) for group in ours) < 1e-12, (name, world)
    return {k: {m: round(v, 4) for m, v in one.items()} for k, one in found.items()}


def run_all(*, most: int) -> Result:
    """Measure every point."""
    packages = ("evenhand", "fairlearn", "duckdb", "pandas", "numpy")
    out: Result = {
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in packages},
        "rows": {}, "groups": {}, "units": {},
    }  # fmt: skip
    for what, x, world in points(most=most):
        out[what][str(x)] = measured(what, world, REPEATS if world[0] <= 10**7 else 1)
        told = ", ".join(
            f"{k} {v['cpu']:.3f} s {v['memory']:.0f} MiB" for k, v in out[what][str(x)].items()
        )
        print(f"{what} {x:,}: {told}", flush=True)
    return out


# -- page and picture ------------------------------------------------------------------------------

INK, PALE, GREY = "#1c1b1a", "#d8d4ce", "#5c5955"
COLOURS = {"evenhand": "#1f6b3a", "fairlearn": "#b3261e", "DuckDB GROUP BY": "#5c5955"}
WIDTH, HEIGHT, LEFT, TOP = 190, 150, 56, 58
#: Pixels between the middles of two numbers below a chart, at least.
ROOM = 34
RANGES = {"cpu": (0.001, 1000), "memory": (50, 20_000)}
TITLES = {"cpu": "CPU seconds", "memory": "MiB at the peak"}


def short(x: float) -> str:
    """10,000,000 as 10 M."""
    for size, name in ((10**6, " M"), (10**3, " k")):
        if x >= size:
            return f"{x / size:g}{name}"
    return f"{x:g}"


def panel(results: Result, what: str, value: str, place: tuple[int, int]) -> str:
    """One chart, both axes logarithmic."""
    left, top = place
    xs = [int(x) for x in results[what]]
    low, high = RANGES[value]

    def across(x: float) -> float:
        return left + WIDTH * np.log(x / xs[0]) / np.log(xs[-1] / xs[0])

    def down(y: float) -> float:
        return top + HEIGHT * (1 - np.log(y / low) / np.log(high / low))

    ticks = [10.0**k for k in range(-3, 5) if low <= 10.0**k <= high]
    parts = [
        f'<path d="M{left} {down(y):.0f}h{WIDTH}" stroke="{PALE}"/>'
        f'<text x="{left - 5}" y="{down(y) + 4:.0f}" text-anchor="end" fill="{GREY}">{short(y)}</text>'
        for y in ticks
    ]
    free = float("inf")
    for x in reversed(xs):
        # A number that would touch the one to its right is left out; its dot stays.
        if across(x) + ROOM <= free:
            free = across(x)
            parts.append(
                f'<text x="{free:.0f}" y="{top + HEIGHT + 15}" text-anchor="middle" fill="{GREY}">{short(x)}</text>'
            )
    title = f"{TITLES[value]}, {what}"
    parts.append(f'<text x="{left}" y="{top - 10}" font-weight="600" fill="{INK}">{title}</text>')
    for name, colour in COLOURS.items():
        dots = [(across(x), down(results[what][str(x)][name][value]))
                for x in xs if name in results[what][str(x)]]  # fmt: skip
        line = " ".join(f"{x:.0f},{y:.0f}" for x, y in dots)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.0f}" cy="{y:.0f}" r="3" fill="{colour}"/>' for x, y in dots]
    return "".join(parts)


def svg(results: Result) -> str:
    """Six charts and who is who."""
    body = [
        panel(results, what, value, (LEFT + column * (WIDTH + 62), TOP + row * (HEIGHT + 62)))
        for column, what in enumerate(POINTS)
        for row, value in enumerate(RANGES)
    ]
    for place, (name, colour) in enumerate(COLOURS.items()):
        x = LEFT + place * 150
        body.append(
            f'<circle cx="{x}" cy="20" r="4" fill="{colour}"/>'
            f'<text x="{x + 10}" y="24" fill="{INK}">{name.replace("evenhand", "Evenhand")}</text>'
        )
    title = "CPU seconds and memory against rows, groups and units"
    width, height = LEFT + 3 * (WIDTH + 62), TOP + 2 * (HEIGHT + 62) - 20
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'font-family="system-ui, sans-serif"\n font-size="11"><title>{title}</title>\n'
        f'<rect width="{width}" height="{height}" fill="#fffdfa"/>' + "\n".join(body) + "</svg>\n"
    )


def table(results: Result, what: str) -> str:
    """CPU seconds and MiB of one kind of growth, in Markdown."""
    head = f"| {what} | " + " | ".join(
        f"{n.replace('evenhand', 'Evenhand')}, CPU s | MiB" for n in NAMES
    )
    lines = [head + " |", "| ---: |" + " ---: | ---: |" * len(NAMES)]
    for x, found in results[what].items():
        cells = (
            f"{found[n]['cpu']:.3f} | {found[n]['memory']:,.0f}" if n in found else "– | –"
            for n in NAMES
        )
        lines.append(f"| {int(x):,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def page(results: Result) -> str:
    """docs/how-fast.md: every figure is one of the results."""
    rows = results["rows"]
    last = max(rows, key=int)
    ours = rows[last]["evenhand"]
    both = max((x for x in rows if "fairlearn" in rows[x]), key=int)
    ratio = rows[both]["fairlearn"]["cpu"] / rows[both]["evenhand"]["cpu"]
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    most = max(found["evenhand"]["memory"] for found in results["units"].values())
    return f"""# How fast: rows, groups and units

<!-- Written by `python benchmarks/growth.py --write`. Do not edit: change the benchmark and run it again. -->

An audit reads its rows once, where they lie, and keeps counts; all that follows works on the counts.  So time
grows with rows as the scan does, and memory hardly at all: {int(last):,} rows took {ours["cpu"]:.1f} CPU
seconds and {ours["memory"]:,.0f} MiB.  Of {int(both):,} rows fairlearn took {ratio:.0f} times the CPU time,
for the rates alone.

![CPU seconds and memory against rows, groups and units](pictures/growth.svg)

One rate (accuracy) by group, from a Parquet file: Evenhand gives intervals, differences to the rest with
simultaneous intervals, verdicts and the file's fingerprint; fairlearn's `MetricFrame` gives the rates; DuckDB only
counts, which is about the least that gives an answer.  Imports are not counted (they are about half a second of a
command).  Memory is the peak of the whole process, libraries included.  The linear algebra of all has one thread, as in
our command line (`OPENBLAS_NUM_THREADS=1`): its idle threads cost more than they give.

## Rows, in {GROUPS} groups

{table(results, "rows")}

## Groups, of {MIDDLE:,} rows

Above 600 sets (each group and its rest are two) the correlations of all comparisons are no longer drawn: Holm's
correction takes their place.

{table(results, "groups")}

## Units, of {MIDDLE:,} rows in {GROUPS} groups

Where people are named as units, counts are kept of each person in each group: memory grows with them, to
{most:,.0f} MiB where every row has its own.  fairlearn knows no units.

{table(results, "units")}

Measured on {results["processors"]} processors that others used, too, with Python {results["python"]},
{versions}; medians of {REPEATS} runs (one of 10⁸ rows).  `python benchmarks/growth.py --write` measures again.
"""


def write(results: Result) -> None:
    """Page and picture from results."""
    PAGE.write_text(page(results), encoding="utf-8")
    PICTURE.write_text(svg(results), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="measure all and write the page")
    parser.add_argument("--page", action="store_true", help="write the page from growth.json")
    parser.add_argument("--most", type=int, default=0, help="rows at most")
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(*options.measure[:3], options.measure[3] or None)))
    elif options.page:
        write(json.loads(RESULTS.read_text(encoding="utf-8")))
    else:
        results = run_all(most=options.most or (10**8 if options.write else 10**6))
        if options.write:
            RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
            write(results)


if __name__ == "__main__":
    main()

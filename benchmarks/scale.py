"""What it costs to count much: on a cluster, on one machine, and in parts that are added.

    python benchmarks/scale.py               10,000,000 rows of each, printed
    python benchmarks/scale.py --write       up to 100,000,000 rows on one machine and a billion in parts; writes
                                             scale.json beside this file, docs/how-far.md and its picture
    python benchmarks/scale.py --page        writes page and picture anew from scale.json
    python benchmarks/scale.py --parts 10    so many parts of 10,000,000 rows
    python benchmarks/scale.py --only cluster,machine,parts    some of the three; --write keeps the others' results

Five rates (accuracy, selection, true and false positives, precision) of 18 groups, of seeded rows in Parquet.
*Cluster*: Sail, a server of Spark Connect, in a process of its own, beside the same counts by hand; also with
100,000 people as units. *Machine*: a whole audit by DuckDB in this process, beside a bare `GROUP BY`. *Parts*:
files that one process counts one after the other, each to a cube's file, and adds; each is made, with a seed of
its own, before it is counted and deleted afterwards, by another process. All counts must be equal to the bare
ones. CPU seconds are those of all threads, memory is the peak of the process. Linux only.
"""

import argparse
import contextlib
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "scale.json"
PAGE = HERE.parent / "docs" / "how-far.md"
PICTURE = HERE.parent / "docs" / "pictures" / "how-far.svg"
PEOPLE, PART, PARTS = 100_000, 10_000_000, 100
MACHINE = (10**6, 10**7, 10**8)
REPEATS = 3
RATES = ["accuracy", "selection_rate", "true_positive_rate", "false_positive_rate", "precision"]
METRICS = [
    f"{rate}({'' if rate == 'selection_rate' else 'label=y_true, '}prediction=y_pred)"
    for rate in RATES
]
BY = ("race", "sex")

Result = dict[str, Any]
#: Of each group: rows by truth and answer, 00 01 10 11.
Counts = dict[str, list[int]]

_MAKE = """COPY (SELECT
 CASE WHEN a < 58 THEN 'White' WHEN a < 76 THEN 'Hispanic' WHEN a < 89 THEN 'Black' WHEN a < 96 THEN 'Asian'
   WHEN a < 99 THEN 'AIAN' ELSE 'NHPI' END AS race,
 CASE WHEN b < 50 THEN 'Female' WHEN b < 98 THEN 'Male' ELSE 'Nonbinary' END AS sex,
 CAST(c < 35 AS UTINYINT) AS y_true, CAST(d < CASE WHEN c < 35 THEN 75 - a % 7 ELSE 20 END AS UTINYINT) AS y_pred,
 CAST(who AS INTEGER) AS person
 FROM (SELECT hash(8 * i + 1) % 100 AS a, hash(8 * i + 2) % 100 AS b, hash(8 * i + 3) % 100 AS c,
   hash(8 * i + 4) % 100 AS d, hash(8 * i + 5) % {people} AS who FROM range({first}, {first} + {rows}) AS t(i)))
 TO '{file}' (FORMAT parquet, ROW_GROUP_SIZE 131072)"""
_BY_HAND = ", ".join(
    f"SUM(CASE WHEN y_true = {truth} AND y_pred = {said} THEN 1 ELSE 0 END) AS n{truth}{said}"
    for truth in (0, 1)
    for said in (0, 1)
)


def make(rows: int, seed: int, file: Path) -> None:
    """Write seeded rows, with DuckDB."""
    import duckdb

    unfinished = file.with_suffix(".unfinished")
    duckdb.sql(_MAKE.format(rows=rows, first=seed * 10**9, file=unfinished, people=PEOPLE))
    unfinished.rename(file)


def made(rows: int) -> Path:
    """Rows that are kept beside this file."""
    file = HERE / "data" / f"scale_{rows}.parquet"
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        again("--make", rows, 0, file)
    return file


def again(*words: object) -> str:
    """Run this file in a fresh process, with one thread of linear algebra."""
    command = [sys.executable, __file__, *map(str, words)]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env=environment
    ).stdout


def peak() -> float:
    """MiB at the peak of this process."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


# -- who counts ------------------------------------------------------------------------------------


def cubes_of(table: Any, unit: str | None = None) -> list[Any]:
    """Cubes of the five rates: those of equal counts are one."""
    from evenhand.cubes import build_cubes
    from evenhand.groups import Attribute
    from evenhand.metrics import parse_metric

    plans = [parse_metric(metric, table.columns).plan(table) for metric in METRICS]
    counted = [(plan.measure, plan.form) for plan in plans]
    different = [pair for i, pair in enumerate(counted) if pair not in counted[:i]]
    return build_cubes(table, different, [Attribute(name=name) for name in BY], unit=unit)


def counts_of(cubes: Sequence[Any]) -> Counts:
    """Rows of each group by truth and answer."""
    cube = next(cube for cube in cubes if len(cube.parts) == 4)
    names = ("true_negatives", "false_positives", "false_negatives", "true_positives")
    places = [cube.parts.index(name) for name in names]
    return {
        ",".join(key): [int(sums[place]) for place in places]
        for key, sums in zip(cube.keys, cube.sums, strict=True)
    }


def rates_of(counts: Counts) -> dict[str, list[float]]:
    """The five rates of each group."""
    return {
        name: [
            (tn + tp) / (tn + fp + fn + tp), (fp + tp) / (tn + fp + fn + tp),
            tp / (fn + tp), fp / (tn + fp), tp / (fp + tp),
        ]
        for name, (tn, fp, fn, tp) in counts.items()
    }  # fmt: skip


def bare(file: Path) -> Counts:
    """The counts by DuckDB alone."""
    import duckdb

    with duckdb.connect() as connection:
        query = f"SELECT race, sex, y_true, y_pred, COUNT(*) FROM '{file}' GROUP BY ALL"
        found = connection.execute(query).fetchall()
    counts: Counts = {}
    for race, sex, truth, said, number in found:
        counts.setdefault(f"{race},{sex}", [0] * 4)[2 * truth + said] = number
    return counts


def audited(file: Path) -> dict[str, list[float]]:
    """A whole audit: intervals, comparisons, verdicts, the file's fingerprint."""
    from evenhand import audit_metrics

    rates: dict[str, list[float]] = {}
    for audit in audit_metrics(file, METRICS, by=",".join(BY), worse="lower"):
        for group in audit.groups:
            assert group.estimate.low is not None
            if len(group.by) == len(BY):
                name = ",".join(str(group.group[one]) for one in BY)
                rates.setdefault(name, []).append(float(group.estimate.value or 0.0))
    return rates


def agree(ours: dict[str, list[float]], counts: Counts) -> None:
    """Whether an audit's rates are those of the bare counts."""
    theirs = rates_of(counts)
    assert ours.keys() == theirs.keys()
    for name, rates in ours.items():
        np.testing.assert_allclose(rates, theirs[name], rtol=1e-12)


# -- one machine -----------------------------------------------------------------------------------


def measure(name: str, file: Path) -> Result:
    """CPU, peak and answer of one contestant in this process, which was unclocked on few rows first."""
    run: Callable[[Path], Any] = {"evenhand": audited, "DuckDB GROUP BY": bare}[name]
    run(made(MACHINE[0] // 10))
    before = time.process_time()
    answer = run(file)
    cpu = time.process_time() - before
    before = time.process_time()
    with file.open("rb") as opened:
        hashlib.file_digest(opened, "sha256")
    hashing = time.process_time() - before
    return {"cpu": cpu, "memory": peak(), "fingerprint": hashing, "answer": answer}


def on_one_machine(sizes: Sequence[int]) -> Result:
    """Whole audits beside bare counts, medians."""
    made(MACHINE[0] // 10)
    out: Result = {}
    for rows in sizes:
        found = {}
        for name in ("evenhand", "DuckDB GROUP BY"):
            runs = [json.loads(again("--measure", name, made(rows))) for _ in range(REPEATS)]
            keys = ("cpu", "memory", "fingerprint")
            found[name] = {k: median(run[k] for run in runs) for k in keys}
            found[name]["answer"] = runs[0]["answer"]
        agree(found["evenhand"].pop("answer"), found["DuckDB GROUP BY"].pop("answer"))
        out[str(rows)] = rounded(found)
        ratio = found["evenhand"]["cpu"] / found["DuckDB GROUP BY"]["cpu"]
        print(
            f"{rows:,} rows on one machine: {told(out[str(rows)])}; {ratio:.2f} times", flush=True
        )
    return out


# -- parts -----------------------------------------------------------------------------------------


def count_parts(parts: int, rows: int) -> Result:
    """Count parts to cubes' files one after the other, and add these, in this process."""
    from evenhand import count_cube, merge_cubes, write_cube

    each: list[Result] = []
    total: Counts = {}
    with tempfile.TemporaryDirectory(dir=HERE / "data") as place:
        folder = Path(place)
        # Unclocked, on few rows, so that imports do not count.
        write_cube(count_cube(made(MACHINE[0] // 10), METRICS, ",".join(BY)), folder / "first.cube")
        for part in range(parts):
            file = folder / f"part{part}.parquet"
            again("--make", rows, part, file)
            alone = json.loads(again("--measure", "DuckDB GROUP BY", file))
            before = time.process_time()
            counted = count_cube(file, METRICS, ",".join(BY))
            write_cube(counted, folder / f"part{part}.cube")
            each.append(
                {
                    "cpu": time.process_time() - before,
                    "memory": peak(),
                    "bare": alone["cpu"],
                }
            )
            assert counts_of([metric.cube for metric in counted.metrics]) == alone["answer"]
            for name, counts in alone["answer"].items():
                before_it = total.get(name, [0] * 4)
                total[name] = [one + other for one, other in zip(before_it, counts, strict=True)]
            file.unlink()
        before = time.process_time()
        merged = merge_cubes([folder / f"part{part}.cube" for part in range(parts)])
        adding = time.process_time() - before
    assert counts_of([metric.cube for metric in merged.metrics]) == total
    assert len(merged.sources) == parts
    return {"rows": rows, "parts": each, "adding": adding, "memory": peak()}


def in_parts(parts: int, rows: int) -> Result:
    """Parts counted and added, in a fresh process."""
    made(MACHINE[0] // 10)
    found: Result = json.loads(again("--count", parts, rows))
    cpu = [part["cpu"] for part in found["parts"]]
    print(
        f"{parts * rows:,} rows in {parts} parts: {sum(cpu):.1f} CPU s, a part {min(cpu):.3f} to {max(cpu):.3f}; "
        f"bare {sum(part['bare'] for part in found['parts']):.1f}; added in {found['adding']:.2f}; "
        f"{found['memory']:.0f} MiB",
        flush=True,
    )
    return rounded(found)


# -- a cluster -------------------------------------------------------------------------------------


@contextlib.contextmanager
def sail() -> Iterator[tuple[str, Callable[[], float]]]:
    """URL of Sail in a process of its own, and its CPU seconds so far."""
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, __file__, "--serve", str(port)], env=os.environ | {"RUST_LOG": "error"}
    )
    stat = Path(f"/proc/{server.pid}/stat")

    def cpu() -> float:
        fields = stat.read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    try:
        for _ in range(100):
            time.sleep(0.1)
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
        yield f"sc://127.0.0.1:{port}", cpu
    finally:
        server.kill()
        server.wait()


def on_a_cluster(rows: int) -> Result:
    """Our counts beside the same by hand on Sail, with and without units; the least of the runs."""
    from evenhand.records import open_records

    out: Result = {"rows": rows, "bytes": made(rows).stat().st_size, "sail": version("pysail")}
    with sail() as (url, cpu):
        records = open_records(f"{url}?parquet={made(rows)}")

        def cost(work: Callable[[], Any]) -> tuple[float, float]:
            server, own = cpu(), time.process_time()
            work()
            return cpu() - server, time.process_time() - own

        for what, unit, keys in (("groups", None, BY), ("units", "person", (*BY, "person"))):
            listed = ", ".join(keys)
            query = f"SELECT {listed}, {_BY_HAND} FROM {records.source} GROUP BY {listed}"
            runs = [
                (
                    cost(lambda unit=unit: cubes_of(records, unit)),
                    cost(lambda query=query: records.engine.query(query)),
                )
                for _ in range(REPEATS)
            ]
            out[what] = {
                "evenhand": {"cpu": min(r[0][0] for r in runs), "client": min(r[0][1] for r in runs)},
                "by hand": {"cpu": min(r[1][0] for r in runs), "client": min(r[1][1] for r in runs)},
            }  # fmt: skip
            ours, hand = (out[what][name]["cpu"] for name in ("evenhand", "by hand"))
            print(f"{rows:,} rows on Sail, {what}: {ours:.2f} CPU s of the server, by hand {hand:.2f}, "
                  f"{ours / hand:.2f} times; here {out[what]['evenhand']['client']:.2f} CPU s", flush=True)  # fmt: skip
        assert counts_of(cubes_of(records)) == bare(made(rows))
        records.close()
    return rounded(out)


def serve(port: int) -> None:
    """Be Sail until killed."""
    from pysail.spark import SparkConnectServer

    SparkConnectServer(ip="127.0.0.1", port=port).start(background=False)


# -- results ---------------------------------------------------------------------------------------


def rounded(found: Any) -> Any:
    """Numbers of five digits at most."""
    if isinstance(found, dict):
        return {name: rounded(value) for name, value in found.items()}
    if isinstance(found, list):
        return [rounded(value) for value in found]
    return float(f"{found:.5g}") if isinstance(found, float) else found


def told(found: Result) -> str:
    return ", ".join(f"{k} {v['cpu']:.3f} CPU s {v['memory']:.0f} MiB" for k, v in found.items())


# -- page and picture ------------------------------------------------------------------------------

INK, PALE, GREY = "#1c1b1a", "#d8d4ce", "#5c5955"
OURS, BARE = "#1f6b3a", "#5c5955"
WIDTH, HEIGHT, LEFT, TOP, GAP = 230, 150, 52, 58, 62
#: A node that the arithmetic speaks of, and how much of the time its cores count.
CORES, BUSY = 8, 0.8
NODES = (1, 10, 100)
TABLES = (10**9, 10**10, 10**11)


def short(x: float) -> str:
    """10,000,000 as 10 M."""
    for size, name in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if x >= size:
            return f"{x / size:g}{name}"
    return f"{x:g}"


def lasting(seconds: float) -> str:
    """Seconds in a unit that reads well."""
    for size, name in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {name}"
    return f"{seconds:.1f} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Points that are joined; of what was not measured, dashed, and named at its end."""

    points: Sequence[tuple[float, float]]
    colour: str
    dashed: bool = False
    name: str = ""


def panel(
    title: str, lines: Sequence[Line], column: int, ticks: tuple[Sequence[float], Sequence[float]]
) -> str:
    """One chart.  Its axes run from the first tick to the last, logarithmic where no tick is 0."""
    left = LEFT + column * (WIDTH + GAP)
    across_ticks, down_ticks = ticks

    def share(value: float, of: Sequence[float]) -> float:
        if of[0] > 0:
            return float(np.log(value / of[0]) / np.log(of[-1] / of[0]))
        return value / of[-1]

    def across(x: float) -> float:
        return left + WIDTH * share(x, across_ticks)

    def down(y: float) -> float:
        return TOP + HEIGHT * (1 - share(y, down_ticks))

    parts = [f'<text x="{left}" y="{TOP - 12}" font-weight="600" fill="{INK}">{title}</text>']
    parts += [
        f'<path d="M{left} {down(y):.0f}h{WIDTH}" stroke="{PALE}"/>'
        f'<text x="{left - 5}" y="{down(y) + 4:.0f}" text-anchor="end" fill="{GREY}">{short(y)}</text>'
        for y in down_ticks
    ]
    parts += [
        f'<text x="{across(x):.0f}" y="{TOP + HEIGHT + 16}" text-anchor="middle" fill="{GREY}">'
        f"{short(x)}</text>"
        for x in across_ticks
    ]
    for line in lines:
        path = " ".join(f"{across(x):.1f},{down(y):.1f}" for x, y in line.points)
        dashes = ' stroke-dasharray="4 3"' if line.dashed else ""
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{line.colour}" stroke-width="2"{dashes}/>'
        )
        x, y = line.points[-1]
        if line.name:
            parts.append(
                f'<text x="{across(x) + 5:.0f}" y="{down(y) + 4:.0f}" fill="{GREY}">{line.name}</text>'
            )
    return "".join(parts)


def rate(results: Result, what: str) -> float:
    """Rows that one core of the cluster counts in a second."""
    return float(results["cluster"]["rows"] / results["cluster"][what]["evenhand"]["cpu"])


def seconds(rows: float, nodes: int, rows_a_second: float) -> float:
    """What nodes take, if all of their cores count as fast as one was measured to."""
    return rows / (rows_a_second * CORES * BUSY * nodes)


def svg(results: Result) -> str:
    """Cost and memory of parts, as measured, and what nodes would take."""
    parts = results["in_parts"]
    rows = [parts["rows"] * (i + 1) for i in range(len(parts["parts"]))]

    def measured(name: str, colour: str) -> Line:
        found = [part[name] for part in parts["parts"]]
        return Line(points=list(zip(rows, found, strict=True)), colour=colour)

    most = rows[-1]
    columns = [0, most / 2, most]
    cost = max(part[name] for part in parts["parts"] for name in ("cpu", "bare"))
    top = next(t for t in (0.2, 0.5, 1, 2, 5, 10, 100) if t > cost)
    spread = [1e9, 1e10, 1e11]
    body = [
        panel(
            f"CPU s for {short(parts['rows'])} rows more",
            [measured("bare", BARE), measured("cpu", OURS)],
            0,
            (columns, [0, top / 2, top]),
        ),
        panel("MiB at the peak", [measured("memory", OURS)], 1, (columns, [0, 100, 200, 300, 400])),
        panel(
            f"Seconds on {', '.join(map(str, NODES))} nodes (not measured)",
            [
                Line(
                    points=[(x, seconds(x, nodes, rate(results, "groups"))) for x in spread],
                    colour=OURS,
                    dashed=True,
                    name=str(nodes),
                )
                for nodes in NODES
            ],
            2,
            (spread, [0.01, 0.1, 1, 10, 100, 1000]),
        ),
    ]
    for place, (name, colour) in enumerate((("Evenhand", OURS), ("DuckDB GROUP BY", BARE))):
        x = LEFT + place * 130
        body.append(
            f'<circle cx="{x}" cy="18" r="4" fill="{colour}"/>'
            f'<text x="{x + 10}" y="22" fill="{INK}">{name}</text>'
        )
    title = "Cost and memory of parts that are added, and what nodes would take, against rows"
    width, height = LEFT + 3 * (WIDTH + GAP), TOP + HEIGHT + 30
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'font-family="system-ui, sans-serif"\n font-size="11"><title>{title}</title>\n'
        f'<rect width="{width}" height="{height}" fill="#fffdfa"/>' + "\n".join(body) + "</svg>\n"
    )


def machine_table(results: Result) -> str:
    """Whole audits on one machine, in Markdown."""
    lines = [
        "| rows | Evenhand, CPU s | fingerprint alone | MiB | DuckDB GROUP BY, CPU s | MiB | ratio |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for rows, found in results["machine"].items():
        ours, bare = found["evenhand"], found["DuckDB GROUP BY"]
        lines.append(
            f"| {int(rows):,} | {ours['cpu']:.3f} | {ours['fingerprint']:.3f} | {ours['memory']:.0f} | "
            f"{bare['cpu']:.3f} | {bare['memory']:.0f} | {ours['cpu'] / bare['cpu']:.2f} |"
        )
    return "\n".join(lines)


def cluster_table(results: Result) -> str:
    """Our counts and those by hand on Sail, in Markdown."""
    lines = [
        "| what | Evenhand, CPU s of the server | by hand | ratio | rows a core counts in a second |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for what, name in (("groups", "18 groups"), ("units", f"18 groups × {PEOPLE:,} people")):
        ours, hand = (results["cluster"][what][who]["cpu"] for who in ("evenhand", "by hand"))
        lines.append(
            f"| {name} | {ours:.2f} | {hand:.2f} | {ours / hand:.2f} | {rate(results, what):,.0f} |"
        )
    return "\n".join(lines)


def nodes_table(results: Result) -> str:
    """What nodes take, in Markdown."""
    lines = [
        f"| rows | units | {' | '.join(f'{nodes} nodes' for nodes in NODES)} | core-hours |",
        "| ---: | ---: |" + " ---: |" * (len(NODES) + 1),
    ]
    lines[0] = lines[0].replace("1 nodes", "1 node", 1)
    for what, units in (("groups", "–"), ("units", f"{PEOPLE:,}")):
        for rows in TABLES:
            took = [lasting(seconds(rows, nodes, rate(results, what))) for nodes in NODES]
            hours = rows / rate(results, what) / 3600
            lines.append(f"| {rows:,} | {units} | {' | '.join(took)} | {hours:.2g} |")
    return "\n".join(lines)


def page(results: Result) -> str:
    """docs/how-far.md: every figure is one of the results, or follows from them, or is a limit of the code."""
    from evenhand.cubes.extent import MOST_CELLS, MOST_PAIRS, PAIR_BYTES
    from evenhand.questions.crowding import MOST_GROUPS

    parts, cluster = results["in_parts"], results["cluster"]
    each = [part["cpu"] for part in parts["parts"]]
    third = max(len(each) // 3, 1)
    first, last = (median(some) for some in (each[:third], each[-third:]))
    flat = ": the cost of a row does not grow" if last < 1.1 * first else ""
    rows, groups = parts["rows"] * len(each), rate(results, "groups")
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    at_once, bytes_each = groups * CORES * BUSY, cluster["bytes"] / cluster["rows"]
    return f"""# How far: parts, clusters and nodes

<!-- Written by `python benchmarks/scale.py --write`. Do not edit: change the benchmark and run it again. -->

An audit keeps counts, not rows.  So rows cost time and no memory, and a table may be cut into parts that are
counted one by one, anywhere, and added.  What costs memory is cells and units.  Five rates (accuracy, selection, true
and false positives, precision) of 18 groups were counted here; [How fast](how-fast.md) has one rate against more
rows, groups and units.

![Cost and memory of parts, and what nodes would take](pictures/how-far.svg)

## On one machine

Whole audits of a Parquet file, with all intervals, comparisons and verdicts, beside a bare count.  The file's
fingerprint reads all of its bytes, those of columns that nobody asks for as well:

{machine_table(results)}

## In parts

{rows:,} rows in {len(each)} parts of {parts["rows"]:,}, counted by one process, each to a
[cube's file](how-to.md#count-once-audit-without-the-rows), and added (`evenhand cube count`, `evenhand cube merge`):
{sum(each):.1f} CPU seconds to count, {parts["adding"]:.2f} to add, {parts["memory"]:.0f} MiB at the peak.  A part of
the first third took {first:.3f} CPU seconds, one of the last third {last:.3f}{flat}.

## On a cluster

{cluster["rows"]:,} rows on Sail {cluster["sail"]}, a server of Spark Connect, beside the same counts written by hand:

{cluster_table(results)}

## What 1, 10 and 100 nodes take

*Nobody measured this*: it is arithmetic from the table above.  A core counts {groups:,.0f} rows in a second.  Take a
node of {CORES} cores that count {BUSY:.0%} of the time: {groups:,.0f} × {CORES} × {BUSY} =
{at_once / 1e6:,.0f} million rows a second, and ten nodes ten times as many.  A core-hour is a core for an hour,
however many there are: times its price it is what you pay.

{nodes_table(results)}

It holds while the rows come as fast as they are counted: one of this table has {bytes_each:.0f} bytes, which makes
{at_once * bytes_each / 1e9:.1f} GB a second and node.  And it holds while rows are far more than cells, since
cells travel between nodes.  To plan, to start and to wait is not in it: on a cluster some seconds a question.

## The ceiling: cells × units

A cell is one combination of all attributes; with units there is a count of each unit in each cell it is in.  These
are read into the memory of one machine.  So at most {MOST_CELLS:,} cells are counted, at most {MOST_PAIRS:,} units
in cells (of one metric about {PAIR_BYTES} bytes each: {MOST_PAIRS * PAIR_BYTES / 1e9:.0f} GB), and at most
{MOST_GROUPS:,} groups compared.  More is refused before it is counted, with the number of values of each attribute.
What to do then:

* **A column that names each row** is no attribute: leave it out.
* **A number** has few values once it is cut: `--bins age=4`.
* **Many attributes at once**: ask for some of them at a time, or let
  [`evenhand slices`](tutorial.md#8-find-slices-nobody-named) look for those that matter.
* **Very many units**: name a coarser one (the clinic, not the visit), or keep every tenth with all of its rows:
  intervals become about three times as wide, and stay true.

Measured on {results["processors"]} processors that others used, too, with Python {results["python"]}, {versions}.
`python benchmarks/scale.py --write` measures again.
"""


def write(results: Result) -> None:
    """Page and picture from results."""
    PAGE.write_text(page(results), encoding="utf-8")
    PICTURE.write_text(svg(results), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="measure all and write the page")
    parser.add_argument("--page", action="store_true", help="write the page from scale.json")
    parser.add_argument("--parts", type=int, help="how many parts")
    parser.add_argument("--only", default="cluster,machine,parts", help="what is measured")
    for hidden, count in (("--make", 3), ("--measure", 2), ("--count", 2), ("--serve", 1)):
        parser.add_argument(hidden, nargs=count, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        make(int(options.make[0]), int(options.make[1]), Path(options.make[2]))
    elif options.measure:
        print(json.dumps(measure(options.measure[0], Path(options.measure[1]))))
    elif options.count:
        print(json.dumps(count_parts(*map(int, options.count))))
    elif options.serve:
        serve(int(options.serve[0]))
    elif options.page:
        write(json.loads(RESULTS.read_text(encoding="utf-8")))
    else:
        measure_all(options)


def measure_all(options: argparse.Namespace) -> None:
    """Measure what is asked for."""
    only = options.only.split(",")
    results: Result = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    results |= {"processors": os.cpu_count(), "python": platform.python_version()}
    results["versions"] = {name: version(name) for name in ("evenhand", "duckdb", "numpy")}
    if "cluster" in only:
        results["cluster"] = on_a_cluster(PART)
    if "machine" in only:
        results["machine"] = on_one_machine(MACHINE if options.write else MACHINE[:2])
    if "parts" in only:
        results["in_parts"] = in_parts(options.parts or (PARTS if options.write else 3), PART)
    if options.write:
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        write(results)


if __name__ == "__main__":
    main()

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
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
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
    return {"cpu": time.process_time() - before, "memory": peak(), "answer": answer}


def on_one_machine(sizes: Sequence[int]) -> Result:
    """Whole audits beside bare counts, medians."""
    made(MACHINE[0] // 10)
    out: Result = {}
    for rows in sizes:
        found = {}
        for name in ("evenhand", "DuckDB GROUP BY"):
            runs = [json.loads(again("--measure", name, made(rows))) for _ in range(REPEATS)]
            found[name] = {k: median(run[k] for run in runs) for k in ("cpu", "memory")}
            found[name]["answer"] = runs[0]["answer"]
        agree(found["evenhand"].pop("answer"), found["DuckDB GROUP BY"].pop("answer"))
        out[str(rows)] = rounded(found)
        ratio = found["evenhand"]["cpu"] / found["DuckDB GROUP BY"]["cpu"]
        print(f"{rows:,} rows on one machine: {told(out[str(rows)])}; {ratio:.2f} times", flush=True)
    return out


# -- parts -----------------------------------------------------------------------------------------


def count_parts(parts: int, rows: int) -> Result:
    """Count parts to cubes' files one after the other, and add these, in this process."""
    from evenhand.cubes import merge_shards
    from evenhand.records import open_records
    from evenhand.results.origin import Source

    each: list[Result] = []
    total: Counts = {}
    with tempfile.TemporaryDirectory(dir=HERE / "data") as place:
        folder = Path(place)
        for part in range(parts):
            file = folder / f"part{part}.parquet"
            again("--make", rows, part, file)
            alone = json.loads(again("--measure", "DuckDB GROUP BY", file))
            before = time.process_time()
            records = open_records(file)
            cubes = cubes_of(records)
            source = Source(name=file.name, rows=rows, sha256=records.sha256())
            for number, cube in enumerate(cubes):
                cube.write(folder / f"{number}-{part}.cube", [source])
            records.close()
            each.append(
                {
                    "cpu": time.process_time() - before,
                    "memory": peak(),
                    "bare": alone["cpu"],
                }
            )
            assert counts_of(cubes) == alone["answer"]
            for name, counts in alone["answer"].items():
                before_it = total.get(name, [0] * 4)
                total[name] = [one + other for one, other in zip(before_it, counts, strict=True)]
            file.unlink()
        before = time.process_time()
        merged = [
            merge_shards([folder / f"{number}-{part}.cube" for part in range(parts)])
            for number in range(len(cubes))
        ]
        adding = time.process_time() - before
    assert counts_of([shards.cube for shards in merged]) == total
    assert len(merged[0].sources) == parts
    return {"rows": rows, "parts": each, "adding": adding, "memory": peak()}


def in_parts(parts: int, rows: int) -> Result:
    """Parts counted and added, in a fresh process."""
    (HERE / "data").mkdir(exist_ok=True)
    found: Result = json.loads(again("--count", parts, rows))
    cpu = [part["cpu"] for part in found["parts"]]
    print(
        f"{parts * rows:,} rows in {parts} parts: {sum(cpu):.1f} CPU s, a part {min(cpu):.3f} to {max(cpu):.3f}; bare "
        f"{sum(part['bare'] for part in found['parts']):.1f}; added in {found['adding']:.2f}; {found['memory']:.0f} MiB",
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

    out: Result = {"rows": rows, "sail": version("pysail")}
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

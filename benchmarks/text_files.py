"""Full-sample typing and a group-by over a large CSV, beside DuckDB's own full-sample read.

    python benchmarks/text_files.py [ROWS]

Each side runs in a process of its own; CPU seconds and peak memory are printed, and the ratio.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

MEASURE = """
import json, resource, sys
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
{imports}
start = cpu()
{work}
print(json.dumps({{"cpu": cpu() - start, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                  "answer": answer}}))
"""
OURS = (
    "from evenhand.records import open_records",
    """
table = open_records(sys.argv[1])
answer = table.engine.query(
    f"SELECT g, COUNT(*) AS n, AVG(p) AS p, SUM(y)::BIGINT AS y FROM {table.source} GROUP BY g ORDER BY g"
).to_pylist()
""",
)
THEIRS = (
    "import duckdb",
    """
answer = duckdb.sql(
    f"SELECT g, COUNT(*) AS n, AVG(p) AS p, SUM(y)::BIGINT AS y FROM read_csv('{sys.argv[1]}', sample_size = -1)"
    " GROUP BY g ORDER BY g"
).to_arrow_table().to_pylist()
""",
)
MAKE = """
import duckdb, sys
duckdb.sql(f'''COPY (SELECT i AS id, (hash(i) % 18)::INT AS g,
 CASE WHEN hash(i + 1) % 5 = 0 THEN 'f' ELSE 'm' END AS sex,
 (hash(i * 3) % 2)::INT AS y, round((hash(i * 7) % 1000000) / 1e6, 6) AS p, DATE '2020-01-01' + (i % 1000)::INT AS d
 FROM range({sys.argv[2]}) t(i)) TO '{sys.argv[1]}' (HEADER)''')
"""


def run(code, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.splitlines()


def main():
    rows = sys.argv[1] if len(sys.argv) > 1 else "2000000"
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "large.csv")
        run(MAKE, path, str(int(float(rows))))
        found = {
            name: json.loads(run(MEASURE.format(imports=imports, work=work), path)[-1])
            for name, (imports, work) in {"evenhand": OURS, "duckdb": THEIRS}.items()
        }
    for name, side in found.items():
        print(f"{name:9} {side['cpu']:6.2f} CPU s  {side['mb']:5.0f} MB")
    same = [
        (mine["g"], mine["n"], mine["y"], round(mine["p"], 9))
        == (other["g"], other["n"], other["y"], round(other["p"], 9))
        for mine, other in zip(found["evenhand"]["answer"], found["duckdb"]["answer"], strict=True)
    ]
    print(
        f"ratio {found['evenhand']['cpu'] / found['duckdb']['cpu']:.2f}, the same answer: {all(same)}"
    )


main()

"""The search for slices beside its rivals, and its cost against rows and columns.

    python benchmarks/slices.py compare ROWS COLUMNS [RIVAL …]   rivals: sliceline pysubgroup divexplorer
    python benchmarks/slices.py scale [PICTURE]                  rows and columns, one after the other

Data are seeded tables of correlated categorical columns (2 to 50 values) with a 0/1 loss and planted
bad slices of one, two and three conditions.  Depth 3, support 1 %, the ten best by SliceLine's score
with alpha .95 (pysubgroup orders by weighted relative accuracy, divexplorer by the difference: the
same space, another order).  Every contestant runs in a process of its own; the clock runs over the
search alone, from codes in memory to the list, after a warm-up on a small table; memory is the
peak of the process.  Evenhand's time is packing bitmaps and searching, without confirmation.

A rival needs its own environment: name its interpreter in EVENHAND_RIVAL_PYTHON.
"""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

CARDS = [2, 5, 9, 16, 7, 12, 6, 3, 2, 10, 8, 42, 4, 24, 3, 10, 5, 50, 2, 14]
DEPTH, SUPPORT, TOP, ALPHA = 3, 0.01, 10, 0.95
RIVALS = ("sliceline", "pysubgroup", "divexplorer")
OURS = ("evenhand", "evenhand-numpy")


def make(rows, columns, seed=0):
    """Codes (columns, rows) and a 0/1 loss; latent classes correlate the columns."""
    rng = np.random.default_rng([seed, rows, columns])
    latent = rng.integers(0, 12, rows)
    codes = np.empty((columns, rows), np.uint8)
    for j in range(columns):
        count = CARDS[j % len(CARDS)]
        plain = 1 / np.arange(1, count + 1) ** rng.uniform(0.3, 1.1)
        share = rng.uniform(0, 0.6)
        own = share * rng.dirichlet(np.full(count, 0.7), 12) + (1 - share) * plain / plain.sum()
        edges = np.cumsum(own, axis=1)[:, :-1]
        codes[j] = (rng.random(rows)[:, None] > edges[latent]).sum(axis=1)
    p = np.full(rows, 0.1) + 0.02 * (latent % 3 == 0)
    used = set()
    for depth, effect in ((1, 0.06), (2, 0.15), (3, 0.30)):
        while True:
            chosen = sorted(rng.choice(columns, depth, replace=False).tolist())
            row = int(rng.integers(rows))
            mask = np.logical_and.reduce([codes[j] == codes[j, row] for j in chosen])
            if 0.012 <= mask.mean() <= 0.15 and used.isdisjoint(chosen):
                break
        used.update(chosen)
        p[mask] += effect
    return codes, (rng.random(rows) < p).astype(np.uint8)


def evenhand(codes, loss, kernel):
    from evenhand.cubes import Cells
    from evenhand.groups import Attribute
    from evenhand.slicing.hunt import SearchOptions, prepare
    from evenhand.slicing.judging import Aim
    from evenhand.stats.forms import Ratio

    wrong = loss.astype(float)
    cells = Cells(
        attributes=tuple(Attribute(name=f"f{j}") for j in range(len(codes))),
        codes=tuple(codes),
        keys=tuple(tuple(range(int(column.max()) + 1)) for column in codes),
        parts=("right", "wrong"),
        n_rows=np.ones(len(loss), np.int64),
        sums=np.stack([1 - wrong, wrong], axis=1),
        indicators=True,
    )
    form = Ratio(numerator=(0, 1), denominator=(1, 1))
    question = Aim(form=form, higher_is_worse=True, proportion=True)
    settings = SearchOptions(
        depth=DEPTH, min_support=SUPPORT, top=TOP, score="sliceline", fold=False, kernel=kernel
    )
    hunt = prepare(cells, question, settings)
    found = hunt.search(TOP)
    return [(round(one.score, 6), [item.text for item in hunt.literals(one)]) for one in found.best]


def sliceline(codes, loss):
    from sliceline.slicefinder import Slicefinder

    rows = len(loss)
    finder = Slicefinder(
        alpha=ALPHA, k=TOP, max_l=DEPTH, min_sup=max(1, int(SUPPORT * rows)), verbose=False
    )
    finder.fit(np.ascontiguousarray(codes.T), loss.astype(float))
    return [
        (
            round(float(stats["slice_score"]), 6),
            [f"f{j} = {int(value)}" for j, value in enumerate(row) if value is not None],
        )
        for row, stats in zip(finder.top_slices_, finder.top_slices_statistics_, strict=True)
    ]


def pysubgroup(codes, loss):
    import pandas as pd
    import pysubgroup as ps

    frame = pd.DataFrame({f"f{j}": c.astype(str).astype(object) for j, c in enumerate(codes)})
    frame["wrong"] = loss.astype(bool)
    task = ps.SubgroupDiscoveryTask(
        frame,
        ps.BinaryTarget("wrong", True),
        ps.create_nominal_selectors(frame, ignore=["wrong"]),
        result_set_size=TOP,
        depth=DEPTH,
        qf=ps.WRAccQF(),
        constraints=[ps.MinSupportConstraint(int(SUPPORT * len(loss)))],
    )
    result = ps.DFS(ps.BitSetRepresentation).execute(task)
    return [(round(float(q), 6), [str(rule)]) for q, rule, *_ in result.to_descriptions()]


def divexplorer(codes, loss):
    import functools

    import divexplorer.divexplorer as inner
    import pandas as pd
    from divexplorer import DivergenceExplorer

    # A favour to the tool: its public class has no limit of depth.
    inner.fpgrowth_cm = functools.partial(inner.fpgrowth_cm, max_len=DEPTH)
    frame = pd.DataFrame({f"f{j}": c.astype(int) for j, c in enumerate(codes)})
    frame["wrong"] = loss.astype(int)
    found = DivergenceExplorer(frame).get_pattern_divergence(
        min_support=SUPPORT, boolean_outcomes=["wrong"]
    )
    found["size"] = [len(itemset) for itemset in found["itemset"]]
    found = found[found["size"] <= DEPTH].sort_values("wrong_div", ascending=False)
    return [(round(row.wrong_div, 6), sorted(row.itemset)) for row in found.head(TOP).itertuples()]


def worker(name, rows, columns):
    import warnings

    warnings.filterwarnings("ignore")
    runs = {
        "evenhand": lambda *data: evenhand(*data, "compiled"),
        "evenhand-numpy": lambda *data: evenhand(*data, "numpy"),
        "sliceline": sliceline,
        "pysubgroup": pysubgroup,
        "divexplorer": divexplorer,
    }
    runs[name](*make(2000, min(columns, 6)))
    codes, loss = make(rows, columns)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    wall, cpu = time.perf_counter(), time.process_time()
    found = runs[name](codes, loss)
    print(
        json.dumps(
            {
                "name": name,
                "seconds": round(time.perf_counter() - wall, 4),
                "cpu": round(time.process_time() - cpu, 4),
                "data MiB": round(before),
                "peak MiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10),
                "found": found,
            }
        )
    )


def run(name, rows, columns):
    python = sys.executable
    if name in RIVALS:
        python = os.environ.get("EVENHAND_RIVAL_PYTHON", sys.executable)
    done = subprocess.run(
        [python, __file__, "worker", name, str(rows), str(columns)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(f"{name}: did not finish: {done.stderr.strip().splitlines()[-1:]}")
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])


def compare(rows, columns, rivals):
    ours = None
    for name in (*OURS, *rivals):
        result = run(name, rows, columns)
        if result is None:
            continue
        ours = ours or result
        ratio = result["cpu"] / max(ours["cpu"], 1e-4)
        print(
            f"{name:<16} {result['cpu']:>9.3f} CPU s  {result['seconds']:>9.3f} s  "
            f"peak {result['peak MiB']:>6,} MiB (data {result['data MiB']:,})  {ratio:>8.1f} x evenhand"
        )
        if name in ("evenhand-numpy", "sliceline"):
            # SliceLine tells only slices that score above 0.
            mine = [score for score, _ in ours["found"]][: len(result["found"])]
            theirs = [score for score, _ in result["found"]]
            print(f"{'':<16} {'the same scores' if np.allclose(mine, theirs) else theirs}")


def scale(picture=None):
    tall = [(rows, 20) for rows in (50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000)]
    wide = [(500_000, columns) for columns in (10, 20, 30, 40)]
    seconds = {}
    for rows, columns in dict.fromkeys((*tall, *wide)):
        seconds[rows, columns] = min(run("evenhand", rows, columns)["cpu"] for _ in range(3))
        print(f"{rows:>9,} x {columns}: {seconds[rows, columns]:.3f} CPU s")
    if picture:
        panels = [
            panel(20, "rows, in 20 columns", [(r, seconds[r, c], f"{r:,}") for r, c in tall]),
            panel(380, "columns, of 500,000 rows", [(c, seconds[r, c], str(c)) for r, c in wide]),
        ]
        Path(picture).write_text(SVG.format(panels="".join(panels)))


SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 300" role="img" font-family="system-ui, sans-serif"
 font-size="12"><title>CPU seconds of an exact search of depth 3, support 1 %, against rows and columns</title>
<rect width="720" height="300" fill="#fffdfa"/>{panels}</svg>
"""


def panel(left, title, points):
    """One log-log curve: CPU seconds against a size."""
    sizes, times = np.log([p[0] for p in points]), np.log([p[1] for p in points])
    low, high = np.log(0.01), np.log(3)
    x = left + 50 + 250 * (sizes - sizes[0]) / (sizes[-1] - sizes[0])
    y = 240 - 190 * (times - low) / (high - low)
    out = [
        f'<text x="{left}" y="24" font-weight="600" fill="#1c1b1a">CPU seconds against {title}</text>'
    ]
    for tick in (0.01, 0.1, 1):
        at = 240 - 190 * (np.log(tick) - low) / (high - low)
        out.append(f'<path d="M{left + 40} {at:.0f}H{left + 310}" stroke="#d8d4ce"/>')
        out.append(
            f'<text x="{left + 34}" y="{at + 4:.0f}" text-anchor="end" fill="#5c5955">{tick:g}</text>'
        )
    line = " ".join(f"{a:.0f},{b:.0f}" for a, b in zip(x, y, strict=True))
    out.append(f'<polyline points="{line}" fill="none" stroke="#1f6b3a" stroke-width="2"/>')
    for a, b, (_, time_, name) in zip(x, y, points, strict=True):
        out.append(f'<circle cx="{a:.0f}" cy="{b:.0f}" r="3.5" fill="#1f6b3a"/>')
        out.append(
            f'<text x="{a:.0f}" y="{b - 9:.0f}" text-anchor="middle" fill="#1c1b1a">{time_:.2f}</text>'
        )
        short = name.replace(",000,000", " M").replace(",000", " k")
        out.append(f'<text x="{a:.0f}" y="262" text-anchor="middle" fill="#5c5955">{short}</text>')
    return "".join(out)


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        worker(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    elif sys.argv[1:2] == ["scale"]:
        scale(*sys.argv[2:3])
    else:
        arguments = sys.argv[2:] or ["32561", "14"]
        compare(int(arguments[0]), int(arguments[1]), arguments[2:])

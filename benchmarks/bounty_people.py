"""Adult and COMPAS: demographic hunters, then automatic ones until none is accepted, beside LightGBM.

    python benchmarks/bounty_people.py [FOLDER_OF_DATA]        (default ../shared/data)

First as in the notebook of Globus-Harris, Kearns & Roth (2022): a depth-1 tree to begin with, one
depth-10 tree for each demographic group, tested in random order, here on sealed rows.  Then another
bounty from the same beginning, where all automatic hunters go on until a round has nothing accepted
or the sealed blocks are spent.  Eleven groups: six of race, two of sex, three of age; Adult knows
five races.  LightGBM is tuned on the practice rows and sees the same training rows.  Errors
are on the sealed rows and on a test split that nothing has seen: where over-fitting would show.
"""

import csv
import itertools
import os
import sys
import tempfile
import warnings
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import pyarrow as pa

from evenhand.bounty import DirectRunner, Rules, create_bounty, task_of, verify
from evenhand.bounty.hunting.catalogue import choose
from evenhand.bounty.hunting.hunters import prepend
from evenhand.bounty.hunting.pack import to_onnx
from evenhand.bounty.hunting.rounds import hunt
from evenhand.bounty.submission.group import read_group
from evenhand.bounty.task.membership import Memberships, unpack
from evenhand.bounty.telling import words
from evenhand.bounty.telling.history import chapters

ADULT = ["age", "workclass", "weight", "education", "years", "marital", "occupation"]
ADULT += ["relationship", "race", "sex", "gain", "loss", "hours", "country", "income"]
NUMBERS = {
    "age",
    "years",
    "gain",
    "loss",
    "hours",
    "priors_count",
    "juv_fel_count",
    "juv_misd_count",
}
#: Sealed blocks of the second bounty, so rounds of the automatic hunters at most: about 2,000 rows each.
BLOCKS = {"adult": 6, "compas": 1}
AGES = ["age < 30", "age BETWEEN 30 AND 49", "age >= 50"]


def adult(data):
    rows = []
    for name in ("adult.data", "adult.test"):
        lines = (data / "adult" / name).read_text().splitlines()
        rows += [r for r in (line.rstrip(".").split(", ") for line in lines) if len(r) == 15]
    columns = dict(zip(ADULT, zip(*rows, strict=True), strict=True))
    del columns["weight"]
    return pa.table({n: typed(n, values) for n, values in columns.items()}), "income"


def compas(data):
    names = [
        "sex",
        "age",
        "race",
        "priors_count",
        "juv_fel_count",
        "juv_misd_count",
        "c_charge_degree",
    ]
    with (data / "compas" / "compas.csv").open() as file:
        rows = list(csv.DictReader(file))
    table = {name: typed(name, [row[name] for row in rows]) for name in names}
    return pa.table({**table, "again": [row["two_year_recid"] for row in rows]}), "again"


def typed(name, values):
    if name in NUMBERS:
        return [float(value) for value in values]
    return [None if value == "?" else value for value in values]


def demographic(table):
    races = sorted(set(table["race"].to_pylist()))
    return [*(f"race = '{race}'" for race in races), "sex = 'Male'", "sex = 'Female'", *AGES]


def tuned(train, train_labels, practice, practice_labels):
    import lightgbm

    best = None
    for leaves, rate, count in itertools.product((7, 15, 31), (0.03, 0.1), (100, 300)):
        model = lightgbm.LGBMClassifier(
            num_leaves=leaves, learning_rate=rate, n_estimators=count, verbose=-1, random_state=0
        ).fit(train, train_labels)
        error = (model.predict(practice) != practice_labels).mean()
        if best is None or error < best[0]:
            best = (error, model)
    return best[1]


def errors(predicted, labels, masks):
    wrong = np.asarray(predicted) != labels
    groups = [wrong[mask].mean() for mask in masks if mask.sum() >= 100]
    return f"{wrong.mean():.4f} (worst group {max(groups):.4f})"


def run(name, read, data, folder):
    from sklearn.tree import DecisionTreeClassifier

    table, label = read(data)
    rng = np.random.default_rng(12345)
    shuffled, n = table.take(rng.permutation(len(table))), len(table)
    cuts = [int(share * n) for share in (0.4, 0.5, 0.8)]
    parts = [shuffled.slice(a, b - a) for a, b in itertools.pairwise([0, *cuts, n])]
    task = task_of(table, label=label)
    matrices = [task.encode(part) for part in parts]
    labels = [task.encode_labels(part) for part in parts]
    stump = DecisionTreeClassifier(max_depth=1).fit(matrices[0], labels[0])
    base, _ = to_onnx(stump, task, matrices[1], allowed=1.0)
    groups = demographic(table)
    rng.shuffle(groups)
    print(f"== {name}: {n:,} rows, {len(groups)} demographic hunters")

    def begin(kind, rules):
        return create_bounty(
            Path(folder) / f"{name}-{kind}",
            train=parts[0],
            practice=parts[1],
            sealed=parts[2],
            label=label,
            base=base,
            rules=rules,
            runner=DirectRunner(),
        )

    bounty = begin("notebook", Rules(blocks=1, order="arrival"))
    done = hunt(bounty, {"demographic": prepend(groups, sort=False)}, passes=1)
    tell(bounty, done)
    print(f"largest rise of an introduced group on the evidence: {largest_rise(bounty):.1e}")
    report(bounty, task, groups, matrices, labels)
    bounty = begin("machines", Rules(blocks=BLOCKS[name]))
    crossed = [f"{a} AND {b}" for a, b in itertools.combinations(groups, 2)]
    hunters = choose(["all"], groups=[*groups, *crossed], seed=7)
    tell(bounty, hunt(bounty, hunters, rounds=BLOCKS[name]))
    report(bounty, task, groups, matrices, labels)


def tell(bounty, done):
    for one in done:
        print("\n".join(words.hunted(one, closed=True)))
    repairs = sum(node.model is None for node in bounty.state.listed.nodes)
    print(f"{repairs} repairs; {words.ledger(bounty.account())} Verified: {verify(bounty).proven}")


def largest_rise(bounty):
    """Most by which any group's loss rises from one version to the next, after its introduction."""
    state = bounty.state
    starts = [i + 1 for i, n in enumerate(state.listed.nodes) if n.model is not None]
    rises = [0.0]
    for chapter in chapters(bounty, state):
        for start, line in zip(starts, chapter.groups, strict=True):
            kept = [
                v for version, v in zip(chapter.versions, line, strict=True) if version >= start
            ]
            rises += np.diff([v for v in kept if v is not None]).tolist()
    return max(rises)


def report(bounty, task, groups, matrices, labels):
    runner, listed = bounty.runner, bounty.state.listed
    rival = tuned(matrices[0], labels[0], matrices[1], labels[1])
    for split, place in (("sealed", 2), ("test", 3)):
        matrix, truth = matrices[place], labels[place]
        bitmaps = Memberships(matrix)
        masks = [
            unpack(bitmaps.of(read_group({"predicate": text}, task).formula), len(matrix))
            for text in groups
        ]
        start = listed.prefix(0).predict(matrix, runner)
        print(f"{split:7} base {errors(start, truth, masks)}", end="   ")
        print(f"bounty {errors(listed.predict(matrix, runner), truth, masks)}", end="   ")
        print(f"LightGBM {errors(rival.predict(matrix), truth, masks)}", flush=True)


def main():
    warnings.simplefilter("ignore")
    data = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")
    with tempfile.TemporaryDirectory() as folder:
        for name, read in (("adult", adult), ("compas", compas)):
            run(name, read, data, folder)


if __name__ == "__main__":
    main()

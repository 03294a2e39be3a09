"""Repairs of Adult and COMPAS beside fairlearn's: errors of all and of the worst group on fresh rows, CPU, memory.

``python benchmarks/repairs.py [PARTINGS] [DATA]``: every contestant gets the same practice rows, the same columns and
logistic regressions, and is asked about the same rows that nobody saw.  Each runs in a process of its own; CPU seconds
are of learning alone for the rivals, and for Evenhand of everything: reading, learning, choosing and the proof; in
brackets those of learning alone.
"""

import json
import os
import resource
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import compute, csv

DATA = Path(os.environ.get("EVENHAND_DATA", Path(__file__).parents[2] / "shared" / "data"))
ADULT = (
    *("age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation"),
    *("relationship", "race", "sex", "capital_gain", "capital_loss", "hours_per_week"),
    *("native_country", "income"),
)
CASES = {
    "compas": (
        [
            "sex",
            "age",
            "race",
            "juv_fel_count",
            "juv_misd_count",
            "juv_other_count",
            "priors_count",
            "c_charge_degree",
        ],
        ("race", "sex"),
    ),
    "adult": ([name for name in ADULT if name not in ("fnlwgt", "income")], ("sex", "race")),
}
RIVALS = (
    "plain",
    "EG equalized odds",
    "EG error rate parity",
    "TO equalized odds",
    "TO demographic parity",
)
SHARE = 0.4
# Threads that wait for each other count as CPU seconds: one for everybody.
ENVIRONMENT = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def read(case, folder):
    if case == "compas":
        table = csv.read_csv(folder / "compas" / "compas.csv")
        names = pa.array(["African-American", "Caucasian", "Hispanic"])
        table = table.filter(compute.is_in(table["race"], names))
        return table.append_column("y", table["two_year_recid"])
    parts = []
    for name, skipped in (("adult.data", 0), ("adult.test", 1)):
        options = csv.ReadOptions(column_names=list(ADULT), skip_rows=skipped)
        given = csv.read_csv(folder / "adult" / name, read_options=options)
        for place, field in enumerate(given.schema):
            if pa.types.is_string(field.type):
                told = compute.utf8_trim_whitespace(given[field.name])
                given = given.set_column(place, field.name, told)
        parts.append(given)
    table = pa.concat_tables(parts)
    rich = compute.starts_with(table["income"], ">50K").cast(pa.int64())
    return table.append_column("y", rich)


def sealed_rows(table, by, seed):
    from evenhand.cubes import coded
    from evenhand.repairs.parting import held_out

    # The groups are numbered as Evenhand numbers them: by value.
    codes, values = coded(table[by])
    order = np.argsort(np.argsort([str(one) for one in values.to_pylist()]))
    return held_out(np.arange(table.num_rows), order[codes], SHARE, np.random.default_rng(seed))


def told(decisions, table, by):
    wrong = decisions != table["y"].to_numpy()
    groups = np.array(table[by].to_pylist())
    return {
        "error": float(wrong.mean()),
        "worst": max(float(wrong[groups == one].mean()) for one in np.unique(groups)),
    }


def ours(table, features, by, seed):
    from evenhand.repairs import apply_repair, choice, fix

    # Libraries are loaded before the clock starts, as the rivals' are.
    few = table.slice(0, 300).select([*features, "y"])
    fix(few, "error_rate(label=y, prediction=prediction)", by, features=features)
    learning = []

    def timed(function):
        def asked(*given, **more):
            begin = time.process_time()
            told = function(*given, **more)
            learning.append(time.process_time() - begin)
            return told

        return asked

    choice.learn_scores = timed(choice.learn_scores)
    choice.cross_fitted = timed(choice.cross_fitted)
    start = time.process_time()
    found = fix(
        table.select([*features, "y"]),
        "error_rate(label=y, prediction=prediction)",
        by,
        features=features,
        held_out=SHARE,
        seed=seed,
    )
    spent = time.process_time() - start
    fresh = table.filter(pa.array(sealed_rows(table, by, seed)))
    decided = apply_repair(found, fresh.select(features))
    out = told(decided.table[decided.column].to_numpy(), fresh, by)
    # What was proven is of the very rows that the rivals are asked about.
    proven = found.change.overall[1].estimate.value
    assert abs(proven - out["error"]) < 1e-12, (proven, out)
    return out | {"cpu": spent, "what": found.repair.name, "learning": sum(learning)}


def rival(name, table, features, by, seed):
    warnings.filterwarnings("ignore")
    import pandas as pd
    from fairlearn.postprocessing import ThresholdOptimizer
    from fairlearn.reductions import EqualizedOdds, ErrorRateParity, ExponentiatedGradient
    from sklearn.linear_model import LogisticRegression

    sealed = sealed_rows(table, by, seed)
    frame = table.select(features).to_pandas()
    X = pd.get_dummies(frame).astype(float)
    numbers = list(frame.select_dtypes("number").columns)
    y, groups = table["y"].to_numpy(), frame[by]
    X[numbers] = (X[numbers] - X[~sealed][numbers].mean()) / X[~sealed][numbers].std()
    base = LogisticRegression(max_iter=1000)
    start = time.process_time()
    train, fresh = X[~sealed], X[sealed]
    if name == "plain":
        decisions = base.fit(train, y[~sealed]).predict(fresh)
    elif name.startswith("EG"):
        rule = EqualizedOdds() if "odds" in name else ErrorRateParity()
        model = ExponentiatedGradient(base, rule)
        model.fit(train, y[~sealed], sensitive_features=groups[~sealed])
        decisions = model.predict(fresh, random_state=seed)
    else:
        rule = "equalized_odds" if "odds" in name else "demographic_parity"
        model = ThresholdOptimizer(estimator=base, constraints=rule, predict_method="predict_proba")
        model.fit(train, y[~sealed], sensitive_features=groups[~sealed])
        decisions = model.predict(fresh, sensitive_features=groups[sealed], random_state=seed)
    spent = time.process_time() - start
    return told(np.asarray(decisions), table.filter(pa.array(sealed)), by) | {"cpu": spent}


def contestant(name, case, by, seed, folder):
    features, _ = CASES[case]
    table = read(case, folder)
    found = (
        ours(table, features, by, seed)
        if name == "evenhand fix"
        else rival(name, table, features, by, seed)
    )
    found["mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found))


def main():
    often = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else DATA
    for case, (_, attributes) in CASES.items():
        seeds = often * (5 if case == "compas" else 1)
        for by in attributes:
            print(f"\n{case} by {by}: mean of {seeds} partings", flush=True)
            print(f"{'':24} {'error':>8} {'worst group':>12} {'CPU s':>8} {'MB':>6}")
            spent = own = None
            for name in ("evenhand fix", *RIVALS):
                runs = []
                for seed in range(seeds):
                    asked = [
                        sys.executable,
                        __file__,
                        "--one",
                        name,
                        case,
                        by,
                        str(seed),
                        str(folder),
                    ]
                    done = subprocess.run(
                        asked, capture_output=True, text=True, check=True, env=ENVIRONMENT
                    )
                    runs.append(json.loads(done.stdout.splitlines()[-1]))
                mean = {
                    key: np.mean([run[key] for run in runs])
                    for key in ("error", "worst", "cpu", "mb")
                }
                spent = mean["cpu"] if spent is None else spent
                own = np.mean([run["learning"] for run in runs]) if "learning" in runs[0] else own
                ratio = (
                    ""
                    if name == "evenhand fix"
                    else f"  ours takes {spent / mean['cpu']:.2f} of it, {own / mean['cpu']:.2f} to learn"
                )
                print(
                    f"{name:24} {mean['error']:8.4f} {mean['worst']:12.4f} {mean['cpu']:8.2f} {mean['mb']:6.0f}{ratio}",
                    flush=True,
                )
                for what in sorted({run["what"] for run in runs if "what" in run}):
                    print(f"    {what}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        _, _, name, case, by, seed, folder = sys.argv
        contestant(name, case, by, int(seed), Path(folder))
    else:
        main()

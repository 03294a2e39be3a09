"""What rows are worth by several rules, in worlds whose learner is trained on what each rule collects.

Four groups that share a part of what is to be learnt, the last with a quarter of its labels wrong.  1,200 more rows
are collected: by `evenhand.improve` in four rounds, or at once alike, as the population is, or all from the group that
is worst.

    python benchmarks/improve.py [worlds]
"""

import resource
import sys

import numpy as np
import pyarrow as pa
from sklearn.linear_model import LogisticRegression

import evenhand

GROUPS, START, FEATURES, MORE = "abcd", np.array([840, 240, 84, 36]), 12, 1200
RULES = ("before", "improve, 4 rounds", "alike", "as the population", "all to the worst")


class World:
    """Groups with weights of their own, beside those that they share."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        shared = self.rng.normal(0, 1.2, FEATURES)
        self.weights = shared + self.rng.normal(0, 1.0, (4, FEATURES))
        self.noise = np.array([0.0, 0.02, 0.05, 0.25])

    def rows(self, sizes: np.ndarray) -> pa.Table:
        """So many new rows of each group."""
        group = np.repeat(np.arange(4), sizes.astype(int))
        x = self.rng.normal(0, 1, (len(group), FEATURES))
        y = (x * self.weights[group]).sum(axis=1) > 0
        y ^= self.rng.random(len(group)) < self.noise[group]
        columns = {f"x{i}": x[:, i] for i in range(FEATURES)}
        return pa.table({"group": [GROUPS[g] for g in group], "y": y.astype(int), **columns})


def features(table: pa.Table) -> np.ndarray:
    """Each feature for all groups together, and for each group by itself."""
    x = np.column_stack([table[f"x{i}"].to_numpy() for i in range(FEATURES)])
    group = np.array([GROUPS.index(one) for one in table["group"].to_pylist()])
    own = np.zeros((len(x), 4, FEATURES))
    own[np.arange(len(x)), group] = x
    return np.column_stack([x, own.reshape(len(x), -1)])


def train(rows: pa.Table, test: pa.Table) -> list[int]:
    """Logistic regression."""
    return (
        LogisticRegression(C=1.0, max_iter=500)
        .fit(features(rows), rows["y"].to_numpy())
        .predict(features(test))
        .tolist()
    )


def errors(rows: pa.Table, test: pa.Table) -> np.ndarray:
    """Error of each group on fresh rows."""
    wrong = np.array(train(rows, test)) != test["y"].to_numpy()
    group = np.array(test["group"].to_pylist())
    return np.array([wrong[group == one].mean() for one in GROUPS])


def collected(rule: str, world: World, rows: pa.Table, test: pa.Table) -> pa.Table:
    """The rows after a rule has spent the budget."""
    if rule == "before":
        return rows
    if rule == "improve, 4 rounds":
        for left in (4, 3, 2, 1):
            found = evenhand.improve(
                rows,
                train,
                "error_rate(label=y, prediction=prediction)",
                "group",
                test=test,
                budget=MORE,
                seed=left,
            )
            collect = {one.group["group"]: one.collect for one in found.groups}
            rows = pa.concat_tables([rows, world.rows(np.array([collect[one] for one in GROUPS]))])
        return rows
    shares = {
        "alike": np.full(4, 0.25),
        "as the population": START / START.sum(),
        "all to the worst": np.eye(4)[errors(rows, test).argmax()],
    }[rule]
    return pa.concat_tables([rows, world.rows(np.round(MORE * shares))])


def main() -> None:
    """Mean error of the groups, and the largest excess over what is noise."""
    worlds = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    mean, excess = np.zeros((worlds, len(RULES))), np.zeros((worlds, len(RULES)))
    for seed in range(worlds):
        for place, rule in enumerate(RULES):
            world = World(seed)
            rows, test = world.rows(START), world.rows(np.full(4, 400))
            fresh = world.rows(np.full(4, 20_000))
            found = errors(collected(rule, world, rows, test), fresh)
            mean[seed, place] = found.mean()
            excess[seed, place] = (found - world.noise).max()
    for place, rule in enumerate(RULES):
        print(
            f"{rule:20} mean {mean[:, place].mean():.4f}  largest excess {excess[:, place].mean():.4f}"
        )
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_utime:.0f} CPU s")


if __name__ == "__main__":
    main()

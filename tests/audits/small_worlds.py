"""Small random tables and questions with people to hide in them."""

import numpy as np
import pyarrow as pa


def world(seed):
    """A table, what is asked of it, and numerator and denominator of each row for each metric."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(25, 300))
    table = {
        name: skewed(rng, n, int(rng.integers(2, most)), name)
        for name, most in (("a", 7), ("b", 5), ("c", 4))
    }
    age = rng.integers(18, int(rng.integers(24, 90)), n)
    label, answer = labels(rng, table["a"])
    lacking = rng.random(n) < (rng.random() < 0.4) * rng.choice([0.01, 0.05, 0.2])
    table["b"] = [None if none else value for none, value in zip(lacking, table["b"], strict=True)]
    table |= {"age": age, "y": answer, "l": label}
    unit = None
    if rng.random() < 0.4:
        unit = "u"
        table["u"] = units(rng, table["a"])
    by, options = question(rng, table)
    metrics, sums = asked(rng, label, answer)
    options |= {"worse": "higher", "suppress_below": int(rng.integers(2, 11)), "unit": unit}
    return pa.table(table), metrics, by, options, sums


def skewed(rng, n, count, name):
    share = rng.dirichlet(np.full(count, rng.choice([0.3, 1.0, 5.0])))
    return [f"{name}{value}" for value in rng.choice(count, n, p=share)]


def labels(rng, group):
    """Labels and answers, in some groups all alike."""
    base = rng.choice([0.05, 0.3, 0.5, 0.9])
    of = {value: rng.choice([0.0, base, base, 1.0]) for value in sorted(set(group))}
    chance = np.array([of[value] for value in group])
    return rng.integers(0, 2, len(group)), (rng.random(len(group)) < chance).astype(int)


def units(rng, group):
    """Units within groups, or over them."""
    few = rng.integers(0, max(2, len(group) // int(rng.integers(1, 5))), len(group))
    within = rng.random() < 0.6
    return [f"{value if within else ''}{one}" for value, one in zip(group, few, strict=True)]


def question(rng, table):
    values = sorted(set(table["a"]))
    low, high = sorted(int(v) for v in rng.choice(np.unique(table["age"]), 2))
    few = ", ".join(f"'{v}'" for v in rng.choice(values, min(2, len(values)), replace=False))
    choices = [
        "a",
        "b",
        "c",
        "a,b",
        "b,c",
        "a,c",
        f"a IN ({few})",
        f"a != '{values[0]}'",
        f"b = 'b0' OR a = '{values[-1]}'",
        f"age >= {low}",
        f"age < {high}",
        f"age BETWEEN {low} AND {high}",
        "age",
    ]
    number = int(rng.integers(1, 4))
    by = [choices[i] for i in rng.choice(len(choices), number, replace=False)]
    options = {"versus": str(rng.choice(["rest", "rest", "overall", "best", f"a = '{values[0]}'"]))}
    if "age" in by:
        options["bins"] = {"age": [low, high] if low < high else [low]}
    return by, options


def asked(rng, label, answer):
    """Metrics, with each row's part of numerator and denominator."""
    ones = np.ones(len(label))
    both = {
        "mean(y)": (answer, ones),
        "selection_rate(y)": (answer, ones),
        "true_positive_rate(l, y)": (label * answer, label),
        "accuracy(l, y)": (label == answer, ones),
        "f1(l, y)": (2 * label * answer, label + answer),
    }
    names = list(both)
    chosen = [names[i] for i in rng.choice(len(names), int(rng.integers(1, 3)), replace=False)]
    return chosen, [tuple(np.asarray(v, float) for v in both[name]) for name in chosen]

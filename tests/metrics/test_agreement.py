"""Agreement of several raters against statsmodels, published values and the definition."""

import numpy as np
import pyarrow as pa
import pytest
from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa

import evenhand
from evenhand.cubes import build_cube, estimate
from evenhand.errors import InputError
from evenhand.metrics import parse_metric
from evenhand.records import open_records

FAST = {"by": "g", "adjust": "holm"}
RATERS = ("r1", "r2", "r3", "r4")
NONE = None
#: Krippendorff's example of four coders and twelve units, and the values that he gives.
PUBLISHED = {
    "r1": [1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE],
    "r2": [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3],
    "r3": [NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE],
    "r4": [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE],
}


def alpha(rows, level, values=None):
    """The definition: coincidences of all pairs of ratings of a row, one by one."""
    values = sorted({v for row in rows for v in row if v is not None}) if values is None else values
    place = {value: i for i, value in enumerate(values)}
    met = np.zeros((len(values), len(values)))
    for row in rows:
        ratings = [place[v] for v in row if v in place]
        for i, one in enumerate(ratings):
            for j, other in enumerate(ratings):
                if i != j:
                    met[one, other] += 1 / (len(ratings) - 1)
    n = met.sum(axis=0)
    apart = np.zeros_like(met)
    for c, k in np.ndindex(met.shape):
        low, high = min(c, k), max(c, k)
        if level == "interval":
            apart[c, k] = (values[c] - values[k]) ** 2
        elif c != k:
            between = n[low : high + 1].sum() - (n[low] + n[high]) / 2
            apart[c, k] = 1.0 if level == "nominal" else between**2
    return 1 - (n.sum() - 1) * (met * apart).sum() / (n[:, None] * n * apart).sum()


def world(seed, n=300, missing=0.2):
    rng = np.random.default_rng(seed)
    truth = rng.integers(1, 6, n)
    data = {"g": rng.choice(["a", "b"], n), "u": rng.integers(0, 40, n).astype(str)}
    for name in RATERS:
        said = np.clip(truth + rng.integers(-1, 2, n) * (rng.random(n) < 0.5), 1, 5)
        data[name] = [int(v) if rng.random() >= missing else None for v in said]
    return data


def expression(name, rest=""):
    return f"{name}(raters=({', '.join(RATERS)}){rest})"


def rows_of(data, here=None):
    rows = list(zip(*(data[name] for name in RATERS), strict=True))
    return rows if here is None else [row for row, kept in zip(rows, here, strict=True) if kept]


@pytest.mark.parametrize(
    ("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_alpha_of_the_published_example(level, published):
    table = pa.table({"g": ["a", "b"] * 6, **PUBLISHED})
    audit = evenhand.audit(table, expression("krippendorff_alpha", f", level='{level}'"), **FAST)
    assert audit.overall.value == pytest.approx(published, abs=5e-4)
    assert (audit.overall.n_rows, audit.missing[0].n_rows) == (11, 1)
    assert audit.missing[0].attribute == "two ratings of r1, r2, r3, r4"


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
@pytest.mark.parametrize("unit", [None, "u"])
def test_alpha_is_that_of_its_definition(level, unit):
    data = world(1)
    audit = evenhand.audit(
        pa.table(data), expression("krippendorff_alpha", f", level='{level}'"), unit=unit, **FAST
    )
    assert audit.overall.value == pytest.approx(alpha(rows_of(data), level))
    for group in audit.groups:
        rows = rows_of(data, data["g"] == group.label)
        assert group.estimate.value == pytest.approx(alpha(rows, level, values=[1, 2, 3, 4, 5]))


def test_ratings_may_be_texts_in_an_order():
    data = world(2)
    names = {1: "awful", 2: "bad", 3: "fair", 4: "good", 5: "fine", None: None}
    texts = {**data, **{name: [names[v] for v in data[name]] for name in RATERS}}
    order = ", labels=('awful', 'bad', 'fair', 'good', 'fine')"
    audit = evenhand.audit(
        pa.table(texts), expression("krippendorff_alpha", f", level='ordinal'{order}"), **FAST
    )
    assert audit.overall.value == pytest.approx(alpha(rows_of(data), "ordinal"))
    few = evenhand.audit(
        pa.table(texts), expression("krippendorff_alpha", ", labels=('bad', 'good')"), **FAST
    )
    assert few.overall.value == pytest.approx(alpha(rows_of(data), "nominal", values=[2, 4]))


def test_alpha_of_numbers_far_from_zero_keeps_its_digits():
    data = world(3)
    far = {**data, **{name: [v and v + 1e8 for v in data[name]] for name in RATERS}}
    audit = evenhand.audit(
        pa.table(far), expression("krippendorff_alpha", ", level='interval'"), **FAST
    )
    assert audit.overall.value == pytest.approx(alpha(rows_of(data), "interval"), abs=1e-9)


@pytest.mark.parametrize("unit", [None, "u"])
def test_fleiss_kappa_as_statsmodels_has_it(unit):
    data = world(4, missing=0.0)
    audit = evenhand.audit(pa.table(data), expression("fleiss_kappa"), unit=unit, **FAST)

    def expected(here):
        return fleiss_kappa(aggregate_raters(np.array(rows_of(data, here)))[0], method="fleiss")

    assert audit.overall.value == pytest.approx(expected(np.ones(300, bool)))
    for group in audit.groups:
        assert group.estimate.value == pytest.approx(expected(data["g"] == group.label))


def test_a_row_that_lacks_a_rating_has_no_fleiss_kappa():
    data = world(5)
    audit = evenhand.audit(pa.table(data), expression("fleiss_kappa"), **FAST)
    full = [row for row in rows_of(data) if None not in row]
    assert audit.overall.n_rows == len(full)
    assert audit.overall.value == pytest.approx(
        fleiss_kappa(aggregate_raters(np.array(full))[0], method="fleiss")
    )
    assert {one.attribute for one in audit.missing} == set(RATERS)


@pytest.mark.parametrize("name", ["fleiss_kappa", "krippendorff_alpha"])
def test_raters_who_always_say_the_same_leave_nothing_to_chance(name):
    table = pa.table({"g": ["a", "b"] * 20, **{rater: ["yes"] * 40 for rater in RATERS}})
    audit = evenhand.audit(table, expression(name), **FAST)
    assert (audit.overall.value, audit.overall.reason) == (None, "class_absent")


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("fleiss_kappa(raters=r1)", "raters is 1 column, but must be at least 2, in brackets"),
        ("fleiss_kappa(raters=(r1, r1))", "names 'r1' twice"),
        ("fleiss_kappa(raters=(r1, r9))", "Unknown column 'r9'"),
        ("fleiss_kappa(raters=(r1, g))", "'r1' holds integer and 'g' holds text"),
        ("krippendorff_alpha(raters=(g, u), level='interval')", "needs numbers"),
        ("krippendorff_alpha(raters=(g, u), level='ordinal')", "needs the order of the values"),
        ("fleiss_kappa()", "Write fleiss_kappa(raters=(COLUMN, COLUMN, …))"),
    ],
)
def test_what_cannot_be_is_said(metric, message):
    with pytest.raises(InputError) as raised:
        evenhand.audit(pa.table(world(6)), metric, **FAST)
    assert message in str(raised.value)


@pytest.mark.parametrize("unit", ["row", "u"])
@pytest.mark.parametrize(
    ("name", "rest"),
    [
        ("fleiss_kappa", ""),
        ("krippendorff_alpha", ""),
        ("krippendorff_alpha", ", level='ordinal'"),
        ("krippendorff_alpha", ", level='interval'"),
    ],
)
def test_standard_errors_are_those_of_the_jackknife(name, rest, unit):
    data = world(7, missing=0.1 if name[0] == "k" else 0.0)
    records = open_records(pa.table({**data, "row": [str(i) for i in range(300)]}))
    plan = parse_metric(expression(name, rest), records.columns).plan(records)
    cube = build_cube(records, plan.measure, (), unit=unit)
    left = plan.form.value((cube.sums.sum(axis=0) - cube.units.sums)[:, None, :])
    expected = np.sqrt((len(left) - 1) * np.mean((left - left.mean()) ** 2))
    found = estimate(cube, plan.form, np.ones((1, len(cube.keys)), bool))
    assert np.sqrt(found.variances[0]) == pytest.approx(expected, rel=0.03)

"""Laws that every metric must obey, so that its cubes add and its intervals hold."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evenhand.cubes import Cube, Estimates, build_cube, estimate
from evenhand.errors import EvenhandError
from evenhand.groups import parse_partitions
from evenhand.metrics.definition import Definition, Metric, MetricPlan
from evenhand.records import open_records
from evenhand.stats.forms import Form

Columns = Mapping[str, Sequence[Any]]
_RESAMPLES = 8


class LawError(EvenhandError):
    """A metric breaks a law; the message names the law and shows the numbers."""


def check_metric(definition: Definition, *, seed: int = 0) -> None:
    """Test a metric against the laws, on its own worked example.

    Parameters
    ----------
    definition : Definition
        The metric; its example must have at least two rows.
    seed : int
        Of the resampled tables.

    Raises
    ------
    LawError
        At the first law that it breaks: the example's value, the order of rows, splitting and
        merging, doubling, grouping, relabelling, the range, the gradient, nothing measured.

    Examples
    --------
    >>> from evenhand.metrics import find_definition
    >>> check_metric(find_definition("wer"))
    """
    bench = _Bench(definition, np.random.default_rng(seed))
    for law in LAWS:
        law(bench)


class _Bench:
    """The metric under test, and ways to compute it on tables made of its example's rows."""

    def __init__(self, definition: Definition, rng: np.random.Generator) -> None:
        self.definition, self.rng = definition, rng
        self.columns: Columns = definition.example.columns
        self.places = self._rows_of_each()
        self.rows = len(self.places)
        if self.rows < 2:
            raise LawError(f"{definition.name}: the example needs at least two rows.")

    def _rows_of_each(self) -> list[list[int]]:
        """Numbers of the rows that are one: each its own, or those that an argument joins."""
        every = range(len(next(iter(self.columns.values()))))
        if self.definition.joins is None:
            return [[row] for row in every]
        names = self.columns[self.definition.joins]
        return [[row for row in every if names[row] == name] for name in dict.fromkeys(names)]

    def metric(self) -> Metric:
        names = {argument.name for argument in self.definition.arguments}
        bound = {name: name for name in self.columns if name in names}
        return self.definition(**bound, **self.definition.example.options)

    @property
    def slack(self) -> float:
        """What a correction for small samples may change."""
        return 2 / self.rows if self.definition.corrected else 0.0

    def table(self, rows: npt.NDArray[np.int64], group: Sequence[str] | None = None) -> pa.Table:
        places = [self.places[row] for row in rows]
        data = {
            name: pa.array(
                [values[row] for place in places for row in place], pa.array(values).type
            )
            for name, values in self.columns.items()
        }
        if self.definition.joins is not None:
            fresh = [str(number) for number, place in enumerate(places) for _ in place]
            data[self.definition.joins] = pa.array(fresh)
        if group is not None:
            each = zip(group, places, strict=True)
            data["group_of_row"] = pa.array([name for name, place in each for _ in place])
        return pa.table(data)

    def plan_and_cube(self, table: pa.Table) -> tuple[MetricPlan, Cube]:
        records = open_records(table)
        grouped = "group_of_row" in table.column_names
        plan = self.metric().plan(records, ["group_of_row"] if grouped else [])
        attributes = parse_partitions("group_of_row", records.columns)[0] if grouped else ()
        return plan, build_cube(plan.records, plan.measure, attributes)

    def measure(self, rows: npt.NDArray[np.int64]) -> tuple[Form, Cube, Estimates]:
        plan, cube = self.plan_and_cube(self.table(rows))
        return plan.form, cube, _whole(cube, plan.form)

    def resamples(self) -> list[npt.NDArray[np.int64]]:
        return [self.rng.integers(0, self.rows, self.rows * 3) for _ in range(_RESAMPLES)]

    def fail(self, law: str, found: object, wanted: object) -> None:
        raise LawError(
            f"{self.definition.name} breaks the law “{law}”: {found}, but it must be {wanted}."
        )


def _whole(cube: Cube, form: Form) -> Estimates:
    return estimate(cube, form, np.ones((1, len(cube.keys)), bool))


def _close(a: float, b: float) -> bool:
    return bool(np.isclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True))


def example_has_its_value(bench: _Bench) -> None:
    """The worked example gives the value worked out by hand."""
    value = bench.measure(np.arange(bench.rows))[2].values[0]
    if not _close(value, bench.definition.example.value):
        bench.fail("the example has its value", value, bench.definition.example.value)


def order_does_not_matter(bench: _Bench) -> None:
    """Rows in another order give the same sums."""
    rows = np.arange(bench.rows)
    _, _, straight = bench.measure(rows)
    _, _, reversed_ = bench.measure(rows[::-1].copy())
    if not np.allclose(straight.sums, reversed_.sums, rtol=1e-12):
        bench.fail("order does not matter", reversed_.sums.tolist(), straight.sums.tolist())


def doubling_changes_nothing(bench: _Bench) -> None:
    """Every row twice gives twice the counts and the same value, but for a small-sample correction."""
    rows = np.arange(bench.rows)
    _, _, once = bench.measure(rows)
    _, _, twice = bench.measure(np.concatenate([rows, rows]))
    near = abs(once.values[0] - twice.values[0]) <= bench.slack
    if not near and not _close(once.values[0], twice.values[0]):
        bench.fail("doubling changes nothing", twice.values[0], once.values[0])


def parts_add_to_the_whole(bench: _Bench) -> None:
    """Cubes of two halves merge to the cube of the whole, moments included."""
    rows = np.tile(np.arange(bench.rows), 2)
    half = bench.rows
    # One plan for all three: what a metric takes from the whole sample (a median) stays fixed.
    plan, whole = bench.plan_and_cube(bench.table(rows))
    if whole.n_levels > 1:
        return
    parts = [
        build_cube(
            open_records(bench.table(part))
            if plan.records.source == "records"
            else bench.plan_and_cube(bench.table(part))[0].records,
            plan.measure,
            (),
        )
        for part in (rows[:half], rows[half:])
    ]
    merged = parts[0].merge(parts[1])
    same = np.allclose(merged.sums, whole.sums) and np.allclose(
        merged.comoments, whole.comoments, atol=1e-9
    )
    if not same:
        bench.fail("parts add to the whole", merged.sums.tolist(), whole.sums.tolist())


def grouping_does_not_matter(bench: _Bench) -> None:
    """Groups taken together give the value of the whole, under any names of the groups."""
    rows = np.tile(np.arange(bench.rows), 2)
    names = bench.rng.choice(["a", "b", "c"], len(rows))
    _, _, whole = bench.measure(rows)
    plan, cube = bench.plan_and_cube(bench.table(rows, names.tolist()))
    together = _whole(cube, plan.form)
    relabelled = bench.plan_and_cube(bench.table(rows, [f"group {name}" for name in names]))[1]
    if not _close(together.values[0], whole.values[0]):
        bench.fail("grouping does not matter", together.values[0], whole.values[0])
    if not np.allclose(np.sort(cube.sums, axis=0), np.sort(relabelled.sums, axis=0)):
        bench.fail("relabelling does not matter", relabelled.sums.tolist(), cube.sums.tolist())


def values_stay_in_range(bench: _Bench) -> None:
    """Any mixture of the example's rows has a value within the stated range, or none."""
    low, high = bench.definition.low, bench.definition.high
    for rows in bench.resamples():
        value = bench.measure(rows)[2].values[0]
        outside = (low is not None and value < low - 1e-9) or (
            high is not None and value > high + 1e-9
        )
        if outside or np.isinf(value):
            bench.fail("values stay in range", value, f"within {low} and {high}")


def gradient_is_the_derivative(bench: _Bench) -> None:
    """The gradient agrees with small differences, and scaling all sums changes nothing (Euler).

    Of a value that moves in steps (a median) small differences say nothing; simulation tests those.
    """
    form, _, found = bench.measure(np.arange(bench.rows))
    sums, gradient = found.sums, form.gradient(found.sums)
    if not np.isclose((gradient * sums).sum(), 0.0, atol=1e-9 + bench.slack):
        bench.fail("scaling changes nothing", (gradient * sums).sum(), 0)
    if getattr(form, "steps", False):
        return
    step = 1e-6
    for place in np.ndindex(sums.shape):
        moved = [sums.copy(), sums.copy()]
        moved[0][place] += step
        moved[1][place] -= step
        slope = (form.value(moved[0]) - form.value(moved[1]))[0] / (2 * step)
        if np.isfinite(slope) and not np.isclose(slope, gradient[place], rtol=1e-3, atol=1e-5):
            bench.fail("the gradient is the derivative", gradient[place], slope)


def nothing_measured_is_undefined(bench: _Bench) -> None:
    """Without any counts the value is undefined, never 0."""
    form, _, found = bench.measure(np.arange(bench.rows))
    value = form.value(np.zeros_like(found.sums))[0]
    if not np.isnan(value):
        bench.fail(
            "nothing measured is undefined", value, "undefined (NaN in the form, None in the audit)"
        )


#: Every law, in the order in which they are tried.
LAWS: tuple[Callable[[_Bench], None], ...] = (
    example_has_its_value,
    order_does_not_matter,
    doubling_changes_nothing,
    parts_add_to_the_whole,
    grouping_does_not_matter,
    values_stay_in_range,
    gradient_is_the_derivative,
    nothing_measured_is_undefined,
)

"""What each training came to, group by group, and how surely: all of them are asked about the same rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evenhand.comparisons.sets import GroupSet, cells_of
from evenhand.cubes import build_cube, estimate
from evenhand.errors import InputError, Note
from evenhand.groups import Attribute, Partition
from evenhand.groups.partition import Key
from evenhand.improving.trainings import ROW
from evenhand.metrics import Metric, MetricPlan
from evenhand.pages.numbers import listed
from evenhand.questions.absent import missing_rows
from evenhand.questions.premises import explained, read_premises
from evenhand.questions.question import Question
from evenhand.results.estimate import Missing

Floats = npt.NDArray[np.float64]
#: The number of a training, as a column that no table has.
RUN = "evenhand:run"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRuns:
    """Values of the metric after each training.

    Attributes
    ----------
    plan : MetricPlan
    values : array of shape (runs, groups)
        NaN where undefined.
    covariance : array of shape (groups, runs, runs)
        Over the units tested: the trainings are asked about the same ones.
    rows, units : integer arrays of shape (groups,)
        Tested, after the first training.
    others : tuple of str
        Groups that are tested, and have no row for training.
    missing : tuple of Missing
    notes : tuple of Note
    """

    plan: MetricPlan
    values: Floats
    covariance: Floats
    rows: npt.NDArray[np.int64]
    units: npt.NDArray[np.int64]
    others: tuple[str, ...]
    missing: tuple[Missing, ...]
    notes: tuple[Note, ...]


def side_by_side(test: pa.Table, answers: Sequence[pa.Table]) -> pa.Table:
    """The rows for testing once a training, with what it answered; numbered from 0."""
    parts = []
    for number, answer in enumerate(answers):
        part = test
        for name in answer.column_names:
            part = part.append_column(name, answer[name])
        parts.append(part.append_column(RUN, pa.array(np.full(test.num_rows, number))))
    return pa.concat_tables(_of_one_type(parts), promote_options="permissive")


def _of_one_type(parts: Sequence[pa.Table]) -> list[pa.Table]:
    """Answers that are texts after some trainings, and look like numbers after others, as texts after all.

    Raises
    ------
    InputError
        For answers of kinds that do not go together.
    """
    out = list(parts)
    for name in dict.fromkeys(name for part in parts for name in part.column_names):
        kinds = {part.schema.field(name).type for part in parts if name in part.column_names}
        kinds -= {pa.null()}
        numbers = all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in kinds)
        if len(kinds) < 2 or numbers:
            continue
        try:
            for i, part in enumerate(out):
                if name in part.column_names:
                    place = part.column_names.index(name)
                    column = part[name].cast(pa.string())
                    out[i] = part.set_column(place, name, column)
        except pa.ArrowException as error:
            raise InputError(
                f"Trainings answered {name} in kinds that do not go together: "
                f"{listed(sorted(map(str, kinds)))}.  Answer in one kind always."
            ) from error
    return out


def measure(
    question: Question, metric: Metric, groups: Sequence[GroupSet], runs: int
) -> MeasuredRuns:
    """Values of all trainings.

    Parameters
    ----------
    question : Question
        Of the rows of `side_by_side`.
    metric : Metric
    groups : sequence of GroupSet
        Those of the rows for training.
    runs : int
    """
    attributes = (*question.attributes, Attribute(name=RUN))
    (partition,) = question.partitions
    premises = read_premises(
        question.records, [metric], where=question.where, attributes=question.attributes
    )
    with explained(premises, [metric], question.records):
        plan = metric.plan(question.records, [*question.columns, RUN, ROW], question.where)
        cube = build_cube(
            plan.records,
            plan.measure,
            attributes,
            unit=question.units or (ROW,),
            where=question.where,
            missing_values=question.records.missing_values,
            form=plan.form,
        )
    found = cells_of(cube, Partition(names=(*partition.names, RUN)), attributes)
    place = {_key(cell.key): cell for cell in found if not cell.missing}
    wanted = [place.get((*_key(group.key), str(run))) for group in groups for run in range(runs)]
    sets = np.array(
        [np.zeros(len(cube.keys), bool) if cell is None else cell.members for cell in wanted]
    )
    told = estimate(cube, plan.form, sets)
    size = (len(groups), runs)
    whole = told.covariance.reshape(*size, *size)
    tested = {_key(cell.key)[:-1]: cell for cell in found if not cell.missing}
    known = {_key(group.key) for group in groups}
    return MeasuredRuns(
        plan=plan,
        values=told.values.reshape(size).T,
        covariance=np.stack([whole[g, :, g] for g in range(len(groups))]),
        rows=told.n_rows.reshape(size)[:, 0],
        units=told.n_units.reshape(size)[:, 0],
        others=tuple(
            ", ".join(map(str, cell.label[:-1])) for key, cell in tested.items() if key not in known
        ),
        missing=tuple(_of_one_run(missing_rows(cube, question.units), runs)),
        notes=(*premises, *plan.notes),
    )


def _key(key: tuple[Key, ...]) -> tuple[str, ...]:
    return tuple(map(str, key))


def _of_one_run(missing: Sequence[Missing], runs: int) -> Sequence[Missing]:
    """Rows that are left out, each counted once though all trainings were asked."""
    return [
        replace(one, n_rows=None if one.n_rows is None else -(-one.n_rows // runs))
        for one in missing
    ]


def noise_of_training(
    values: Floats, covariance: Floats, repeats: Sequence[Sequence[int]]
) -> float:
    """Variance between trainings with as many rows, beyond that of the rows tested; one group.

    Parameters
    ----------
    values : array of shape (runs,)
    covariance : array of shape (runs, runs)
    repeats : sequence of sequence of int
        Trainings with as many rows of each group.
    """
    excess = []
    for runs in repeats:
        if len(runs) < 2:
            continue
        own = covariance[np.ix_(runs, runs)]
        n = len(runs)
        # The mean of the variances of all differences, halved.
        expected = (np.trace(own) - own.sum() / n) / (n - 1)
        excess.append(float(np.var(values[list(runs)], ddof=1)) - float(expected))
    return max(float(np.mean(excess)), 0.0) if excess else 0.0

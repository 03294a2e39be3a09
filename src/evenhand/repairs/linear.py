"""Linear scores of a row's features, learnt here: a logistic regression, and what each group adds to it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evenhand.comparisons.sets import GroupSet
from evenhand.cubes import coded
from evenhand.deferred import special
from evenhand.errors import InputError, unknown_name
from evenhand.stats.logistic import fit_logistic

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
#: Rows that a value of a column needs for a coefficient, and values of a column at most.
_LEAST, _MOST = 5, 100
#: Rows with a label that a group needs for coefficients of its own.
_OWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearFeature:
    """A column as a linear model reads it.

    Attributes
    ----------
    column : str
        The column.
    kind : str
        ``number``, or ``category``: 1 for the row's value and 0 for others.
    middle, scale : float
        Of a number: what is taken off, and what it is divided by; a missing one is in the middle.
    values : tuple of str
        Of a category: those that have a coefficient.
    """

    column: str
    kind: Literal["number", "category"]
    middle: float
    scale: float
    values: tuple[str, ...]

    @property
    def width(self) -> int:
        """Coefficients."""
        return 1 if self.kind == "number" else len(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearPart:
    """Coefficients of everybody, or what is added to them for a group.

    Attributes
    ----------
    predicate : str
        The group; empty for everybody.
    intercept : float
        Log odds where all features are 0.
    coefficients : tuple of float
        In the order of the features and their values.
    share : float or None
        Of a model that votes yes or no beside others: how much its vote counts.
    """

    predicate: str
    intercept: float
    coefficients: tuple[float, ...]
    share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearScorer:
    """A score from features: the probability of the positive value, or the share of models that vote for it.

    Attributes
    ----------
    name : str
        What the score is called.
    features : tuple of LinearFeature
        What it reads.
    parts : tuple of LinearPart
        Coefficients of everybody, then what groups add.
    """

    name: str
    features: tuple[LinearFeature, ...]
    parts: tuple[LinearPart, ...]

    def score(self, table: pa.Table, group: Integers, groups: Sequence[str]) -> Floats:
        """Probabilities of rows, `group` the place of each row's group among the predicates `groups`.

        Raises
        ------
        InputError
            Where a column that it reads is not there.
        """
        place = {predicate: number for number, predicate in enumerate(groups)}
        return self.of_encoded(encoded(table, self.features), group, place)

    def of_encoded(self, X: Floats, group: Integers, place: Mapping[str, int]) -> Floats:
        """Probabilities of rows that are encoded, `place` the numbers of groups by their predicate."""
        total = np.zeros(len(X))
        if any(part.share is not None for part in self.parts):
            for part in self.parts:
                yes = part.intercept + X @ np.array(part.coefficients) >= 0
                total += (part.share or 0.0) * yes
            return total
        for part in self.parts:
            own = np.ones(len(X), bool)
            if part.predicate:
                own = group == place.get(part.predicate, -2)
            total[own] += part.intercept + X[own] @ np.array(part.coefficients)
        return np.asarray(special.expit(total), float)


def read_features(table: pa.Table, columns: Sequence[str]) -> tuple[LinearFeature, ...]:
    """What a linear model reads of columns, from the rows that it is learnt from.

    Raises
    ------
    InputError
        For a column that is not there, or holds neither numbers nor categories.
    """
    return tuple(one for name in columns for one in _features(table, name))


def _features(table: pa.Table, name: str) -> Iterator[LinearFeature]:
    column = _column(table, name)
    kind = column.type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind):
        raise InputError(f"{name} holds {kind}, of which no feature can be made.  Leave it out.")
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = _numbers(column)
        known = numbers[np.isfinite(numbers)]
        if not len(known) or not known.std() > 0:
            return
        yield LinearFeature(
            column=name,
            kind="number",
            middle=float(known.mean()),
            scale=float(known.std()),
            values=(),
        )
        return
    codes, values = coded(column)
    counts = np.bincount(codes, minlength=len(values))
    told = [(-int(counts[i]), str(v)) for i, v in enumerate(values.to_pylist()) if v is not None]
    kept = tuple(text for count, text in sorted(told)[:_MOST] if -count >= _LEAST)
    if len(kept) > 1 or (kept and len(told) < len(values)):
        yield LinearFeature(column=name, kind="category", middle=0.0, scale=1.0, values=kept)


def _column(table: pa.Table, name: str) -> pa.ChunkedArray:
    if name not in table.column_names:
        raise InputError(unknown_name("column", name, table.column_names))
    return table[name]


def _numbers(column: pa.ChunkedArray) -> Floats:
    found = column.cast(pa.float64(), safe=False).to_numpy()
    return np.asarray(found, float)


def numbers_of(table: pa.Table, features: Sequence[LinearFeature]) -> dict[str, Floats]:
    """The columns of numbers among features, as they are written.

    Raises
    ------
    InputError
        Where one is not there, or holds no numbers.
    """
    out = {}
    for one in features:
        if one.kind == "number":
            column = _column(table, one.column)
            try:
                out[one.column] = _numbers(column)
            except pa.ArrowException as error:
                raise InputError(
                    f"{one.column} holds {column.type}, but held numbers when the repair was learnt."
                ) from error
    return out


def encoded(table: pa.Table, features: Sequence[LinearFeature]) -> Floats:
    """Rows as numbers, shape (rows, coefficients); a value without a coefficient is 0 in all of its column."""
    X = np.zeros((table.num_rows, sum(one.width for one in features)))
    numbers = numbers_of(table, features)
    start = 0
    for one in features:
        column = _column(table, one.column)
        if one.kind == "number":
            told = (numbers[one.column] - one.middle) / one.scale
            X[:, start] = np.where(np.isfinite(told), told, 0.0)
        else:
            codes, values = coded(column)
            place = {value: number for number, value in enumerate(one.values)}
            own = np.array(
                [-1 if v is None else place.get(str(v), -1) for v in values.to_pylist()], np.int64
            )[codes]
            rows = np.flatnonzero(own >= 0)
            X[rows, start + own[rows]] = 1.0
        start += one.width
    return X


@dataclass(frozen=True, slots=True, kw_only=True)
class LearntScores:
    """A score of every row by a model that was learnt without it, and the model of all practice rows.

    Attributes
    ----------
    scores : array of shape (rows,)
        Of practice rows by models that had not seen them.
    scorer : LinearScorer
        Of all practice rows.
    """

    scores: Floats
    scorer: LinearScorer


def learn_scores(
    table: pa.Table,
    columns: Sequence[str],
    truth: Floats,
    group: Integers,
    cells: Sequence[GroupSet],
    turn: Integers,
    penalties: Mapping[str, float | None],
) -> list[LearntScores]:
    """Scores of practice rows, cross-fitted.

    Parameters
    ----------
    table : pyarrow.Table
        Practice rows.
    columns : sequence of str
        Features.
    truth, group, cells
        As in `RepairRows`.
    turn : integer array of shape (rows,)
        Rows of one turn are scored by models of the others.
    penalties : mapping of str to (float or None)
        By the name of each score: the ridge penalty on what a group adds; `None` where groups add nothing.
    """
    features = read_features(table, columns)
    if not features:
        raise InputError(
            f"No column of {', '.join(columns)} varies, so nothing can be learnt from them.  Name others: --features"
        )
    X = encoded(table, features)
    known = np.isfinite(truth)
    y = np.where(known, truth, 0.0)
    whole = fit_logistic(X[known], y[known])
    common = [
        fit_logistic(X[kept], y[kept], start=whole)
        for kept in (known & (turn != one) for one in range(int(turn.max()) + 1))
    ]
    out = []
    for name, penalty in penalties.items():
        added = _added(X, y, known, group, whole, penalty, len(cells))
        scores = np.empty(len(y))
        for one, beta in enumerate(common):
            own = _added(X, y, known & (turn != one), group, beta, penalty, len(cells), added)
            mine = turn == one
            eta = beta[0] + X[mine] @ beta[1:]
            for g, more in own.items():
                at = group[mine] == g
                eta[at] += more[0] + X[mine][at] @ more[1:]
            scores[mine] = special.expit(eta)
        parts = [_part("", whole), *(_part(cells[g].predicate, b) for g, b in added.items())]
        scorer = LinearScorer(name=name, features=features, parts=tuple(parts))
        out.append(LearntScores(scores=scores, scorer=scorer))
    return out


def _added(
    X: Floats,
    y: Floats,
    kept: npt.NDArray[np.bool_],
    group: Integers,
    beta: Floats,
    penalty: float | None,
    groups: int,
    start: Mapping[int, Floats] | None = None,
) -> dict[int, Floats]:
    """What each group adds to the coefficients of everybody, where it has rows enough."""
    out: dict[int, Floats] = {}
    if penalty is None:
        return out
    for g in range(groups):
        own = np.flatnonzero(kept & (group == g))
        if len(own) < _OWN or not 0 < y[own].sum() < len(own):
            continue
        offset = beta[0] + X[own] @ beta[1:]
        first = None if start is None else start.get(g)
        out[g] = fit_logistic(X[own], y[own], offset=offset, penalty=penalty, start=first)
    return out


def _part(predicate: str, beta: Floats) -> LinearPart:
    return LinearPart(
        predicate=predicate,
        intercept=float(beta[0]),
        coefficients=tuple(float(one) for one in beta[1:]),
    )

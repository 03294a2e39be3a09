"""The query that counts: from a measure and attributes to SQL in the engine's dialect."""

from collections.abc import Iterable, Sequence

from sqlglot import exp

from evenhand.cubes.measure import Measure, Moments
from evenhand.errors import InputError
from evenhand.groups import Attribute, Predicate, to_expression
from evenhand.groups.predicate import column_expression, finite, literal, unless_missing
from evenhand.records import Kind, Records, check_key
from evenhand.stats.forms import Ratio

#: Powers of numerator and denominator whose products are summed for rows that are their own units.
DEGREES = ((3, 0), (2, 1), (1, 2), (0, 3), (4, 0), (3, 1), (2, 2), (1, 3), (0, 4))
# More distinct scores than this are rounded to as many quantiles.
MAX_LEVELS = 32_768
# With more counts than this, each is named once before their products are summed: the text of the
# query stays short.  (20 classes: 6.3 s of CPU before, most of it writing SQL.)
_FEW_PARTS = 8


class CubeQuery:
    """The SELECT that gives a cube; column names are positions, so any name is safe."""

    def __init__(
        self,
        records: Records,
        measure: Measure,
        attributes: Sequence[Attribute],
        unit: str | Sequence[str] | None,
        where: Predicate | None,
        missing_values: Sequence[str],
        *,
        as_written: bool = False,
        ratio: Ratio | None = None,
    ) -> None:
        # Third and fourth powers are kept of rows whose second moments are.
        named = (unit,) if isinstance(unit, str) else tuple(unit or ())
        known = not named and measure.moments is not Moments.INDICATORS and not measure.level
        self.ratio = ratio if known else None
        # Attributes keep texts that mean missing where they are taken as written.
        self.as_written = as_written
        self.records, self.measure, self.attributes = records, measure, attributes
        #: Columns that name units, by the names they have in the query.
        self.units = {f"unit{i}" if i else "unit": name for i, name in enumerate(named)}
        self.where, self.missing_values = where, missing_values
        columns = {column.name: column for column in records.columns}
        self.kinds = {name: column.kind for name, column in columns.items()}
        plain = [a.name for a in attributes if a.predicate is None and a.edges is None]
        for name in [*plain, *named]:
            check_key(columns[name])
        # What a row must have: inner names of the columns, and what the user calls them.
        self.needed = {item.name: item.text for item in measure.inputs}
        self.needed |= self.units

    def sql(self) -> str:
        """Counts of each cell."""
        keys = {
            f"a{i}": self._key(attribute, f"a{i}") for i, attribute in enumerate(self.attributes)
        }
        keys |= {name: exp.column(name) for name in self.units}
        if self.measure.level:
            keys["level"] = exp.column("level")
        selected = [exp.alias_(key, name) for name, key in keys.items()]
        query = exp.select(*selected, *self._aggregates())
        query = query.from_(self._counted().subquery("counted", copy=False), copy=False)
        places = [exp.Literal.number(i + 1) for i in range(len(keys))]
        query = (
            query.group_by(*places, copy=False)
            if keys
            else query.having("COUNT(*) > 0", copy=False)
        )
        # In a fixed order, whatever follows is the same at every run.
        query = query.order_by(*places, copy=False) if keys else query
        return str(query.sql(self.records.engine.dialect))

    def _counted(self) -> exp.Select:
        """The rows, with the counts of each as columns of their own where there are many."""
        rows = self._rows()
        if not self._many_parts:
            return rows
        valid = self._valid()
        parts = [
            exp.alias_(_when(valid, part, None), f"part{i}")
            for i, (_, part) in enumerate(self.measure.parts)
        ]
        return exp.select(exp.Star(), *parts).from_(rows.subquery("counted", copy=False))

    @property
    def _many_parts(self) -> bool:
        return len(self.measure.parts) > _FEW_PARTS

    def _part(self, index: int) -> exp.Expr:
        """A count of the rows that have all that is needed, NULL of others."""
        if self._many_parts:
            return exp.column(f"part{index}")
        return _when(self._valid(), self.measure.parts[index][1], None)

    def rows_sql(self) -> str:
        """Attributes ``a0 …``, unit and counts ``s0 …`` of each row that the metric can use."""
        names = [f"a{i}" for i in range(len(self.attributes))]
        keys = [
            exp.alias_(self._key(attribute, name), name)
            for attribute, name in zip(self.attributes, names, strict=True)
        ]
        keys += [exp.column(name) for name in self.units]
        parts = [exp.alias_(part, f"s{i}") for i, (_, part) in enumerate(self.measure.parts)]
        query = exp.select(*keys, *parts).from_(self._rows().subquery("counted", copy=False))
        return str(query.where(self._valid(), copy=False).sql(self.records.engine.dialect))

    def values_sql(self, attribute: Attribute, least: int) -> str:
        """Values of one attribute that at least so many rows have, the most frequent first."""
        key = self._key(attribute, "key")
        rows = exp.select(exp.alias_(self._raw_key(attribute), "key")).from_(self._source())
        rows = rows if self.where is None else rows.where(to_expression(self.where), copy=False)
        count = exp.Count(this=exp.Star())
        query = exp.select(exp.alias_(key, "value"), exp.alias_(count, "n"))
        query = query.from_(rows.subquery("counted")).group_by(exp.Literal.number(1))
        query = query.having(exp.GTE(this=count.copy(), expression=literal(least)))
        return str(query.order_by("n DESC", "1").sql(self.records.engine.dialect))

    def _rows(self) -> exp.Select:
        """Attributes and inputs of each row, or of each distinct combination with its count."""
        selected: list[exp.Expr] = [
            exp.alias_(self._raw_key(attribute), f"a{i}")
            for i, attribute in enumerate(self.attributes)
        ]
        # A text that means missing names no unit: its row is left out, and counted.
        selected += [
            exp.alias_(self._known(column, column_expression(column)), name)
            for name, column in self.units.items()
        ]
        if self.measure.level:
            selected.append(exp.alias_(self._level(), "level"))
        inputs = [
            exp.alias_(item.expression, item.name, quoted=True) for item in self.measure.inputs
        ]
        query = exp.select(*selected, *inputs, exp.alias_(self._weight(), "w"))
        query = query.from_(self._source(), copy=False)
        if self.where is not None:
            query = query.where(to_expression(self.where), copy=False)
        if self.measure.few_values:
            number = len(selected) + len(inputs)
            query = query.group_by(*(exp.Literal.number(i + 1) for i in range(number)), copy=False)
        return query

    def _weight(self) -> exp.Expr:
        if not self.measure.few_values:
            return exp.Literal.number(1)
        if self.records.weight:
            return exp.Sum(this=column_expression(self.records.weight))
        return exp.Count(this=exp.Star())

    # Texts that mean *missing* are looked for after rows were grouped: in few values, not in all.

    def _raw_key(self, attribute: Attribute) -> exp.Expr:
        if attribute.predicate is not None:
            condition = to_expression(attribute.predicate)
            # A text that the predicate itself asks for is not missing there.
            asked = {node.name for node in condition.find_all(exp.Literal) if node.is_string}
            texts = () if self.as_written else self.missing_values
            missing = [value for value in texts if value not in asked]
            return condition.transform(
                lambda node: (
                    self._known(node.name, node, missing) if isinstance(node, exp.Column) else node
                )
            )
        if attribute.edges is None:
            return column_expression(attribute.name)
        return self._bin(attribute.name, attribute.edges)

    def _key(self, attribute: Attribute, name: str) -> exp.Expr:
        plain = attribute.predicate is None and attribute.edges is None
        if self.as_written or not plain:
            return exp.column(name)
        return self._known(attribute.name, exp.column(name))

    def _known(self, name: str, column: exp.Expr, missing: Sequence[str] | None = None) -> exp.Expr:
        """The value of a column, or NULL where it means missing."""
        texts = self.missing_values if missing is None else missing
        known = unless_missing(column, self.kinds[name], texts)
        return finite(known) if self.kinds[name] is Kind.NUMBER else known

    def _bin(self, name: str, edges: tuple[float, ...]) -> exp.Expr:
        column = self._known(name, column_expression(name))
        missing = exp.If(this=exp.Is(this=column, expression=exp.Null()), true=exp.Null())
        if self.as_written:
            # NaN and infinity are no bin, and not NULL either: no predicate selects them.
            raw = exp.Is(this=column_expression(name), expression=exp.Null())
            missing = exp.If(
                this=missing.this,
                true=exp.Case(ifs=[exp.If(this=exp.Not(this=raw), true=literal(-1))]),
            )
        steps = [
            exp.If(this=exp.LT(this=column.copy(), expression=literal(edge)), true=literal(i))
            for i, edge in enumerate(edges)
        ]
        return exp.Case(ifs=[missing, *steps], default=literal(len(edges)))

    def _level(self) -> exp.Expr:
        """The score, or the quantile it is rounded down to where it has very many values."""
        if not self._many_levels():
            return self._score()
        if self.records.engine.dialect != "duckdb":
            raise InputError(
                f"More than {MAX_LEVELS:,} distinct scores or errors need the records in a file or frame."
            )
        return exp.column("evenhand_edge")

    def _score(self) -> exp.Expr:
        return next(
            item.expression for item in self.measure.inputs if item.name == self.measure.level
        )

    def _many_levels(self) -> bool:
        name = self._score().sql(self.records.engine.dialect)
        distinct = self.records.engine.query(
            f"SELECT COUNT(*) AS n FROM (SELECT DISTINCT {name} FROM {self.records.source}"
            f" WHERE {name} IS NOT NULL LIMIT {MAX_LEVELS + 1}) AS d"
        )
        return bool(distinct["n"][0].as_py() > MAX_LEVELS)

    def _source(self) -> exp.Expr:
        if not self.measure.level or not self._many_levels():
            return _raw(self.records.source)
        name = self._score().sql("duckdb")
        kept = f"AND {to_expression(self.where).sql('duckdb')}" if self.where is not None else ""
        ranked = (
            f"SELECT {name} AS score, NTILE({MAX_LEVELS}) OVER (ORDER BY {name}) AS tile"
            f" FROM {self.records.source} WHERE {name} IS NOT NULL {kept}"
        )
        edges = f"SELECT DISTINCT MIN(score) AS evenhand_edge FROM ({ranked}) GROUP BY tile"
        return _raw(
            f"{self.records.source} ASOF LEFT JOIN ({edges}) AS edges ON {name} >= evenhand_edge"
        )

    def _aggregates(self) -> Iterable[exp.Expr]:
        valid = self._valid()
        yield _total(_when(valid, exp.column("w")), "n_rows")
        yield _total(_when(exp.and_(valid, self._says_something()), exp.column("w")), "n_defined")
        for index, name in enumerate(self.needed):
            absent = exp.Is(this=column_expression(name), expression=exp.Null())
            yield _total(_when(absent, exp.column("w")), f"missing{index}")
        for index, check in enumerate(self.measure.checks):
            yield _total(_when(check.faulty, exp.column("w")), f"fault{index}")
        for index in range(len(self.measure.parts)):
            yield self._sum(self._part(index), f"s{index}")
        if not self.units:
            yield from self._second_moments()
            yield from self._powers(valid)

    def _valid(self) -> exp.Expr:
        """Whether a row has all that the metric and the unit need."""
        return exp.and_(*(_present(column_expression(name)) for name in self.needed))

    def _says_something(self) -> exp.Expr:
        named = enumerate(self.measure.parts)
        parts = (
            exp.NEQ(
                this=self._part(i) if self._many_parts else part, expression=exp.Literal.number(0)
            )
            for i, (_, part) in named
        )
        return exp.paren(exp.or_(*parts))

    def _sum(self, value: exp.Expr, name: str) -> exp.Expr:
        weighted = (
            value
            if not self.measure.few_values
            else exp.Mul(this=exp.column("w"), expression=value)
        )
        total = exp.Sum(this=weighted)
        return exp.alias_(exp.Coalesce(this=total, expressions=[exp.Literal.number(0)]), name)

    def _second_moments(self) -> Iterable[exp.Expr]:
        parts = [self._part(index) for index in range(len(self.measure.parts))]
        for i, first in enumerate(parts):
            for j, second in enumerate(parts[: i + 1]):
                if self.measure.moments is Moments.COUNTS and (j, i) not in self.measure.exclusive:
                    yield self._sum(
                        exp.Mul(this=exp.paren(first), expression=exp.paren(second)), f"m{i}_{j}"
                    )
                elif self.measure.moments is Moments.CENTRED:
                    moment = exp.CovarPop(this=_double(first), expression=_double(second))
                    yield exp.alias_(
                        exp.Coalesce(this=moment, expressions=[exp.Literal.number(0)]), f"m{i}_{j}"
                    )

    def _powers(self, valid: exp.Expr) -> Iterable[exp.Expr]:
        """Sums of products of numerator and denominator, of degree 3 and 4."""
        if self.ratio is None:
            return
        sides = [self._side(weights) for weights in (self.ratio.numerator, self.ratio.denominator)]
        # A database refuses numbers that are too large to multiply; these powers only describe.
        small = exp.and_(
            valid,
            *(exp.LT(this=exp.Abs(this=side.copy()), expression=literal(1e70)) for side in sides),
        )
        for place in self.degrees:
            i, j = DEGREES[place]
            product: exp.Expr = sides[0].copy() if i else sides[1].copy()
            for factor in [sides[0]] * (i - 1 if i else 0) + [sides[1]] * (j if i else j - 1):
                product = exp.Mul(this=product, expression=factor.copy())
            yield self._sum(_when(small.copy(), exp.paren(product), None), f"p{place}")

    @property
    def degrees(self) -> Sequence[int]:
        """Places in `DEGREES` that are summed: all, or powers of the numerator where rows are counted."""
        if self.ratio is None:
            return ()
        return (0, 4) if self.counts_rows else range(len(DEGREES))

    @property
    def counts_rows(self) -> bool:
        """Whether the denominator is the number of rows."""
        assert self.ratio is not None
        used = [
            (weight, part)
            for weight, (_, part) in zip(self.ratio.denominator, self.measure.parts, strict=True)
            if weight
        ]
        return all(weight == 1 and isinstance(part, exp.Literal) for weight, part in used) and (
            len(used) == 1 and used[0][1].name == "1"
        )

    def _side(self, weights: Sequence[float]) -> exp.Expr:
        """One side of a ratio, of one row."""
        terms = [
            _double(part.copy())
            if weight == 1
            else exp.Mul(this=literal(float(weight)), expression=_double(part.copy()))
            for weight, (_, part) in zip(weights, self.measure.parts, strict=True)
            if weight
        ]
        total = terms[0]
        for term in terms[1:]:
            total = exp.Add(this=total, expression=term)
        return exp.paren(total)


def meaning(measure: Measure, attributes: Sequence[Attribute], units: Iterable[str]) -> str:
    """What a cube's counts and keys stand for; only cubes of one meaning add."""
    parts = [f"{name} = {part.sql()}" for name, part in measure.parts]
    parts += [f"{item.name}: {item.expression.sql()}" for item in measure.inputs]
    parts += [f"unit: {unit}" for unit in units]
    parts += [f"{a.name} cut at {a.edges}" for a in attributes if a.edges is not None]
    return "; ".join([measure.about] * bool(measure.about) + parts)


def _raw(sql: str) -> exp.Expr:
    return exp.Identifier(this=sql, quoted=False) if sql.isidentifier() else exp.Var(this=sql)


def _double(value: exp.Expr) -> exp.Expr:
    return exp.cast(value, "DOUBLE")


def _present(column: exp.Expr) -> exp.Expr:
    return exp.Not(this=exp.Is(this=column, expression=exp.Null()))


def _when(condition: exp.Expr, value: exp.Expr, otherwise: int | None = 0) -> exp.Expr:
    default = exp.Null() if otherwise is None else exp.Literal.number(otherwise)
    return exp.Case(ifs=[exp.If(this=condition, true=value)], default=default)


def _total(value: exp.Expr, name: str) -> exp.Expr:
    return exp.alias_(exp.Sum(this=value), name)

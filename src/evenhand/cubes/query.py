"""The query that counts: from a measure and attributes to SQL in the engine's dialect.

What differs between engines (columns, literals, a metric's own expressions, predicates) is written by
sqlglot, once each; what holds it together is SQL of every engine, and is put together as text.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import replace
from functools import cached_property

from sqlglot import exp

from evenhand.cubes.cube import MAX_LEVELS
from evenhand.cubes.measure import Input, Measure, Moments
from evenhand.errors import InputError
from evenhand.groups import Attribute, Predicate, to_expression, where_clause
from evenhand.groups.partition import NO_BIN
from evenhand.groups.predicate import column_expression, finite, literal, unless_missing
from evenhand.records import Kind, Records, check_key, dialect_of
from evenhand.stats.forms import Form, Ratio

#: Powers of numerator and denominator whose products are summed for rows that are their own units.
DEGREES = ((3, 0), (2, 1), (1, 2), (0, 3), (4, 0), (3, 1), (2, 2), (1, 3), (0, 4))
# With more counts than this, each is named once before their products are summed: the text of the
# query stays short.  (20 classes: 6.3 s of CPU before, most of it writing SQL.)
_FEW_PARTS = 8
_DOUBLE = exp.DataType(this=exp.DataType.Type.DOUBLE)


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
        form: Form | None = None,
        prefix: str = "",
    ) -> None:
        #: Of the names of its counts, where several are asked for together.
        self.prefix = prefix
        # Third and fourth powers are kept of rows whose second moments are.
        named = (unit,) if isinstance(unit, str) else tuple(unit or ())
        known = not named and measure.moments is not Moments.INDICATORS and not measure.level
        self.ratio = form if known and isinstance(form, Ratio) else None
        # Columns and bins keep what means missing where they are taken as written.
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
        self.needed = {
            item.name: item.text for item in measure.inputs if item.name not in measure.optional
        }
        self.needed |= self.units

    def ungrouped(self) -> "CubeQuery":
        """The same without counting rows of equal values first."""
        return self._changed(replace(self.measure, few_values=False), self.attributes)

    def of_all(self) -> "CubeQuery":
        """The same without telling cells apart."""
        return self._changed(self.measure, ())

    def _changed(self, measure: Measure, attributes: Sequence[Attribute]) -> "CubeQuery":
        return CubeQuery(
            self.records,
            measure,
            attributes,
            tuple(self.units.values()),
            self.where,
            self.missing_values,
            as_written=self.as_written,
            prefix=self.prefix,
        )

    def keys(self, missing: Container[str] | None = None) -> dict[str, str]:
        """What tells cells apart, by the names they have in the result.

        Where it is known which of them are `missing` in some row, the others are taken as they stand.
        """
        keys = {
            f"a{i}": self._key(a, f"a{i}") if missing is None or f"a{i}" in missing else f"a{i}"
            for i, a in enumerate(self.attributes)
        }
        return keys | ({"level": "level"} if self.measure.level else {})

    def counted_parts(self, valid: str) -> Iterable[str]:
        """The counts of a valid row as columns of their own, where there are many."""
        if self._many_parts:
            for i, part in enumerate(self._parts):
                yield f"{_when(valid, part, None)} AS {self.prefix}part{i}"

    @property
    def _many_parts(self) -> bool:
        return len(self.measure.parts) > _FEW_PARTS

    @cached_property
    def _parts(self) -> tuple[str, ...]:
        """The counts of a row, written in the engine's dialect."""
        # Names of inputs are quoted where they are given: an engine may read others in capitals.
        dialect = self.records.engine.dialect
        return tuple(part.sql(dialect, identify=True) for _, part in self.measure.parts)

    def _part(self, index: int, valid: str) -> str:
        """A count of the rows that have all that is needed, NULL of others."""
        if self._many_parts:
            return f"{self.prefix}part{index}"
        return _when(valid, self._parts[index], None)

    def rows_sql(self) -> str:
        """Attributes ``a0 …``, unit and counts ``s0 …`` of each row that the metric can use."""
        selected = [f"{self._key(a, f'a{i}')} AS a{i}" for i, a in enumerate(self.attributes)]
        selected += self.units
        selected += [f"{part} AS s{i}" for i, part in enumerate(self._parts)]
        return f"SELECT {', '.join(selected)} FROM ({self.rows(self.measure.inputs)}) AS counted WHERE {self.valid()}"

    def values_sql(self, attribute: Attribute, least: int) -> str:
        """Values of one attribute that at least so many rows have, the most frequent first."""
        rows = f"SELECT {self._raw_key(attribute)} AS key FROM {self._source()}{self._kept()}"
        return (
            f"SELECT {self._key(attribute, 'key')} AS value, COUNT(*) AS n FROM ({rows}) AS counted"
            f" GROUP BY 1 HAVING COUNT(*) >= {least} ORDER BY n DESC, 1 NULLS FIRST"
        )

    def first_rows_sql(self, rows: int) -> str:
        """How many of the first rows there are, how many different keys, and how many with units."""
        keys = [f"{self._raw_key(a)} AS a{i}" for i, a in enumerate(self.attributes)]
        first = f"SELECT {', '.join([*keys, *self._raw_units()])} FROM {self.records.source} LIMIT {rows}"
        by = [f"a{i}" for i in range(len(keys))]
        pairs = ", ".join([*by, *self.units])
        asked = f"SELECT {pairs}, COUNT(*) AS w FROM ({first}) AS first_rows GROUP BY {pairs}"
        cells = ", ".join([*by, "COUNT(*) AS pairs", "SUM(w) AS w"])
        asked = f"SELECT {cells} FROM ({asked}) AS pairs" + f" GROUP BY {', '.join(by)}" * bool(by)
        total = "SELECT SUM(w) AS n_rows, COUNT(*) AS n_cells, SUM(pairs) AS n_pairs"
        return f"{total} FROM ({asked}) AS cells"

    def distinct_sql(self, places: Iterable[int], most: int, *, units: bool = False) -> str:
        """How many different keys of some attributes there are, at most so many."""
        keys = [f"{self._raw_key(self.attributes[i])} AS a{i}" for i in places]
        keys += self._raw_units() if units else ()
        asked = f"SELECT DISTINCT {', '.join(keys)} FROM {self.records.source}{self._kept()} LIMIT {most}"
        return f"SELECT COUNT(*) AS n FROM ({asked}) AS d"

    def _raw_units(self) -> Iterable[str]:
        return (f"{self._quoted(column)} AS {name}" for name, column in self.units.items())

    def rows(
        self, inputs: Iterable[Input], missing: Container[str] | None = None, *, units: bool = True
    ) -> str:
        """Attributes and inputs of each row.

        Of measures of few values: of each distinct combination, with its count ``w``.  Without `units`
        it is told only whether a row has one.
        """
        selected = [f"{self._raw_key(a)} AS a{i}" for i, a in enumerate(self.attributes)]
        selected += [f"{self._unit(name, missing, named=units)} AS {name}" for name in self.units]
        if self.measure.level:
            selected.append(f"{self._level()} AS level")
        selected += [
            f"{self._written(item.expression)} AS {self._quoted(item.name)}" for item in inputs
        ]
        weight = "COUNT(*)" if self.measure.few_values else "1"
        query = f"SELECT {', '.join(selected)}, {weight} AS w FROM {self._source()}{self._kept()}"
        if not self.measure.few_values:
            return query
        return f"{query} GROUP BY {', '.join(str(i + 1) for i in range(len(selected)))}"

    def _unit(self, name: str, missing: Container[str] | None, *, named: bool) -> str:
        column = column_expression(self.units[name])
        # A text that means missing names no unit: its row is left out, and counted.
        known = missing is None or name in missing
        unit = self._known(self.units[name], column) if known else column
        if named:
            return self._written(unit)
        absent = exp.If(this=exp.Is(this=unit, expression=exp.Null()), true=exp.Null())
        return self._written(exp.Case(ifs=[absent], default=literal(1)))

    def _kept(self) -> str:
        return where_clause(self.where, self.records.engine.dialect)

    def _written(self, expression: exp.Expr) -> str:
        return str(expression.sql(self.records.engine.dialect))

    def _quoted(self, name: str) -> str:
        return self._written(column_expression(name))

    # Texts that mean *missing* are looked for after rows were grouped: in few values, not in all.

    def _raw_key(self, attribute: Attribute) -> str:
        return self._written(self._raw_expression(attribute))

    def _raw_expression(self, attribute: Attribute) -> exp.Expr:
        if attribute.predicate is not None:
            condition = to_expression(attribute.predicate)
            # A text that the predicate itself asks for is not missing there.
            asked = {node.name for node in condition.find_all(exp.Literal) if node.is_string}
            missing = [value for value in self.missing_values if value not in asked]
            return condition.transform(
                lambda node: (
                    self._known(node.name, node, missing) if isinstance(node, exp.Column) else node
                )
            )
        if attribute.edges is None:
            return column_expression(attribute.name)
        return self._bin(attribute.name, attribute.edges)

    def _key(self, attribute: Attribute, name: str) -> str:
        plain = attribute.predicate is None and attribute.edges is None
        if self.as_written or not plain:
            return name
        return self._written(self._known(attribute.name, exp.column(name)))

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
                true=exp.Case(ifs=[exp.If(this=exp.Not(this=raw), true=literal(NO_BIN))]),
            )
        steps = [
            exp.If(this=exp.LT(this=column.copy(), expression=literal(edge)), true=literal(i))
            for i, edge in enumerate(edges)
        ]
        return exp.Case(ifs=[missing, *steps], default=literal(len(edges)))

    def _level(self) -> str:
        """The score, or the quantile it is rounded down to where it has very many values."""
        if not self._many_levels:
            return self._score
        if not dialect_of(self.records.engine.dialect).asof_join:
            raise InputError(
                f"More than {MAX_LEVELS:,} distinct scores or errors need the records in a file or frame."
            )
        return "evenhand_edge"

    @cached_property
    def _score(self) -> str:
        inputs = self.measure.inputs
        return next(self._written(i.expression) for i in inputs if i.name == self.measure.level)

    @cached_property
    def _many_levels(self) -> bool:
        distinct = self.records.engine.query(
            f"SELECT COUNT(*) AS n FROM (SELECT DISTINCT {self._score} FROM {self.records.source}"
            f" WHERE {self._score} IS NOT NULL LIMIT {MAX_LEVELS + 1}) AS d"
        )
        return bool(distinct["n"][0].as_py() > MAX_LEVELS)

    def _source(self) -> str:
        source, score = self.records.source, self._score if self.measure.level else ""
        if not score or not self._many_levels:
            return source
        kept = f"AND {self._written(to_expression(self.where))}" if self.where is not None else ""
        ranked = (
            f"SELECT {score} AS score, NTILE({MAX_LEVELS}) OVER (ORDER BY {score}) AS tile"
            f" FROM {source} WHERE {score} IS NOT NULL {kept}"
        )
        edges = f"SELECT DISTINCT MIN(score) AS evenhand_edge FROM ({ranked}) GROUP BY tile"
        return f"{source} ASOF LEFT JOIN ({edges}) AS edges ON {score} >= evenhand_edge"

    def aggregates(self) -> Iterable[str]:
        """What is counted of each cell; where units are named, the counts themselves are theirs."""
        valid = self.valid()
        some = " OR ".join(f"{part} <> 0" for part in self._each_part())
        yield f"SUM({_when(valid, 'w')}) AS {self.prefix}n_rows"
        yield f"SUM({_when(f'({valid}) AND ({some})', 'w')}) AS {self.prefix}n_defined"
        for index, name in enumerate(self.needed):
            yield f"SUM({_when(f'{self._quoted(name)} IS NULL', 'w')}) AS {self.prefix}missing{index}"
        for index, check in enumerate(self.measure.checks):
            yield f"SUM({_when(self._written(check.faulty), 'w')}) AS {self.prefix}fault{index}"
        yield from self._weights(valid)
        if not self.units:
            for name, value in self.counts(valid).items():
                yield f"{self._sum(value)} AS {name}"
            yield from self._second_moments()
            yield from self._powers()

    def _weights(self, valid: str) -> Iterable[str]:
        """Of weighted rows: how many have each side, and sums of their weights and of the squares."""
        if self.measure.weight is None:
            return
        weight, parts = self._quoted(self.measure.weight), list(self._each_part())
        for side, counts in enumerate(self.measure.sides):
            some = " OR ".join(f"{parts[count]} <> 0" for count in counts)
            for power, value in enumerate(("1", weight, f"{weight} * {weight}")):
                told = _when(f"({valid}) AND ({some})", value, None)
                yield f"{self._sum(told)} AS {self.prefix}w{side}_{power}"

    def counts(self, valid: str) -> dict[str, str]:
        """What valid rows count, NULL of others, by the names of the sums."""
        parts = range(len(self.measure.parts))
        return {f"{self.prefix}s{index}": self._part(index, valid) for index in parts}

    def usable(self, valid: str) -> str:
        """Whether a row is valid, as a number."""
        return _when(valid, "1")

    def valid(self, missing: Container[str] | None = None) -> str:
        """Whether a row has all that the metric and the unit need; empty where all rows are known to."""
        return " AND ".join(
            f"NOT {self._quoted(name)} IS NULL"
            for name in self.needed
            if missing is None or name in missing
        )

    def _each_part(self) -> Iterable[str]:
        if self._many_parts:
            return (f"{self.prefix}part{i}" for i in range(len(self._parts)))
        return self._parts

    def _sum(self, value: str) -> str:
        return f"COALESCE(SUM({f'w * {value}' if self.measure.few_values else value}), 0)"

    def _second_moments(self) -> Iterable[str]:
        valid = self.valid()
        parts = [self._part(index, valid) for index in range(len(self.measure.parts))]
        moments, exclusive = self.measure.moments, self.measure.exclusive
        for i, first in enumerate(parts):
            for j, second in enumerate(parts[: i + 1]):
                if moments is Moments.COUNTS and (j, i) not in exclusive:
                    yield f"{self._sum(f'({first}) * ({second})')} AS {self.prefix}m{i}_{j}"
                elif moments is Moments.CENTRED:
                    pair = self._double(first), self._double(second)
                    covariance = dialect_of(self.records.engine.dialect).covariance.format(*pair)
                    yield f"COALESCE({covariance}, 0) AS {self.prefix}m{i}_{j}"

    def _powers(self) -> Iterable[str]:
        """Sums of products of numerator and denominator, of degree 3 and 4."""
        if self.ratio is None:
            return
        above, below = (self._side(w) for w in (self.ratio.numerator, self.ratio.denominator))
        # A database refuses numbers that are too large to multiply; these powers only describe.
        small = f"({self.valid()}) AND ABS({above}) < 1e+70 AND ABS({below}) < 1e+70"
        for place in self.degrees:
            i, j = DEGREES[place]
            product = " * ".join([above] * i + [below] * j)
            yield f"{self._sum(_when(small, f'({product})', None))} AS {self.prefix}p{place}"

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

    def _side(self, weights: Sequence[float]) -> str:
        """One side of a ratio, of one row."""
        terms = [
            self._double(part)
            if weight == 1
            else f"{self._written(literal(float(weight)))} * {self._double(part)}"
            for weight, part in zip(weights, self._parts, strict=True)
            if weight
        ]
        return f"({' + '.join(terms)})"

    def _double(self, value: str) -> str:
        return f"CAST({value} AS {self._written(_DOUBLE)})"


def meaning(measure: Measure, attributes: Sequence[Attribute], units: Iterable[str]) -> str:
    """What a cube's counts and keys stand for; only cubes of one meaning add."""
    parts = [f"{name} = {part.sql()}" for name, part in measure.parts]
    parts += [f"{item.name}: {item.expression.sql()}" for item in measure.inputs]
    parts += [f"unit: {unit}" for unit in units]
    parts += [f"{a.name} cut at {a.edges}" for a in attributes if a.edges is not None]
    return "; ".join([measure.about] * bool(measure.about) + parts)


def _when(condition: str, value: str, otherwise: int | None = 0) -> str:
    if not condition:
        return value
    return (
        f"CASE WHEN {condition} THEN {value} ELSE {'NULL' if otherwise is None else otherwise} END"
    )

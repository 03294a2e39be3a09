"""What became of the answers of a log, by group: errors and limits are findings of their own."""

from collections import Counter
from collections.abc import Iterator, Sequence

from evenhand.errors import Note
from evenhand.groups import Attribute, Predicate, where_clause
from evenhand.pages.numbers import listed
from evenhand.records import Records, dialect_of

#: The outcome of a row that is as it should be.
ANSWERED = "answered"
_COLUMN = "outcome"
#: Groups that are told, those first of which most is lost.
_TOLD = 4


def outcome_notes(
    records: Records, attributes: Sequence[Attribute], where: Predicate | None, *, few: int = 0
) -> Iterator[Note]:
    """How many rows of a log were errored, limited or not scored, in all and by each attribute.

    Parameters
    ----------
    records : Records
    attributes : sequence of Attribute
        Those that are a column, and not cut, are told by.
    where : Predicate, optional
        Which rows are read.
    few : int
        Fewer people than this are to be hidden; then only the whole is told.
    """
    if not records.log or _COLUMN not in {column.name for column in records.columns}:
        return
    dialect = dialect_of(records.engine.dialect)
    told = [a.name for a in attributes if a.predicate is None and a.edges is None]
    counts: Counter[str] = Counter()
    groups: dict[str, dict[str, Counter[str]]] = {name: {} for name in told}
    names = ", ".join(map(dialect.quoted, [_COLUMN, *told]))
    kept = where_clause(where, records.engine.dialect)
    rows = records.engine.query(
        f"SELECT {names}, COUNT(*) AS {dialect.quoted('evenhand:n')} FROM {records.source}{kept} GROUP BY {names}"
    ).to_pylist()
    for row in rows:
        outcome, number = str(row[_COLUMN]), int(row["evenhand:n"])
        counts[outcome] += number
        for name in told:
            value = "(missing)" if row[name] is None else str(row[name])
            groups[name].setdefault(value, Counter())[outcome] += number
    total = counts.total()
    if counts[ANSWERED] == total:
        return
    sentences = [f"{_lost(counts)} of {total:,} rows."]
    if not few:
        sentences += [_by_group(name, found) for name, found in groups.items() if len(found) > 1]
    worst = max((o for o in counts if o != ANSWERED), key=counts.__getitem__)
    sentences.append(
        f"Whether it befalls some more than others: --metric \"selection_rate(prediction=(outcome = '{worst}'))\""
    )
    yield Note(code="outcomes", text="  ".join(sentences))


def _lost(counts: Counter[str]) -> str:
    others = sorted((o for o in counts if o != ANSWERED), key=lambda o: (-counts[o], o))
    return listed([f"{counts[outcome]:,} {outcome}" for outcome in others])


def _by_group(name: str, groups: dict[str, Counter[str]]) -> str:
    def lost(value: str) -> float:
        return 1 - groups[value][ANSWERED] / groups[value].total()

    order = sorted(groups, key=lambda value: (-lost(value), value))
    shown = [
        f"{value} {_lost(groups[value]) or 'none'} of {groups[value].total():,}"
        for value in order[:_TOLD]
    ]
    more = f"; and {len(order) - _TOLD} more" if len(order) > _TOLD else ""
    return f"By {name}: {'; '.join(shown)}{more}."

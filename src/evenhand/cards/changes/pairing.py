"""The same rows under both releases: asked of the tables, so that each unit is its own control."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evenhand.audits.result import Audit
from evenhand.errors import InputError
from evenhand.questions.question import bound_metric
from evenhand.records import join_records, open_records
from evenhand.records.files import fingerprint
from evenhand.records.joining import joined_names
from evenhand.switching.result import Switches
from evenhand.switching.switches import compare, metric_beside


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedTables:
    """Tables that somebody gave, by their digests, and what tells which of their rows belong together."""

    by_digest: dict[str, Path]
    on: tuple[str, ...] = ()

    def have(self, before: Audit, after: Audit) -> bool:
        """Whether two audits can be paired: of one table, or of two with a key."""
        first, second = before.source.sha256, after.source.sha256
        there = first in self.by_digest and second in self.by_digest
        return there and (first == second or bool(self.on))


def paired_tables(data: Sequence[Path], on: Sequence[str], known: Sequence[str]) -> PairedTables:
    """The tables by their digests.

    Raises
    ------
    InputError
        Where none of the cards rests on one of them.
    """
    by_digest = {fingerprint([path]): path for path in data}
    for digest, path in by_digest.items():
        if digest not in known:
            raise InputError(
                f"--data {path} has SHA-256 {digest}, and neither card rests on it.  Name the tables of the cards; "
                "where one was changed since, audit it again."
            )
    return PairedTables(by_digest=by_digest, on=tuple(on))


def check_used(tables: PairedTables, pairs: Sequence[tuple[Audit, Audit]]) -> None:
    """Refuse a table that was given and of which no row would be compared with itself.

    Raises
    ------
    InputError
        With what lacks: the other table, or what tells which rows belong together.
    """
    for digest, path in tables.by_digest.items():
        own = [pair for pair in pairs if digest in (pair[0].source.sha256, pair[1].source.sha256)]
        if any(tables.have(*pair) for pair in own):
            continue
        if not own:
            raise InputError(
                f"--data {path} is the table of no metric that both cards have, so nothing is compared on it.  Leave "
                "it out."
            )
        both = any(
            {pair[0].source.sha256, pair[1].source.sha256} <= tables.by_digest.keys()
            for pair in own
        )
        lacks = (
            "nothing says which of its rows are which of the other table.  Name the column that does: --on id"
            if both
            else "the other card rests on another table.  Name both, and what tells which rows belong together: "
            "--data OLD NEW --on id"
        )
        raise InputError(f"--data {path} would not be used: {lacks}")


def paired_switch(tables: PairedTables, before: Audit, after: Audit, *, level: float) -> Switches:
    """What changed for each group on the rows that both have.

    Raises
    ------
    InputError
        Where the two ask otherwise than by their answers, or the tables do not join.
    """
    settings, first = after.settings, tables.by_digest[str(before.source.sha256)]
    second = tables.by_digest[str(after.source.sha256)]
    records = open_records(first, missing_values=settings.missing_values)
    try:
        old = bound_metric(before.metric.expression, records)
        if first == second:
            new = bound_metric(after.metric.expression, records)
        else:
            other = open_records(second, missing_values=settings.missing_values)
            own = bound_metric(after.metric.expression, other)
            new = metric_beside(own, joined_names(records, other))
            records = join_records(records, other, tables.on)
        return compare(
            records,
            [old, new],
            list(settings.by),
            unit=_units(after),
            where=settings.where,
            tolerance=settings.tolerance,
            level=level,
            min_units=settings.min_units,
            worse="higher" if after.metric.higher_is_worse else "lower",
            bins={name: list(edges) for name, edges in settings.bins.items()} or None,
            missing_values=settings.missing_values,
            seed=settings.seed,
        )
    finally:
        records.close()


def _units(audit: Audit) -> list[str] | None:
    return None if audit.unit is None else audit.unit.split(" × ")

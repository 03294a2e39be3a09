"""Tables of a policy, each opened once however many rules read it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

from evenhand.cubes import CountedRecords
from evenhand.errors import InputError
from evenhand.gates.rules import PolicyFaults, Rule
from evenhand.questions.counted import counted_records
from evenhand.questions.opening import opened
from evenhand.questions.origins import with_origin
from evenhand.questions.question import check_rows
from evenhand.records import MISSING_VALUES, Records, open_records
from evenhand.records.output import input_files


class OpenTables:
    """Tables that stay open until all rules are judged.

    Parameters
    ----------
    folder : Path
        Where paths are looked for.
    faults : PolicyFaults
        Where it is noted what is wrong with them.
    """

    def __init__(self, folder: Path, faults: PolicyFaults) -> None:
        self._folder, self._faults = folder, faults
        self._open: dict[object, Records] = {}
        self._counted: dict[object, CountedRecords | None] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def place(self, rule: Rule) -> Any:
        """The table of a rule, where it is a path beside the policy."""
        table = rule.table
        if not isinstance(table, str | Path) or "://" in str(table):
            return table
        return str(self._folder / table)

    def counted(self, rule: Rule) -> CountedRecords | None:
        """The table of a rule, where it is a cube."""
        place = self.place(rule)
        key = self._key(rule)
        if key not in self._counted:
            with self._faults.at(rule, "table"):
                self._counted[key] = counted_records(place)
        return self._counted[key]

    @contextmanager
    def of(self, rule: Rule) -> Iterator[Records]:
        """The records of a rule, with what it says of them; what goes wrong with them is noted at its table."""
        records = self._records(rule)
        if "origin" in rule.given:
            with self._faults.at(rule, "origin"):
                records = with_origin(records, list(rule.texts("origin")))
        with self._faults.at(rule, "table"), opened(records) as open_:
            yield open_

    def key(self, rule: Rule) -> tuple[object, ...]:
        """What is alike of rules that read one table alike."""
        return (*self._key(rule), repr(rule.get("origin")))

    def _key(self, rule: Rule) -> tuple[object, ...]:
        place = self.place(rule)
        told = place if isinstance(place, str) else id(place)
        return (told, repr(rule.get("columns")), repr(rule.get("missing")))

    def _records(self, rule: Rule) -> Records:
        key = self._key(rule)
        if key in self._open:
            return self._open[key]
        place = self.place(rule)
        missing = rule.texts("missing") if "missing" in rule.given else MISSING_VALUES
        with self._faults.at(rule, "table"):
            if isinstance(place, str) and "://" not in place and not input_files(place):
                raise InputError(f"{place}: no such file.  Paths are looked for beside the policy.")
            records = open_records(place, columns=rule.get("columns"), missing_values=missing)
            if not isinstance(place, Records):
                self._stack.callback(records.close)
            check_rows(records)
            self._open[key] = records
        return records

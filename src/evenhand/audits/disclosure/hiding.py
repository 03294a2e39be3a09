"""Which sets of an audit must be hidden, so that no small count can be recovered."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np

from evenhand.audits.disclosure.publication import (
    COMPARED,
    GROUP,
    OVERALL,
    REFERENCE,
    Floats,
    Keys,
    Name,
    People,
    Publication,
    components,
    quantities,
)
from evenhand.comparisons.rules import VerdictRules
from evenhand.comparisons.sets import GroupSet
from evenhand.cubes import Cube
from evenhand.errors import InputError, Note
from evenhand.groups import Attribute, Partition
from evenhand.pages.nouns import unit_noun
from evenhand.stats.forms import Form
from evenhand.stats.suppression import suppress


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """What an audit does not show.

    Attributes
    ----------
    groups : set of (names, key)
        Groups, and rows that lack an attribute.
    compared : set of names
        Partitions of which it is hidden how many rows have a value.  Their groups are compared with all other
        rows, also those that lack it.
    reference : bool
        Whether the reference that a predicate names is hidden.
    overall : bool
        Whether the metric's value for everybody is hidden; how many rows and units there are is not.
    """

    groups: frozenset[tuple[tuple[str, ...], Keys]] = frozenset()
    compared: frozenset[tuple[str, ...]] = frozenset()
    reference: bool = False
    overall: bool = False

    @classmethod
    def of(cls, names: Iterable[Name]) -> "Hidden":
        """From the names of published sets."""
        names = list(names)
        return cls(
            groups=frozenset(name[1:] for name in names if name[0] == GROUP),
            compared=frozenset(name[1] for name in names if name[0] == COMPARED),
            reference=any(name[0] == REFERENCE for name in names),
            overall=any(name[0] == OVERALL for name in names),
        )

    def covers(self, cell: GroupSet) -> bool:
        """Whether a group is hidden."""
        return (cell.partition.names, cell.key) in self.groups

    def mixes(self, cell: GroupSet) -> bool:
        """Whether the group's rest has rows that lack what the partition asks."""
        return cell.partition.names in self.compared

    def notes(self) -> Iterator[Note]:
        """What a reader must know of comparisons."""
        for names in sorted(self.compared) if not self.overall else ():
            by = " × ".join(names)
            yield Note(
                code="compared_with_all_others",
                text=f"Groups of {by} are compared with all other rows, also those that lack it: "
                "how many these are is hidden.",
            )

    def leaves_uncompared(self, cell: GroupSet, versus: str) -> bool:
        """Whether the group's reference is hidden."""
        if versus == "rest":
            return self.overall and self.mixes(cell)
        return self.overall if versus == "overall" else self.reference

    def __bool__(self) -> bool:
        return bool(self.groups or self.compared or self.reference or self.overall)


NOTHING = Hidden()


def hidden_sets(
    cubes: Sequence[Cube],
    forms: Sequence[Form],
    attributes: Sequence[Attribute],
    partitions: Sequence[Partition],
    rules: VerdictRules,
) -> Hidden:
    """What to hide: small sets, and those that would give them away.

    Small are sets with fewer people (units, or rows where none is named) than the rules' minimum,
    whether or not these say something about the metric.

    Parameters
    ----------
    cubes, forms
        Of all metrics that are published together.
    attributes, partitions
        What the groups are.
    rules : VerdictRules
        The minimum, and what groups are compared with.

    Raises
    ------
    InputError
        Where nothing could be shown, or hiding everything would not be enough.
    """
    minimum = rules.suppress_below
    if minimum <= 0:
        return NOTHING
    publications = [
        Publication.of(cubes, attributes, part, rules)
        for part in components(attributes, partitions, rules.versus)
    ]
    names: list[Name] = []
    for publication in publications:
        names += _hidden(publication, forms, rules, everything=_has_overall(names))
    if _has_overall(names):
        names += [name for one in publications for name in one.named_like(OVERALL)]
    return Hidden.of(names)


def hidden_cells(
    cubes: Sequence[Cube],
    forms: Sequence[Form],
    attributes: Sequence[Attribute],
    cells: Partition,
    margins: Sequence[Partition],
    rules: VerdictRules,
) -> frozenset[Keys]:
    """Cells to hide from whoever knows the margins: those that could be shown beside each other are taken for known.

    Hiding a margin instead of cells protects nobody here, since it is published elsewhere.

    Parameters
    ----------
    cubes, forms, attributes
        As in `hidden_sets`.
    cells : Partition
        The finest, of which cells are shown.
    margins : sequence of Partition
        Coarser ones that are published elsewhere, with the same minimum.
    rules : VerdictRules
        The minimum.

    Raises
    ------
    InputError
        Where nothing could be shown, or hiding everything would not be enough.
    """
    minimum = rules.suppress_below
    alone = Publication.of(cubes, attributes, margins, rules) if margins else None
    unknown = frozenset(_hidden(alone, forms, rules, everything=False) if alone else ())
    publication = Publication.of(cubes, attributes, [*margins, cells], rules)
    everyone = [publication.people(number) for number in range(len(publication.cubes))]
    own = np.array([any(_is_cell(name, cells) for name in names) for names in publication.names])
    others = [[n for n in names if not _is_cell(n, cells)] for names in publication.names]
    known = np.array([bool(names) and not unknown & set(names) for names in others])
    margin = np.array([bool(unknown & set(names)) for names in others])
    small = margin.copy()
    for people in everyone:
        number = people.of(publication.sets)
        small |= own & (number > 0) & (number < minimum)
        _check_size(float(number[publication.is_named(OVERALL)][0]), rules)
    if not small.any():
        return frozenset()
    # Of a cell no more can stay unknown than margins leave: as much as of sets that are not published.
    apart = np.concatenate(
        [publication.apart(everyone, minimum), publication.sets[small & own & ~margin]]
    )
    found = suppress(
        [
            replace(one, fixed=one.fixed | known)
            for one in quantities(publication, forms, everyone, apart, minimum)
        ],
        small,
        margin,
        _cost(publication, everyone[0]),
    )
    if not found.protects:
        raise InputError(
            f"Cells of fewer than {minimum} cannot be hidden well enough here: whoever knows how many there are of "
            "each value, and of each pair of them, knows too much about them, whatever is hidden.  Count fewer "
            "attributes or coarser groups, leave the rows of the small ones out with --where, or lower "
            "--suppress-below."
        )
    return frozenset(
        name[2]
        for i in np.flatnonzero(found.hidden)
        for name in publication.names[i]
        if _is_cell(name, cells)
    )


def _is_cell(name: Name, cells: Partition) -> bool:
    return name[0] == GROUP and name[1] == cells.names


def _has_overall(names: Iterable[Name]) -> bool:
    return any(name[0] == OVERALL for name in names)


def rounded(value: Any) -> Any:
    """The same with every number to ten digits: the last bits of a sum tell what it was added up from."""
    if isinstance(value, float):
        return float(f"{value:.10g}")
    if isinstance(value, tuple):
        return tuple(map(rounded, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: rounded(getattr(value, f.name)) for f in fields(value)})
    return value


def _hidden(
    publication: Publication, forms: Sequence[Form], rules: VerdictRules, *, everything: bool
) -> list[Name]:
    """Names to hide of one component; `everything` says whether the value for everybody is hidden yet."""
    minimum = rules.suppress_below
    everyone = [publication.people(number) for number in range(len(publication.cubes))]
    overall = publication.is_named(OVERALL)
    guarded = publication.is_named(GROUP, REFERENCE)
    small = np.zeros(len(guarded), bool)
    for people in everyone:
        number = people.of(publication.sets)
        small |= guarded & (number > 0) & (number < minimum)
        _check_size(float(number[overall][0]), rules)
    apart = publication.apart(everyone, minimum)
    if not small.any() and not len(apart):
        return []
    small |= overall & everything
    found = suppress(
        quantities(publication, forms, everyone, apart, minimum),
        small,
        guarded & ~overall,
        _cost(publication, everyone[0]),
    )
    if not found.protects:
        raise InputError(
            f"Groups of fewer than {minimum} {unit_noun(rules.unit)} cannot be hidden well enough here: with "
            f"all groups hidden, the total alone would tell too much about them.  Ask for fewer or coarser groups in "
            f"{_by(publication)}, leave the rows of the small ones out with --where, or lower --suppress-below."
        )
    return [name for i in np.flatnonzero(found.hidden) for name in publication.names[i]]


def _check_size(people: float, rules: VerdictRules) -> None:
    if people < rules.suppress_below:
        raise InputError(
            f"suppress_below is {rules.suppress_below}, but there are only {people:.0f} "
            f"{unit_noun(rules.unit)} in all, so "
            "nothing could be shown.  Lower --suppress-below, or audit more."
        )


def _cost(publication: Publication, people: People) -> Floats:
    """What hiding loses, in people; the headline and a reference are dear."""
    everyone = float(people.numbers.sum())
    cost = np.maximum(people.of(publication.sets), 1.0)
    for kind, times in ((REFERENCE, 3.0), (OVERALL, 5.0)):
        cost += publication.is_named(kind) * everyone * times
    # A comparison with all others instead of those that have a value costs next to nothing.
    return np.where(
        publication.is_named(COMPARED) & ~publication.is_named(GROUP, OVERALL), 0.1, cost
    )


def _by(publication: Publication) -> str:
    names = (name[1] for names in publication.names for name in names if name[0] == GROUP)
    return ", ".join(dict.fromkeys("--by " + ",".join(name) for name in names))

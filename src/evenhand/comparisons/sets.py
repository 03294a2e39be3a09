"""The sets of cells that an audit looks at: everything, the groups, their references."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.cubes import Cube
from evenhand.groups import And, Attribute, Partition, Predicate, to_text
from evenhand.groups.partition import Key

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSet:
    """A group of a partition, as a set of the cube's cells."""

    partition: Partition
    key: tuple[Key, ...]
    label: tuple[Key, ...]
    predicate: str
    members: Bools
    known: Bools
    codes: tuple[int, ...]
    by_predicate: bool

    @property
    def group(self) -> dict[str, Key]:
        """Attributes and their values, as they are shown."""
        return dict(zip(self.partition.names, self.label, strict=True))

    @property
    def missing(self) -> bool:
        """Whether some attribute was not given."""
        return None in self.key


def cells_of(cube: Cube, partition: Partition, attributes: Sequence[Attribute]) -> list[GroupSet]:
    """Groups of a partition, those with a missing attribute last.

    `known` marks the cells in which every attribute of the partition was given: the rest of a
    group is looked for among them.
    """
    named = {attribute.name: attribute for attribute in attributes}
    used = [named[name] for name in partition.names]
    codes, keys = cube.codes(partition.names)
    known = np.array([None not in key for key in keys])[codes]
    columns = [sorted({key[i] for key in keys}, key=repr) for i in range(len(used))]
    cells = []
    for code, key in enumerate(keys):
        if any(
            attribute.predicate is not None and value is False
            for attribute, value in zip(used, key, strict=True)
        ):
            continue
        predicates = tuple(
            attribute.predicate_for(value) for attribute, value in zip(used, key, strict=True)
        )
        cells.append(
            GroupSet(
                partition=partition,
                key=key,
                label=tuple(a.label_for(value) for a, value in zip(used, key, strict=True)),
                predicate=to_text(_joined(predicates)),
                members=codes == code,
                known=known,
                codes=tuple(columns[i].index(value) for i, value in enumerate(key)),
                by_predicate=any(attribute.predicate is not None for attribute in used),
            )
        )
    return cells


def _joined(predicates: tuple[Predicate, ...]) -> Predicate:
    if len(predicates) == 1:
        return predicates[0]
    flat: list[Predicate] = []
    for predicate in predicates:
        flat.extend(predicate.operands if isinstance(predicate, And) else [predicate])
    return And(tuple(flat))

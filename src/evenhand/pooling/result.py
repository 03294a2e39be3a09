"""What comes back of pooled customers."""

from dataclasses import dataclass, replace
from typing import ClassVar

from evenhand.errors import Note
from evenhand.pages.shown import Shown
from evenhand.pages.spreadsheet import groups_csv
from evenhand.results.estimate import Estimate
from evenhand.results.origin import MetricNote

#: Code of the note that a customer's cube does not tell that it was made to be shared.
NOT_SHARED = "not_known_to_be_shared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Whose counts were pooled.

    Attributes
    ----------
    name : str
        What it is called.
    rows : int
        Rows counted; of shared cubes units, where they were named.
    notes : tuple of Note
        What a reader must know of its counts.
    """

    name: str
    rows: int
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledGroup:
    """A group at a customer.

    Attributes
    ----------
    customer : str
        Whose rows.
    group : dict
        The attributes and their values.
    predicate : str
        The rows of the group, as a predicate.
    estimate : Estimate
        From the customer's own rows.
    shrunk : float or None
        Borrowing from the customer's other groups and from the same group elsewhere: nearer to the truth on average,
        biased towards what the others have.  `None` where the customer's own rows tell nothing.
    """

    customer: str
    group: dict[str, str | int | float | bool | None]
    predicate: str
    estimate: Estimate
    shrunk: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualGroup:
    """A group at all customers.

    Attributes
    ----------
    group : dict
        The attributes and their values.
    predicate : str
        The rows of the group, as a predicate.
    customers : int
        That have it.
    value : float or None
        Mean of the shrunk values; `None` where fewer than three customers have it: it would tell of one.
    """

    group: dict[str, str | int | float | bool | None]
    predicate: str
    customers: int
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettings:
    """How the pool was asked for.

    Attributes
    ----------
    by : tuple of str
        What groups are told apart by.
    where : str or None
        Cells that were read.
    min_units : int
        Units that an interval needs.
    command : str
        What makes it again.
    versions : dict
        Of what computed it.
    """

    by: tuple[str, ...]
    where: str | None
    min_units: int
    command: str
    versions: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled(Shown):
    """Groups at customers, each with what the others lend it.

    Attributes
    ----------
    metric : MetricNote
        What was counted.
    level : float
        Of each interval by itself.
    unit : str or None
        What is independent.
    customers : tuple of Customer
        Whose counts were pooled.
    groups : tuple of PooledGroup
        By customer, the worst group first.
    usual : tuple of UsualGroup
        The worst first.
    notes : tuple of Note
        What a reader must know.
    settings : PoolSettings
        How it was asked for.
    """

    SCHEMA: ClassVar[str] = "evenhand.pool/1"
    ROOM: ClassVar[str] = "evenhand.pooling"

    metric: MetricNote
    level: float
    unit: str | None
    customers: tuple[Customer, ...]
    groups: tuple[PooledGroup, ...]
    usual: tuple[UsualGroup, ...]
    notes: tuple[Note, ...]
    settings: PoolSettings

    def for_customer(self, name: str) -> "Pooled":
        """What one customer gets back: the own groups, and what is usual; nothing of any other customer.

        Raises
        ------
        KeyError
            For a name that is no customer's.
        """
        own = tuple(one for one in self.customers if one.name == name)
        if not own:
            raise KeyError(name)
        return replace(
            self,
            customers=own,
            groups=tuple(one for one in self.groups if one.customer == name),
            settings=replace(self.settings, command=""),
        )

    def to_csv(self) -> str:
        """A line a customer and group."""
        usual = {one.predicate: one.value for one in self.usual}
        lines = []
        for one in self.groups:
            own = one.estimate
            numbers = (own.value, own.low, own.high, one.shrunk, usual[one.predicate])
            written = (None if number is None else f"{number:.6g}" for number in numbers)
            lines.append(({**one.group, "customer": one.customer}, [own.n_rows, *written]))
        heads = ("rows", "value", "low", "high", "shrunk", "usual")
        return groups_csv(self.settings.by, heads, lines, first=("customer",))

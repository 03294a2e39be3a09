"""Services of a plan with how they may be called."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evenhand.errors import InputError
from evenhand.services import LocalService, Service, make_service
from evenhand.services.catalogue import RUN_FIELDS

_RANGES = {
    "in_flight": (1, 4096),
    "per_second": (1e-6, 1e6),
    "attempts": (1, 100),
    "longest_wait": (0, 86_400),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wired:
    """A service with how it may be called.

    Attributes
    ----------
    service : Service or LocalService
    in_flight : int
        Calls at a time.
    per_second : float, optional
        Calls a second at most.
    attempts : int
        How often a call is tried in all; a wait that was asked for is no attempt.
    longest_wait : float
        Seconds; a service that asks to wait longer, or only asks to wait for so long, is parked.
    """

    service: Service | LocalService
    in_flight: int = 8
    per_second: float | None = None
    attempts: int = 5
    longest_wait: float = 120.0

    @property
    def priced(self) -> bool:
        """Whether the cost of a call is known, so that a budget can be kept."""
        free = isinstance(self.service, LocalService) or not hasattr(self.service, "price")
        return free or self.service.price is not None  # type: ignore[union-attr]


def wire(given: Any, *, folder: Path, own_code: bool) -> Wired:
    """Service of a plan's table, or a service itself, ready to be called.

    Raises
    ------
    InputError
        For what is no service, a faulty table, or a number out of its range.
    """
    if isinstance(given, Wired):
        return given
    table = given if isinstance(given, Mapping) else {}
    service = make_service(table, folder=folder, own_code=own_code) if table else given
    if not isinstance(service, Service | LocalService):
        raise InputError(f"{given!r:.60} is no service: it has no answer(request).")
    values = {name: table[name] for name in RUN_FIELDS if name in table}
    for name, value in values.items():
        check_number(name, value, *_RANGES[name], whole=name in ("in_flight", "attempts"))
    return Wired(service=service, **values)


def check_number(name: str, value: Any, low: float, high: float, *, whole: bool = False) -> None:
    """Refuse what is no number of the range."""
    number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        raise InputError(f"{name} is {value!r}; allowed: {kind} from {low:g} to {high:g}")


def check_name(name: str, value: Any) -> None:
    """Refuse what is there and is no name."""
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise InputError(f'{name} is {value!r:.60}; allowed: a name in quotation marks, "NAME"')

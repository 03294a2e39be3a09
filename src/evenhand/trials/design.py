"""Designs: which sample meets which condition."""

import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from evenhand.conditions import Condition, parse_condition
from evenhand.errors import InputError, unknown_name

Design = Literal["full", "one-at-a-time", "fraction"]
DESIGNS: tuple[Design, ...] = ("full", "one-at-a-time", "fraction")
CLEAN = "clean"
MOST_POINTS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """A condition with its label and seed; `condition` is `None` for clean samples."""

    label: str
    condition: Condition | None = None
    seed: int = 0

    @property
    def text(self) -> str:
        """Canonical text of the condition; empty for clean samples."""
        return self.condition.text if self.condition else ""


def expand(given: Any, design: Design) -> list[Treatment]:
    """Treatments of one entry of a plan.

    Parameters
    ----------
    given : str, Condition or Mapping
        ``"tone(frequency=1000)"``, or a table with ``apply``, ``name``, ``sweep`` and ``seeds``.
        A sweep maps a parameter (``frequency``, or ``tone.frequency`` within a chain) to a list of
        values or to ``{low = …, high = …, steps = …, scale = "linear" | "log"}``.
    design : str
        ``full`` and ``fraction`` take every combination of the swept values; ``one-at-a-time``
        changes one parameter at a time, from the values in ``apply`` (or the first of the sweep).
    """
    if isinstance(given, str | Condition):
        condition = parse_condition(given) if isinstance(given, str) else given
        label = given if isinstance(given, str) else condition.text
        return [Treatment(label=label, condition=None if condition.text == CLEAN else condition)]
    if not isinstance(given, Mapping):
        raise InputError(f"A condition is text or a table, not {given!r:.60}")
    known = ("apply", "name", "sweep", "seeds")
    for field in given:
        if field not in known:
            raise InputError(unknown_name("field", str(field), known))
    if "apply" not in given:
        raise InputError('A condition needs apply, for example apply = "tone(frequency=1000)"')
    seeds = given.get("seeds", [0])
    if not isinstance(seeds, list | tuple) or not seeds or not all(_is_seed(s) for s in seeds):
        raise InputError(f"seeds is {seeds!r:.60}; allowed: a list of whole numbers from 0")
    points = _points(given["apply"], given.get("sweep") or {}, design)
    name = given.get("name")
    return [
        Treatment(label=_label(name, condition, point), condition=condition, seed=seed)
        for condition, point in points
        for seed in seeds
    ]


def _is_seed(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _label(name: str | None, condition: Condition, point: Mapping[str, Any]) -> str:
    if not point:
        return name or condition.text
    values = ", ".join(f"{key}={_short(value)}" for key, value in point.items())
    return f"{name or condition.name}({values})"


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _points(
    apply: Any, sweep: Mapping[str, Any], design: Design
) -> list[tuple[Condition, dict[str, Any]]]:
    if not sweep:
        return [(parse_condition(apply), {})]
    steps = _steps(apply)
    axes = {name: sweep_values(name, values) for name, values in sweep.items()}
    places = {name: _place(name, steps) for name in axes}
    if math.prod(map(len, axes.values())) > MOST_POINTS and design != "one-at-a-time":
        raise InputError(f"The sweep has more than {MOST_POINTS:,} points.  Take fewer steps.")
    chosen = _combinations(axes, places, steps, design)
    return [(_at(steps, places, point), point) for point in chosen]


def _combinations(
    axes: Mapping[str, Sequence[Any]],
    places: Mapping[str, tuple[int, str]],
    steps: Sequence[Mapping[str, Any]],
    design: Design,
) -> list[dict[str, Any]]:
    if design != "one-at-a-time":
        return [
            dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())
        ]
    start = {
        name: steps[places[name][0]].get(places[name][1], values[0])
        for name, values in axes.items()
    }
    moved = [start | {name: value} for name, values in axes.items() for value in values]
    return [point for i, point in enumerate([start, *moved]) if point not in [start, *moved][:i]]


def _steps(apply: Any) -> list[dict[str, Any]]:
    """Steps of a chain as tables, so that values can be put in before they are checked."""
    if isinstance(apply, Mapping):
        return [dict(apply)]
    if isinstance(apply, list | tuple):
        return [dict(step) for step in apply]
    if isinstance(apply, str) and apply.strip().isidentifier():
        return [{"name": apply.strip()}]
    return parse_condition(apply).to_dict()


def _place(name: str, steps: Sequence[Mapping[str, Any]]) -> tuple[int, str]:
    owner, _, parameter = name.rpartition(".")
    found = [i for i, step in enumerate(steps) if owner in ("", step.get("name"))]
    if not found or (not owner and len(steps) > 1):
        names = [f"{step.get('name')}.{parameter}" for step in steps]
        raise InputError(f"sweep {name!r}: say which step, one of {', '.join(names)}")
    return found[0], parameter


def _at(
    steps: Sequence[Mapping[str, Any]],
    places: Mapping[str, tuple[int, str]],
    point: Mapping[str, Any],
) -> Condition:
    changed = [dict(step) for step in steps]
    for name, value in point.items():
        step, parameter = places[name]
        changed[step][parameter] = value
    return parse_condition(changed)


def sweep_values(name: str, given: Any) -> list[Any]:
    """Values of a sweep.

    Examples
    --------
    >>> sweep_values("rate", {"low": 1, "high": 100, "steps": 3, "scale": "log"})
    [1.0, 10.0, 100.0]
    """
    if isinstance(given, list | tuple) and given:
        return list(given)
    if not isinstance(given, Mapping) or not {"low", "high", "steps"} <= set(given):
        raise InputError(
            f"sweep {name!r} is {given!r:.60}; allowed: a list, or {{low = 1, high = 9, steps = 3}}"
        )
    low, high, steps = float(given["low"]), float(given["high"]), given["steps"]
    scale = given.get("scale", "linear")
    if not isinstance(steps, int) or not 2 <= steps <= MOST_POINTS or not low < high:
        raise InputError(f"sweep {name!r}: needs low < high and 2 or more steps")
    if scale == "log" and low > 0:
        return [round(low * (high / low) ** (i / (steps - 1)), 10) for i in range(steps)]
    if scale != "linear":
        raise InputError(f"sweep {name!r}: scale is 'linear', or 'log' where low is above 0")
    return [round(low + (high - low) * i / (steps - 1), 10) for i in range(steps)]


def assign(
    samples: int,
    treatments: Sequence[Treatment],
    *,
    design: Design,
    fraction: float,
    seed: int,
    order: Sequence[int] | None = None,
) -> list[list[int]]:
    """Treatments that each sample meets, as indices in rising order.

    A fraction is balanced: every sample meets equally many treatments, and every treatment equally
    many samples, one more or less.  Clean samples are always among them, since every comparison
    needs them.

    Parameters
    ----------
    samples : int
    treatments : sequence of Treatment
    design, fraction, seed
        As in the plan.
    order : sequence of int, optional
        Order in which samples are dealt their treatments; neighbours are balanced among each other.
    """
    every = list(range(len(treatments)))
    if design != "fraction":
        return [every] * samples
    always = [i for i in every if treatments[i].condition is None]
    drawn = [i for i in every if treatments[i].condition is not None]
    count = min(len(drawn), max(1, round(fraction * len(drawn)))) if drawn else 0
    deck = _deck(drawn, random.Random(seed))  # noqa: S311 - a design, not a secret
    found: list[list[int]] = [[]] * samples
    left: list[int] = []
    for sample in order or range(samples):
        hand: list[int] = []
        while len(hand) < count:
            fresh = next((i for i in left if i not in hand), None)
            if fresh is None:
                left += next(deck)
                continue
            left.remove(fresh)
            hand.append(fresh)
        found[sample] = sorted(always + hand)
    return found


def _deck(drawn: Sequence[int], generator: random.Random) -> Iterator[list[int]]:
    while True:
        shuffled = list(drawn)
        generator.shuffle(shuffled)
        yield shuffled

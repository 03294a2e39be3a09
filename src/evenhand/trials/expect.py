"""What a trial would do: calls, time and cost, without a call and without a file."""

from collections.abc import Sequence
from pathlib import Path

from evenhand.services.service import LocalService, Request
from evenhand.trials.cache import Cache
from evenhand.trials.cells import Cell, Layout
from evenhand.trials.media import prepare
from evenhand.trials.trial import Expected, Trial
from evenhand.trials.wiring import Wired


def expect(layout: Layout, path: Path) -> Trial:
    """Summary of a dry run.

    Time and cost come from the answers that the cache holds of the same service; where it holds
    none, the cost is the most that the service can cost, and the time is `None` unless the rate of
    calls is bounded.

    Parameters
    ----------
    layout : Layout
    path : Path
        The cache; it need not be there, and is not made.
    """
    plan = layout.plan
    cells = [cell for cell in layout if cell.sample not in layout.faults]
    if path.is_file():
        with Cache(path) as cache:
            known = set(cache.known([cell.key for cell in cells]))
            typical = [cache.typical(wired.service.name) for wired in plan.services]
    else:
        known, typical = set(), [(None, None)] * len(plan.services)
    expected = []
    for place, wired in enumerate(plan.services):
        own = {cell.key: cell for cell in cells if cell.service == place}
        todo = [cell for key, cell in own.items() if key not in known]
        seconds, cost = typical[place]
        expected.append(
            Expected(
                service=wired.service.name,
                calls=len(todo),
                cached=len(own) - len(todo),
                seconds=_expected_seconds(wired, len(todo), seconds),
                cost=_expected_cost(layout, wired, todo, cost),
            )
        )
    expected += [_judging(judge.wired, len(cells)) for judge in plan.judges]
    return Trial(
        name=plan.name,
        records=None,
        dry_run=True,
        rows=len(layout),
        cached=sum(each.cached for each in expected),
        expected=tuple(expected),
    )


def _judging(wired: Wired, rows: int) -> Expected:
    """Calls of a judge at most: every answer may be another, and what it costs is not known yet."""
    local = isinstance(wired.service, LocalService)
    return Expected(
        service=f"judge {wired.service.name}",
        calls=rows,
        cached=0,
        seconds=_expected_seconds(wired, rows, None),
        cost=0.0 if local else None,
    )


def _expected_seconds(wired: Wired, calls: int, seconds: float | None) -> float | None:
    if calls == 0:
        return 0.0
    at_least = calls / wired.per_second if wired.per_second else None
    by_speed = calls * seconds / min(wired.in_flight, calls) if seconds is not None else None
    given = [value for value in (at_least, by_speed) if value is not None]
    return max(given) if given else None


def _expected_cost(
    layout: Layout, wired: Wired, todo: Sequence[Cell], cost: float | None
) -> float | None:
    """Cost by earlier answers, else at most, from twenty calls spread over all."""
    if not todo or isinstance(wired.service, LocalService):
        return 0.0
    if cost is not None:
        return len(todo) * cost
    if getattr(wired.service, "price", None) is None or not hasattr(wired.service, "most"):
        return None
    some = todo[:: max(1, len(todo) // 20)]
    ready = [prepare(layout.job(cell)) for cell in some]
    most = [wired.service.most(request) for request in ready if isinstance(request, Request)]
    return len(todo) * sum(most) / len(most) if most else None

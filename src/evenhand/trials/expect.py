"""What a trial would do: calls, time and cost, without a call and without a file."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from evenhand.errors import InputError
from evenhand.services.service import LocalService, Request, ServiceError
from evenhand.trials.cache import Cache
from evenhand.trials.layout import Call, Layout
from evenhand.trials.media import missing_package, prepare
from evenhand.trials.plan import Plan
from evenhand.trials.trial import Expected, Trial
from evenhand.trials.wiring import Wired

#: Calls of which the prompt is filled for the cost, and of which media are prepared.
_FILLED = 2000
_PREPARED = 20


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
        problems=tuple(_problems(plan)),
    )


def _problems(plan: Plan) -> Iterator[str]:
    """What is missing before the first call: packages, keys, addresses."""
    for kind in dict.fromkeys(sample.kind for sample in plan.samples):
        missing = missing_package(kind)
        if missing is not None:
            yield f"samples: {missing}"
    asked = [(wired, wired.service.name) for wired in plan.services]
    asked += [(judge.wired, f"judge {judge.wired.service.name}") for judge in plan.judges]
    for wired, name in asked:
        check = getattr(wired.service, "check", None)
        try:
            found = check() if check is not None else []
        except InputError as error:
            found = [str(error)]
        yield from (f"{name}: {each}" for each in found)


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
    layout: Layout, wired: Wired, todo: Sequence[Call], cost: float | None
) -> float | None:
    """Cost by earlier answers, else at most, from the filled prompts.

    Texts and rows are filled all; of sounds and pictures twenty spread over all are prepared, since
    each is read and changed.
    """
    local = isinstance(wired.service, LocalService) or not hasattr(wired.service, "price")
    if not todo or local:
        return 0.0
    if cost is not None:
        return len(todo) * cost
    if getattr(wired.service, "price", None) is None or not hasattr(wired.service, "most"):
        return None
    light = all(layout.plan.samples[cell.sample].kind in ("text", "table") for cell in todo)
    at_most = _FILLED if light else _PREPARED
    some = todo[:: max(1, len(todo) // at_most)]
    ready = [prepare(layout.job(cell)) for cell in some]
    most = [_most(wired, request) for request in ready if isinstance(request, Request)]
    known = [each for each in most if each is not None]
    return len(todo) * sum(known) / len(known) if known else None


def _most(wired: Wired, request: Request) -> float | None:
    try:
        return float(wired.service.most(request))  # type: ignore[union-attr]
    except ServiceError:  # a slot that this sample cannot fill: its row will say so
        return None

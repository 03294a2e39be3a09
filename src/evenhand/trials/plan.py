"""Plans: what is put before which service under which conditions, checked as a whole."""

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evenhand.deferred import Deferred, tomllib
from evenhand.errors import Fault, FaultsError, InputError, near, unknown_name
from evenhand.samples import MEASURES, Kind, Sample, check_measures
from evenhand.samples.rows import read_rows
from evenhand.samples.table import TableProfile
from evenhand.services.template import SLOTS
from evenhand.trials.design import CLEAN, DESIGNS, Design, Treatment, expand
from evenhand.trials.executors import HERE, is_workers
from evenhand.trials.manifest import Columns, ListedSample, listed_of, read_manifest
from evenhand.trials.scoring import COLUMNS, JUDGED, AnswerScore, Judge, columns_of, read_score
from evenhand.trials.wiring import Wired, check_name, check_number, wire

_SECTIONS = ("trial", "samples", "conditions", "services", "scores")
TRIAL_FIELDS = (
    "name", "design", "fraction", "balance", "repeats", "seed", "budget", "metrics", "baseline",
    "measure", "cache", "workers",
)  # fmt: skip
SAMPLE_FIELDS = (
    "manifest", "kind", "id", "file", "text", "reference", "unit", "attributes", "features",
    "training",
)  # fmt: skip
#: Brings the engine: 0.3 s of CPU that most plans do without.
_METRICS = Deferred("evenhand.metrics")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A trial before it is run.

    Attributes
    ----------
    samples : tuple of ListedSample
    treatments : tuple of Treatment
        Conditions with their seeds; clean samples are one of them.
    services : tuple of Wired
    name : str
    design : str
        ``full``, ``one-at-a-time`` or ``fraction``.
    fraction : float
        Share of the conditions that each sample meets under ``fraction``.
    balance : tuple of str
        Attributes within which a fraction is balanced.
    repeats : int
        How often each call is made, for services that do not always answer alike.
    seed : int
        Of the design and of all conditions.
    budget : float, optional
        What the whole trial may cost, resumed runs included.
    metrics : tuple of str
        Metrics that the records are meant for; checked for their names.
    scores : tuple of AnswerScore
        Numeric columns computed from the outputs.
    unit : str, optional
        Name of the unit's column.
    measure : bool or tuple of str
        Whether samples are measured, or which measures to take.
    profile : Any
        What rows of a table are held against when they are measured.
    cache : Path, optional
        File of the answers; beside the records if not given.
    workers : str
        Where media and local services are computed: ``threads``, or ``processes``, which cost a
        second to start and let those run side by side that hold Python's lock (PocketSphinx does); or the
        address of a dask scheduler, ``tcp://host:8786``, whose workers have this version of the package.
    """

    samples: tuple[ListedSample, ...]
    treatments: tuple[Treatment, ...]
    services: tuple[Wired, ...]
    name: str = "trial"
    design: Design = "full"
    fraction: float = 1.0
    balance: tuple[str, ...] = ()
    repeats: int = 1
    seed: int = 0
    budget: float | None = None
    metrics: tuple[str, ...] = ()
    scores: tuple[AnswerScore, ...] = ()
    unit: str | None = None
    measure: bool | tuple[str, ...] = True
    profile: Any = field(default=None, compare=False)
    cache: Path | None = None
    workers: str = "threads"

    @property
    def judges(self) -> tuple[Judge, ...]:
        """Judges among the scores."""
        return tuple(score.judge for score in self.scores if score.judge is not None)


@dataclass(slots=True)
class _Faults:
    """Faults of a plan, collected so that all are told together."""

    found: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def within(self, place: str) -> Iterator[None]:
        """Collect what is wrong within a place instead of raising it."""
        try:
            yield
        except FaultsError as error:
            self.found += [f"{place}: {fault.message}" for fault in error.faults]
        except InputError as error:
            self.found += [f"{place}: {error}"]

    def unknown(self, place: str, given: Mapping[str, Any], known: Sequence[str]) -> None:
        """Names that do not exist there."""
        self.found += [
            f"{place}: " + unknown_name("field", str(name), known)
            for name in given
            if name not in known
        ]


def read_plan(path: Path, *, own_code: bool = True) -> Plan:
    """Plan in a TOML file.

    Parameters
    ----------
    path : Path
    own_code : bool
        Whether the plan is the user's own, and may start programs and functions.

    Raises
    ------
    FaultsError
        With all faults of the plan.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is no plan: it is not text.  A plan is a TOML file; see: evenhand trial --help"
        ) from error
    except OSError as error:
        raise InputError(f"{path} cannot be read as a plan: {error}.") from error
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not TOML: {error}.") from error
    return make_plan(given, source=str(path), folder=path.parent, own_code=own_code)


def make_plan(
    given: Mapping[str, Any],
    *,
    source: str = "plan",
    folder: Path = Path(),
    own_code: bool = True,
) -> Plan:
    """Plan from a mapping of the same form as the file.

    From Python, ``samples`` may also be a sequence of `Sample`, mappings or a manifest's path;
    ``conditions`` may hold `Condition`; ``services`` may hold services themselves.

    Raises
    ------
    FaultsError
        With all faults of the plan.
    """
    faults = _Faults()
    faults.unknown("plan", given, _SECTIONS)
    given = _sections(given, faults)
    trial = given.get("trial", {})
    faults.unknown("[trial]", trial, TRIAL_FIELDS)
    samples: list[ListedSample] = []
    unit = None
    profile = None
    with faults.within("[samples]"):
        samples, unit, profile = _samples(given.get("samples"), folder, faults)
    services = _services(given.get("services", ()), folder, own_code, faults)
    values = _values(trial, folder, faults)
    treatments = _treatments(given.get("conditions", ()), values, trial, faults)
    scores: list[AnswerScore] = []
    for number, score in enumerate(given.get("scores", ()), 1):
        with faults.within(f"scores, number {number}"):
            scores.append(read_score(score, folder=folder, own_code=own_code))
    plan = Plan(
        samples=tuple(samples),
        treatments=tuple(treatments),
        services=tuple(services),
        scores=tuple(scores),
        unit=unit,
        profile=profile,
        **values,
    )
    faults.found += _misfits(plan)
    if faults.found:
        raise FaultsError(
            source,
            [Fault(line=None, message=message) for message in faults.found],
            advice="Nothing was called.",
        )
    return plan


def _sections(given: Mapping[str, Any], faults: _Faults) -> Mapping[str, Any]:
    """Sections of their kind: a table, or tables in a list; what is none is told and left out."""
    found = dict(given)
    for name in ("conditions", "services", "scores"):
        if isinstance(given.get(name, ()), str | Mapping) or not isinstance(
            given.get(name, ()), Sequence
        ):
            faults.found.append(
                f"[[{name}]]: {given[name]!r:.60} is no list; write [[{name}]] before each of its tables"
            )
            del found[name]
    if not isinstance(given.get("trial", {}), Mapping):
        faults.found.append(f"[trial]: {given['trial']!r:.60} is no table; write [trial]")
        del found["trial"]
    return found


def _samples(
    given: Any, folder: Path, faults: _Faults
) -> tuple[list[ListedSample], str | None, Any]:
    if isinstance(given, str | Path):
        given = {"manifest": str(given)}
    if isinstance(given, Sequence):
        listed = [listed_of(sample) for sample in given]
        return listed, ("unit" if any(s.unit is not None for s in listed) else None), None
    if not isinstance(given, Mapping) or "manifest" not in given:
        raise InputError('no samples.  Write manifest = "samples.csv"')
    faults.unknown("[samples]", given, SAMPLE_FIELDS)
    for name in SAMPLE_FIELDS:
        if name not in ("attributes", "features"):
            path = isinstance(given.get(name), Path)
            check_name(name, str(given[name]) if path else given.get(name))
        elif not isinstance(given.get(name, ()), list | tuple):
            raise InputError(f'{name} is {given[name]!r:.60}; allowed: a list of names, ["NAME"]')
    named: dict[str, Any] = {
        name: given[name] for name in ("id", "file", "text", "reference", "unit") if name in given
    }
    named |= {name: tuple(given[name]) for name in ("attributes", "features") if name in given}
    columns = Columns(**named)
    samples = read_manifest(folder / given["manifest"], columns, given.get("kind"))
    profile = None
    if "training" in given:
        profile = TableProfile.fit(read_rows(folder / given["training"]))
    return samples, columns.unit, profile


def _services(given: Sequence[Any], folder: Path, own_code: bool, faults: _Faults) -> list[Wired]:
    found = []
    if not given:
        faults.found.append('[[services]]: none.  Write kind = "replay", "chat", …')
    for number, item in enumerate(given, 1):
        with faults.within(f"[[services]] number {number}"):
            found.append(wire(item, folder=folder, own_code=own_code))
    doubled = [n for n, count in Counter(w.service.name for w in found).items() if count > 1]
    faults.found += [f"[[services]]: two are called {name!r}; give each a name" for name in doubled]
    return found


def _values(trial: Mapping[str, Any], folder: Path, faults: _Faults) -> dict[str, Any]:
    known = [name for name in TRIAL_FIELDS if name != "baseline"]
    values = {name: trial[name] for name in known if name in trial}
    checks = {"repeats": (1, 10_000, True), "seed": (0, 2**63, True),
              "budget": (0, 1e12, False), "fraction": (1e-9, 1, False)}  # fmt: skip
    for name, (low, high, whole) in checks.items():
        with faults.within("[trial]"):
            if name in values:
                check_number(name, values[name], low, high, whole=whole)
    if values.get("design", "full") not in DESIGNS:
        faults.found.append(
            "[trial]: " + unknown_name("design", str(values.pop("design")), DESIGNS)
        )
    if not is_workers(str(values.get("workers", "threads"))):
        place = str(values.pop("workers"))
        places = (*HERE, "tcp://host:8786")
        faults.found.append("[trial]: " + unknown_name("kind of worker", place, places))
    if not isinstance(values.get("measure", True), bool | list | tuple):
        faults.found.append(
            f"[trial]: measure is {values.pop('measure')!r}; allowed: true, false or a list of names"
        )
    _check_names(values, faults)
    if values.get("cache"):
        values["cache"] = folder / str(values["cache"])
    return values


def _check_names(values: dict[str, Any], faults: _Faults) -> None:
    """Lists of names as tuples; what is no name, or no list, is told."""
    for name in ("balance", "metrics", "measure"):
        if not isinstance(values.get(name, ()), bool | list | tuple):
            faults.found.append(
                f"[trial]: {name} is {values.pop(name)!r:.60}; allowed: a list of names"
            )
        elif name in values and not isinstance(values[name], bool):
            values[name] = tuple(values[name])
    for name in ("name", "cache"):
        with faults.within("[trial]"):
            check_name(name, values.get(name) or None)


def _treatments(
    given: Sequence[Any], values: Mapping[str, Any], trial: Mapping[str, Any], faults: _Faults
) -> list[Treatment]:
    found = [Treatment(label=CLEAN)] if trial.get("baseline", True) else []
    for number, item in enumerate(given, 1):
        with faults.within(f"[[conditions]] number {number}"):
            found += expand(item, values.get("design", "full"))
    unique = list({(t.text, t.seed): t for t in reversed(found)}.values())[::-1]
    labels: dict[str, str] = {}
    for treatment in unique:
        if labels.setdefault(treatment.label, treatment.text) != treatment.text:
            faults.found.append(
                f"[[conditions]]: two are called {treatment.label!r} and differ; give each a name"
            )
    if not unique:
        faults.found.append("[[conditions]]: none, and baseline = false: nothing to do")
    return unique


def _misfits(plan: Plan) -> list[str]:
    """What is wrong between the parts of a plan."""
    found = []
    kinds = {sample.kind for sample in plan.samples}
    for treatment in plan.treatments:
        kind = treatment.condition.kind if treatment.condition else "any"
        if kind != "any" and kinds and kind not in kinds:
            found.append(
                f"[[conditions]]: {treatment.label} changes {kind}, but the samples are "
                f"{' and '.join(sorted(kinds))}"
            )
    attributes = list(dict.fromkeys(name for s in plan.samples for name in s.attributes))
    found += [
        "[trial] balance: " + unknown_name("attribute", name, attributes)
        for name in plan.balance
        if name not in attributes
    ]
    found += _unknown_measures(plan, sorted(kinds))
    found += _unknown_slots(plan, attributes) + _unknown_columns(plan, attributes)
    found += _doubled_columns(plan, attributes)
    if plan.budget is not None:
        found += [
            f"[trial]: there is a budget, but service {wired.service.name!r} has no price, so it "
            "cannot be kept.  Write price = {call = …} (0 if it is free)"
            for wired in (*plan.services, *(judge.wired for judge in plan.judges))
            if not wired.priced
        ]
    return found + _unknown_metrics(plan.metrics)


def _unknown_measures(plan: Plan, kinds: Sequence[Kind]) -> list[str]:
    """Measures that do not exist, or ask what a person is; nothing tells before the kind is known."""
    if isinstance(plan.measure, bool) or not kinds:
        return []
    try:
        check_measures(plan.measure, [each.name for kind in kinds for each in MEASURES[kind]])
    except InputError as error:
        return [f"[trial] measure: {error}"]
    return []


def _unknown_slots(plan: Plan, attributes: Sequence[str]) -> list[str]:
    judged = [("scores, judge", judge.wired, JUDGED) for judge in plan.judges]
    asked = [("[[services]]", wired, ()) for wired in plan.services]
    return [
        f"{place} {wired.service.name!r}: "
        + unknown_name("slot", name, [*SLOTS, *more, *attributes])
        for place, wired, more in (*asked, *judged)
        for name in getattr(wired.service, "uses", ())
        if plan.samples and name not in ("sample_id", "condition", *more, *attributes)
    ]


def _unknown_columns(plan: Plan, attributes: Sequence[str]) -> list[str]:
    """Attributes that scores are held against and that no sample has."""
    named = [(score.column, score.against) for score in plan.scores]
    named += [(score.column, score.among) for score in plan.scores]
    named += [(score.column, score.judge.human) for score in plan.scores if score.judge]
    return [
        f"scores, {column}: " + unknown_name("attribute", name, attributes)
        for column, name in named
        if name is not None and plan.samples and name not in attributes
    ]


def _doubled_columns(plan: Plan, attributes: Sequence[str]) -> Iterator[str]:
    """Columns of scores that other columns are called too, of which an audit would read the wrong one."""
    taken = dict.fromkeys(attributes, "is an attribute of the samples")
    if plan.unit is not None:
        taken.setdefault(plan.unit, "is the unit's")
    taken |= dict.fromkeys(COLUMNS, "stands in all records")
    for number, score in enumerate(plan.scores, 1):
        names = columns_of(score)
        yield from [
            f"scores, number {number}: the column {name!r} {taken[name]} already.  "
            f'Give this score another: column = "{score.column}_score"'
            for name in names
            if name in taken
        ][:1]
        taken |= dict.fromkeys(names, f"is that of number {number}")


def _unknown_metrics(metrics: Sequence[str]) -> list[str]:
    if not metrics:
        return []
    known = list(_METRICS.DEFINITIONS)
    names = [text.partition("(")[0].strip() for text in metrics]
    return [
        f"[trial] metrics: no metric is called {name!r}.{near(name, known)}"
        for name in names
        if name not in known
    ]


def with_cache(plan: Plan, out: Path) -> Plan:
    """Plan with its cache beside the records, unless it names one."""
    return plan if plan.cache else replace(plan, cache=out.with_name(out.stem + ".cache.sqlite"))


__all__ = ["Plan", "Sample", "Wired", "make_plan", "read_plan", "with_cache"]

"""A search put together: slices with their numbers, and what is said of how they were found."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.cubes import Cells
from evenhand.errors import Note
from evenhand.groups import to_text
from evenhand.pages.nouns import unit_noun
from evenhand.pages.numbers import plural
from evenhand.results.estimate import Missing, finite
from evenhand.results.origin import versions
from evenhand.slicing.folding import Kept, contributions
from evenhand.slicing.hunt import Hunt
from evenhand.slicing.judging import Aim, JudgedSlices, judge_slices, patterns_of
from evenhand.slicing.result import (
    Confirmation,
    Searched,
    SearchedMetric,
    SearchedOverall,
    SearchSettings,
    Slice,
    Slices,
)
from evenhand.slicing.search import Found
from evenhand.slicing.space import Item, mask_of, predicate_of
from evenhand.slicing.verdicts import Verdicts
from evenhand.stats.forms import Ratio

Floats = npt.NDArray[np.float64]
#: Methods that hold rows out, so that what is told was not chosen by the score of all.
HALVES = ("split", "cross-screening", "e-values")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a report says about its origin."""

    metric: SearchedMetric
    unit: str | None
    source: str
    sha256: str | None
    level: float
    seed: int
    left_out: dict[str, str]
    explicit: bool
    command: str
    options: Mapping[str, Any]
    started: float
    notes: tuple[Note, ...] = ()
    missing: tuple[Missing, ...] = ()


def assemble(
    hunt: Hunt,
    found: Found,
    kept: Sequence[Kept],
    verdicts: Verdicts | None,
    facts: Facts,
    others: Verdicts | None = None,
) -> Slices:
    """Put together what was found; `others` are proven slices that the score does not list."""
    shown = [(hunt.literals(one.candidate), one.candidate.score) for one in kept]
    folded = {
        _text(hunt.literals(one.candidate)): tuple(_text(hunt.literals(c)) for c in one.folded)
        for one in kept
    }
    if verdicts is not None:
        shown = verdicts.slices
        judged = verdicts.judged
    else:
        judged = judge_slices(hunt.cells, hunt.question, [items for items, _ in shown], exact=False)
    cells = hunt.cells if verdicts is None or verdicts.held_out is None else verdicts.held_out
    overlaps = _overlaps(cells, shown)
    slices = [
        _slice(hunt, cells, number, shown, judged, verdicts, facts, folded, overlaps)
        for number in range(len(shown))
    ]
    settings = hunt.settings
    return Slices(
        exact=found.exact,
        metric=facts.metric,
        level=facts.level,
        unit=facts.unit,
        source=facts.source,
        sha256=facts.sha256,
        overall=_overall(hunt.question, cells),
        score=settings.score,
        searched=_searched(hunt, found, verdicts, facts),
        confirmation=_confirmation(verdicts, facts, len(shown)),
        slices=tuple(slices),
        elsewhere=tuple(_others(hunt, others, facts)),
        left_out=facts.left_out,
        notes=(*facts.notes, *_notes(hunt, found, kept, verdicts)),
        missing=facts.missing,
        command=facts.command,
        settings=SearchSettings(
            **{**facts.options, **asdict(settings), "seed": facts.seed}, versions=dict(versions())
        ),
    )


def _others(hunt: Hunt, others: Verdicts | None, facts: Facts) -> Iterator[Slice]:
    if others is None:
        return
    overlaps = _overlaps(hunt.cells, others.slices)
    for number in range(len(others.slices)):
        yield _slice(
            hunt, hunt.cells, number, others.slices, others.judged, others, facts, {}, overlaps
        )


def _text(items: Sequence[Item]) -> str:
    return to_text(predicate_of(items))


def _slice(
    hunt: Hunt,
    cells: Cells,
    number: int,
    shown: Sequence[tuple[list[Item], float]],
    judged: JudgedSlices,
    verdicts: Verdicts | None,
    facts: Facts,
    folded: dict[str, tuple[str, ...]],
    overlaps: Floats,
) -> Slice:
    items, score = shown[number]
    value, rest = finite(judged.values[number]), finite(judged.rests[number])
    difference = None if value is None or rest is None else value - rest
    low = high = p = adjusted = value_low = value_high = None
    confirmed = False
    if verdicts is not None:
        low, high = map(finite, verdicts.bounds(number))
        value_low, value_high = map(finite, judged.value_bounds(number, verdicts.critical_z))
        p, adjusted = float(judged.p[number]), float(verdicts.p_adjusted[number])
        confirmed = verdicts.confirmed(number, hunt.question, facts.level)
    form = hunt.question.form
    assert isinstance(form, Ratio)
    above, below = form.split(judged.estimates.sums[1 + number][None])
    text = _text(items)
    rows = int(judged.n_rows[number])
    return Slice(
        predicate=text,
        literals=tuple(item.text for item in items),
        contributions=tuple(contributions(cells, form, items)),
        n_rows=rows,
        n_units=int(judged.n_units[number]),
        support=rows / int(cells.n_rows.sum()),
        numerator=float(above[0]),
        denominator=float(below[0]),
        value=value,
        value_low=value_low,
        value_high=value_high,
        rest=rest,
        difference=difference,
        low=low,
        high=high,
        p_value=p,
        p_adjusted=adjusted,
        confirmed=confirmed,
        score=score,
        overall_without=rest,
        folded=folded.get(text, ()),
        overlaps=tuple(overlaps[number].tolist()),
        reason=None if difference is not None else "no_denominator",
    )


def _overlaps(cells: Cells, shown: Sequence[tuple[list[Item], float]]) -> Floats:
    """Shared rows over rows of either, of all pairs of slices; 0 where neither has a row."""
    masks = np.array([mask_of(cells, items) for items, _ in shown], bool)
    group, patterns = patterns_of(masks.reshape(len(shown), len(cells)))
    inside = patterns.astype(float)
    both = inside.T @ (np.bincount(group, cells.n_rows, len(patterns))[:, None] * inside)
    own = both.diagonal()
    either = own[:, None] + own[None, :] - both
    return np.asarray(np.divide(both, either, out=np.zeros_like(both), where=either > 0), float)


def _overall(question: Aim, cells: Cells) -> SearchedOverall:
    form = question.form
    assert isinstance(form, Ratio)
    above, below = form.split(cells.sums.sum(axis=0)[None, None, :])
    return SearchedOverall(
        value=float(above[0] / below[0]) if below[0] else None,
        n_rows=int(cells.n_rows.sum()),
        n_units=cells.n_units,
        numerator=float(above[0]),
        denominator=float(below[0]),
    )


def _searched(hunt: Hunt, found: Found, verdicts: Verdicts | None, facts: Facts) -> Searched:
    family = verdicts.family if verdicts else None
    return Searched(
        candidates=found.candidates + len(hunt.items),
        evaluated=found.evaluated,
        depth=hunt.settings.depth,
        literals=len(hunt.items),
        features=tuple(attribute.name for attribute in hunt.cells.attributes),
        min_rows=hunt.limits.rows,
        admissible=family.size if family else None,
        counted=family.counted if family else None,
        bound=finite(found.bound),
        seconds=round(time.perf_counter() - facts.started, 3),
    )


def _confirmation(verdicts: Verdicts | None, facts: Facts, shown: int) -> Confirmation:
    if verdicts is None:
        return Confirmation(
            method="none",
            family=None,
            critical_z=None,
            held_out_rows=None,
            sentence="No confirmation was asked for.",
        )
    family, held_out = verdicts.family, verdicts.held_out
    number = f"{family.size:,}" if family else f"{shown}"
    counted = "" if family is None or family.counted else "at most "
    confidence = f"{facts.level * 100:g} % confidence"
    sentence = _SENTENCES[verdicts.method].format(
        number=counted + number,
        confidence=confidence,
        test="Holm over" if verdicts.maximum is None else "the largest of",
        units="rows" if facts.unit is None else unit_noun(facts.unit),
    )
    return Confirmation(
        method="bootstrap" if verdicts.method == "multipliers" else verdicts.method,
        family=family.size if family else shown,
        critical_z=finite(verdicts.critical_z),
        held_out_rows=None if held_out is None else int(held_out.n_rows.sum()),
        sentence=sentence,
        p_floor=verdicts.p_floor,
    )


_SENTENCES = {
    "exact": "Exact p-values, corrected for all {number} slices with enough rows (Bonferroni); "
    "{confidence} over all of them.",
    "permutation": "Compared with the largest of all {number} slices when losses are dealt out at random, each "
    "measured by its own spread (999 permutations); {confidence} over all of them.",
    "bootstrap": "Compared with the largest of all {number} slices when {units} are drawn anew, each measured by its "
    "own spread (999 draws); {confidence} over all of them.",
    "multipliers": "Compared with the largest of all {number} slices under random multipliers of the cells (999 "
    "draws); {confidence} over all of them.",
    "split": "Found in one half of the units and tested in the other ({test} {number}); all numbers are of the "
    "half that did not choose; {confidence} over all of them.",
    "cross-screening": "Each half of the units was searched and its slices tested in the other half (Holm); "
    "{confidence} over all of them.  Bounds hold for all {number} slices with enough rows.",
    "e-values": "Averaged e-values of ten random halvings, searched and tested both ways; "
    "{confidence} over all of them.  Bounds hold for all {number} slices with enough rows.",
}


def _notes(hunt: Hunt, found: Found, kept: Sequence[Kept], verdicts: Verdicts | None) -> list[Note]:
    """What a reader must know besides."""
    if not found.exact:
        text = "Interrupted: this is the best so far, and nothing was confirmed."
        return [Note(code="interrupted", text=text)]
    if (
        hunt.cells.unit is not None
        and not kept
        and hunt.cells.n_units < 2 * hunt.settings.min_units
    ):
        text = (
            f"{plural(hunt.cells.n_units, 'unit')} in all; a slice needs {hunt.settings.min_units}."
        )
        return [Note(code="too_few_units", text=text)]
    top = hunt.settings.top
    whole = verdicts is None or verdicts.method not in HALVES
    if whole and 0 < len(kept) < top:
        text = f"{len(kept)} of {top} asked for: all others {_fate(hunt)}."
        return [Note(code="fewer_slices", text=text)]
    return []


def _fate(hunt: Hunt) -> str:
    """Why slices are not told."""
    score, fold = hunt.score.name, hunt.settings.fold
    same = "say the same as one of these, or " if fold else ""
    if score == "sliceline":
        return f"{same}score 0 or less by sliceline"
    return f"{same}are no worse than all rows together"

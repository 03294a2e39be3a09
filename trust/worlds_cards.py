"""Worlds of two cards of one service: what changed from the one to the next."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
from scipy import stats

import evenhand
from evenhand.cards.assembly import assembled
from evenhand.cards.given import GivenResult
from evenhand.cards.written import CardedService, WrittenCard

from .claims import Claim

WRITTEN = WrittenCard(
    service=CardedService(name="s", version="1", provider="p", applies_to="2026-01-01", contact="c")
)


def card(groups, wrong, units, table):
    """A card of an audit; `table` stands for the digest of its records."""
    rows = pa.table({"g": groups.astype(str), "wrong": wrong.astype(int), "u": units})
    audit = evenhand.audit(
        rows, "mean(wrong)", "g", unit=None if units[0] < 0 else "u", worse="higher"
    )
    audit = replace(audit, source=replace(audit.source, name=table, sha256=table))
    given = GivenResult(name="audit.json", file_sha256="", field="audits", result=audit)
    return assembled(WRITTEN, [given], source="a world")


def changed(before, after):
    """Whether any change is told, of groups or of everybody; and whether of the first group it is a harm."""
    found = evenhand.compare_cards(before, after).groups
    told = any(one.verdict in ("worse", "better") for one in found)
    first = any(one.verdict == "worse" and one.group.get("g") == "0" for one in found)
    return float(told), float(first)


def apart(before, after):
    """What readers of two cards do: call a change what has no value in both intervals."""
    by = {g.predicate: g.estimate for g in before.audits[0].groups}
    later = {g.predicate: g.estimate for g in after.audits[0].groups}
    return float(any(by[p].low > later[p].high or later[p].low > by[p].high for p in by))


def tested(before, after):
    """Each group by a test of two proportions, without a correction."""
    later = {g.predicate: g.estimate for g in after.audits[0].groups}
    for group in before.audits[0].groups:
        one, other = group.estimate, later[group.predicate]
        pooled = (one.numerator + other.numerator) / (one.denominator + other.denominator)
        error = np.sqrt(pooled * (1 - pooled) * (1 / one.denominator + 1 / other.denominator))
        if error and abs(one.value - other.value) / error > stats.norm.ppf(0.975):
            return 1.0
    return 0.0


def samples(rng, rates, sizes, change=0.0):
    """Two samples of the same groups; the later one errs `change` more for the first."""
    groups = np.repeat(np.arange(len(rates)), sizes)
    units = np.full(len(groups), -1)
    later = rates.copy()
    later[0] += change
    return [
        card(groups, rng.random(len(groups)) < rate[groups], units, name)
        for name, rate in (("a", rates), ("b", later))
    ]


def null(rng, _index):
    before, after = samples(rng, rng.uniform(0.03, 0.5, 10), rng.integers(30, 300, 10))
    return {
        "evenhand": changed(before, after)[0],
        "intervals apart": apart(before, after),
        "a test a group": tested(before, after),
    }


def speakers(rng, _index):
    """Eight groups of twelve speakers, of whom some are much harder to understand."""
    cards = []
    for name in ("a", "b"):
        people = np.repeat(np.arange(96), 15)
        hard = rng.beta(0.8, 3.2, 96)
        wrong = rng.random(len(people)) < hard[people]
        cards.append(card(people // 12, wrong, people, name))
    return {
        "evenhand": changed(*cards)[0],
        "a test a group": tested(*cards),
    }


def power(rng, _index):
    before, after = samples(rng, np.full(6, 0.2), np.full(6, 300), change=0.14)
    return {"evenhand": changed(before, after)[1]}


CLAIMS = (
    Claim(
        name="cards-null",
        title="cards, nothing changed",
        words="Two cards of other people under the same service: no change is told.",
        world="10 groups of 30 to 300 rows, 3 to 50 % wrong; no difference between the cards",
        nominal=0.05,
        bound="at most",
        worlds=300,
        run=null,
    ),
    Claim(
        name="cards-speakers",
        title="cards of speakers, nothing changed",
        words="Two cards of other speakers under the same service: no change is told.",
        world="8 groups of 12 speakers of 15 rows, who differ much; no difference between the cards",
        nominal=0.05,
        bound="at most",
        worlds=300,
        run=speakers,
    ),
    Claim(
        name="cards-power",
        title="cards, power",
        words="A group for which the new version is worse is named.",
        world="6 groups of 300 rows, 20 % wrong; of one group 34 % on the later card",
        nominal=0.8,
        bound="at least",
        worlds=100,
        run=power,
    ),
)

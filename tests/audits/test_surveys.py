"""Samples drawn by a design: errors against R's survey and samplics, strata, and how often intervals cover.

`surveys/apistrat.csv` and `surveys/apiclus1.csv` are columns of the data sets of these names of R's survey
(Academic Performance Index of Californian schools, California Department of Education, 2000).
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import evenhand
from evenhand.comparisons.comparison import Pools, compare
from evenhand.comparisons.rates import bounds_of
from evenhand.comparisons.rules import VerdictRules
from evenhand.cubes import Cube, Units, estimate
from evenhand.cubes.cube import cube_of_units
from evenhand.cubes.keys import CellKeys
from evenhand.errors import InputError
from evenhand.stats.forms import Ratio
from evenhand.stats.intervals import z_of

SURVEYS = Path(__file__).parent / "surveys"
STRATA = {"weight": "pw", "stratum": "stype"}
CLUSTERS = {"weight": "pw", "unit": "dnum"}
#: survey 4.5 on R 4.6.1: svymean, svyratio of svydesign(id = ~1, strata = ~stype, weights = ~pw, data = apistrat) and
#: of svydesign(id = ~dnum, weights = ~pw, data = apiclus1).  With a finite population the second's first is the
#: 644.17 with a standard error of 23.542 of its documentation.
OF_R = [
    ("apistrat", STRATA, "mean(api00)", 662.287363159321, 9.53613229692516),
    ("apistrat", STRATA, "mean(enroll)", 595.282137135504, 18.9407631197531),
    ("apistrat", STRATA, "ratio(api00, enroll)", 1.11256045132858, 0.0422085858397061),
    (
        "apistrat",
        STRATA,
        "selection_rate(awards, positive='No')",
        0.361063935949422,
        0.0348975177769063,
    ),
    ("apiclus1", CLUSTERS, "mean(api00)", 644.169398907104, 23.7790107208869),
    ("apiclus1", CLUSTERS, "mean(enroll)", 549.715846994536, 45.6458729407598),
    ("apiclus1", CLUSTERS, "ratio(api00, enroll)", 1.17182250144138, 0.127544610789565),
    (
        "apiclus1",
        CLUSTERS,
        "selection_rate(awards, positive='No')",
        0.289617486338798,
        0.0333503726041141,
    ),
]


@pytest.mark.parametrize(("data", "design", "metric", "value", "error"), OF_R)
def test_errors_are_those_of_r_survey(data, design, metric, value, error):
    found = evenhand.audit(
        SURVEYS / f"{data}.csv", metric, "awards", worse="higher", **design
    ).overall
    assert found.value == pytest.approx(value, rel=1e-12)
    assert found.standard_error == pytest.approx(error, rel=1e-12)


def test_without_the_finite_population_it_is_the_published_error():
    """644.17 (23.542) with 15 of 757 districts drawn: Lumley (2010), Complex Surveys, chapter 3."""
    found = evenhand.audit(
        SURVEYS / "apiclus1.csv", "mean(api00)", "awards", worse="higher", **CLUSTERS
    ).overall
    assert f"{found.value:.2f}" == "644.17"
    assert f"{found.standard_error * np.sqrt(1 - 15 / 757):.3f}" == "23.542"


def test_groups_are_domains_of_r_survey():
    """svyby(~api00, ~cname, dclus1, svymean) of survey 4.5: all districts count, also those without the group."""
    found = evenhand.audit(
        SURVEYS / "apiclus1.csv", "mean(api00)", "cname", worse="higher", min_units=2, **CLUSTERS
    )
    told = {group.label: group.estimate.standard_error for group in found.groups}
    assert told["Los Angeles"] == pytest.approx(17.4230693023744, rel=1e-12)
    assert told["San Diego"] == pytest.approx(2.31989997506545, rel=1e-10)
    assert told["Santa Clara"] == pytest.approx(15.9315559043315, rel=1e-12)


def villages():
    """A survey that was drawn in six regions, ten villages each."""
    i = np.arange(360)
    rows = {
        "region": i % 6,
        "village": (i % 6) * 100 + (i // 6) % 5 + (i % 7 == 0) * 5,
        "group": (i * i // 3) % 3,
        "weight": 1 + (i * 37 % 50) / 10,
        "minutes": (i * i * 7 % 101) / 10.0,
        "words": 1 + i * 13 % 17,
    }
    rows["wrong"] = ((i * 29) % 11 < 3 + rows["group"]).astype(int)
    rows["errors"] = np.round(rows["words"] * ((i * 31) % 10) / 12)
    return rows


#: samplics 0.6.0, TaylorEstimator(PopParam.mean or PopParam.ratio).estimate(y, samp_weight, x, stratum, psu, domain):
#: standard errors of everybody and of the three groups.
OF_SAMPLICS = {
    ("mean(minutes)", None, None): (
        0.16002584004705156,
        0.20441890662360387,
        0.3466144187631707,
        0.36652118375394926,
    ),
    ("mean(minutes)", "region", None): (
        0.16111889316773204,
        0.2053110847742997,
        0.34787953925500725,
        0.3656360941257124,
    ),
    ("mean(minutes)", None, "village"): (
        0.15707830334986936,
        0.21434032372737888,
        0.28534879938920377,
        0.395969639884724,
    ),
    ("mean(minutes)", "region", "village"): (
        0.16397632302557424,
        0.22073256404944536,
        0.289134579947226,
        0.3932211636775258,
    ),
    ("mean(wrong)", "region", None): (
        0.02709067586258941,
        0.03485262792734026,
        0.058614917724593374,
        0.06028205800535293,
    ),
    ("mean(wrong)", "region", "village"): (
        0.01816183244107446,
        0.024403872972849225,
        0.046504500787593925,
        0.03922429243831655,
    ),
    ("ratio(errors, words)", "region", None): (
        0.01523430672341295,
        0.02075669719515129,
        0.03297891262917535,
        0.030358210564469565,
    ),
    ("ratio(errors, words)", "region", "village"): (
        0.040291685264004305,
        0.049841654475733334,
        0.05112777241815404,
        0.04691709913047829,
    ),
}


@pytest.mark.parametrize("asked", OF_SAMPLICS)
def test_errors_are_those_of_samplics(asked):
    metric, stratum, unit = asked
    found = evenhand.audit(
        pa.table(villages()),
        metric,
        "group",
        weight="weight",
        stratum=stratum,
        unit=unit,
        worse="higher",
    )
    groups = sorted(found.groups, key=lambda group: group.label)
    told = [one.standard_error for one in (found.overall, *(g.estimate for g in groups))]
    assert told == pytest.approx(OF_SAMPLICS[asked], rel=1e-10)


# -- strata -------------------------------------------------------------------------------------


def asked(rows, metric="mean(minutes)", **options):
    return evenhand.audit(pa.table(rows), metric, "group", worse="higher", **options)


@pytest.mark.parametrize("unit", [None, "village"])
def test_one_stratum_is_none(unit):
    rows = villages()
    rows["one"] = np.zeros(360, int)
    found = asked(rows, weight="weight", unit=unit, stratum="one")
    plain = asked(rows, weight="weight", unit=unit)
    assert found.overall == plain.overall
    assert found.groups == plain.groups


@pytest.mark.parametrize("unit", [None, "village"])
def test_strata_without_weights_are_those_of_weight_one(unit):
    rows = villages()
    rows["weight"] = np.ones(360)
    found = asked(rows, unit=unit, stratum="region")
    weighted = asked(rows, weight="weight", unit=unit, stratum="region")
    assert (found.overall, found.groups) == (weighted.overall, weighted.groups)
    assert (found.weight, found.stratum) == (None, "region")


def test_groups_that_are_strata_are_compared_as_what_they_are():
    """Independent samples: the variance of a difference is the sum, with and without strata."""
    rows = villages() | {"group": villages()["region"]}
    found = asked(rows, weight="weight", stratum="group")
    plain = asked(rows, weight="weight")
    for own, its in zip(found.groups, plain.groups, strict=True):
        assert own.estimate.value == pytest.approx(its.estimate.value)
        assert own.estimate.standard_error == pytest.approx(its.estimate.standard_error, rel=0.02)


def test_rows_without_a_stratum_are_left_out_and_counted():
    rows = villages()
    rows["region"] = [None if i in (4, 9) else f"r{one}" for i, one in enumerate(rows["region"])]
    found = asked(rows, weight="weight", stratum="region")
    (missing,) = found.missing
    assert (missing.attribute, missing.reason, missing.n_rows) == ("region", "missing_stratum", 2)
    assert found.overall.n_rows == 358


def test_a_unit_in_two_strata_is_refused():
    rows = villages()
    rows["village"] = rows["village"] % 100
    with pytest.raises(
        InputError, match=r"unit '0' lies in two strata, 0 and 1 of region, but.*joins"
    ):
        asked(rows, weight="weight", unit="village", stratum="region")


def test_what_strata_cannot_be_is_refused():
    rows = villages()
    with pytest.raises(InputError, match=r"stratum is 'region', and two columns name units"):
        asked(rows, unit=["village", "words"], stratum="region")
    with pytest.raises(InputError, match=r"stratum and unit are both 'region'"):
        asked(rows, unit="region", stratum="region")
    with pytest.raises(InputError, match=r"Unknown column 'regoin'\. Did you mean 'region'"):
        asked(rows, stratum="regoin")
    rows["label"] = rows["wrong"]
    with pytest.raises(InputError, match=r"auc\(.* takes no weight or stratum: "):
        asked(rows, metric="auc(label, minutes)", stratum="region")


def test_a_unit_alone_in_its_stratum_is_told_and_taken_from_the_mean():
    """R's survey.lonely.psu = "adjust": the same as if its influence were taken from the mean of all, which is 0."""
    rows = villages()
    rows["region"] = np.where(rows["village"] == 3, 99, rows["region"])
    found = asked(rows, weight="weight", unit="village", stratum="region")
    (note,) = (one for one in found.notes if one.code == "lonely_strata")
    assert "1 stratum of region (99) has one village alone" in note.text
    y, w = rows["minutes"], rows["weight"]
    influence = w * (y - np.average(y, weights=w)) / w.sum()
    total = 0.0
    for stratum in np.unique(rows["region"]):
        names = np.unique(rows["village"][rows["region"] == stratum])
        own = np.array([influence[rows["village"] == name].sum() for name in names])
        n = len(own)
        total += own[0] ** 2 if n == 1 else n / (n - 1) * ((own - own.mean()) ** 2).sum()
    assert found.overall.standard_error == pytest.approx(np.sqrt(total), rel=1e-10)


def test_strata_are_no_group_unless_asked_for():
    found = asked(villages(), weight="weight", stratum="region")
    assert {group.by for group in found.groups} == {("group",)}


# -- how often intervals cover ------------------------------------------------------------------

RATE = Ratio(numerator=(1, 0), denominator=(0, 1))
WORLDS = 300


def cube_of(group, stratum, weight, value, unit):
    """The cube of weighted rows of two groups in strata."""
    strata = stratum.max() + 1
    used, cell = np.unique(group * strata + stratum, return_inverse=True)
    rows = np.bincount(cell)
    parts = np.stack([weight * value, weight], axis=1)
    squares = [np.bincount(cell, weight**power) for power in (0, 1, 2)]
    shared = {
        "attributes": ("group", "stratum"),
        "parts": ("value", "rows"),
        "keys": CellKeys.of([(int(key // strata), int(key % strata)) for key in used]),
        "n_rows": rows,
        "n_defined": rows,
        "weights": np.stack(squares, axis=1)[:, None, :],
        "stratum": "stratum" if strata > 1 else None,
    }
    if unit is not None:
        names, number = np.unique(unit, return_inverse=True)
        pairs, place = np.unique(cell * len(names) + number, return_inverse=True)
        sums = np.stack([np.bincount(place, part) for part in parts.T], axis=1)
        units = Units(
            cell=pairs // len(names),
            unit=pairs % len(names),
            sums=sums,
            names=tuple(map(str, names)),
        )
        return cube_of_units(units=units, **shared)
    sums = np.stack([np.bincount(cell, part) for part in parts.T], axis=1)
    apart = parts - (sums / rows[:, None])[cell]
    products = apart[:, :, None] * apart[:, None, :]
    comoments = np.zeros((len(rows), 2, 2))
    np.add.at(comoments, cell, products)
    return Cube(sums=sums, comoments=comoments, level=np.zeros(len(rows), int), **shared)


def drawn(rng, rows, strata, units, rate, apart):
    """Yes or no of rows that are drawn in strata of other rates and weights; in units, where there are some."""
    stratum = np.repeat(np.arange(strata), rows // strata)
    group = rng.integers(0, 2, len(stratum))
    weight = np.exp(0.6 * rng.normal(size=len(stratum))) * (1 + stratum % 3)
    chance = rate + np.linspace(-apart, apart, strata)[stratum] if strata > 1 else rate
    unit = None
    if units:
        unit = stratum * units + rng.integers(0, units, len(stratum))
        chance = chance + 0.1 * rng.uniform(-1, 1, strata * units)[unit]
    return cube_of(group, stratum, weight, (rng.random(len(stratum)) < chance).astype(float), unit)


@pytest.mark.parametrize(
    ("rows", "strata", "units", "rate", "apart"),
    [
        (60, 1, 0, 0.3, 0.0),
        (200, 1, 0, 0.05, 0.0),
        (300, 1, 30, 0.2, 0.0),
        (120, 6, 0, 0.3, 0.2),
        (300, 10, 0, 0.4, 0.3),
        (400, 12, 3, 0.4, 0.25),
    ],
)
def test_intervals_cover(rows, strata, units, rate, apart):
    rng = np.random.default_rng(20)
    rules = VerdictRules(low=0.0, high=1.0)
    rates = rate + np.linspace(-apart, apart, strata) if strata > 1 else np.array([rate])
    truth = np.average(rates, weights=1 + np.arange(strata) % 3)
    covered = np.zeros(3)
    for _ in range(WORLDS):
        cube = drawn(rng, rows, strata, units, rate, apart)
        of = np.array(cube.keys.column(0))
        found = estimate(cube, RATE, np.stack([of >= 0, of == 0, of == 1]))
        low, high, _ = bounds_of(found, RATE, rules, binomial=not units)
        one, two = np.array([1]), np.array([2])
        pools = Pools.one(np.array([1, 2]), 1)
        compared = compare(
            found, RATE, one, two, proportion=False, pools=pools, bounds=(0.0, 1.0)
        ).interval(float(z_of(0.95)))
        inside = [low[i] <= truth <= high[i] for i in (0, 1)]
        covered += [*inside, compared[0][0] <= 0 <= compared[1][0]]
    assert (covered / WORLDS >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / WORLDS)).all()


def test_strata_that_differ_make_surer():
    """The spread between strata is no error of a sample that has so many of each."""
    rng = np.random.default_rng(3)
    cube = drawn(rng, 600, 6, 0, 0.5, 0.4)
    everybody = np.ones((1, len(cube.keys)), bool)
    within = estimate(cube, RATE, everybody)
    assert (
        within.variances[0]
        < 0.75
        * estimate(
            Cube(**{name: getattr(cube, name) for name in cube.__slots__} | {"stratum": None}),
            RATE,
            everybody,
        ).variances[0]
    )

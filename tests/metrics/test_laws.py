"""Every metric obeys the laws, and every law catches a known culprit."""

from dataclasses import replace

import numpy as np
import pytest
from sqlglot import exp

from evenhand.cubes import Measure
from evenhand.groups.predicate import column_expression, literal
from evenhand.metrics import DEFINITIONS, FAMILIES, Argument, Definition, Example, MetricPlan, Takes
from evenhand.metrics.inputs import number_input
from evenhand.metrics.laws import LAWS, LawError, check_metric
from evenhand.stats.forms import Ratio, Smooth


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_every_metric_obeys_the_laws(name):
    check_metric(DEFINITIONS[name])


def test_no_metric_is_forgotten():
    modules = {
        path.stem
        for path in __import__("pathlib")
        .Path(__import__("evenhand.metrics").metrics.__file__)
        .parent.glob("*/*.py")
    } - {
        "__init__",
        "counts",
        "transcripts",
        "alignment",
        "averages",
        "classes",
        "margins",
        "probabilities",
        "score_counts",
        "normalizers",
        "english",
        "english_numbers",
        "english_rules",
        "information",
        "languages",
        "observations",
        "blocks",
        "pairs",
        "preparation",
        "ratings",
        "readings",
        "sample",
        "scorer",
        "scoring",
        "scripts",
        "sets",
        "unicode",
    }
    assert modules == set(DEFINITIONS)
    assert sum(len(family) for family in FAMILIES.values()) == len(DEFINITIONS)


def test_every_metric_names_its_source():
    for definition in DEFINITIONS.values():
        assert len(definition.source) > 10, definition.name


def metric_with(form, parts=None, example=None, **changes):
    """A mean with something wrong about it."""

    def build(metric, records, keep, where):
        value, checks = number_input(metric, "value", records)
        counts = parts or (("value", column_expression("value")), ("rows", literal(1)))
        return MetricPlan(
            records=records,
            measure=Measure(parts=counts, inputs=(value,), checks=checks),
            form=form,
            proportion=False,
        )

    definition = Definition(
        name="culprit",
        definition="a culprit",
        arguments=(Argument(name="value", takes=Takes.NUMBER),),
        build=build,
        higher_is_worse=True,
        example=example or Example(columns={"value": [1.0, 2.0, 6.0]}, value=3.0),
        source="nowhere",
        low=None,
        high=None,
    )
    return replace(definition, **changes)


MEAN = Ratio(numerator=(1, 0), denominator=(0, 1))


class SilentZero(Ratio):
    __slots__ = ()

    def value(self, sums):
        return np.nan_to_num(super().value(sums))


class WrongGradient(Ratio):
    __slots__ = ()

    def gradient(self, sums):
        return super().gradient(sums) * 2


def _row_number():
    return exp.Window(this=exp.RowNumber())


CULPRITS = {
    "the example has its value": metric_with(
        MEAN, example=Example(columns={"value": [1.0, 2.0, 6.0]}, value=3.1)
    ),
    "doubling changes nothing": metric_with(
        Smooth(function=lambda s: s[..., 0] / (s[..., 1] + 0.0) ** 1.5, sides=((1,),)),
        example=Example(columns={"value": [1.0, 2.0, 6.0]}, value=9 / 3**1.5),
    ),
    "scaling changes nothing": metric_with(
        Smooth(function=lambda s: s[..., 0] / (s[..., 1] + 5.0), sides=((1,),)),
        example=Example(columns={"value": [1.0, 2.0, 6.0]}, value=9 / 8),
        corrected=True,
    ),
    "values stay in range": metric_with(MEAN, high=2.5),
    "the gradient is the derivative": metric_with(
        WrongGradient(numerator=(1, 0), denominator=(0, 1))
    ),
    "nothing measured is undefined": metric_with(SilentZero(numerator=(1, 0), denominator=(0, 1))),
}


@pytest.mark.parametrize("law", CULPRITS)
def test_each_law_catches_its_culprit(law):
    with pytest.raises(LawError, match=law):
        check_metric(CULPRITS[law])


def test_the_mean_without_fault_passes():
    check_metric(metric_with(MEAN))


def test_there_is_a_docstring_for_every_law():
    assert all(law.__doc__ for law in LAWS)

"""Whose rows lack what a metric needs: a service that leaves some people without an answer is not even."""

from collections.abc import Iterator

import numpy as np

from evenhand.audits.disclosure.hiding import hidden_sets
from evenhand.audits.evidence import GroupEvidence
from evenhand.audits.measured import measure_rows
from evenhand.comparisons.rules import VerdictRules
from evenhand.errors import Note
from evenhand.groups import equals, to_text
from evenhand.pages.edition import PLAIN
from evenhand.pages.numbers import share
from evenhand.questions.question import Question, bound_metric, metric_rules


def lacking_by_group(question: Question, name: str, rules: VerdictRules) -> Iterator[Note]:
    """How large a share of a group's rows lacks a column, where groups are not alike in that.

    Parameters
    ----------
    question : Question
    name : str
        A column that the metric needs.
    rules : VerdictRules
        Those of the rule; where they hide groups nothing is told.
    """
    if rules.suppress_below:
        return
    metric = bound_metric(
        f"selection_rate(prediction=({to_text(equals(name, None))}))", question.records
    )
    measured = measure_rows(question, [metric], (), few=0).judged(question)
    (plan,), (cube,) = measured.plans, measured.cubes
    about = (question.attributes, question.partitions)
    ruled = metric_rules(rules, metric, plan, higher_is_worse=True)
    hidden = hidden_sets([cube], [plan.form], *about, ruled)
    groups = GroupEvidence(
        cube, plan.form, *about, ruled, proportion=plan.proportion, hidden=hidden
    )
    for partition, members in groups.partitions:
        index = groups.group_index[members]
        shares = groups.estimates.values[index]
        most, least = int(np.argmax(shares)), int(np.argmin(shares))
        told = [
            f"{share(float(shares[one]))} of {PLAIN.named(groups.cell_of(int(index[one])).group)}"
            for one in (most, least)
        ]
        if share(float(shares[most])) != share(float(shares[least])):
            text = (
                f"Rows that lack {name}, by {PLAIN.crossed(partition.names)}: {told[0]}, {told[1]}."
            )
            yield Note(code="lacking_by_group", text=text)

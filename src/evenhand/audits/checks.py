"""Options of an audit that have no meaning, alone or beside others."""

from collections.abc import Sequence
from pathlib import Path

from evenhand.comparisons.rules import VerdictRules
from evenhand.errors import InputError
from evenhand.metrics import Metric
from evenhand.questions.options import check_choices, check_numbers


def check_beside_judge(
    metrics: Sequence[str | Metric],
    labels: Sequence[str],
    rules: VerdictRules,
    cube: str | Path | None,
) -> None:
    """Refuse what has no meaning, or no known coverage, beside a judge."""
    others = {
        "weight": (rules.weight is not None, "labels are taken to be drawn with one chance"),
        "stratum": (rules.stratum is not None, "labels are taken to be drawn with one chance"),
        "suppress_below": (
            rules.suppress_below > 0,
            "counts of labels and of all rows of the same groups give away what is hidden",
        ),
        "cube": (cube is not None, "a cube counts one label of each row"),
        "labels": (bool(labels), "a judge stands beside one label"),
    }
    for name, (given, why) in others.items():
        if given:
            raise InputError(f"judge and {name} are both given, but {why}.  Leave one of them out.")
    if len(metrics) > 1:
        raise InputError(
            f"judge is given beside {len(metrics)} metrics, but is one of them on other labels.  Ask for one metric."
        )


def check_rules(rules: VerdictRules, worse: str | None) -> None:
    """Refuse options that have no meaning."""
    numbers = ("level", "tolerance", "min_units", "suppress_below", "seed")
    check_numbers({name: getattr(rules, name) for name in numbers})
    chosen = {"adjust": rules.adjust, "interval": rules.interval, "worse": worse}
    check_choices(chosen, needed=("adjust", "interval"))

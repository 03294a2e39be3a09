"""Commands that could be run next, with the columns that were found."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from evenhand.overviews.roles import (
    COUNT,
    FORECAST,
    GROUP,
    HARM,
    HYPOTHESIS,
    ID,
    LABEL,
    PREDICTION,
    PROBABILITY,
    REFERENCE,
    SCORE,
    UNIT,
    WEIGHT,
    tells_outcomes,
)

#: Groups that are named in a command.
_NAMED = 2


def next_commands(
    table: str,
    options: Sequence[str],
    roles: Mapping[str, str],
    choices: Mapping[str, Sequence[str]],
) -> Iterator[str]:
    """Commands by what columns look like; what they need is named, and nothing is guessed.

    Parameters
    ----------
    table : str
    options : sequence of str
        How the table is read, as words of the command line.
    roles : Mapping
        What columns look like.
    choices : Mapping
        Columns of which one value must be chosen.
    """
    of_role = {role: [n for n, r in roles.items() if r == role] for role in set(roles.values())}
    metrics = list(_metrics(of_role))
    groups = [name for name in of_role.get(GROUP, []) if not tells_outcomes(name)]
    start = [table, *options]
    chosen = [
        word
        for name, values in choices.items()
        for word in ("--where", f"{_written(name)} = '{values[0]}'")
    ]
    units = of_role.get(UNIT, [])[:1]
    unit = [word for name in units for word in ("--unit", name)]
    weight = [word for name in of_role.get(WEIGHT, [])[:1] for word in ("--weight", name)]
    if COUNT in of_role:
        counts = ["--counts", ",".join(of_role[COUNT])]
        told = (groups + of_role.get(ID, []))[:1]
        by = [word for name in told for word in ("--by", name)]
        metric = ["--metric", "error_rate(label, prediction)"]
        yield shlex.join(["evenhand", "audit", *start, *counts, *metric, *by])
        return
    for words in metrics:
        if groups:
            by = [word for name in groups[:_NAMED] for word in ("--by", name)]
            yield shlex.join(["evenhand", "audit", *start, *words, *by, *unit, *weight, *chosen])
    if metrics:
        features = ["--features", ",".join(groups)] if groups else []
        yield shlex.join(["evenhand", "slices", *start, *metrics[0], *features, *unit, *chosen])
    hypotheses = of_role.get(HYPOTHESIS, [])
    if len(hypotheses) > 1 and groups:
        pair = [
            f"wer({_written(of_role[REFERENCE][0])}, {_written(one)})" for one in hypotheses[:2]
        ]
        yield shlex.join(
            ["evenhand", "audit", *start, "--compare", *pair, "--by", groups[0], *unit]
        )


def _metrics(of_role: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    for hypothesis in of_role.get(HYPOTHESIS, [])[:1]:
        reference = of_role[REFERENCE][0]
        yield ["--metric", f"wer({_written(reference)}, {_written(hypothesis)})"]
    for predicted in of_role.get(PREDICTION, [])[:1]:
        label = of_role[LABEL][0]
        pair = f"label={_written(label)}, prediction={_written(predicted)}"
        yield ["--metric", f"error_rate({pair})"]
    for score in of_role.get(SCORE, [])[:_NAMED]:
        worse = "higher" if HARM.search(score) else "lower"
        yield ["--metric", f"mean({_written(score)})", "--worse", worse]
    forecasts = [*of_role.get(PROBABILITY, []), *of_role.get(FORECAST, [])]
    if forecasts and of_role.get(LABEL):
        label, score = of_role[LABEL][0], forecasts[0]
        yield ["--metric", f"auc(label={_written(label)}, score={_written(score)})"]


def _written(name: str) -> str:
    """A column's name as expressions take it."""
    return name if re.fullmatch(r"[A-Za-z_]\w*", name) else '"' + name.replace('"', '""') + '"'

"""Scorers measured on our own answers: by Evenhand, as an audit of each scorer by language.

``python -m tests.trials.measured first`` prints the figures of a set; ``first --wrong`` what is read wrongly or
not; ``--table`` the table of docs/trials.md.
"""

import json
import sys
import tomllib
from pathlib import Path

import pyarrow as pa

import evenhand
from evenhand.trials.choices import find_choice
from evenhand.trials.numbers import meant_number
from evenhand.trials.ratings import read_rating
from evenhand.trials.refusals import declines
from evenhand.trials.scorers import numeric

LABELLED = Path(__file__).with_name("labelled")
SCORERS = ("refusals", "choices", "numbers", "ratings")
PRECISION = "precision(label=right, prediction=said)"
#: Of refusals, and of answers, how many are in doubt.
UNSURE = (
    "true_positive_rate(label=there, prediction=unsure)",
    "false_positive_rate(label=there, prediction=unsure)",
)
RECALL = "true_positive_rate(label=there, prediction=right)"


def answers(name):
    """Answers of a set: language, scorer, text, and what a person reads in it."""
    for path in sorted((LABELLED / name).glob("*.toml")):
        lists = tomllib.loads(path.read_text("utf-8"))
        for kind, truth in (("declines", True), ("answers", "")):
            for text in lists[kind]:
                yield path.stem, "refusals", text, truth
        for kind in SCORERS[1:]:
            for text, truth in lists.get(kind, ()):
                yield path.stem, kind, text, truth


def read(scorer, text, truth):
    """Whether a scorer says something of an answer, and whether that is what a person reads."""
    if scorer == "numbers":
        if truth == "":
            return meant_number(text) is not None, False
        # A share may be asked for in either way.
        wanted = [truth, float(truth[:-1]) / 100] if str(truth).endswith("%") else [truth]
        scores = [numeric(text, each) for each in wanted]
        return None not in scores, scores == [1.0] * len(wanted)
    found = {
        "refusals": lambda: declines(text) or None,
        "choices": lambda: find_choice(text, "ABCD"),
        "ratings": lambda: read_rating(text),
    }[scorer]()
    return found is not None, found is not None and truth != "" and found == truth


def table_of(name):
    """Records of a set: a row an answer."""
    rows = [
        {"language": language, "scorer": scorer, "text": text, "there": truth != "",
         "unsure": scorer == "refusals" and declines(text) is None,
         **dict(zip(("said", "right"), read(scorer, text, truth), strict=True))}
        for language, scorer, text, truth in answers(name)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows)


def figures(name):
    """By scorer and language: answers, and of precision and recall what was right of how many, with its interval."""
    found = {}
    table = table_of(name)
    for scorer in [each for each in SCORERS if each in table["scorer"].unique().to_pylist()]:
        metrics = [PRECISION, RECALL, *(UNSURE if scorer == "refusals" else ())]
        told = evenhand.audit_metrics(
            table, metrics, by="language", where=f"scorer = '{scorer}'", min_units=2
        )
        found[scorer] = {"all": [_figure(audit.overall) for audit in told]}
        groups = [{group.label: group.estimate for group in audit.groups} for audit in told]
        for language in sorted(groups[0]):
            found[scorer][language] = [_figure(each[language]) for each in groups]
    return found


def _figure(estimate):
    """What was right, of how many, and Wilson's interval."""
    ends = [None if end is None else round(end, 4) for end in (estimate.low, estimate.high)]
    return [int(estimate.numerator), int(estimate.denominator), *ends]


def written(found):
    """Figures as they are kept: a line a language."""
    parts = [
        f'"{scorer}": {{\n'
        + ",\n".join(f" {json.dumps(name)}: {json.dumps(each)}" for name, each in told.items())
        + "\n}"
        for scorer, told in found.items()
    ]
    return "{\n" + ",\n".join(parts) + "\n}"


def wrong(name):
    """What a scorer reads wrongly, or not at all."""
    for language, scorer, text, truth in answers(name):
        said, right = read(scorer, text, truth)
        if said != right or (truth != "" and not right):
            kind = "FALSE" if said else "missed"
            yield f"{kind} {language} {scorer} {text!r} {truth!r}"


def kept(name):
    """Figures of a set as they were first measured."""
    return json.loads((LABELLED / f"{name}.json").read_text("utf-8"))


def table():
    """The table of docs/trials.md: the fourth set."""
    others = kept("fourth")
    refusals = others["refusals"]
    yield "| right of said; found of all | refusals | in doubt | choices | numbers | ratings |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for language in [*sorted(set(refusals) - {"all"}), "all"]:
        right, found, unsure, _ = refusals[language]
        told = [f"{right[0]} of {right[1]}; {found[0]} of {found[1]}", f"{unsure[0]}"]
        for scorer in SCORERS[1:]:
            right, found = others[scorer][language]
            told.append(f"{right[0]} of {right[1]}; {found[0]} of {found[1]}")
        yield (
            f"| {language.capitalize() if language != 'all' else language} | "
            + " | ".join(told)
            + " |"
        )
    for place, head in enumerate(("precision", "recall")):
        rates = [
            rate(refusals["all"][place]),
            "",
            *(rate(others[scorer]["all"][place]) for scorer in SCORERS[1:]),
        ]
        yield f"| {head} | " + " | ".join(rates) + " |"


def rate(figure):
    """A rate with its interval, as the pages write it."""
    right, of, low, high = figure
    value, low, high = (f"{end:.2f}".removeprefix("0") for end in (right / of, low, high))
    return f"{value} ({low} to {high})"


if __name__ == "__main__":
    if "--table" in sys.argv:
        print("\n".join(table()))
    elif "--wrong" in sys.argv:
        print("\n".join(wrong(sys.argv[1])))
    else:
        print(written(figures(sys.argv[1])))

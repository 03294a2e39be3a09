"""Scorers measured: the figures of the docs are those that were measured, and today's scorers are no worse."""

from collections import Counter
from pathlib import Path

import pytest
from tests.trials import measured

from evenhand.trials.languages import languages
from evenhand.trials.refusals import known_languages

PAGE = Path(__file__).parents[2] / "docs" / "trials.md"
SETS = ("first", "second", "third", "fourth")


@pytest.mark.parametrize("name", SETS)
def test_each_measured_language_is_labelled(name):
    labelled = {language for language, *_ in measured.answers(name)}
    assert (
        labelled == {each.name for each in languages() if each.measured} == set(known_languages())
    )


def test_the_first_set_is_large_enough():
    counts = Counter((language, scorer) for language, scorer, *_ in measured.answers("first"))
    for (language, scorer), number in counts.items():
        least = {"refusals": 50, "ratings": 20}.get(scorer, 25)
        assert number >= least, (language, scorer)


def test_no_answer_stands_in_two_sets():
    texts = [
        {text for _, scorer, text, _ in measured.answers(name) if scorer == "refusals"}
        for name in SETS
    ]
    assert len(set.union(*texts)) == sum(map(len, texts))


def test_the_page_shows_what_was_measured():
    page = PAGE.read_text("utf-8")
    assert "\n".join(measured.table()) in page, "python -m tests.trials.measured --table"
    for name in ("first", "second", "third", "third_in_doubt"):
        for scorer, told in measured.kept(name).items():
            precision, recall = (
                measured.rate(figure).partition(" (")[0] for figure in told["all"][:2]
            )
            assert f"{scorer} {precision} and {recall}" in page, name


def test_the_page_tells_what_had_no_score():
    page = " ".join(PAGE.read_text("utf-8").split())
    told = {scorer: each["all"] for scorer, each in measured.kept("fourth").items()}
    (right, said, *_), (found, there, *_) = told["choices"]
    assert (
        f"Of {there} choices {there - found} had no score, and of {said} scores {said - right} was"
        in page
    )
    _, (found, there, *_) = told["ratings"]
    assert f"Of {there} ratings {there - found} had none" in page
    _, (found, there, *_), (unsure, *_), _ = told["refusals"]
    assert f"of the {there} of the table {there - found - unsure} count as answers, 0" in page
    assert f"{len(list(measured.answers('fourth')))} answers by somebody" in page


@pytest.mark.parametrize("name", [*SETS, "third_in_doubt"])
def test_todays_scorers_are_no_worse_than_those_that_were_measured(name):
    before = measured.kept(name)
    now = measured.figures(name.partition("_")[0])
    for scorer, told in before.items():
        (right, said, *_), (found, there, *_) = told["all"][:2]
        (right_now, said_now, *_), (found_now, there_now, *_) = now[scorer]["all"][:2]
        assert there_now == there, "the set has changed"
        assert right_now / said_now >= right / said - 1e-9, f"{scorer}: precision"
        if (name, scorer) != ("third", "refusals"):  # what was in doubt counted as found then
            assert found_now >= found, f"{scorer}: recall"


def test_the_audit_counts_as_one_counts_by_hand():
    """Rates and intervals of the figures against a count in plain Python and Wilson's formula."""
    rows = measured.table_of("second").to_pylist()
    for scorer, told in measured.figures("second").items():
        for language, (precision, recall, *_) in told.items():
            own = [r for r in rows if r["scorer"] == scorer and language in ("all", r["language"])]
            right = sum(r["right"] for r in own)
            assert precision[:2] == [right, sum(r["said"] for r in own)]
            assert recall[:2] == [right, sum(r["there"] for r in own)]
            for figure in (precision, recall):
                if figure[2] is not None and 5 <= figure[0] <= figure[1] - 5:
                    assert figure[2:] == pytest.approx(wilson(*figure[:2]), abs=2e-4)


def wilson(right, of, z=1.959964):
    """Wilson 1927, doi 10.1080/01621459.1927.10502953."""
    centre = (right + z * z / 2) / (of + z * z)
    half = z / (of + z * z) * (right * (of - right) / of + z * z / 4) ** 0.5
    return centre - half, centre + half

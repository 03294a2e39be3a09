"""Published and independently recomputed figures of real data, reproduced through the front door."""

import gzip
import json

import pyarrow as pa
import pytest

import evenhand
from evenhand.demos import read_artie

# The figures were made with ASCII punctuation deleted, which is `basic`; the default reads curly quotes and hyphens too.
WER = "wer(reference=sentence, hypothesis=transcript, normalizer='basic')"
ACCENTS = [
    "us",
    "canada",
    "england",
    "scotland",
    "ireland",
    "australia",
    "newzealand",
    "indian",
    "african",
]
# Recomputed for the data's README: lower-cased, ASCII punctuation deleted, ratio of sums.
ARTIE = {
    "amazon-en-US": [0.191, 0.106, 0.218, 0.248, 0.242, 0.162, 0.232, 0.352, 0.257, 0.285, 0.253],
    "amazon-en-GB": [0.195, 0.097, 0.203, 0.238, 0.253, 0.155, 0.253, 0.339, 0.272, 0.278, 0.249],
    "amazon-en-IN": [0.319, 0.265, 0.359, 0.257, 0.328, 0.401, 0.313, 0.332, 0.359, 0.376, 0.346],
    "google-en-US": [0.194, 0.153, 0.300, 0.228, 0.323, 0.317, 0.242, 0.299, 0.320, 0.289, 0.259],
    "google-en-IN": [0.657, 0.560, 0.723, 0.624, 0.697, 0.789, 0.778, 0.376, 0.694, 0.585, 0.595],
    "deepspeech-v0-5-1": [
        0.413,
        0.329,
        0.437,
        0.317,
        0.540,
        0.479,
        0.364,
        0.644,
        0.515,
        0.533,
        0.498,
    ],
    "deepspeech-v0-6-0": [
        0.358,
        0.315,
        0.406,
        0.307,
        0.419,
        0.444,
        0.323,
        0.557,
        0.495,
        0.453,
        0.430,
    ],
}


def by_label(result):
    return {group.label: group for group in result.groups}


@pytest.mark.data
@pytest.mark.parametrize("service", ARTIE)
def test_artie_word_error_rates_by_accent(data, service):
    result = evenhand.audit(
        read_artie(data / "artie", service), WER, by="accent", unit="client_id", min_units=2
    )
    groups = by_label(result)
    *accents, not_said, overall = ARTIE[service]
    for accent, expected in zip(ACCENTS, accents, strict=True):
        assert groups[accent].estimate.value == pytest.approx(expected, abs=0.00051), accent
    (missing,) = result.missing
    assert (missing.attribute, missing.n_rows) == ("accent", 562)
    assert missing.estimate.value == pytest.approx(not_said, abs=0.00051)
    assert result.overall.value == pytest.approx(overall, abs=0.00051)
    assert result.overall.n_units == 969


@pytest.mark.data
def test_artie_word_error_rates_by_gender(data):
    groups = by_label(
        evenhand.audit(read_artie(data / "artie"), WER, by="gender", unit="client_id")
    )
    assert groups["female"].estimate.value == pytest.approx(0.291, abs=0.00051)
    assert groups["male"].estimate.value == pytest.approx(0.247, abs=0.00051)


@pytest.mark.data
@pytest.mark.parametrize(
    ("service", "group", "difference", "low", "high"),
    [
        ("amazon-en-US", "indian", 0.170, 0.120, 0.219),
        ("amazon-en-US", "england", 0.038, -0.016, 0.097),
        ("google-en-US", "england", 0.110, 0.053, 0.177),
        ("google-en-IN", "indian", -0.284, -0.340, -0.228),
    ],
)
def test_artie_differences_clustered_by_speaker(data, service, group, difference, low, high):
    """English normaliser; the README's bounds are a bootstrap over speakers."""
    metric = "wer(reference=sentence, hypothesis=transcript, normalizer='english')"
    result = evenhand.audit(
        read_artie(data / "artie", service),
        metric,
        by=f"accent = '{group}'",
        unit="client_id",
        versus="accent = 'us'",
    )
    (found,) = result.groups
    assert found.versus.difference == pytest.approx(difference, abs=0.0011)
    # Speakers read 1 to 60 clips: the bootstrap takes each residual as it is, with the speaker's own part.
    assert low - 0.015 <= found.versus.low <= low + 0.005
    assert high - 0.005 <= found.versus.high <= high + 0.015


@pytest.mark.data
def test_an_empty_transcript_is_a_failure_not_a_missing_value(data):
    table = read_artie(data / "artie")
    empty = sum(text == "" for text in table["transcript"].to_pylist())
    assert empty == 11
    result = evenhand.audit(table, WER, by="transcript = ''", min_units=2)
    (group,) = result.groups
    assert (group.estimate.value, group.estimate.n_rows) == (1.0, 11)


@pytest.mark.data
def test_compas_rates_published_by_propublica(data):
    rates = {
        "false_positive_rate": {"African-American": (805, 1795), "Caucasian": (349, 1488)},
        "false_negative_rate": {"African-American": (532, 1901), "Caucasian": (461, 966)},
    }
    for name, expected in rates.items():
        metric = f"{name}(label=two_year_recid, prediction=score_text in ('Medium', 'High'))"
        result = evenhand.audit(data / "compas" / "compas.csv", metric, by="race")
        for race, (numerator, denominator) in expected.items():
            estimate = by_label(result)[race].estimate
            assert (estimate.numerator, estimate.denominator) == (numerator, denominator)
    assert by_label(result)["Caucasian"].verdict == "worse"


@pytest.mark.data
def test_compas_false_positives_are_worse_for_black_people(data):
    metric = (
        "false_positive_rate(label=two_year_recid, prediction=score_text in ('Medium', 'High'))"
    )
    result = evenhand.audit(
        data / "compas" / "compas.csv", metric, by="race", versus="race = 'Caucasian'"
    )
    group = by_label(result)["African-American"]
    assert group.verdict == "worse"
    assert group.versus.difference == pytest.approx(0.2139, abs=0.0001)
    assert by_label(result)["Caucasian"].versus is None
    assert (
        any(item.predicate == "race = 'Asian'" or item.reason for item in result.refused)
        or not result.refused
    )


@pytest.mark.data
def test_adult_has_missing_values_written_as_question_marks(data, tmp_path):
    names = (
        "age,workclass,fnlwgt,education,education_num,marital_status,occupation,relationship,"
        "race,sex,capital_gain,capital_loss,hours,country,income"
    )
    lines = (data / "adult" / "adult.data").read_text().replace(", ", ",").strip()
    path = tmp_path / "adult.csv"
    path.write_text(f"{names}\n{lines}\n")
    result = evenhand.audit(
        path,
        "selection_rate(prediction=income, positive='>50K')",
        by=["workclass", "sex"],
        worse="lower",
    )
    assert result.source.rows == 32561
    assert [(item.attribute, item.n_rows) for item in result.missing] == [("workclass", 1836)]
    women = by_label(result)["Female"]
    assert (women.estimate.numerator, women.estimate.denominator) == (1179, 10771)
    assert women.verdict == "worse"


@pytest.mark.data
def test_bbq_templates_not_rows_are_the_units(data):
    rows = []
    with gzip.open(data / "bbq" / "preds_Age.jsonl.gz", "rt") as file:
        for line in file:
            row = json.loads(line)
            answers = [row[f"ans{i}"].strip().lower() for i in range(3)]
            said = row["unifiedqa-t5-11b_pred_arc"].strip().lower()
            rows.append(
                {
                    "template": str(row["question_index"]),
                    "condition": row["context_condition"],
                    "polarity": row["question_polarity"],
                    "right": float(said == answers[row["label"]]),
                }
            )
    table = pa.Table.from_pylist(rows)
    by_rows = evenhand.audit(table, "mean(right)", by="condition")
    by_templates = evenhand.audit(table, "mean(right)", by="condition", unit="template")
    assert by_templates.overall.n_units == 25
    for one, other in zip(by_rows.groups, by_templates.groups, strict=True):
        assert one.estimate.value == other.estimate.value
        assert other.estimate.standard_error > 2 * one.estimate.standard_error

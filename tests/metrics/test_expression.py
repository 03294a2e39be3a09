"""Metric expressions: what they may say, and where the caret stands when they may not."""

import time

import pytest

from evenhand.errors import ExpressionError, InputError
from evenhand.groups import And, ColumnComparison, In
from evenhand.metrics import DEFINITIONS, Takes, parse_metric
from evenhand.records import Column, Kind

KINDS = {
    "text": Kind.TEXT,
    "heard": Kind.TEXT,
    "label": Kind.INTEGER,
    "prediction": Kind.INTEGER,
    "score": Kind.NUMBER,
    "two words": Kind.TEXT,
    'qu"ote': Kind.INTEGER,
    "a,b": Kind.INTEGER,
    "c)d": Kind.INTEGER,
    "wer": Kind.TEXT,
    "x-ray": Kind.INTEGER,
    "positive": Kind.INTEGER,
}
COLUMNS = [Column(name=name, kind=kind) for name, kind in KINDS.items()]


def given(text):
    return dict(parse_metric(text, COLUMNS).given)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("wer(reference=text, hypothesis=heard)", {"reference": "text", "hypothesis": "heard"}),
        ("wer(text, heard)", {"reference": "text", "hypothesis": "heard"}),
        ("  wer ( text ,\n heard ) ", {"reference": "text", "hypothesis": "heard"}),
        ("wer(hypothesis=heard, reference=text)", {"reference": "text", "hypothesis": "heard"}),
        ("wer(text, hypothesis=heard)", {"reference": "text", "hypothesis": "heard"}),
        ('wer("two words", "wer")', {"reference": "two words", "hypothesis": "wer"}),
        (
            "wer(text, heard, normalizer='english')",
            {"reference": "text", "hypothesis": "heard", "normalizer": "english"},
        ),
        ('accuracy("qu""ote", "a,b")', {"label": 'qu"ote', "prediction": "a,b"}),
        ('accuracy("c)d", "x-ray")', {"label": "c)d", "prediction": "x-ray"}),
        (
            "f1(label, prediction, positive='it''s, (ok)')",
            {"label": "label", "prediction": "prediction", "positive": "it's, (ok)"},
        ),
        (
            "f1(label, prediction, positive=-1.5)",
            {"label": "label", "prediction": "prediction", "positive": -1.5},
        ),
        (
            "f1(label, prediction, positive=2)",
            {"label": "label", "prediction": "prediction", "positive": 2},
        ),
        ("f1(label=label, prediction=positive)", {"label": "label", "prediction": "positive"}),
        (
            "selection_rate(prediction=score >= 0.5)",
            {"prediction": ColumnComparison("score", ">=", 0.5)},
        ),
        ("selection_rate(score >= 0.5)", {"prediction": ColumnComparison("score", ">=", 0.5)}),
        (
            "selection_rate((score >= 0.5) and text IN ('a,b', ')'))",
            {"prediction": And((ColumnComparison("score", ">=", 0.5), In("text", ("a,b", ")"))))},
        ),
        (
            "selection_rate(prediction=text = 'x')",
            {"prediction": ColumnComparison("text", "=", "x")},
        ),
        ("selection_rate(text = 'x')", {"prediction": ColumnComparison("text", "=", "x")}),
        (
            "selection_rate(\"two words\" = 'x')",
            {"prediction": ColumnComparison("two words", "=", "x")},
        ),
    ],
)
def test_an_expression_binds_columns_predicates_and_options(text, wanted):
    metric = parse_metric(text, COLUMNS)
    assert dict(metric.given) == wanted
    assert parse_metric(metric.text, COLUMNS) == metric


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("", 0, r"expected name\(argument=column"),
        ("wer", 3, r"expected wer\(reference=COLUMN"),
        ("(text)", 0, "expected name"),
        ("wer(text, heard", 15, r"expected \)"),
        ("wer(text, heard))", 16, "expected the end here"),
        ("wer(text, heard); DROP TABLE x", 16, "expected the end here"),
        ("wer(text, heard)-- x", 16, "expected the end here"),
        ("wer(txet, heard)", 4, "Did you mean 'text'"),
        ("wer(reference=txet, hypothesis=heard)", 14, "Did you mean 'text'"),
        ("wer(text,   hard)", 12, "Did you mean 'heard'"),
        ("wer(text, )", 10, "expected a value for 'hypothesis'"),
        ("wer(, heard)", 4, "expected a value for 'reference'"),
        ("wer(reference=, hypothesis=heard)", 14, "expected a value for 'reference'"),
        ("wer(reference=text, reference=heard)", 20, "given twice"),
        ("wer(text, reference=heard)", 10, "given twice"),
        ("wer(text, 'heard')", 10, ""),
        ("wer(text, read_csv('/etc/passwd'))", 10, ""),
        ("wer(text, (SELECT 1))", 10, ""),
        ("wer(text, heard, normalizer=english; x)", 28, ""),
        ("selection_rate(prediction=score >> 0.5)", 33, "expected a value"),
        ("selection_rate(prediction=scre >= 0.5)", 26, "Did you mean 'score'"),
        ("selection_rate(prediction=score >= 'x')", 35, "holds numbers"),
        ("selection_rate(prediction=text = 'a' AND score ~ 1)", 47, "expected one of"),
        ("selection_rate(prediction=pg_sleep(1) = 1)", 34, "functions are not part"),
        ("selection_rate(text = 'never closed)", 36, "closing '"),
        ("f1(label, prediction, positive=)", 31, "expected a value"),
        ("f1(label, prediction, positive=a b)", 31, "expected a number or text"),
        ('accuracy("nope", label)', 9, "Unknown column 'nope'"),
    ],
)
def test_the_caret_stands_where_it_is_wrong(text, position, message):
    with pytest.raises(ExpressionError, match=message or r"\^") as caught:
        parse_metric(text, COLUMNS)
    assert caught.value.position in (position, position + 1 if "'x'" in text else position)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wre(text, heard)", "Did you mean 'wer'"),
        ("acuracy(label, prediction)", "Did you mean 'accuracy'"),
        ("WER(text, heard)", "Did you mean 'wer'"),
        ("wer(refrence=text, hypothesis=heard)", "Did you mean 'reference'"),
        ("wer(text, heard, normaliser='basic')", "Did you mean 'normalizer'"),
        ("wer(text, heard, normalizer='latin')", "Allowed: unicode, basic, none, english, arabic"),
        ("wer(text)", r"wer also needs hypothesis\.  Write wer\("),
        ("wer()", "wer also needs reference and hypothesis"),
        ("cer(text, heard, 'basic', 'a', 'b', 'c')", "takes 5 arguments"),
        ("f1(label, prediction, average='median')", "Allowed: macro, micro"),
        ("f1(label, prediction, positive=1, average='macro')", "positive|average"),
        ("mean(score, label)", "takes 1 arguments|takes 1 argument"),
    ],
)
def test_names_that_do_not_exist_offer_near_ones(text, message):
    with pytest.raises(InputError, match=message):
        parse_metric(text, COLUMNS)


@pytest.mark.parametrize(
    "text",
    [
        "wer(" + "(" * 9_000,
        "wer(" + "a," * 4_000,
        "x" * 10_000_000,
        "wer(text, '" + "''" * 4_000,
        "f1(" * 3_000,
        "selection_rate(prediction=" + "(" * 900 + "score = 1" + ")" * 900 + ")",
        "wer(\x00)",
        "wer(tеxt, heard)",
    ],
    ids=lambda text: f"{text[:12]!r}…{len(text)}",
)
def test_hostile_text_ends_in_an_error_in_under_half_a_second(text):
    started = time.thread_time()  # of this thread alone: others may be busy
    with pytest.raises(InputError, match=r"\w") as caught:
        parse_metric(text, COLUMNS)
    assert time.thread_time() - started < 0.5
    assert len(str(caught.value)) < 3_000


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_every_metric_says_how_to_write_it(name):
    definition = DEFINITIONS[name]
    with pytest.raises(InputError, match=f"{name} also needs"):
        parse_metric(f"{name}()", COLUMNS)
    columns = {
        Takes.TEXT: "text",
        Takes.NUMBER: "score",
        Takes.PROBABILITY: "score",
        Takes.BINARY: "label",
        Takes.CLASS: "text",
        Takes.SET: "text",
        Takes.CONSTANT: "0.5",
    }
    values = {
        a.name: f"({columns[a.takes]}, label)" if a.least > 1 else columns[a.takes]
        for a in definition.arguments
        if a.required
    }
    filled = ", ".join(f"{argument}={value}" for argument, value in values.items())
    metric = parse_metric(f"{name}({filled})", COLUMNS)
    assert parse_metric(metric.text, COLUMNS) == metric

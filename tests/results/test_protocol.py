"""Answers go to JSON and come back: read after write is what was written, and nothing else is read."""

import dataclasses
import importlib
import inspect
import json
import pkgutil
from functools import cache
from pathlib import Path
from typing import ClassVar, Literal

import pyarrow as pa
import pytest

import evenhand
from evenhand.bounty.telling.answers import Committed, Services, Written
from evenhand.bounty.telling.logged import KeyPair
from evenhand.bounty.word import SignedWord
from evenhand.errors import InputError
from evenhand.results.protocol import Result, to_plain

ANSWERS = Path(__file__).parents[1] / "frozen" / "answers"


@cache
def classes():
    """Every class of the package that has a schema of its own, by its schema."""
    for module in pkgutil.walk_packages(evenhand.__path__, "evenhand."):
        if "worker" not in module.name:
            importlib.import_module(module.name)
    found, open_ = {}, [Result]
    while open_:
        for kind in open_.pop().__subclasses__():
            open_.append(kind)
            # A slotted dataclass is made twice; the first one is no attribute of its module.
            if (
                "SCHEMA" in vars(kind)
                and vars(importlib.import_module(kind.__module__)).get(kind.__name__) is kind
            ):
                found[kind.SCHEMA] = kind
    return {
        schema: kind for schema, kind in found.items() if kind.__module__.startswith("evenhand.")
    }


def written():
    """Each answer that a frozen command gave."""
    for path in sorted(ANSWERS.glob("*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        for number, one in enumerate(data if isinstance(data, list) else [data]):
            yield pytest.param(one, id=f"{path.stem}-{number}")


def settled(data):
    """The answer with plain numbers where the frozen one has a sign for what passes."""
    text = json.dumps(data).replace('"seconds": "\\u2026"', '"seconds": 0.5')
    return json.loads(text)


@pytest.mark.parametrize("data", list(written()))
def test_read_after_write_is_what_was_written(data):
    data = settled(data)
    if data["schema"] not in classes():
        pytest.fail(f"{data['schema']} belongs to no class")
    kind = classes()[data["schema"]]
    answer = kind.from_dict(data)
    assert answer.to_dict() == data
    assert kind.from_json(answer.to_json()) == answer
    assert list(answer.to_dict()) == ["schema", *(field.name for field in dataclasses.fields(kind))]


def test_every_answer_has_a_frozen_command_or_stands_here():
    odds = evenhand.equalized_odds(
        pa.table({"g": ["a"] * 20 + ["b"] * 20, "y": [1, 0] * 20, "p": [1, 0, 0, 0] * 10}),
        "y",
        "p",
        by="g",
    )
    strata = evenhand.conditional_demographic_disparity(
        pa.table({"g": ["a", "b"] * 20, "p": [1, 0, 0, 1, 1] * 8, "s": ["x"] * 20 + ["z"] * 20}),
        "p",
        by="g",
        strata="s",
    )
    unsent = [
        Committed(team="ada", key="a" * 64),
        Written(file="mine.json"),
        Services(services=("plain",)),
    ]
    keys = KeyPair(secret="secret-…", public="b" * 64)
    word = {"word": "submitted", "team": "ada", "key": "a" * 64, "text": ""}
    signed = SignedWord(bounty="c" * 64, **word, signature="d" * 128)
    answers = [*odds, *strata, *unsent, keys, signed]
    for answer in answers:
        assert type(answer).from_json(answer.to_json()) == answer
    frozen = {param.values[0]["schema"] for param in written()}
    assert set(classes()) == frozen | {answer.SCHEMA for answer in answers}


# -- what is refused, and where it is said to be wrong ------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    size: int
    share: float | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Whole(Result):
    SCHEMA: ClassVar[str] = "test.whole/1"

    name: str
    parts: tuple[Part, ...]
    pair: tuple[int, str] = (1, "a")
    kind: Literal["one", "two"] = "one"
    by_name: dict[str, str | int | bool | None] = dataclasses.field(default_factory=dict)


GOOD = {"schema": "test.whole/1", "name": "n", "parts": [{"size": 1, "share": 0.5}]}


def test_defaults_fill_what_an_older_version_did_not_write():
    assert Whole.from_dict(GOOD) == Whole(name="n", parts=(Part(size=1, share=0.5),))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": "test.whole/2"}, r"schema is 'test\.whole/2', but must be 'test\.whole/1'"),
        ({"name": 1}, r"test\.whole/1\.name is 1, but must be text"),
        ({"name": None}, r"\.name is None, but must be text"),
        ({"parts": {}}, r"\.parts is \{\}, but must be an array"),
        ({"parts": [1]}, r"\.parts\[0\] is 1, but must be an object"),
        ({"parts": [{"share": 1}]}, r"\.parts\[0\] lacks its field 'size'"),
        ({"parts": [{"size": True}]}, r"\.parts\[0\]\.size is True, but must be a whole number"),
        ({"parts": [{"size": 1.5}]}, r"\.parts\[0\]\.size is 1\.5, but must be a whole number"),
        ({"parts": [{"size": 1, "share": "x"}]}, r"\.share is 'x', but must be a number"),
        ({"parts": [{"size": 1, "share": float("nan")}]}, r"\.share is nan, but must be a number"),
        (
            {"parts": [{"size": 1, "shares": 2}]},
            r"a field 'shares', .* Did you mean 'share'\?.*newer version",
        ),
        ({"pair": [1]}, r"\.pair is \[1\], but must be an array of 2"),
        ({"kind": "three"}, r"\.kind is 'three', but must be 'one' or 'two'"),
        ({"by_name": {"a": [1]}}, r"\.by_name\.a is \[1\], but must be text or a whole number"),
        ({"by_name": 3}, r"\.by_name is 3, but must be an object"),
    ],
)
def test_what_is_of_another_type_is_refused_with_its_place(change, message):
    with pytest.raises(InputError, match=message):
        Whole.from_dict({**GOOD, **change})


@pytest.mark.parametrize(
    "text", ["{", "[1]", "3", None, 5, '{"schema": "test.whole/1", "name": NaN}']
)
def test_text_that_is_no_answer_is_refused(text):
    with pytest.raises(InputError, match=r"test\.whole/1"):
        Whole.from_json(text)


def test_no_nan_leaves():
    part = Part(size=1, share=float("nan"))
    with pytest.raises(ValueError, match="JSON compliant"):
        Whole(name="n", parts=(part,)).to_json()


def test_plain_values_are_copies():
    names = {"a": 1}
    plain = to_plain(Whole(name="n", parts=(), by_name=names))
    plain["by_name"]["a"] = 2
    assert names == {"a": 1}


@pytest.mark.parametrize(
    ("typed", "function"),
    [
        ("evenhand.audits.audit:AuditOptions", "evenhand.audits.audit:audit_metrics"),
        ("evenhand.audits.audit:AuditOptions", "evenhand.audits.audit:audit"),
        ("evenhand.slicing.hunt:SearchFields", "evenhand.slicing.hunt:SearchOptions"),
    ],
)
def test_options_that_are_passed_on_are_those_of_the_function(typed, function):
    first, second = (
        getattr(importlib.import_module(module), name)
        for module, _, name in (text.partition(":") for text in (typed, function))
    )
    known = {
        name: parameter.annotation
        for name, parameter in inspect.signature(second).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    assert first.__annotations__ == known


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"level": 95}, r"level is 95, but must be a confidence between 0 and 1"),
        ({"overall": {"low": 9.0}}, r"overall has low 9\.0 above high"),
    ],
)
def test_numbers_that_cannot_be_are_refused(change, message):
    data = settled(json.loads((ANSWERS / "audit_rows.json").read_text(encoding="utf-8")))
    for name, value in change.items():
        data[name] = {**data[name], **value} if isinstance(value, dict) else value
    with pytest.raises(InputError, match=message):
        evenhand.Audit.from_dict(data)

"""Scores of answers in words: numeric columns that an audit reads with `mean` or `ratio`.

A row without an answer has no score: a refusal, an empty answer and a failure are `None`, not 0.
An answer without a score says why.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evenhand.deferred import Deferred
from evenhand.errors import InputError, unknown_name
from evenhand.trials.wiring import Wired, check_name, check_number, wire

#: Thirty patterns and the words of numbers in eight languages, which a plan without scores does not ask.
_RATINGS = Deferred("evenhand.trials.ratings")
_SCORERS = Deferred("evenhand.trials.scorers")
#: Why a judge has no score where there is no answer.
NOTHING_TO_JUDGE = "no_answer_to_judge"
#: Options of scorers that tell why an answer has no score.
_TOLD = ("decimal", "choices")
#: Slots that a judge's template may use beside the answer, which is its ``{text}``.
JUDGED = ("input", "reference")

#: Columns that every trial writes; an attribute of the same name is written as `attribute_NAME`.
COLUMNS = (
    "id", "condition", "condition_name", "seed", "service", "service_version", "repeat",
    "reference", "output", "outcome", "cut_off", "reason", "seconds", "cost", "cached",
)  # fmt: skip
#: Behind a judge's column: what it says, and what people say, as 1 and 0.
YES, PEOPLE = "_yes", "_people"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """A service (or a function) that scores answers.

    Attributes
    ----------
    wired : Wired
        Asked with the answer as text; its template may use ``{input}``, ``{reference}`` and the
        attributes, which a judge better does not see.
    human : str, optional
        Attribute with people's own labels, for the agreement; may be missing for most samples.
    threshold : float
        From where on the score is a yes, for the agreement.
    values : Mapping
        Number of each label where the judge, or the people, answer in words.
    output : str, optional
        Which of the judge's named values is the score.
    """

    wired: Wired
    human: str | None = None
    threshold: float = 0.5
    values: Mapping[str, float] = field(default_factory=dict)
    output: str | None = None

    def yes(self, score: float | None) -> int | None:
        """Whether a score is a yes; `None` where there is none."""
        return None if score is None else int(score >= self.threshold)

    def people(self, attributes: Mapping[str, Any]) -> int | None:
        """Whether people say yes of a sample, by its attribute; `None` where they say nothing."""
        return self.yes(self.number(attributes.get(self.human))) if self.human else None

    def number(self, said: Any) -> float | None:
        """Score in what a judge or a person said; `None` where there is none.

        See `evenhand.trials.ratings.read_rating`.
        """
        found: float | None = _RATINGS.read_rating(said, values=self.values, output=self.output)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredColumn:
    """Scores of all rows, and of each that was answered and has none the reason, as a code."""

    scores: list[float | None]
    reasons: list[str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerScore:
    """A score with its options; `column` is what the records call it.

    `against` names the attribute that stands in place of the reference; a reference that is a list
    counts by its best item.  `among` names the attribute with the options that a sample offers.
    """

    kind: str
    column: str
    options: Mapping[str, Any] = field(default_factory=dict)
    against: str | None = None
    among: str | None = None
    judge: Judge | None = None

    def of(
        self, output: Any, reference: Any, outcome: str, attributes: Mapping[str, Any] | None = None
    ) -> float | None:
        """Score of one row; `None` where there is nothing to score."""
        score: float | None
        attributes = attributes or {}
        reference = attributes.get(self.against) if self.against else reference
        if self.kind == "refusal":
            score = _SCORERS.refusal(output, outcome)
            return score
        if outcome != "answered" or output is None:
            return None
        if self.kind == "mentions":
            score = _SCORERS.mentions(str(output), **self.options)
            return score
        if reference is None and self.needs_reference:
            return None
        options = dict(self.options)
        if self.among is not None:
            options["options"] = _SCORERS.read_options(attributes.get(self.among))
            score = _SCORERS.option(str(output), reference, **options)
            return score
        wanted = reference if isinstance(reference, list | tuple) else [reference]
        found = [_SCORERS.SCORERS[self.kind](str(output), item, **options) for item in wanted]
        known = [value for value in found if value is not None]
        return max(known) if known else (None if found else 0.0)

    def reason(
        self, output: Any, reference: Any, outcome: str, attributes: Mapping[str, Any] | None = None
    ) -> str | None:
        """Code of why an answer has no score; `None` where there is no answer to score."""
        if outcome != "answered" or output is None:
            return None
        attributes = attributes or {}
        reference = attributes.get(self.against) if self.against else reference
        if reference is None and self.needs_reference:
            return "no_reference"
        options = {name: self.options[name] for name in _TOLD if name in self.options}
        listed = isinstance(reference, list | tuple) and self.needs_reference
        wanted = reference if listed else [reference]
        if self.among is not None:
            options["options"] = _SCORERS.read_options(attributes.get(self.among))
            wanted = [reference]
        found = [_SCORERS.unread(self.kind, str(output), item, **options) for item in wanted]
        # What is wrong with the answer, unless every reference is at fault.
        codes = sorted(filter(None, found), key=lambda code: code.startswith("reference"))
        return codes[0] if codes else None

    @property
    def needs_reference(self) -> bool:
        """Whether an answer is held against anything."""
        plain = self.kind == "regex" and self.options.get("group") is None
        return not plain and self.kind not in ("refusal", "mentions")


def columns_of(score: AnswerScore) -> tuple[str, ...]:
    """Columns that a score may have in the records, its own first."""
    more = ["_reason", *([YES, PEOPLE] if score.judge and score.judge.human else [])]
    return (score.column, *(score.column + each for each in more))


#: Options by kind of score.
OPTIONS = {"exact": ("normalize",), "choice": ("choices",), "option": ("options",), "regex": ("pattern", "group"),
            "numeric": ("tolerance", "decimal"), "token_f1": (), "refusal": (), "mentions": ("words", "file"),
            "judge": ("service", "human", "threshold", "values", "output")}  # fmt: skip


def read_score(
    given: str | Mapping[str, Any] | AnswerScore, *, folder: Path = Path(), own_code: bool = True
) -> AnswerScore:
    """Score that a plan asks for: its kind, or a table with options and the column's name.

    Parameters
    ----------
    given : str, Mapping or Score
    folder : Path
        Where relative paths start.
    own_code : bool
        As in `make_service`.

    Raises
    ------
    InputError
        For an unknown kind or option.
    """
    if isinstance(given, AnswerScore):
        return given
    if not isinstance(given, str | Mapping):
        raise InputError(f'{given!r:.60} is no score.  Write kind = "exact", "choice", …')
    table = {"kind": given} if isinstance(given, str) else dict(given)
    kind = str(table.pop("kind", ""))
    if kind not in OPTIONS:
        raise InputError(unknown_name("kind of score", kind, list(OPTIONS)))
    for name in ("column", "against", "human", "output"):
        check_name(name, table.get(name))
    column = table.pop("column", kind)
    against = table.pop("against", None) if kind in _SCORERS.SCORERS else None
    for name in table:
        if name not in OPTIONS[kind]:
            known = ["column", *(["against"] if kind in _SCORERS.SCORERS else []), *OPTIONS[kind]]
            raise InputError(unknown_name("option", name, known))
    if kind == "judge":
        judge = _judge(table, folder=folder, own_code=own_code)
        return AnswerScore(kind=kind, column=column, judge=judge)
    among = _among(table) if kind == "option" else None
    options = _checked(kind, table, folder)
    return AnswerScore(kind=kind, column=column, options=options, against=against, among=among)


def _among(table: dict[str, Any]) -> str:
    among = table.pop("options", None)
    if not isinstance(among, str):
        raise InputError('option needs options = "NAME", the attribute with the list of options')
    return among


def _checked(kind: str, table: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    """Options of a scorer, ready for its function."""
    if kind == "mentions":
        return {"words": _words(table, folder)}
    if table.get("decimal", ".") not in (".", ","):
        raise InputError(f'decimal is {table["decimal"]!r:.40}; allowed: "." or ","')
    if "tolerance" in table:
        check_number("tolerance", table["tolerance"], 0, 1e9)
    if not isinstance(table.get("normalize", True), bool):
        raise InputError(f"normalize is {table['normalize']!r:.40}; allowed: true or false")
    if kind == "regex":
        _check_pattern(table)
    return {**table, "choices": _choices(table["choices"])} if "choices" in table else table


def _check_pattern(table: Mapping[str, Any]) -> None:
    """A pattern that can be read and has the group that is asked for."""
    try:
        pattern = re.compile(table["pattern"])
    except (KeyError, TypeError, re.error) as error:
        raise InputError(f"regex needs a pattern that can be read ({error}).") from error
    group = table.get("group")
    known = [*map(str, range(pattern.groups + 1)), *map(repr, pattern.groupindex)]
    if group is not None and (isinstance(group, bool) or repr(group) not in known):
        raise InputError(
            f"group is {group!r:.40}; {table['pattern']!r:.60} has the groups {', '.join(known)}"
        )


def _choices(given: Any) -> tuple[str, ...]:
    """Choices as texts; each can be told from the others, whatever its case."""
    texts = given if isinstance(given, list | tuple) else ()
    found = tuple(str(each).strip() for each in texts if isinstance(each, str | int | float))
    names = [each.casefold() for each in found]
    if not found or len(found) < len(texts) or "" in names or len(set(names)) < len(names):
        raise InputError(
            f'choices is {given!r:.60}; allowed: a list of different texts, ["A", "B"] or ["yes", "no"]'
        )
    return found


def _words(table: Mapping[str, Any], folder: Path) -> tuple[str, ...]:
    """Words of a list, or of a file with one a line."""
    words = table.get("words", ())
    if "file" in table:
        path = folder / str(table["file"])
        try:
            words = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path} cannot be read as a list of words: {error}.") from error
    found = tuple(word.strip() for word in words if isinstance(word, str) and word.strip())
    if not found or isinstance(words, str):
        raise InputError('mentions needs words = ["she", "her"], or file = "words.txt"')
    return found


def _judge(table: Mapping[str, Any], *, folder: Path, own_code: bool) -> Judge:
    if "service" not in table:
        raise InputError('judge needs a service, for example service = {kind = "python", …}')
    threshold, values = table.get("threshold", 0.5), table.get("values", {})
    check_number("threshold", threshold, -1e9, 1e9)
    if not isinstance(values, Mapping):
        raise InputError(f"values is {values!r:.60}; allowed: a table, {{toxic = 1, fine = 0}}")
    for name, value in values.items():
        check_number(f"values.{name}", value, -1e9, 1e9)
    return Judge(
        wired=wire(table["service"], folder=folder, own_code=own_code),
        human=table.get("human"),
        threshold=threshold,
        values=values,
        output=table.get("output"),
    )


def score_answers(table: Any, scores: Sequence[str | Mapping[str, Any] | AnswerScore]) -> Any:
    """Records with a numeric column for each score, and one of reasons where answers have none.

    Parameters
    ----------
    table : pyarrow.Table
        Has the columns ``output``, ``reference`` and ``outcome``.
    scores : sequence
        As in a plan.

    Returns
    -------
    pyarrow.Table
    """
    import pyarrow as pa  # noqa: PLC0415 - plans are read without it

    read = [read_score(score) for score in scores]
    asked = ["output", "reference", "outcome"]
    asked += [name for score in read for name in (score.against, score.among) if name is not None]
    for name in asked:
        if name not in table.column_names:
            raise InputError(unknown_name("column", name, table.column_names))
    outcomes = table["outcome"].to_pylist()
    outputs = table["output"].to_pylist()
    references = table["reference"].to_pylist()
    for score in read:
        if score.column in table.column_names:
            raise InputError(
                f"There is a column {score.column!r} already.  Give the score another: column = "
                f'"{score.column}_score"'
            )
        if score.judge is not None:
            raise InputError(
                "A judge is asked by a trial: replay the outputs, and score them there."
            )
        names = [name for name in (score.against, score.among) if name is not None]
        attributes = table.select(names).to_pylist() if names else [{}] * table.num_rows
        rows = zip(outputs, references, outcomes, attributes, strict=True)
        values, reasons = [], []
        for row in rows:
            values.append(score.of(*row))
            reasons.append(score.reason(*row) if values[-1] is None else None)
        table = table.append_column(score.column, pa.array(values, pa.float64()))
        if any(reasons):
            table = table.append_column(f"{score.column}_reason", pa.array(reasons, pa.string()))
    return table

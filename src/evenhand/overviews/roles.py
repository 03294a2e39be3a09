"""What columns look like, by their values and by what they are called.  Nothing is guessed about people."""

import re
from collections.abc import Iterator, Mapping, Sequence

from rapidfuzz import fuzz

from evenhand.overviews.seen import Values
from evenhand.records import Kind, Records, count_columns

ID, UNIT, GROUP, LABEL, PREDICTION = "id", "unit", "group", "label", "prediction"
REFERENCE, HYPOTHESIS, SCORE, PROBABILITY = "reference", "hypothesis", "score", "probability"
WEIGHT, FILE, TEXT, CONSTANT, DATE, NUMBER = "weight", "file", "text", "constant", "date", "number"
COUNT, FORECAST = "count", "forecast"
#: Different values that groups, and labels, have at most.
MOST_GROUPS, MOST_LABELS = 30, 20
#: Fewest rows that say anything.
_FEW = 5
_MEDIA = re.compile(r"\.(wav|flac|mp3|ogg|m4a|opus|jpe?g|png|webp|bmp|tiff?|mp4)\Z", re.IGNORECASE)
#: How columns are called that hold each, once their values allow it.
_HINTS: Mapping[str, re.Pattern[str]] = {
    role: re.compile(text, re.IGNORECASE)
    for role, text in {
        UNIT: "speaker|patient|client|voice|subject|participant|user|person|respondent|document|template|sentence|"
        "family|household|twin|session",
        REFERENCE: "^ref|reference|truth|gold|target|expected|sentence|transcript$|^text$",
        HYPOTHESIS: "^hyp|hypothesis|pred|recogni[sz]ed|output|answer|asr|_text$|transcribed|heard",
        LABEL: "label|truth|gold|target|actual|expected|^y$|^y_true$|outcome|diagnos|recid",
        PREDICTION: "pred|^y_?hat$|^y_pred$|decision|output|answer|decile|classif|guess|decided",
        PROBABILITY: "prob|score|conf|risk|^p$",
        WEIGHT: "^w$|weight|wgt",
        SCORE: "wrong|error|correct|right|success|fail|refus|accura|match|passed|score|hit|miss",
    }.items()
}
#: Names of units themselves, and not of something about them.
_NUMBERED = re.compile(
    rf"(?:(?:{_HINTS[UNIT].pattern})s?(?:_?(?:id|name|number|no|nr|code|key|uuid))?|(?:^|_)id)$",
    re.IGNORECASE,
)
#: Names that say that more is worse.
HARM = re.compile(
    r"wrong|error|fail|refus|miss|toxic|harm|time|latency|cost|seconds", re.IGNORECASE
)
_WORDY, _ALIKE, _COMPARED = 1.5, 55.0, 200


def roles_of(records: Records, columns: Sequence[Values]) -> dict[str, str]:
    """What each column looks like; those that do not tell are left out."""
    out: dict[str, str] = {}
    for role, names in (
        (CONSTANT, [c.name for c in columns if len(c.counts) <= 1]),
        (FILE, [c.name for c in columns if _is_media(c)]),
        (COUNT, count_columns(records.columns)),
    ):
        out |= dict.fromkeys(names, role)
    out |= {name: UNIT for name in records.unit if name not in out}
    left = [c for c in columns if c.name not in out]
    if records.features is not None:
        # A log says itself what it was asked, what its scores are, and what was known beforehand.
        own = [c for c in left if c.name not in records.features]
        out |= {c.name: SCORE for c in own if c.name in records.scores and _is_number(c)}
        left = [c for c in left if c.name in records.features]
    for found in (_transcripts, _labels, _rankings, _others):
        out |= dict(found([c for c in left if c.name not in out]))
    return out


def tells_outcomes(name: str) -> bool:
    """Whether a column is called as what happened, or a forecast of it, is: no group of people by that."""
    return any(_HINTS[role].search(name) for role in (LABEL, PREDICTION, PROBABILITY))


def names_units(name: str) -> bool:
    """Whether a column is called as what several rows belong to: a patient, speaker_id, the document's number.

    Examples
    --------
    >>> [name for name in ("patient_id", "speaker", "person_income", "client_type", "id") if names_units(name)]
    ['patient_id', 'speaker', 'id']
    """
    return _NUMBERED.search(name) is not None


def _is_media(c: Values) -> bool:
    texts = c.column.kind is Kind.TEXT and c.known
    return bool(texts) and all(_MEDIA.search(text) for text in c.known[:_COMPARED])


def _is_number(c: Values) -> bool:
    return c.column.kind.numeric or c.column.kind is Kind.BOOLEAN


def _hinted(role: str, c: Values) -> bool:
    return _HINTS[role].search(c.name) is not None


def _transcripts(columns: Sequence[Values]) -> Iterator[tuple[str, str]]:
    """Texts that say nearly the same in each row: what was said, and what was heard."""
    texts = [c for c in columns if c.words >= _WORDY and len(c.counts) > _FEW]
    best: tuple[float, list[Values]] = (0.0, [])
    for first in texts:
        alike = [c for c in texts if c is not first and _similar(first, c) >= _ALIKE]
        named = (2.0 * _hinted(REFERENCE, first)) - _hinted(HYPOTHESIS, first)
        if alike and (len(alike) + named, -texts.index(first)) > (best[0], -len(texts)):
            best = (len(alike) + named, [first, *alike])
    for place, c in enumerate(best[1]):
        yield c.name, HYPOTHESIS if place else REFERENCE


def _similar(one: Values, other: Values) -> float:
    pairs = zip(one.values, other.values, strict=True)
    both = [(a, b) for a, b in pairs if a is not None and b is not None][:_COMPARED]
    if len(both) < _FEW:
        return 0.0
    return sum(fuzz.ratio(a.casefold(), b.casefold()) for a, b in both) / len(both)


def _labels(columns: Sequence[Values]) -> Iterator[tuple[str, str]]:
    """Two columns with the same few values, one of which is called as a prediction is."""
    few = [c for c in columns if 2 <= len(c.counts) <= MOST_LABELS]
    for predicted in few:
        if not _hinted(PREDICTION, predicted):
            continue
        for label in few:
            same = set(map(str, predicted.counts)) <= set(map(str, label.counts))
            if label is not predicted and same and _hinted(LABEL, label):
                yield label.name, LABEL
                yield predicted.name, PREDICTION
                return


def _rankings(columns: Sequence[Values]) -> Iterator[tuple[str, str]]:
    """What happened, 0 or 1, and numbers that are called as a forecast of it is."""
    happened = next((c for c in columns if c.is_binary and _hinted(LABEL, c)), None)
    if happened is None:
        return
    forecasts = [
        c for c in columns if _is_number(c) and not c.is_binary and _hinted(PROBABILITY, c)
    ]
    if forecasts:
        yield happened.name, LABEL
        for c in forecasts:
            yield c.name, PROBABILITY if min(c.known) >= 0 and max(c.known) <= 1 else FORECAST


def _others(columns: Sequence[Values]) -> Iterator[tuple[str, str]]:
    for c in columns:
        role = _number_role(c) if _is_number(c) else _text_role(c)
        if role:
            yield c.name, role


def _number_role(c: Values) -> str:
    """What a column of numbers, or of truth, looks like."""
    kind = c.column.kind
    if kind is Kind.INTEGER and _is_id(c):
        return ID
    if _hinted(WEIGHT, c) and min(c.known) >= 0:
        return WEIGHT
    if kind is Kind.NUMBER and _hinted(PROBABILITY, c) and _within_one(c):
        return PROBABILITY
    if _hinted(SCORE, c):
        return SCORE
    if _repeats(c) and _hinted(UNIT, c):
        return UNIT
    return GROUP if kind is not Kind.NUMBER and _is_group(c) else NUMBER


def _text_role(c: Values) -> str:
    """What a column of texts or dates looks like."""
    if c.column.kind is Kind.DATE:
        return DATE
    if c.words >= 2 * _WORDY and len(c.counts) > MOST_GROUPS:
        return TEXT
    if _is_id(c):
        return ID
    if _repeats(c) and (_hinted(UNIT, c) or not _is_group(c)):
        return UNIT
    return GROUP if _is_group(c) else ""


def _is_id(c: Values) -> bool:
    """Whether each row has a value of its own."""
    return not c.missing and len(c.counts) == len(c.known) > _FEW


def _repeats(c: Values) -> bool:
    """Whether values stand in several rows each, and there are some."""
    return _FEW <= len(c.counts) <= len(c.known) / 1.5


def _is_group(c: Values) -> bool:
    """Whether values are few, and each has some rows."""
    return len(c.counts) <= min(MOST_GROUPS, max(len(c.known) / _FEW, 2))


def _within_one(c: Values) -> bool:
    return len(c.counts) > MOST_GROUPS and min(c.known) >= 0 and max(c.known) <= 1

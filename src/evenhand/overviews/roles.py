"""What columns look like, by their values and by what they are called.  Nothing is guessed about people."""

import re
from collections.abc import Iterator, Mapping, Sequence

from rapidfuzz import fuzz

from evenhand.overviews.seen import Values
from evenhand.records import Kind, Records

ID, UNIT, GROUP, LABEL, PREDICTION = "id", "unit", "group", "label", "prediction"
REFERENCE, HYPOTHESIS, SCORE, PROBABILITY = "reference", "hypothesis", "score", "probability"
WEIGHT, FILE, TEXT, CONSTANT, DATE, NUMBER = "weight", "file", "text", "constant", "date", "number"
#: Different values that groups, and labels, have at most.
MOST_GROUPS, MOST_LABELS = 30, 20
#: Fewest rows that say anything.
_FEW = 5
_MEDIA = re.compile(r"\.(wav|flac|mp3|ogg|m4a|opus|jpe?g|png|webp|bmp|tiff?|mp4)\Z", re.IGNORECASE)
_HINTS: Mapping[str, re.Pattern[str]] = {
    UNIT: re.compile(
        r"speaker|patient|client|voice|subject|participant|user|person|respondent|document|template|sentence|family|house|twin|session",
        re.IGNORECASE,
    ),  # fmt: skip
    REFERENCE: re.compile(
        r"^ref|reference|truth|gold|target|expected|sentence|transcript$|^text$", re.IGNORECASE
    ),
    HYPOTHESIS: re.compile(
        r"^hyp|hypothesis|pred|recogni[sz]ed|output|answer|asr|_text$|transcribed|heard",
        re.IGNORECASE,
    ),
    LABEL: re.compile(
        r"label|truth|gold|target|actual|expected|^y$|^y_true$|outcome|diagnos|recid", re.IGNORECASE
    ),
    PREDICTION: re.compile(
        r"pred|^y_?hat$|^y_pred$|decision|output|answer|decile|classif|guess|decided", re.IGNORECASE
    ),
    PROBABILITY: re.compile(r"prob|score|conf|risk|^p$", re.IGNORECASE),
    WEIGHT: re.compile(r"^w$|weight|wgt|fnlwgt|pweight", re.IGNORECASE),
    SCORE: re.compile(
        r"wrong|error|correct|right|success|fail|refus|accura|match|passed|score|hit|miss",
        re.IGNORECASE,
    ),
}
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
    ):
        out |= dict.fromkeys(names, role)
    left = [c for c in columns if c.name not in out]
    features = records.features
    if features is not None:
        # A log says itself what its scores are.
        texts = {"target": REFERENCE, "output": TEXT, "input": TEXT}
        out |= {c.name: texts[c.name] for c in left if c.name in texts and c.name not in features}
        own = [c for c in left if c.name not in features and c.name not in out]
        out |= {c.name: SCORE for c in own if _is_score(c)}
    out |= {name: UNIT for name in records.unit if name not in out}
    for found in (_transcripts, _labels, _others):
        left = [c for c in columns if c.name not in out]
        out |= dict(found(left))
    return out


def _is_media(c: Values) -> bool:
    texts = c.column.kind is Kind.TEXT and c.known
    return bool(texts) and all(_MEDIA.search(text) for text in c.known[:_COMPARED])


def _is_score(c: Values) -> bool:
    return (c.column.kind.numeric or c.column.kind is Kind.BOOLEAN) and c.name not in (
        "epoch", "repeat", "total_time", "annotation", "lead_time", "ground_truth", "start", "end",
    )  # fmt: skip


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


def _others(columns: Sequence[Values]) -> Iterator[tuple[str, str]]:
    for c in columns:
        rows, different = len(c.known), len(c.counts)
        kind = c.column.kind
        whole = kind in (Kind.TEXT, Kind.INTEGER)
        if kind is Kind.DATE:
            yield c.name, DATE
        elif c.words >= 2 * _WORDY and different > MOST_GROUPS:
            yield c.name, TEXT
        elif whole and not c.missing and different == rows > _FEW:
            yield c.name, ID
        elif kind.numeric and _hinted(WEIGHT, c) and min(c.known) >= 0:
            yield c.name, WEIGHT
        elif kind is Kind.NUMBER and _hinted(PROBABILITY, c) and _within_one(c):
            yield c.name, PROBABILITY
        elif (c.is_binary or kind.numeric) and _hinted(SCORE, c):
            yield c.name, SCORE
        elif whole and _hinted(UNIT, c) and _FEW <= different <= rows / 1.5:
            yield c.name, UNIT
        elif different <= MOST_GROUPS and kind is not Kind.NUMBER:
            yield c.name, GROUP
        elif kind.numeric:
            yield c.name, NUMBER
        elif kind is Kind.TEXT and different <= rows / 2:
            yield c.name, UNIT


def _within_one(c: Values) -> bool:
    return len(c.counts) > MOST_GROUPS and min(c.known) >= 0 and max(c.known) <= 1

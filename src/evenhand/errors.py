"""What can go wrong, in three kinds.

A *refusal* is a value: the statistics will not say (exit code 3).
An *error* means that you must change something (exit code 2); it never shows a traceback.
Everything else is a *bug*: it keeps its traceback and says that it is one.
"""

import difflib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

EXIT_ERROR = 2
EXIT_REFUSED = 3
EXIT_INTERRUPTED = 130

#: Why a number is `None`. The sentence is what a person reads.
REASONS = {
    "no_denominator": "nothing to divide by: no row of this group counts in the metric",
    "too_few_units": "too few independent units for an interval",
    "pilot_too_small": "the pilot has too few units to tell how much they vary",
    "too_few_training_rows": "too few rows for training to see how more of them help",
    "no_label": "nobody labelled a row of this group, and a judge alone measures nothing",
    "no_variation": "every unit gives the same value, so the data cannot tell how sure to be",
    "no_reference": "there is nothing to compare it with",
    "class_absent": "a class that the metric needs does not occur in this group",
    "suppressed": "hidden: it is small, or would give a small one away by subtraction",
    "missing_attribute": "the attribute was not given; shown, but not judged",
}


class EvenhandError(Exception):
    """Something that the caller must change; the message is written for a person."""


class InputError(EvenhandError):
    """The input cannot be used as it is."""


class RefusedError(InputError):
    """What was asked cannot be told of these data, whatever they say (exit code 3)."""


class OtherValuesError(InputError):
    """A column holds something else than is asked of it, in many rows."""


class NoRowError(InputError):
    """No row is left of which anything could be told."""


class AlikeError(InputError):
    """Every row has the same loss, so that nothing is worse than anything else.

    Parameters
    ----------
    message : str
    units : int
        How many rows, or units, were looked at.
    """

    def __init__(self, message: str, *, units: int) -> None:
        super().__init__(message)
        self.units = units


class ExpressionError(InputError):
    """A predicate or metric expression is wrong at one place, shown by a caret.

    Parameters
    ----------
    message : str
        What was expected there.
    text : str
        The whole expression.
    position : int
        Index of the wrong character in `text`.
    label : str
        What the expression is, for example ``group``.
    """

    def __init__(self, message: str, *, text: str, position: int, label: str) -> None:
        self.message = message
        self.text = text
        self.position = position
        super().__init__(caret(message, text=text, position=position, label=label))


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What a reader must know before the numbers; they are right for what was asked.

    `code` is stable, for example ``literal_never_occurs``; `text` is a sentence for a person.

    Attributes
    ----------
    code : str
        What it is about; stable, for example `literal_never_occurs`.
    text : str
        The note as a sentence.
    """

    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong in one place of a file; `line` counts from 1, `None` where unknown."""

    line: int | None
    message: str


class FaultsError(InputError):
    """A table is faulty; all its faults are told together.

    Parameters
    ----------
    source : str
        The file or table.
    faults : Sequence[Fault]
        What was found, in the order of lines.
    total : int, optional
        How many faults there are when `faults` does not list them all.
    advice : str
        What to do next.
    """

    shown = 10

    def __init__(
        self, source: str, faults: Sequence[Fault], *, total: int | None = None, advice: str = ""
    ) -> None:
        self.source = source
        self.faults = tuple(faults)
        self.total = len(faults) if total is None else total
        lines = [f"{source}{_place(fault)}: {fault.message}" for fault in faults[: self.shown]]
        hidden = self.total - len(lines)
        if hidden > 0:
            lines.append(f"({hidden:,} more {'fault' if hidden == 1 else 'faults'} like these)")
        if advice:
            lines.append(advice)
        super().__init__("\n".join(lines))


def _place(fault: Fault) -> str:
    return "" if fault.line is None else f" line {fault.line}"


def caret(message: str, *, text: str, position: int, label: str, width: int = 100) -> str:
    """Show where an expression is wrong; long texts are cut to a window around the place.

    Examples
    --------
    >>> print(caret("expected a value", text="age >= ", position=7, label="group"))
    group: age >=
                  ^ expected a value
    """
    start = max(0, min(position - width // 2, len(text) - width))
    window = text[start : start + width].replace("\n", " ").replace("\t", " ")
    head = f"{label}: " + ("…" if start else "")
    tail = "…" if start + width < len(text) else ""
    pointer = " " * (len(head) + position - start) + "^ " + message
    return f"{(head + window + tail).rstrip()}\n{pointer}"


def inert_text(text: str) -> str:
    r"""Text with every character that could steer a terminal written out; lines and tabs stay.

    Examples
    --------
    >>> print(inert_text("wales\x1b[31m"))
    wales\x1b[31m
    """
    return text if text.isprintable() else "".join(map(_visible, text))


_BIDIRECTIONAL = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _visible(character: str) -> str:
    steers = unicodedata.category(character) in ("Cc", "Cs") or character in _BIDIRECTIONAL
    if not steers or character in "\n\t":
        return character
    return character.encode("unicode_escape").decode("ascii")


#: How columns begin that number rows and trainings: no table has them, and no message lists them.
RESERVED = "evenhand:"


def near(name: str, known: Iterable[str]) -> str:
    """Say ``Did you mean …?`` where a known name is near, else nothing.

    Examples
    --------
    >>> near("dialct", ["age", "dialect"])
    " Did you mean 'dialect'?"
    """
    found = nearest(name, known)
    return "" if found is None else f" Did you mean {found!r}?"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is near another, if one is."""
    by_folded = {candidate.casefold(): candidate for candidate in known if candidate != name}
    found = difflib.get_close_matches(name[:200].casefold(), list(by_folded), n=1)
    return by_folded[found[0]] if found else None


def unknown_name(kind: str, name: str, known: Sequence[str]) -> str:
    """Sentence for a name that does not exist, with a near one and the list of all."""
    known = [one for one in known if not one.startswith(RESERVED)]
    return f"Unknown {kind.lower()} {name[:80]!r}.{near(name, known)}  {_all_of(kind, known)}"


def unknown_names(kind: str, names: Sequence[str], known: Sequence[str]) -> str:
    """`unknown_name`, of one name or of several in one sentence.

    Examples
    --------
    >>> unknown_names("column", ["race", "sex"], ["ethnicity", "gender"])
    "Unknown columns 'race' and 'sex'.  Columns: ethnicity, gender"
    """
    known = [one for one in known if not one.startswith(RESERVED)]
    if len(names) == 1:
        return unknown_name(kind, names[0], known)
    *most, last = (repr(name[:80]) for name in names)
    return f"Unknown {kind.lower()}s {', '.join(most)} and {last}.  {_all_of(kind, known)}"


def _all_of(kind: str, known: Sequence[str]) -> str:
    """The list of all names, as far as it is short."""
    listed = ", ".join(known[:30]) + (f", … ({len(known) - 30} more)" if len(known) > 30 else "")
    return f"{kind.title()}{'es' if kind.endswith('s') else 's'}: {listed}"

"""Conditions of text: who is spoken of, how it is said, and slips of the writer.

A text that holds none of the words stays as it is. `change_text` tells, beside the text, how many
places were changed, which of them English leaves open, and whether the way back gives the same.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from evenhand.conditions.condition import Condition, ConditionDefinition, Parameter, ParameterKind
from evenhand.conditions.text.contractions import contract, expand
from evenhand.conditions.text.gender import ENGLISH, swap_gender
from evenhand.conditions.text.names import SHIPPED, pair_names, read_names, swap_names
from evenhand.conditions.text.phrases import read_phrases, rewrite
from evenhand.conditions.text.templates import Filled, Person, fill_template
from evenhand.conditions.text.typing_slips import change_case, make_typos
from evenhand.conditions.text.words import Change
from evenhand.errors import InputError

Values = Mapping[str, Any]
Rewriter = Callable[[str, np.random.Generator, Values], Change]
VARIETIES = ("british", "scottish", "indian", "african_american")


def _gender(text: str, _: np.random.Generator, values: Values) -> Change:
    return swap_gender(text, english=values["english"])


def _names(text: str, generator: np.random.Generator, values: Values) -> Change:
    names = read_names(values["names"] or SHIPPED)
    first, second = values["first"], values["second"]
    if first is None or second is None:
        if len(names.groups) != 2:
            raise InputError(
                f"names: the list has {len(names.groups)} groups, so say which: first and second of "
                + ", ".join(names.groups)
            )
        first, second = names.groups
    return swap_names(text, pair_names(names, first, second, generator), also=names.also)


def _dialect(text: str, generator: np.random.Generator, values: Values) -> Change:
    columns = ("standard", "dialect") if values["direction"] == "to" else ("dialect", "standard")
    phrases = read_phrases("dialect.csv", *columns, where=("variety", values["variety"]))
    return rewrite(text, phrases, share=values["share"], generator=generator)


def _formality(text: str, generator: np.random.Generator, values: Values) -> Change:
    columns = ("informal", "formal") if values["to"] == "formal" else ("formal", "informal")
    phrases = read_phrases("formality.csv", *columns)
    return rewrite(text, phrases, share=values["share"], generator=generator)


def _misspellings(text: str, generator: np.random.Generator, values: Values) -> Change:
    phrases = read_phrases("misspellings.csv", "correct", "misspelled")
    return rewrite(text, phrases, share=values["share"], generator=generator)


def _typos(text: str, generator: np.random.Generator, values: Values) -> Change:
    return make_typos(text, values["rate"], generator)


def _casing(text: str, generator: np.random.Generator, values: Values) -> Change:
    return change_case(text, values["to"], values["share"], generator)


REWRITERS: Mapping[str, Rewriter] = {
    "gender": _gender,
    "names": _names,
    "dialect": _dialect,
    "formality": _formality,
    "misspellings": _misspellings,
    "typos": _typos,
    "casing": _casing,
    "contractions": lambda text, _generator, _values: contract(text),
    "expansions": lambda text, _generator, _values: expand(text),
}


def _applied(name: str) -> Callable[[str, np.random.Generator, Values], str]:
    def apply(text: str, generator: np.random.Generator, values: Values) -> str:
        return REWRITERS[name](text, generator, values).text

    return apply


def change_text(condition: Condition, text: str, seed: int) -> Change:
    """What `Condition.apply` gives, with what was decided on the way, summed over its steps.

    Parameters
    ----------
    condition : Condition
        Of text.
    text : str
    seed : int

    Raises
    ------
    InputError
        When a step of the condition is not of text.
    """
    steps = []
    for place, step in enumerate(condition.steps):
        if step.name not in REWRITERS:
            raise InputError(f"{step.name} is no condition of text: {', '.join(REWRITERS)}")
        stream = np.random.SeedSequence(seed, spawn_key=(place,))
        generator = np.random.default_rng(stream)
        steps.append(REWRITERS[step.name](text, generator, step.parameters))
        text = steps[-1].text
    ways = [step.reversible for step in steps]
    return Change(
        text=text,
        changed=sum(step.changed for step in steps),
        ambiguous=sum(step.ambiguous for step in steps),
        declined=sum(step.declined for step in steps),
        reversible=None if None in ways else all(ways),
    )


_SHARE = Parameter(
    name="share", default=1, low=0, high=1, about="Of the places found, how many are changed; drawn"
)
_OURS = "our own list, with its sources: conditions/data/PROVENANCE.md"

TEXT: tuple[ConditionDefinition, ...] = (
    ConditionDefinition(
        name="gender",
        kind="text",
        parameters=(
            Parameter(name="english", default="american", takes=ParameterKind.TEXT, choices=ENGLISH,
                      about="Whether dad becomes mom or mum"),
        ),
        apply=_applied("gender"),
        about="Gendered pronouns and nouns swapped, both ways at once; names stay",
        source=_OURS,
    ),
    ConditionDefinition(
        name="names",
        kind="text",
        parameters=(
            Parameter(name="names", takes=ParameterKind.FILE,
                      about="CSV with name, group, source, and perhaps within and also"),
            Parameter(name="first", takes=ParameterKind.TEXT, about="Group; the file's two by default"),
            Parameter(name="second", takes=ParameterKind.TEXT, about="Group to swap with"),
        ),
        apply=_applied("names"),
        about="First names swapped between two groups; partners are drawn by the seed",
        source="Bertrand & Mullainathan 2004, doi:10.1257/0002828042002561, or the list's own",
    ),
    ConditionDefinition(
        name="dialect",
        kind="text",
        parameters=(
            Parameter(name="variety", takes=ParameterKind.TEXT, choices=VARIETIES, required=True,
                      about="Of English"),
            Parameter(name="direction", default="to", takes=ParameterKind.TEXT, choices=("to", "from"),
                      about="To the variety or back"),
            _SHARE,
        ),
        apply=_applied("dialect"),
        about="Words and spellings of a variety of English; no dialect is its words alone",
        source=_OURS,
    ),
    ConditionDefinition(
        name="formality",
        kind="text",
        parameters=(
            Parameter(name="to", default="informal", takes=ParameterKind.TEXT,
                      choices=("informal", "formal"), about="Register"),
            _SHARE,
        ),
        apply=_applied("formality"),
        about="Words of another register: purchase and buy",
        source=_OURS,
    ),
    ConditionDefinition(
        name="misspellings",
        kind="text",
        parameters=(_SHARE,),
        apply=_applied("misspellings"),
        about="Words misspelled as people often do",
        source=_OURS,
    ),
    ConditionDefinition(
        name="typos",
        kind="text",
        parameters=(
            Parameter(name="rate", default=0.05, low=0, high=1, unit="of the letters",
                      about="Letters replaced by a neighbour on a QWERTY keyboard"),
        ),
        apply=_applied("typos"),
        about="Slips to a neighbouring key",
        source="ISO/IEC 9995 alphanumeric zone, rows set off by a quarter and a half key",
    ),
    ConditionDefinition(
        name="casing",
        kind="text",
        parameters=(
            Parameter(name="to", default="lower", takes=ParameterKind.TEXT,
                      choices=("lower", "upper", "swapped"), about="Letters"),
            _SHARE,
        ),
        apply=_applied("casing"),
        about="Small or capital letters",
        source="Unicode, simple case mapping",
    ),
    ConditionDefinition(
        name="contractions",
        kind="text",
        apply=_applied("contractions"),
        about="do not becomes don't, where speakers contract",
        source="Quirk et al. 1985, A Comprehensive Grammar of the English Language, 3.23",
    ),
    ConditionDefinition(
        name="expansions",
        kind="text",
        apply=_applied("expansions"),
        about="don't becomes do not",
        source="Quirk et al. 1985, A Comprehensive Grammar of the English Language, 3.23",
    ),
)  # fmt: skip

__all__ = ["TEXT", "Change", "Filled", "Person", "change_text", "fill_template"]

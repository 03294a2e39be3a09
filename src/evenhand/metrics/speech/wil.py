"""Word information lost: 1 less the word information preserved, so that it cannot exceed 1."""

from typing import Any

from evenhand.metrics.definition import Definition, Example
from evenhand.metrics.speech.information import preserved
from evenhand.metrics.speech.transcripts import OF_WORDS, edit_form
from evenhand.stats.forms import Smooth
from evenhand.stats.written_forms import recipe


def _lost(sums: Any) -> Any:
    return 1 - preserved(sums)


@recipe("wil")
def _form() -> Smooth:
    return Smooth(function=_lost, sides=((0, 1, 2),))


WIL = Definition(
    name="wil",
    definition="1 − hits / reference words · hits / hypothesis words",
    arguments=OF_WORDS,
    build=edit_form(_form()),
    higher_is_worse=True,
    example=Example(
        columns={"reference": ["a b c d", "e f"], "hypothesis": ["a x c", "e f f"]},
        value=1 - 4 / 6 * 4 / 6,
    ),
    source="Morris, Maier & Green (2004), doi:10.21437/Interspeech.2004-668",
    least_units=50,
)

"""Word information preserved: share of the words said that were heard, times that of the words heard that were said."""

from evenhand.metrics.definition import Definition, Example
from evenhand.metrics.speech.information import preserved
from evenhand.metrics.speech.transcripts import OF_WORDS, edit_form
from evenhand.stats.forms import Smooth
from evenhand.stats.written_forms import recipe


@recipe("wip")
def _form() -> Smooth:
    return Smooth(function=preserved, sides=((0, 1, 2),))


WIP = Definition(
    name="wip",
    definition="hits / reference words · hits / hypothesis words",
    arguments=OF_WORDS,
    build=edit_form(_form()),
    higher_is_worse=False,
    example=Example(
        columns={"reference": ["a b c d", "e f"], "hypothesis": ["a x c", "e f f"]},
        value=4 / 6 * 4 / 6,
    ),
    source="Morris, Maier & Green (2004), doi:10.21437/Interspeech.2004-668",
    least_units=50,
)

"""Character error rate: errors over the characters of the reference, spaces included."""

from evenhand.metrics.definition import Definition, Example
from evenhand.metrics.speech.transcripts import OF_CHARACTERS, edit_rate

CER = Definition(
    name="cer",
    definition="(substitutions + deletions + insertions) / reference characters",
    arguments=OF_CHARACTERS,
    build=edit_rate(numerator=(0, 1, 1, 1), denominator=(1, 1, 1, 0), tokens="character"),
    higher_is_worse=True,
    example=Example(
        columns={"reference": ["abcd", "ef"], "hypothesis": ["axc", "eff"]},
        value=3 / 6,
    ),
    source="Morris, Maier & Green (2004), doi:10.21437/Interspeech.2004-668",
    high=None,
)

"""Match error rate: errors over all aligned words, so that it cannot exceed 1."""

from evenhand.metrics.definition import Definition, Example
from evenhand.metrics.speech.transcripts import OF_WORDS, edit_rate

MER = Definition(
    name="mer",
    definition="(substitutions + deletions + insertions) / (hits + substitutions + deletions + insertions)",
    arguments=OF_WORDS,
    build=edit_rate(numerator=(0, 1, 1, 1), denominator=(1, 1, 1, 1)),
    higher_is_worse=True,
    example=Example(
        columns={"reference": ["a b c d", "e f"], "hypothesis": ["a x c", "e f f"]},
        value=3 / 7,
    ),
    source="Morris, Maier & Green (2004), doi:10.21437/Interspeech.2004-668",
    high=1.0,
)

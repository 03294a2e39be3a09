"""Word error rate: errors of a transcript over the words of its reference."""

from evenhand.metrics.definition import Definition, Example
from evenhand.metrics.speech.transcripts import OF_WORDS, edit_rate

WER = Definition(
    name="wer",
    definition="(substitutions + deletions + insertions) / reference words",
    arguments=OF_WORDS,
    build=edit_rate(numerator=(0, 1, 1, 1), denominator=(1, 1, 1, 0)),
    higher_is_worse=True,
    example=Example(
        columns={"reference": ["a b c d", "e f"], "hypothesis": ["a x c", "e f f"]},
        value=3 / 6,
    ),
    source="NIST (2009) SCTK sclite; Morris, Maier & Green (2004), doi:10.21437/Interspeech.2004-668",
    high=None,
)

"""Sentence error rate: the share of transcripts with any error at all."""

from evenhand.metrics.definition import Definition, Example
from evenhand.metrics.speech.transcripts import OF_WORDS, wrong_rate

SENTENCE_ERROR_RATE = Definition(
    name="sentence_error_rate",
    definition="rows with a substitution, deletion or insertion / rows with a reference",
    arguments=OF_WORDS,
    build=wrong_rate(),
    higher_is_worse=True,
    example=Example(
        columns={"reference": ["a b c d", "e f", "g"], "hypothesis": ["a x c", "e f", "g"]},
        value=1 / 3,
    ),
    source="NIST (2009) SCTK sclite, sentence recognition performance",
)

"""Croissant with its words for responsible AI: the tables that the card's numbers rest on.

Source: MLCommons Croissant 1.0 and Croissant RAI 1.0, https://docs.mlcommons.org/croissant/docs/croissant-rai-spec.html.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from evenhand.cards.exporters.published import withheld_text
from evenhand.cards.parts import said_of
from evenhand.cards.result import Card
from evenhand.cards.words import worst_sentence
from evenhand.errors import InputError, unknown_name
from evenhand.pages.edition import without_folders

_RAI = "http://mlcommons.org/croissant/RAI/"
#: Words of Croissant that stand in its context under their own names.
_WORDS = (
    "citeAs column equivalentProperty extract field fileObject fileProperty fileSet format includes "
    "isLiveDataset jsonPath key md5 parentField path recordSet references regex repeated replace "
    "samplingRate separator source subField transform"
)
_CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": _RAI,
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{word: f"cr:{word}" for word in _WORDS.split()},
}
_FORMS = {
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".parquet": "application/vnd.apache.parquet",
    ".jsonl": "application/jsonlines",
    ".json": "application/json",
}


def render_croissant(card: Card, table: str = "") -> str:
    """A table as a data set, with what is known of its labels, groups and gaps.

    Raises
    ------
    InputError
        Where the card rests on several tables and none, or another, was named.
    """
    named = {without_folders(one.table): one for one in card.evidence if one.table}
    if not named:
        raise InputError("The card rests on no table, so there is no data set to describe.")
    if not table and len(named) > 1:
        raise InputError(
            f"The card rests on {len(named)} tables, and Croissant describes one.  Name it: --table "
            f"{next(iter(named))}  Tables: {', '.join(named)}"
        )
    name = without_folders(table) or next(iter(named))
    if name not in named:
        raise InputError(unknown_name("table", name, list(named)))
    evidence, said = named[name], said_of(name, card.written)
    found: dict[str, Any] = {
        "@context": dict(_CONTEXT),
        "@type": "sc:Dataset",
        "name": name,
        "description": (said.description if said else "") or "Not told.",
        "conformsTo": ["http://mlcommons.org/croissant/1.0", f"{_RAI}1.0"],
    }
    if said is not None and said.licence:
        found["license"] = said.licence
    if evidence.data_sha256:
        ending = next((form for form in _FORMS if name.endswith(form)), "")
        found["distribution"] = [
            {
                "@type": "cr:FileObject",
                "@id": "table",
                "name": name,
                "contentUrl": name,
                "encodingFormat": _FORMS.get(ending, "application/octet-stream"),
                "sha256": evidence.data_sha256,
            }
        ]
    told = dict(_responsible(card, name))
    return json.dumps({**found, **told}, indent=2, ensure_ascii=False, allow_nan=False)


def _responsible(card: Card, name: str) -> Iterator[tuple[str, str | list[str]]]:
    said = said_of(name, card.written)
    if said is not None:
        if said.period:
            yield "rai:dataCollectionTimeframe", [said.period]
        if said.labels:
            yield "rai:dataAnnotationProtocol", said.labels
        if said.groups:
            yield "rai:personalSensitiveInformation", [f"Group values: {said.groups}"]
    places = [
        place
        for place in range(len(card.audits))
        if without_folders(card.of("audits", place).table) == name
    ]
    biases = [worst_sentence(card, one) for one in card.worst if one.audit in places]
    if biases:
        yield "rai:dataBiases", biases
    limits = [
        f"{missing.n_rows:,} rows lack {missing.attribute}."
        for place in places
        for missing in card.audits[place].missing
        if missing.n_rows
    ]
    if hidden := withheld_text([card.audits[place] for place in places]):
        limits.append(hidden)
    if limits:
        yield "rai:dataLimitations", list(dict.fromkeys(limits))
    uses = [use.name for use in card.written.uses]
    if uses:
        yield "rai:dataUseCases", [f"Evaluation of a service for: {', '.join(uses)}"]

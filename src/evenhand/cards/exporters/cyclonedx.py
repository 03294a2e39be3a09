"""CycloneDX: a machine-learning bill of materials with the card's numbers group by group.

Written as plain JSON: `cyclonedx-python-lib` has no model card.  The schema takes any text as a value, so
that values are checked here (`published`).

Source: ECMA-424, CycloneDX 1.6 and 1.7, https://cyclonedx.org/specification/overview/.
"""

import json
import uuid
from collections.abc import Iterator
from typing import Any

from evenhand.cards.exporters.published import PublishedNumber, published, withheld_text
from evenhand.cards.mended import cautions
from evenhand.cards.parts import said_of
from evenhand.cards.result import Card
from evenhand.cards.words import worst_sentence
from evenhand.pages.edition import without_folders
from evenhand.results.canonical import number_text


def render_cyclonedx(card: Card, version: str) -> str:
    """The card as a bill of materials of the given version of CycloneDX."""
    service = card.written.service
    component: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": "service",
        "name": service.name,
        "version": service.version,
        "publisher": service.provider,
        "modelCard": _model_card(card),
        "properties": [
            {"name": "evenhand:card:applies_to", "value": service.applies_to},
            {"name": "evenhand:card:content_sha256", "value": card.content_sha256},
            {"name": "evenhand:card:schema", "value": card.SCHEMA},
        ],
    }
    if service.description:
        component["description"] = service.description
    if service.licence:
        component["licenses"] = [{"license": {"name": service.licence}}]
    return json.dumps(
        {
            "bomFormat": "CycloneDX",
            "specVersion": version,
            "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, card.content_sha256)}",
            "version": 1,
            "metadata": {"tools": {"components": list(_tools(card))}},
            "components": [component, *_tables(card)],
        },
        indent=2,
        ensure_ascii=False,
        allow_nan=False,
    )


def _tools(card: Card) -> Iterator[dict[str, str]]:
    for version in dict.fromkeys(one.version for one in card.evidence if one.version):
        yield {"type": "application", "name": "evenhand", "version": version}


def _tables(card: Card) -> Iterator[dict[str, Any]]:
    """The tables that numbers rest on, as data."""
    seen = dict.fromkeys((one.table, one.data_sha256) for one in card.evidence if one.table)
    for number, (table, digest) in enumerate(seen):
        said = said_of(table, card.written)
        name = without_folders(table)
        contents: dict[str, Any] = {"type": "dataset", "name": name}
        if said is not None and said.description:
            contents["description"] = said.description
        found: dict[str, Any] = {"type": "data", "bom-ref": f"table-{number}", "name": name}
        if digest:
            found["hashes"] = [{"alg": "SHA-256", "content": digest}]
        yield {**found, "data": [contents]}


def _model_card(card: Card) -> dict[str, Any]:
    found: dict[str, Any] = {
        "quantitativeAnalysis": {
            "performanceMetrics": [_metric(one) for one in published(card)],
        },
        "considerations": {name: told for name, told in _considerations(card) if told},
    }
    return found


def _metric(one: PublishedNumber) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": one.metric_text,
        "value": number_text(one.value),
    }
    if one.slice_text:
        found["slice"] = one.slice_text
    if one.bounds is not None:
        low, high = map(number_text, one.bounds)
        found["confidenceInterval"] = {"lowerBound": low, "upperBound": high}
    return found


def _considerations(card: Card) -> Iterator[tuple[str, list[Any]]]:
    written = card.written
    yield "useCases", [_told(use.name, use.description) for use in written.uses]
    limits = [
        *written.limitations,
        *(f"Not for: {one}" for one in written.out_of_scope),
        withheld_text(card.audits),
        *cautions(card),
    ]
    yield "technicalLimitations", [one for one in limits if one]
    yield (
        "ethicalConsiderations",
        [{"name": risk} for use in written.uses for risk in use.risks],
    )
    yield "fairnessAssessments", list(_assessments(card))


def _assessments(card: Card) -> Iterator[dict[str, str]]:
    """Groups that are proven worse, and the worst ones whether proven or not."""
    told = card.written.dimensions.fairness
    for one in card.worst:
        found = {"groupAtRisk": one.predicate, "harms": worst_sentence(card, one)}
        if told:
            found["mitigationStrategy"] = told
        yield found


def _told(name: str, more: str) -> str:
    return f"{name}: {more}" if more else name

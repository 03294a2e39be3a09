"""SageMaker: a model card of at most 100,000 characters, with the worst groups where not all find room.

Limits on names stand in the schema as patterns without ends, which hold nobody to them; they are kept here.

Source: Amazon SageMaker AI developer guide, *Model card JSON schema* 0.1.0.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evenhand.cards.exporters.published import PublishedNumber, badness, published, withheld_text
from evenhand.cards.mended import cautions
from evenhand.cards.result import Card
from evenhand.cards.words import metric_name, worst_sentence
from evenhand.pages.edition import without_folders

MOST = 100_000
_TEXT, _SHORT, _NAME, _OBSERVED, _METRIC = 2048, 1024, 63, 2096, 255


def render_sagemaker(card: Card) -> str:
    """The card as the content of a model card; the worst groups are kept where not all fit."""
    audits = _by_audit(card)
    most = max((len(one.groups) for one in audits), default=0)
    low, high = 0, most
    text = _written(card, audits, most)
    if len(text) <= MOST:
        return text
    # The most groups a metric that still find room.
    while low < high:
        middle = (low + high + 1) // 2
        if len(_written(card, audits, middle)) <= MOST:
            low = middle
        else:
            high = middle - 1
    return _written(card, audits, low)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditNumbers:
    """The numbers of one audit: of everybody, where there is one, and of groups, the worst first."""

    everybody: tuple[PublishedNumber, ...]
    groups: tuple[PublishedNumber, ...]


def _by_audit(card: Card) -> list[AuditNumbers]:
    of: list[list[PublishedNumber]] = [[] for _ in card.audits]
    for one in published(card):
        of[one.evidence.number].append(one)
    return [
        AuditNumbers(
            everybody=tuple(one for one in own if one.group is None),
            groups=tuple(
                sorted((one for one in own if one.group is not None), key=badness, reverse=True)
            ),
        )
        for own in of
    ]


def _written(card: Card, audits: Sequence[AuditNumbers], most: int) -> str:
    written, service = card.written, card.written.service
    told = {
        "model_overview": {
            "model_description": _cut(service.description or service.name, _SHORT),
            "model_owner": _cut(service.provider, _SHORT),
            "model_name": _cut(f"{service.name} {service.version}", _SHORT),
        },
        "intended_uses": {
            "purpose_of_model": _cut(service.description, _TEXT),
            "intended_uses": _cut(_lines(f"{u.name}: {u.description}" for u in written.uses), _TEXT),
            "factors_affecting_model_efficiency": _cut(
                _lines(f"{one.name}: {one.description}" for one in written.confounders), _TEXT
            ),
            # A rating is somebody's judgement, which no measurement gives.
            "risk_rating": "Unknown",
            "explanations_for_risk_rating": _cut(
                _lines(risk for use in written.uses for risk in use.risks), _TEXT
            ),
        },
        "evaluation_details": [
            _evaluation(card, place, numbers, most) for place, numbers in enumerate(audits)
        ],
        "additional_information": {
            "ethical_considerations": _cut(written.dimensions.fairness, _TEXT),
            "caveats_and_recommendations": _cut(
                _lines([*written.limitations, *(f"Not for: {one}" for one in written.out_of_scope),
                        withheld_text(card.audits), *cautions(card)]), _TEXT
            ),
            "custom_details": {
                "evenhand_card_sha256": card.content_sha256,
                "applies_to": _cut(service.applies_to, _SHORT),
                "contact": _cut(service.contact, _SHORT),
            },
        },
    }  # fmt: skip
    return json.dumps(told, ensure_ascii=False, allow_nan=False)


def _evaluation(card: Card, place: int, numbers: AuditNumbers, most: int) -> dict[str, Any]:
    everybody, kept, of = numbers.everybody, numbers.groups[:most], len(numbers.groups)
    audit, evidence = card.audits[place], card.of("audits", place)
    sentences = [worst_sentence(card, one) for one in card.worst if one.audit == place]
    if len(kept) < of:
        sentences.append(f"The {len(kept):,} worst of {of:,} groups are listed; the card has all.")
    by = {", ".join(one.group.by): 0 for one in kept if one.group is not None}
    return {
        "name": _cut(f"{place + 1} {metric_name(audit)}", _NAME),
        "evaluation_observation": _cut(_lines(sentences), _OBSERVED),
        "datasets": [_cut(without_folders(evidence.table), _SHORT)],
        "metadata": {
            "metric": _cut(
                everybody[0].metric_text if everybody else audit.metric.expression, _SHORT
            ),
            **({"rows_kept": _cut(audit.settings.where, _SHORT)} if audit.settings.where else {}),
            "definition": _cut(audit.metric.definition, _SHORT),
            "level": str(audit.level),
            "rows": str(audit.source.rows),
            "data_sha256": evidence.data_sha256 or "not told",
        },
        "metric_groups": [
            {"name": "everybody", "metric_data": [_simple(one) for one in everybody]},
            *(
                {
                    "name": _cut(f"by {name}", _NAME),
                    "metric_data": [
                        _simple(one)
                        for one in kept
                        if one.group is not None and ", ".join(one.group.by) == name
                    ],
                }
                for name in by
            ),
        ],
    }


def _simple(one: PublishedNumber) -> dict[str, Any]:
    notes = []
    if one.bounds is not None:
        low, high = one.bounds
        notes.append(f"{one.audit.level:.4g} interval {low:.6g} to {high:.6g}")
    if one.estimate.n_units is not None:
        notes.append(f"{one.estimate.n_units} {one.audit.unit or 'rows'}")
    if one.group is not None and one.group.verdict:
        notes.append(one.group.verdict)
    found = {
        "name": _cut(one.slice_text or "everybody", _METRIC),
        "type": "number",
        "value": one.value,
    }
    return found | ({"notes": "; ".join(notes)} if notes else {})


def _lines(texts: Any) -> str:
    return "\n".join(text.removesuffix(": ") for text in texts if text)


def _cut(text: str, most: int) -> str:
    """A text of at most so many letters; that it was cut shows."""
    return text if len(text) <= most else text[: most - 1] + "…"

"""Every Eval Ever: one result a metric and group, the group in the parameters of its metric.

The schema has no word for groups; what ours are called in it is published beside this file, as
``group_extension.schema.json``.

Source: Every Eval Ever, https://arxiv.org/abs/2606.14516, ``eval.schema.json`` 0.3.0.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from evenhand.cards.exporters.published import PublishedNumber, published, withheld
from evenhand.cards.mended import cautions
from evenhand.cards.result import Card

_SCHEMA = "0.3.0"
#: Version of the names below ``metric_parameters``.
EXTENSION = "evenhand.group/1"
_RELATIONS = {
    "first party": "first_party",
    "third party": "third_party",
    "both": "collaborative",
    None: "other",
}


def render_every_eval_ever(card: Card) -> str:
    """The card as one evaluation log; no clock is read, so that the same card gives the same text."""
    service, measured = card.written.service, card.written.measured
    # The record is of the day from which the card holds.
    since = datetime.fromisoformat(service.applies_to).replace(tzinfo=UTC)
    seconds = str(int(since.timestamp()))
    versions = sorted({one.version for one in card.evidence if one.version})
    return json.dumps(
        {
            "schema_version": _SCHEMA,
            "evaluation_id": f"evenhand-{card.content_sha256[:16]}/{_identifier(service.name)}/{seconds}",
            "retrieved_timestamp": seconds,
            "source_metadata": {
                "source_name": f"Service card {service.name} {service.version}",
                # Sums over samples, not the samples.
                "source_type": "documentation",
                "source_organization_name": measured.by or service.provider,
                "evaluator_relationship": _RELATIONS[measured.relation],
                "additional_details": {
                    "card_schema": card.SCHEMA,
                    "card_content_sha256": card.content_sha256,
                    "group_extension": EXTENSION,
                    **({"warnings": "  ".join(told)} if (told := cautions(card)) else {}),
                    **{
                        f"groups_without_a_number_{reason}": str(count)
                        for reason, count in sorted(withheld(card.audits).items())
                    },
                },
            },
            "eval_library": {"name": "evenhand", "version": ", ".join(versions) or "unknown"},
            "model_info": {
                "name": service.name,
                "id": f"{_identifier(service.provider)}/{_identifier(service.name)}",
                "developer": service.provider,
                "additional_details": {
                    "deployment_type": "unknown",
                    "model_availability": "unknown",
                    "version": service.version,
                    **({"api": service.api} if service.api else {}),
                },
            },
            "evaluation_results": [
                _result(one, number) for number, one in enumerate(published(card))
            ],
        },
        indent=2,
        ensure_ascii=False,
        allow_nan=False,
    )


def _identifier(name: str) -> str:
    """A name without what would part or break an identifier."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-") or "unnamed"


def _result(one: PublishedNumber, number: int) -> dict[str, Any]:
    metric = one.audit.metric
    return {
        "evaluation_result_id": f"result-{number}",
        "evaluation_name": metric.title,
        "source_data": {
            "dataset_name": one.table,
            "source_type": "other",
            "additional_details": dict(_data(one)),
        },
        "metric_config": {
            "evaluation_description": metric.definition,
            "metric_id": one.metric_text,
            "metric_name": metric.title,
            "metric_kind": metric.name,
            **({"metric_unit": "proportion"} if metric.in_points else {}),
            "metric_parameters": dict(_parameters(one)),
            "lower_is_better": metric.higher_is_worse,
            "score_type": "continuous",
            # Not told: what bounds a metric has depends on what it counts.
            "min_score": None,
            "max_score": None,
        },
        "score_details": {"score": one.value, "uncertainty": dict(_uncertainty(one))},
    }


def _data(one: PublishedNumber) -> Iterator[tuple[str, str]]:
    if one.evidence.data_sha256:
        yield "sha256", one.evidence.data_sha256
    yield "rows", str(one.audit.source.rows)


def _parameters(one: PublishedNumber) -> Iterator[tuple[str, str | float | None]]:
    """Which group it is, and what is said of it."""
    yield "group_extension", EXTENSION
    yield "group", one.slice_text or None
    if one.group is not None:
        yield "group_by", ",".join(one.group.by)
        yield "group_verdict", one.group.verdict
        if one.group.versus is not None:
            yield "group_reference", one.group.versus.reference
            for name in ("difference", "low", "high"):
                yield f"group_{name}", getattr(one.group.versus, name)
    yield "group_rows", one.estimate.n_rows
    yield "group_unit", one.audit.unit


def _uncertainty(one: PublishedNumber) -> Iterator[tuple[str, Any]]:
    estimate = one.estimate
    if estimate.standard_error is not None:
        yield (
            "standard_error",
            {"value": estimate.standard_error, "method": "over independent units"},
        )
    if one.bounds is not None:
        yield (
            "confidence_interval",
            {
                "lower": one.bounds[0],
                "upper": one.bounds[1],
                "confidence_level": one.audit.level,
                "method": estimate.method or "not told",
            },
        )
    if estimate.n_units is not None:
        yield "num_samples", estimate.n_units

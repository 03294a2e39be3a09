"""AVID: a report for each metric by which a group is proven worse.

Source: AI Vulnerability Database, data models of avidtools 0.3.2, https://avidml.org.
"""

import json
from collections.abc import Iterator
from typing import Any

from evenhand.audits.result import Audit, Group
from evenhand.cards.exporters.published import PublishedNumber
from evenhand.cards.mended import cautions
from evenhand.cards.result import Card
from evenhand.cards.words import kept_rows, metric_name
from evenhand.errors import InputError

_ENGLISH = "eng"


def render_avid(card: Card) -> str:
    """Reports as a JSON list.

    Raises
    ------
    InputError
        Where no group is proven worse: a report says that something is wrong.
    """
    found = [_report(card, place, audit) for place, audit in enumerate(card.audits) if audit.worse]
    if not found:
        raise InputError(
            "No group on the card is proven worse than its reference, so there is nothing to report to AVID.  "
            "Other formats publish what was measured: evenhand card export --help"
        )
    return json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False)


def _report(card: Card, place: int, audit: Audit) -> dict[str, Any]:
    service, measured = card.written.service, card.written.measured
    evidence = card.of("audits", place)
    sentences = " ".join([*_sentences(audit), *cautions(card)])
    return {
        "data_type": "AVID",
        "data_version": "0.2",
        "metadata": {"report_id": f"evenhand-{card.content_sha256[:16]}-{place}"},
        "affects": {
            "developer": [service.provider],
            "deployer": [service.provider],
            "artifacts": [{"type": "System", "name": f"{service.name} {service.version}"}],
        },
        "problemtype": {
            "classof": "Undefined",
            "type": "Measurement",
            "description": {
                "lang": _ENGLISH,
                "value": f"{metric_name(audit)} is worse for some groups of people",
            },
        },
        "metrics": [
            {
                "name": f"{audit.metric.expression}{kept_rows(audit)}",
                "detection_method": {
                    "type": "Significance Test",
                    "name": f"difference to {audit.settings.versus}, adjusted by {audit.settings.adjust}",
                },
                "results": _numbers(PublishedNumber(audit=audit, evidence=evidence, group=group)),
            }
            for group in audit.worse
        ],
        "references": [],
        "description": {"lang": _ENGLISH, "value": sentences},
        "impact": {
            "avid": {
                "vuln_id": None,
                "risk_domain": ["Ethics"],
                "sep_view": ["E0101: Group fairness"],
                "lifecycle_view": ["L05: Evaluation"],
                "taxonomy_version": "0.2",
            }
        },
        "credit": [{"lang": _ENGLISH, "value": measured.by}] if measured.by else [],
        "reported_date": service.applies_to,
    }


def _sentences(audit: Audit) -> Iterator[str]:
    for group in audit.worse:
        value, versus = group.estimate.value, group.versus
        low = None if versus is None else versus.low
        high = None if versus is None else versus.high
        yield (
            f"{audit.metric.expression}{kept_rows(audit)} for {group.predicate}: {value}, which differs from that of "
            f"{audit.settings.versus} by {low} to {high} ({audit.level:.4g} for all groups at once)."
        )


def _numbers(one: PublishedNumber) -> dict[str, Any]:
    group: Group | None = one.group
    versus = None if group is None else group.versus
    return {
        "group": one.slice_text,
        "value": one.value,
        "interval": list(one.bounds or ()),
        "units": one.estimate.n_units,
        "everybody": one.audit.overall.value,
        **(
            {}
            if versus is None
            else {
                "difference": versus.difference,
                "difference_interval": [versus.low, versus.high],
                "p_adjusted": versus.p_adjusted,
            }
        ),
    }

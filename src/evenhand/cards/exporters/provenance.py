"""W3C PROV: which files, commands and programs the card's numbers came from.

Source: W3C Recommendation PROV-DM (2013), https://www.w3.org/TR/prov-dm/; PROV-JSON (2013).
"""

import json
from collections import defaultdict
from typing import Any

from evenhand.cards.result import Card
from evenhand.pages.edition import without_folders


def render_prov(card: Card) -> str:
    """The card's origins as PROV-JSON."""
    service, measured = card.written.service, card.written.measured
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    found["prefix"] = {"ev": "urn:evenhand:"}
    found["entity"]["ev:card"] = {
        "prov:label": f"Service card: {service.name} {service.version}",
        "ev:sha256": card.content_sha256,
        "ev:schema": card.SCHEMA,
    }
    found["activity"]["ev:card-make"] = {"prov:label": "evenhand card make"}
    found["wasGeneratedBy"]["_:card"] = {"prov:entity": "ev:card", "prov:activity": "ev:card-make"}
    if measured.by:
        found["agent"]["ev:measured-by"] = {"prov:label": measured.by}
        found["wasAttributedTo"]["_:attributed"] = {
            "prov:entity": "ev:card",
            "prov:agent": "ev:measured-by",
        }
    tables: dict[tuple[str, str | None], str] = {}
    for number, one in enumerate(card.evidence):
        result, run = f"ev:result-{number}", f"ev:run-{number}"
        found["entity"][result] = {
            "prov:label": one.name,
            "ev:sha256": one.file_sha256,
            "ev:schema": one.schema,
            "ev:about": one.about,
        }
        found["activity"][run] = {"prov:label": one.command or "not told"}
        found["wasGeneratedBy"][f"_:result-{number}"] = {
            "prov:entity": result,
            "prov:activity": run,
        }
        found["used"][f"_:card-used-{number}"] = {
            "prov:activity": "ev:card-make",
            "prov:entity": result,
        }
        found["wasDerivedFrom"][f"_:card-from-{number}"] = {
            "prov:generatedEntity": "ev:card",
            "prov:usedEntity": result,
        }
        if one.version:
            agent = f"ev:evenhand-{one.version}"
            found["agent"][agent] = {
                "prov:type": {"$": "prov:SoftwareAgent", "type": "prov:QUALIFIED_NAME"},
                "prov:label": f"evenhand {one.version}",
            }
            found["wasAssociatedWith"][f"_:by-{number}"] = {
                "prov:activity": run,
                "prov:agent": agent,
            }
        if one.table:
            key = (one.table, one.data_sha256)
            table = tables.setdefault(key, f"ev:table-{len(tables)}")
            found["entity"][table] = {
                "prov:label": without_folders(one.table),
                **({"ev:sha256": one.data_sha256} if one.data_sha256 else {}),
            }
            found["used"][f"_:run-used-{number}"] = {"prov:activity": run, "prov:entity": table}
    return json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False)

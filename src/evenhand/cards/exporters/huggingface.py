"""Hugging Face: the card as the README of a model, or one number for a benchmark.

A README's body holds all groups.  ``.eval_results`` has one number an entry, no group and no interval;
and ``model-index`` puts all groups under the first: neither is written for groups.

Source: https://huggingface.co/docs/hub/model-cards, https://huggingface.co/docs/hub/eval-results.
"""

import json
import re

from evenhand.cards.markdown import render_markdown
from evenhand.cards.mended import cautions
from evenhand.cards.result import Card
from evenhand.cards.words import worst_sentence
from evenhand.errors import InputError
from evenhand.results.canonical import number_text

_FORM = "Write it as DATASET/NAME/TASK, for example cais/hle/default"


def render_huggingface(card: Card) -> str:
    """The card as a README: what machines read first, then the card's Markdown."""
    service = card.written.service
    lines = [f"model_name: {_text(f'{service.name} {service.version}')}"]
    if service.licence:
        # The Hub knows its own words for licences; what it may not know goes by a name.
        known = re.fullmatch(r"[a-z0-9][a-z0-9.-]*", service.licence)
        lines += (
            [f"license: {_text(service.licence)}"]
            if known
            else ["license: other", f"license_name: {_text(service.licence)}"]
        )
    metrics = dict.fromkeys(audit.metric.name for audit in card.audits)
    if metrics:
        lines.append(f"metrics: [{', '.join(map(_text, metrics))}]")
    lines.append('tags: ["service-card", "evenhand"]')
    return "\n".join(["---", *lines, "---", "", render_markdown(card)])


def render_eval_results(card: Card, benchmark: str) -> str:
    """An entry for a benchmark of the Hub: the first metric of the card over everybody.

    Raises
    ------
    InputError
        Where the benchmark is not named as the Hub does, or the card has no number for everybody.
    """
    found = re.fullmatch(r"([\w.-]+/[\w.-]+)/([\w.-]+)", benchmark)
    if found is None:
        raise InputError(f"--benchmark is {benchmark!r}.  {_FORM}.")
    if not card.audits or card.audits[0].overall.value is None:
        raise InputError(
            "The card has no audit with a number for everybody, and .eval_results holds nothing else."
        )
    audit = card.audits[0]
    worst = [one for one in card.worst if one.audit == 0]
    notes = " ".join(
        [
            f"{audit.metric.expression} over everybody.",
            *(worst_sentence(card, one) for one in worst),
            *cautions(card),
        ]
    )
    dataset = f"{{id: {_text(found[1])}, task_id: {_text(found[2])}}}"
    value = audit.overall.value or 0.0
    return f"- dataset: {dataset}\n  value: {number_text(value)}\n  notes: {_text(notes)}\n"


def _text(text: str) -> str:
    """A text of YAML in quotes, which JSON's are."""
    return json.dumps(text, ensure_ascii=False)

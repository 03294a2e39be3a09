"""JSON objects within an answer, as models write them."""

import json
import re
from collections.abc import Mapping
from typing import Any

from evenhand.trials.numbers import alternatives, words

_FENCED = re.compile(r"```[\w-]*\s*\n?(.*?)```", re.DOTALL)
_OBJECT = re.compile(r"\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}")


def json_objects(text: str) -> list[Any]:
    """JSON objects of a text, fenced or bare; the last alone where it is called final."""
    for part in (text, *reversed(_FENCED.findall(text))):
        found = _loaded(part)
        if isinstance(found, Mapping) or (
            isinstance(found, list) and found and all(isinstance(each, Mapping) for each in found)
        ):
            return found if isinstance(found, list) else [found]
    places = [(each, _loaded(each[0])) for each in _OBJECT.finditer(text)]
    objects = [(each, found) for each, found in places if isinstance(found, Mapping)]
    if len(objects) > 1:
        between = text[objects[-2][0].end() : objects[-1][0].start()]
        if re.search(
            alternatives((*words()["last"], *words()["last_ratings"])), between, re.IGNORECASE
        ):
            objects = objects[-1:]
    return [found for _, found in objects]


def _loaded(text: str) -> Any:
    """JSON, also with Python's quotation marks or a comma too many; `None` where it is none."""
    for part in (text, re.sub(r",\s*([}\]])", r"\1", text.replace("'", '"'))):
        try:
            return json.loads(part)
        except (ValueError, RecursionError):
            continue
    return None

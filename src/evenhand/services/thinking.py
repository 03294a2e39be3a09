"""Thinking of reasoning models, apart from their answers."""

import re

#: Marks that open models put around their thinking, at the front of the text.
_OPEN = re.compile(r"\s*<(think|thinking|thought|reasoning)>", re.IGNORECASE)
_CLOSE = re.compile(r"</(think|thinking|thought|reasoning)>", re.IGNORECASE)


def split_thinking(text: str) -> tuple[str, str | None]:
    """Answer and thinking of a text.

    Only the front of a text is thinking: an answer may speak of such marks.  The first mark may be
    missing, since templates of some models put it into the prompt; where the last one is, the text
    ended within the thinking and has no answer.

    Examples
    --------
    >>> split_thinking("<think>2 + 2 is 4</think> 4")
    ('4', '2 + 2 is 4')
    >>> split_thinking("so 4</think>4"), split_thinking("<think>so")
    (('4', 'so 4'), ('', 'so'))
    >>> split_thinking("The mark <think> opens, </think> closes.")
    ('The mark <think> opens, </think> closes.', None)
    """
    if "<" not in text:
        return text, None
    opened = _OPEN.match(text)
    closed = _CLOSE.search(text, opened.end() if opened else 0)
    if opened is None:
        if closed is None or f"<{closed[1].lower()}>" in text[: closed.start()].lower():
            return text, None
        return text[closed.end() :].lstrip(), text[: closed.start()].strip()
    if closed is None:
        return "", text[opened.end() :].strip()
    rest, more = split_thinking(text[closed.end() :].lstrip())
    return rest, joined_thinking(text[opened.end() : closed.start()].strip(), more)


def joined_thinking(*parts: str | None) -> str | None:
    """Thinking of several places as one; `None` where there is none.

    Examples
    --------
    >>> joined_thinking("a", None), joined_thinking(None, "")
    ('a', None)
    """
    found = [part for part in parts if part]
    return "\n".join(found) if found else None

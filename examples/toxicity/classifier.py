"""alt-profanity-check, as people install it."""

from profanity_check import predict


def taken_away(text: str) -> int:
    """1 where the filter calls a sentence profane, so that a forum would take it away."""
    return int(predict([text])[0])

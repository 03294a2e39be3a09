"""Contractions made (*do not* to *don't*) and expanded."""

from collections.abc import Callable, Mapping
from functools import cache

from evenhand.conditions.text.words import (
    Change,
    Word,
    plain,
    read_list,
    split_words,
    words_of_class,
)

_SUBJECTS = frozenset({"i", "you", "he", "she", "it", "we", "they", "there"})
#: After these, *is* ends its clause or is stressed: "she is too", "who he is and".
_STRESSED = frozenset(
    {"and", "or", "but", "too", "so", "as", "than", "if", "when", "because", "that"}
)
Edit = tuple[int, int, str]


def contract(text: str) -> Change:
    """Contract where speakers do: not at the end of a clause, and *have* only before a participle.

    Examples
    --------
    >>> contract("I am sure. Yes, I am. She does not know; it is not here.").text
    "I'm sure. Yes, I am. She doesn't know; it isn't here."
    """
    return _edited(text, _contraction)


def expand(text: str) -> Change:
    """Expand contractions; *'s* and *'d* are read by the word that follows, and count as ambiguous.

    A *'s* after a noun may be a genitive: it is left and counts as declined, as *ain't* does.

    Examples
    --------
    >>> expand("Don't you know? He's gone, it's late, and Ann's here.").text
    "Do you not know? He has gone, it is late, and Ann's here."
    """
    return _edited(text, _expansion)


_Decide = Callable[[str, list[Word], int], tuple[list[Edit], bool] | None]


def _edited(text: str, decide: _Decide) -> Change:
    words = split_words(text)
    edits: list[Edit] = []
    changed = ambiguous = declined = 0
    for place, word in enumerate(words):
        found = decide(text, words, place) if not edits or word.start >= edits[-1][1] else None
        if found is None:
            continue
        made, sure = found
        declined += not made
        changed += bool(made)
        ambiguous += bool(made) and not sure
        edits += made
    parts, at = [], 0
    for start, end, new in edits:
        parts += [text[at:start], new]
        at = end
    return Change(
        text="".join([*parts, text[at:]]), changed=changed, ambiguous=ambiguous, declined=declined
    )


@cache
def _short_forms() -> Mapping[tuple[str, ...], tuple[str, str]]:
    """Short form and kind by the words of the full form."""
    rows = read_list("contractions.csv")
    return {tuple(plain(row["full"]).split()): (row["short"], row["kind"]) for row in rows}


@cache
def _full_forms() -> Mapping[str, str]:
    rows = read_list("contractions.csv")
    known = {plain(row["short"]): row["full"] for row in rows}
    return known | {"who's": "who is", "ma'am": ""}


def _after(text: str, words: list[Word], place: int) -> str:
    """The next word of the same clause, in lower case, or nothing."""
    if place + 1 >= len(words) or not text[words[place].end : words[place + 1].start].isspace():
        return ""
    return words[place + 1].key


def _contraction(text: str, words: list[Word], place: int) -> tuple[list[Edit], bool] | None:
    """The short form of one word (*cannot*) or two, where a speaker would use it."""
    one = _short_forms().get((words[place].key,))
    found, last = (one, place) if one else (_pair_of(text, words, place), place + 1)
    if found is None:
        return None
    short, kind = found
    if not _may_contract(kind, _after(text, words, last)):
        return None
    full = text[words[place].start : words[last].end]
    return [(words[place].start, words[last].end, _cased(full, short))], True


def _pair_of(text: str, words: list[Word], place: int) -> tuple[str, str] | None:
    """Short form and kind of a word and the next: "it is not" gives "it isn't", not "it's not"."""
    follows = _after(text, words, place)
    found = _short_forms().get((words[place].key, follows))
    if found is None or found[1] == "not" or _after(text, words, place + 1) != "not":
        return found
    return None if (follows, "not") in _short_forms() else found


def _may_contract(kind: str, follows: str) -> bool:
    match kind:
        case "not":
            return follows not in _SUBJECTS  # "do not you" is no question
        case "us":
            return bool(follows)
        case "participle":
            return _participle(follows)
        case _:
            return bool(follows) and follows not in _STRESSED


def _participle(word: str) -> bool:
    return word in words_of_class("participle") or (word.endswith("ed") and len(word) > 4)


def _cased(full: str, short: str) -> str:
    if full.isupper() and len(full) > 3:
        return short.upper()
    return short[0].upper() + short[1:] if full[0].isupper() else short


def _expansion(text: str, words: list[Word], place: int) -> tuple[list[Edit], bool] | None:
    word = words[place]
    key, follows = word.key, _after(text, words, place)
    if "'" not in key:
        return None
    if key == "ain't":
        return [], False
    if key.endswith("n't") and key in _full_forms():
        return _negation(text, words, place, follows)
    if key.endswith(("'s", "'d")) and key != "let's":
        subject = key[:-2]
        if subject not in _SUBJECTS | {"that", "who", "what", "where", "here", "how"}:
            return [], False
        verb, sure = _read_s(follows) if key.endswith("s") else _read_d(follows)
        return [(word.end - 2, word.end, " " + _shouted(word, verb))], sure
    full = _full_forms().get(key)
    if not full:
        return [], False
    tail = full.split()[-1]
    start = word.start + word.text.replace("’", "'").index("'")
    return [(start, word.end, " " + _shouted(word, tail))], True


def _negation(text: str, words: list[Word], place: int, follows: str) -> tuple[list[Edit], bool]:
    word = words[place]
    full = _full_forms()[word.key]
    verb = "can" if full == "cannot" else full.split()[0]
    verb = _cased(word.text, verb) if not _shout(word) else verb.upper()
    negation = _shouted(word, "not")
    if follows in _SUBJECTS:
        subject = words[place + 1]  # "don't you" asks: "do you not"
        between = text[word.end : subject.start]
        whole = verb + between + subject.text + " " + negation
        return [(word.start, subject.end, whole)], True
    joined = "" if full == "cannot" else " "
    return [(word.start, word.end, verb + joined + negation)], True


def _shout(word: Word) -> bool:
    letters = [letter for letter in word.text if letter.isalpha()]
    return len(letters) > 2 and word.text.isupper()


def _shouted(word: Word, text: str) -> str:
    return text.upper() if _shout(word) else text


def _read_s(follows: str) -> tuple[str, bool]:
    if follows in {"been", "got", "had", "become", "gone"}:
        return "has", follows != "gone"
    return ("is", False) if _participle(follows) else ("is", True)


def _read_d(follows: str) -> tuple[str, bool]:
    if follows in {"better", "been"} or _participle(follows):
        return "had", follows in {"better", "been"}
    return "would", True

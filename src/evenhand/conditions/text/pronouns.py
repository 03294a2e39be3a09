"""Which *her* and which *his*: by the class of the words around it.

*her* is an object (him) or a determiner (his); *his* is a determiner (her) or stands alone (hers).
A word list of function words decides most places; verbs that take two objects, or an object and a
bare verb, an adjective or a participle, decide others. What only the meaning could decide gets the
likelier reading and counts as ambiguous.
"""

from dataclasses import dataclass
from typing import Final

from evenhand.conditions.text.words import Word, words_of_class

_PAIRED: Final = {"his", "him", "hers", "he", "she", "her", "their", "them", "theirs", "its"}
_DETERMINERS: Final = frozenset({"his", "their", "its", "my", "your", "our"})
_OPENING: Final = set(" \t\n\r\u00a0\"'“‘«(*_[")


@dataclass(frozen=True, slots=True)
class PronounReading:
    """Whether a noun belongs to the pronoun, and whether the words around settle it."""

    determiner: bool
    sure: bool = True


def read_pronoun(text: str, words: list[Word], place: int) -> PronounReading:
    """Read ``her``, or ``his``, at a place of a text.

    Parameters
    ----------
    text : str
    words : list of Word
        All words of the text.
    place : int
        Index in `words` of the pronoun.

    Examples
    --------
    >>> from evenhand.conditions.text.words import split_words
    >>> for text in ("saw her.", "her car", "gave her the key", "gave her flowers."):
    ...     words = split_words(text)
    ...     print(read_pronoun(text, words, [w.key for w in words].index("her")))
    PronounReading(determiner=False, sure=True)
    PronounReading(determiner=True, sure=True)
    PronounReading(determiner=False, sure=True)
    PronounReading(determiner=False, sure=False)
    """
    around = _Around(text, words, place)
    paired = around.paired()
    if paired is not None:
        return paired
    return around.read()


class _Around:
    """The words after and before a pronoun."""

    def __init__(self, text: str, words: list[Word], place: int) -> None:
        self.text = text
        self.words = words
        self.place = place
        self.before = words[place - 1].key if place and self._joined(place - 1) else ""

    def _gap(self, place: int) -> str:
        """Text between the word at a place and the next."""
        end = self.words[place + 1].start if place + 1 < len(self.words) else len(self.text)
        return self.text[self.words[place].end : end]

    def _joined(self, place: int) -> bool:
        """Whether the next word goes on in the same phrase."""
        gap = self._gap(place)
        more = place + 1 < len(self.words) and bool(gap)
        return more and set(gap) <= _OPENING and "\n\n" not in gap

    def _key(self, place: int) -> str:
        return self.words[place].key

    def _ends(self, place: int) -> bool:
        """Whether the phrase is over after the word at a place."""
        if not self._joined(place):
            return self._gap(place).strip() not in {"-", "‑", "&"}
        return self._key(place + 1) in words_of_class("function")

    def paired(self) -> PronounReading | None:
        """``his or her``, ``him/her``: the other tells, or what follows both."""
        for step, gap_at in ((1, self.place), (-1, self.place - 1)):
            other = self.place + step
            if not 0 <= other < len(self.words) or self._gap(gap_at).strip() not in {
                "/",
                "(",
                "or",
            }:
                other = self.place + 2 * step
                middle = self.place + step
                if not (0 <= other < len(self.words) and self._key(middle) in {"or", "and"}):
                    continue
            key = self._key(other)
            if key not in _PAIRED:
                continue
            if key in {"him", "them", "he", "she"}:
                return PronounReading(determiner=False)
            if key in {"hers", "theirs"}:
                return PronounReading(determiner=False)
            if step == 1:
                return PronounReading(determiner=not self._ends(other))
            if key in _DETERMINERS:
                return PronounReading(determiner=not self._ends(self.place))
        return None

    def read(self) -> PronounReading:
        place = self.place
        if not self._joined(place):
            # "her-husband" and "her & his" are no words of their own; the rest ends a phrase.
            return PronounReading(determiner=False)
        follows = self._key(place + 1)
        if self._gap(place + 1).startswith(("-", "‑")):
            return PronounReading(determiner=True)  # her on-screen role, his to-do list
        if follows in words_of_class("noun_or_auxiliary"):
            verb = self._joined(place + 1) and self._key(place + 2) in {
                "be",
                "have",
                "not",
                "never",
            }
            return PronounReading(determiner=not verb, sure=not verb)
        if follows in {"her", "his"}:
            return PronounReading(determiner=False)  # give her her coat
        if follows == "every":
            adverb = self._after("ditransitive") or self._time_after(place + 1)
            return PronounReading(determiner=not adverb, sure=False)
        if follows in words_of_class("function") or follows.endswith("n't"):
            return PronounReading(determiner=False)
        return self._by_content(follows)

    def _after(self, name: str) -> bool:
        return self.before in words_of_class(name)

    def _by_content(self, follows: str) -> PronounReading:
        """Before a noun, adjective, adverb or bare verb."""
        last = self._ends(self.place + 1)
        if self._key(self.place) == "his":
            return self._his(follows, last=last)
        if follows in words_of_class("manner") and (last or self._time_after(self.place + 1)):
            return PronounReading(
                determiner=False
            )  # knew her first, saw her last year; her first child
        if last and follows in words_of_class("place"):
            return PronounReading(determiner=not self._after("motion"), sure=False)
        if follows in words_of_class("quantity"):
            return self._quantity(follows, last=last)
        if follows.endswith("ly") and follows not in words_of_class("not_adverb"):
            return PronounReading(
                determiner=not last
            )  # asked her politely to; her newly built house
        return self._by_verb(follows, last=last)

    def _by_verb(self, follows: str, *, last: bool) -> PronounReading:
        """After a verb that takes more than one object, or an object and what it is or does."""
        verbs = words_of_class("bare_verb") | words_of_class("verb_or_noun")
        if self._after("causative") and follows in verbs:
            return PronounReading(determiner=False, sure=follows in words_of_class("bare_verb"))
        if self._after("naming") and (
            follows in words_of_class("role") or self.words[self.place + 1].text[0].isupper()
        ):
            return PronounReading(determiner=False, sure=False)
        if last and self._after("result") and follows in words_of_class("adjective"):
            return PronounReading(determiner=False)
        if last and self._after("judging"):
            return PronounReading(determiner=False, sure=False)
        if (self._after("result") or self._after("causative")) and follows.endswith(("ing", "ed")):
            return PronounReading(determiner=not (last or follows.endswith("ing")), sure=False)
        if self._after("ditransitive"):
            return self._second_object(follows, last=last)
        settled = not last or follows in words_of_class("person_noun")
        open_verb = self._after("result") or self._after("causative")
        return PronounReading(determiner=True, sure=settled or not open_verb)  # saw her duck

    def _time_after(self, place: int) -> bool:
        """Whether a word of time follows the word at a place: *last year*, *every month*."""
        return self._joined(place) and self._key(place + 1) in words_of_class("time")

    def _his(self, follows: str, *, last: bool) -> PronounReading:
        """Alone only before a verb: *a friend of his called*."""
        alone = self.before == "of" and last and follows.endswith("ed")
        return PronounReading(determiner=not alone, sure=not alone)

    def _quantity(self, follows: str, *, last: bool) -> PronounReading:
        if last or follows in {"enough", "all", "both", "half", "several"}:
            return PronounReading(determiner=False)
        span = self._time_after(self.place + 1) and not self._after("function")
        takes = span or self._after("ditransitive")  # known her ten years, gave her two pills
        return PronounReading(determiner=not takes, sure=not takes)

    def _second_object(self, follows: str, *, last: bool) -> PronounReading:
        """*gave her flowers* or *gave her flowers to …*: a list of what is given, else a plural."""
        things = follows in words_of_class("mass_noun")
        people = follows in words_of_class("person_noun")
        plural = follows.endswith("s") and not follows.endswith(("ss", "us", "is", "'s"))
        if self._after("telling"):
            plural = False  # one tells people: told her parents
        if (things or plural) and not people and last:
            to = self._joined(self.place + 1) and self._key(self.place + 2) == "to"
            return PronounReading(determiner=to, sure=False)
        # gave her husband a pill, but gave her morphine: no list of words tells all
        return PronounReading(determiner=True, sure=people or self._after("telling"))

"""What is measured of a text: how long, how hard to read, and in which scripts."""

import re
import unicodedata
from collections import Counter
from functools import lru_cache
from typing import Final

from evenhand.samples.measure import SampleMeasure

#: Scripts that a share is told of; all others are counted together.
SCRIPTS: Final = (
    "arabic",
    "bengali",
    "cyrillic",
    "devanagari",
    "greek",
    "han",
    "hangul",
    "hebrew",
    "kana",
    "latin",
    "tamil",
    "thai",
)
#: First words of Unicode names that mean a script of another name.
_SCRIPT_OF: Final = {"cjk": "han", "hiragana": "kana", "katakana": "kana", "fullwidth": "latin"}
#: Written without spaces, so that words cannot be counted without a dictionary.
_UNSPACED: Final = frozenset({"han", "kana", "thai", "lao", "khmer", "myanmar"})
_JOINED: Final = "'’‘-‐‑"
_LETTERS_AND_DIGITS: Final = re.compile(r"[^\W_]+")
_PLAIN_WORD: Final = re.compile(rf"[^\W_]+(?:[{re.escape(_JOINED)}][^\W_]+)*")
_WIDE_JOINER: Final = "\u200d"
_SENTENCE_END: Final = re.compile(r"[.!?…。！？؟۔।]+[\"'”’»)\]]*(?=\s|$)|[。！？]")

_LETTERS: Final = "share of letters, by the names of the Unicode standard"
_NOTHING: Final = "no letters"
MEASURES: Final = (
    SampleMeasure(
        name="characters",
        unit="",
        about="Characters as a reader counts them: an accent, a skin tone or a joined family counts with its "
        "letter or emoji.",
        undefined="never",
        source="near to the clusters of Unicode Standard Annex 29",
    ),
    SampleMeasure(
        name="letters", unit="", about="Letters.", undefined="never", source="Unicode, alphabetic"
    ),
    SampleMeasure(
        name="words",
        unit="",
        about="Runs of letters and digits; an apostrophe or hyphen inside does not part.",
        undefined="most letters are of a script without spaces, such as Chinese or Thai",
        source="ours",
    ),
    SampleMeasure(
        name="sentences",
        unit="",
        about="Ends of sentences, and what follows the last.",
        undefined="never",
        source="ours",
    ),
    SampleMeasure(
        name="emoji",
        unit="",
        about="Emoji; a flag or a joined group is one.",
        undefined="never",
        source="Unicode blocks of pictographs",
    ),
    SampleMeasure(
        name="word_length",
        unit="characters",
        about="Letters and digits a word.",
        undefined="no words",
        source="ours",
    ),
    SampleMeasure(
        name="lix",
        unit="",
        about="Readability, for languages of Europe: words a sentence + 100 · share of words of more than 6 "
        "letters.  Below 30 easy, above 50 hard; unsure below about 100 words.",
        undefined="no words",
        source="Björnsson (1968); Anderson (1983), Journal of Reading 26(6)",
    ),
    SampleMeasure(
        name="ari",
        unit="school years",
        about="Readability, fitted to English: 4.71 · characters a word + 0.5 · words a sentence - 21.43.  Latin "
        "letters do not make a text English; unsure below about 100 words.",
        undefined="no words, or not mostly Latin letters",
        source="Senter & Smith (1967), AMRL-TR-66-220",
    ),
    SampleMeasure(
        name="right_to_left_share",
        unit="",
        about="Share of letters that are written from right to left.",
        undefined=_NOTHING,
        source="Unicode Standard Annex 9, classes R and AL",
    ),
    SampleMeasure(
        name="script",
        unit="",
        about="The most frequent script.",
        undefined=_NOTHING,
        source=_LETTERS,
    ),
    *(
        SampleMeasure(
            name=f"letters_{script}",
            unit="",
            about=f"Share of letters that are {script}.  The alphabet, not the language: Latin letters write hundreds.",
            undefined=_NOTHING,
            source=_LETTERS,
        )
        for script in (*SCRIPTS, "other")
    ),
)


def measure_text(text: str) -> dict[str, float | str | None]:
    """Measure what a text is like, never who wrote it.

    The shares of scripts are the nearest thing to a share of languages that letters alone can tell:
    Serbian has two alphabets, and Latin letters write hundreds of languages. Give the language as an
    attribute where it is known.

    Returns
    -------
    dict
        As `MEASURES` says.

    Examples
    --------
    >>> found = measure_text("The nurse called. Bring water 👩🏽‍⚕️!")
    >>> found["words"], found["sentences"], found["emoji"], found["script"]
    (5.0, 2.0, 1.0, 'latin')
    """
    # Most questions are of characters, of which a text has few different ones.
    held = Counter(text)
    scripts: Counter[str] = Counter()
    for character, times in held.items():
        if script := _script(character):
            scripts[script] += times
    letters = scripts.total()
    plain = not any(map(_changes, held))
    words = _plain_words(text) if plain else _words(text)
    unspaced = sum(scripts[script] for script in _UNSPACED)
    spaced = 2 * unspaced <= letters
    sentences = _sentences(text) if words else 0
    latin = 2 * scripts["latin"] > letters
    return {
        "characters": float(len(text) if plain else _characters(text)),
        "letters": float(letters),
        "words": float(len(words)) if spaced else None,
        "sentences": float(sentences),
        "emoji": float(_emoji(text) if any(map(_pictured, held)) else 0),
        "word_length": sum(words) / len(words) if words and spaced else None,
        "lix": _lix(words, sentences) if spaced else None,
        "ari": _ari(words, sentences) if latin else None,
        "right_to_left_share": _share(
            sum(times for character, times in held.items() if _leftward(character)), letters
        ),
        "script": scripts.most_common(1)[0][0] if scripts else None,
        **{f"letters_{script}": _share(scripts[script], letters) for script in SCRIPTS},
        "letters_other": _share(
            sum(n for script, n in scripts.items() if script not in SCRIPTS), letters
        ),
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _lix(words: list[int], sentences: int) -> float | None:
    if not words:
        return None
    return len(words) / sentences + 100 * sum(length > 6 for length in words) / len(words)


def _ari(words: list[int], sentences: int) -> float | None:
    if not words:
        return None
    return 4.71 * sum(words) / len(words) + 0.5 * len(words) / sentences - 21.43


@lru_cache(maxsize=4096)
def _script(character: str) -> str | None:
    """Script of a letter by its Unicode name; `None` for what is no letter."""
    if not character.isalpha():
        return None
    first = unicodedata.name(character, "unknown").split()[0].split("-")[0].lower()
    return _SCRIPT_OF.get(first, first)


@lru_cache(maxsize=4096)
def _leftward(character: str) -> bool:
    return character.isalpha() and unicodedata.bidirectional(character) in {"R", "AL"}


@lru_cache(maxsize=4096)
def _mark(character: str) -> bool:
    """Whether it is seen as a part of the character before."""
    skin_tone = "\U0001f3fb" <= character <= "\U0001f3ff"
    tag = "\U000e0020" <= character <= "\U000e007f"
    return skin_tone or tag or unicodedata.category(character) in {"Mn", "Me", "Mc", "Cf"}


@lru_cache(maxsize=4096)
def _changes(character: str) -> bool:
    """Whether it may be a part of its neighbours: a mark, or a letter of a flag."""
    return _mark(character) or "\U0001f1e6" <= character <= "\U0001f1ff"


def _plain_words(text: str) -> list[int]:
    """Letters and digits of each word of a text without marks."""
    return [
        len(word) if word.isalnum() else sum(map(len, _LETTERS_AND_DIGITS.findall(word)))
        for word in _PLAIN_WORD.findall(text)
    ]


def _words(text: str) -> list[int]:
    """Letters and digits of each word.

    Not a regular expression: its word characters take vowel signs of Indian scripts for gaps.
    """
    words, length, joined = [], 0, False
    for place, character in enumerate(text):
        if character.isalnum():
            length, joined = length + 1, False
        elif length and _mark(character):
            continue
        elif (
            length and not joined and character in _JOINED and text[place + 1 : place + 2].isalnum()
        ):
            joined = True
        elif length:
            words.append(length)
            length, joined = 0, False
    return [*words, length] if length else words


def _sentences(text: str) -> int:
    """Sentences that end, and what is left over after the last end; at least 1."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    left = text[ends[-1] :] if ends else text
    return max(1, len(ends) + any(character.isalnum() for character in left))


def _characters(text: str) -> int:
    """Characters as a reader counts them, near to UAX 29's clusters."""
    count, joined, flag = 0, False, False
    for character in text:
        regional = "\U0001f1e6" <= character <= "\U0001f1ff"
        if flag and regional:
            flag = False  # the second letter of a flag
            continue
        flag = regional
        if not _mark(character):
            count += not joined
        joined = character == _WIDE_JOINER
    return count


@lru_cache(maxsize=4096)
def _pictured(character: str) -> bool:
    return "\U0001f000" <= character <= "\U0001faff" or "\u2600" <= character <= "\u27bf"


def _emoji(text: str) -> int:
    """Emoji as a reader counts them; a flag or a joined group is one."""
    count, joined, flag = 0, False, False
    for character in text:
        regional = "\U0001f1e6" <= character <= "\U0001f1ff"
        if flag and regional:
            flag = False
            continue
        flag = regional
        if _pictured(character) and not _mark(character):
            count += not joined
        joined = character == _WIDE_JOINER
    return count

"""Slips of typing: neighbouring keys, and letters of the wrong size."""

from functools import cache

import numpy as np

from evenhand.conditions.text.words import Change, read_list


@cache
def _neighbours() -> dict[str, str]:
    rows = read_list("keyboard_qwerty.csv")
    lower = {row["key"]: row["neighbours"] for row in rows}
    return lower | {key.upper(): near.upper() for key, near in lower.items()}


def make_typos(text: str, rate: float, generator: np.random.Generator) -> Change:
    """Replace letters by a neighbour on a QWERTY keyboard.

    Parameters
    ----------
    text : str
    rate : float
        Share of the letters a to z and A to Z that are replaced, to the nearest whole number.
    generator : numpy.random.Generator
    """
    known = _neighbours()
    places = [place for place, character in enumerate(text) if character in known]
    chosen = generator.choice(len(places), round(rate * len(places)), replace=False)
    letters = list(text)
    for place in sorted(places[index] for index in chosen.tolist()):
        near = known[letters[place]]
        letters[place] = near[int(generator.integers(len(near)))]
    return Change(text="".join(letters), changed=len(chosen))


def change_case(text: str, to: str, share: float, generator: np.random.Generator) -> Change:
    """Write a text in other letters.

    Characters without a single counterpart (ß in capitals) stay as they are, so the length stays.

    Parameters
    ----------
    text : str
    to : {"lower", "upper", "swapped"}
    share : float
        Of the letters that would change, how many do, to the nearest whole number; drawn.
    generator : numpy.random.Generator
    """
    switch = {"lower": str.lower, "upper": str.upper, "swapped": str.swapcase}[to]
    letters = list(text)
    places = [
        place
        for place, letter in enumerate(letters)
        if len(switch(letter)) == 1 and switch(letter) != letter
    ]
    count = round(share * len(places))
    if count < len(places):
        places = [places[i] for i in generator.choice(len(places), count, replace=False).tolist()]
    for place in places:
        letters[place] = switch(letters[place])
    return Change(text="".join(letters), changed=len(places))

"""The answer in a sentence: who skims it takes no doubt for good news."""

import numpy as np
import pyarrow as pa

import evenhand
from evenhand.audits.answer import answers
from evenhand.pages.edition import PLAIN


def answer(**rates):
    """Of groups with so many wrong of so many rows, as one sentence."""
    columns = {
        "g": np.repeat(list(rates), [rows for _, rows in rates.values()]),
        "wrong": np.concatenate([np.arange(rows) < wrong for wrong, rows in rates.values()]).astype(int),
    }  # fmt: skip
    found = evenhand.audit(pa.table(columns), "mean(wrong)", "g", worse="higher", tolerance=0.1)
    return next(iter(answers(found, PLAIN)))


def test_what_is_shown_comes_first_and_what_is_unknown_is_no_acquittal():
    unsure = dict.fromkeys(("b", "c", "d"), (6, 40))
    assert answer(a=(120, 800), **unsure) == (
        "1 of 4 groups of g is shown to be no worse; for the other 3 these records cannot tell."
    )
    assert answer(a=(90, 900), b=(90, 900), c=(2, 20)) == (
        "2 of 3 groups of g are shown to be no worse; for the other these records cannot tell."
    )

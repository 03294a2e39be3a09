"""Numbers of answers: what else holds digits is none, and where two can be meant no score is given."""

import pytest

from evenhand.trials.numbers import meant_number
from evenhand.trials.scorers import numeric

READ = [
    # denied, and one of two
    ("15, not 12", 15), ("15 rather than 12", 15), ("It is not 12 but 15.", 15), ("It isn't 12.", None), ("No son 12, sino 15.", 15), ("15, nicht 12", 15),
    ("是15，不是12", 15), ("3 or 5", None), ("either 3 or 5", None), ("3 oder 5", None), ("3或5", None), ("3 and 5", None), ("2 and 1/2 cups", 2.5),
    ("x^2 = 16, so x = 4 or x = -4", None), ("x = 4 or -4", None), ("Of 7 trains 3 or 5", None), ("The result: 2 and 3 make 5", 5), ("Solutions: x = 2 and x = 3", None),
    # negative
    ("It dropped from 5 to minus 3.", -3), ("5 minus 3 equals 2", 2),
    ("minus 5", -5), ("negative 5", -5), ("It was minus 5 degrees.", -5), ("x = - 5", -5), ("minus 5 Grad", -5), ("menos 5", -5), ("ऋण 5", -5), ("سالب 5", -5),
    ("负5", -5), ("零下5度", -5), ("10 minus 5 is 5", 5), ("−½", -0.5), ("-1 1/2", -1.5),
    # dates, times, sources, sureness
    ("There were 12 cases on 5 March 2024.", 12), ("There were 12 cases on 2024-03-05.", 12), ("12 people died in 2020.", 12), ("12 patients as of 05/03/2024", 12),
    ("Es waren 12 Fälle am 5. März 2024.", 12), ("Hubo 12 casos el 5 de marzo de 2024.", 12), ("5 मार्च 2024 को 12 मामले थे।", 12), ("كانت هناك 12 حالة في 5 مارس 2024.", 12),
    ("2024年3月5日有12例。", 12), ("有12例，截至2024年3月5日。", 12), ("He died in 1957.", 1957), ("1957", 1957), ("In 2020 it rose to 12.", 12),
    ("The meeting is at 10:30", None), ("42. Source: https://example.org/12", 42), ("42\nConfidence: 95%", 42), ("42, with 95% confidence", 42), ("42\n置信度：95%", 42),
    ("5 mg every 8 hours", 5), ("5 ± 1", 5),
    # formulas
    ("\\boxed{\\frac12}", 0.5), ("\\boxed{3\\,000}", 3000), ("\\boxed{12\\%}", 0.12), ("$12\\text{ cm}^2$", 12), ("12 m^2", 12), ("12 cm²", 12), ("2^10", 1024),
    ("10^3", 1000), ("\\boxed{5^{2}}", 25), ("10⁶", 1e6), ("1.5×10⁶", 1.5e6), ("1.5 \\times 10^{6}", 1.5e6), ("\\boxed{2\\sqrt{3}}", None), ("√2", None), ("2π", None),
    ("2√3 ≈ 3.46", 3.46), ("of 7 the answer is \\boxed{\\text{twelve}}", None), ("3.2M", 3.2e6), ("2K", 2000), ("3 Dutzend", 36), ("1 ½", 1.5), ("साढ़े 3", 3.5), ("3分之1", 1 / 3),
]  # fmt: skip


@pytest.mark.parametrize(("text", "number"), READ)
def test_a_number_is_what_the_answer_says(text, number):
    found = meant_number(text)
    if number is None:
        assert found is None
    else:
        assert numeric(text, number) == 1.0


@pytest.mark.parametrize(
    ("text", "likely", "other"),
    [("12 people died in 2020.", 12, 2020), ("- 5", 5, -5), ("5 mg every 8 hours", 5, 8)],
)
def test_where_two_numbers_can_be_meant_neither_is_wrong(text, likely, other):
    assert (numeric(text, likely), numeric(text, other), numeric(text, 99)) == (1.0, None, 0.0)


@pytest.mark.parametrize(
    "text", ["5" + " " * 9000, "1 " * 5000, "9" * 9000, "1," * 5000, "5 or " * 2000, "1:" * 5000]
)
def test_a_long_answer_is_read_to_its_end(text):
    """Each took a minute and more, or did not end."""
    found = meant_number(text)
    assert found is None or found.value > 0

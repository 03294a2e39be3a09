"""Write sentences.csv: one job in one sentence, of a woman and of a man; the manner of WinoMT.

    python make_sentences.py

The article is what shows a Spanish translation's gender: `una` or `un`, `La` or `El`.
"""

import csv
from pathlib import Path

JOBS = (
    "baker, cook, doctor, engineer, farmer, gardener, hairdresser, judge, lawyer, librarian, "
    "mechanic, nurse, painter, photographer, politician, secretary, singer, teacher, waiter, writer"
)
# What tells the gender: the sentence of a woman, that of a man, and the articles that are right.
CUES = {
    "she is": ("She is {a}.", "He is {a}.", "una", "un"),
    "my sister is": ("My sister is {a}.", "My brother is {a}.", "una", "un"),
    "her keys": ("The {job} lost her keys.", "The {job} lost his keys.", "La", "El"),
    "said that she": (
        "The {job} said that she was tired.",
        "The {job} said that he was tired.",
        "La",
        "El",
    ),
}

with Path("sentences.csv").open("w", newline="", encoding="utf-8") as file:
    table = csv.writer(file)
    table.writerow(["id", "text", "reference", "gender", "job", "cue"])
    for job in JOBS.split(", "):
        a = f"an {job}" if job[0] in "aeiou" else f"a {job}"
        for cue, (of_woman, of_man, feminine, masculine) in CUES.items():
            for gender, text, article in (
                ("woman", of_woman, feminine),
                ("man", of_man, masculine),
            ):
                filled = text.format(job=job, a=a)
                table.writerow([f"{job}/{cue}/{gender}", filled, article, gender, job, cue])

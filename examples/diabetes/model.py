"""A model of one half of scikit-learn's diabetes data; `python model.py` writes the other half.

The data: 442 patients, ten measurements, and how far the disease had gone a year later (Efron,
Hastie, Johnstone & Tibshirani 2004, doi:10.1214/009053604000000067).
"""

import csv
from functools import cache
from pathlib import Path

from sklearn.datasets import load_diabetes
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

DATA = load_diabetes(scaled=False)
#: What the data call s1 to s6.
BLOOD = ["cholesterol", "ldl", "hdl", "cholesterol_hdl", "log_triglycerides", "glucose"]
COLUMNS = ["age", "sex", "bmi", "blood_pressure", *BLOOD]
# It went further than for half of the patients.
WORSENED = DATA.target > 140


@cache
def trained() -> Pipeline:
    """The model, of every second patient."""
    model = make_pipeline(StandardScaler(), LogisticRegression())
    return model.fit(DATA.data[::2], WORSENED[::2])


def predict(row: dict[str, float]) -> int:
    """Whether a patient's disease will worsen, from the ten measurements by name."""
    return int(trained().predict([[row[name] for name in COLUMNS]])[0])


def main() -> None:
    """Write the patients that the model has not seen."""
    with Path("patients.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["patient", "worsened", "age_group", *COLUMNS])
        for number in range(1, len(WORSENED), 2):
            row = DATA.data[number]
            age = "under 50" if row[0] < 50 else "50 or older"
            table.writerow([f"p{number}", int(WORSENED[number]), age, *row])


if __name__ == "__main__":
    main()

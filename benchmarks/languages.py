"""False gaps between languages: worlds in which every language has the same true error.

    python benchmarks/languages.py [WORLDS]        (default 200)

Eight languages, references with their own punctuation, transcripts without any from which each word
is lost with probability .05. An audit at 95 % may call a group worse in 5 worlds of 100, over all
eight comparisons together. Printed: the worlds with a false finding, by normaliser.
"""

import argparse
import random
import tomllib
from pathlib import Path

import pyarrow as pa

import evenhand

SENTENCES = Path(__file__).parents[1] / "tests" / "metrics" / "transcripts.toml"
LANGUAGES = ["english", "hindi", "arabic", "spanish", "french", "german", "vietnamese", "russian"]
LOST = 0.05
ROWS = 60  # of each language, five sentences a row


def make_world(seed: int) -> pa.Table:
    """One world: the columns language, reference, hypothesis."""
    rng, rows = random.Random(seed), []
    pairs = {
        name: table["pairs"] for name, table in tomllib.loads(SENTENCES.read_text("utf-8")).items()
    }
    for language in LANGUAGES:
        for _ in range(ROWS):
            chosen = rng.choices(pairs[language], k=5)
            words = " ".join(plain for _, plain in chosen).split()
            heard = " ".join(word for word in words if rng.random() > LOST)
            rows.append((language, " ".join(written for written, _ in chosen), heard))
    return pa.table(
        dict(
            zip(
                ("language", "reference", "hypothesis"),
                map(list, zip(*rows, strict=True)),
                strict=True,
            )
        )
    )


def false_findings(worlds: int, normalizer: str) -> int:
    """Worlds in which a language is called worse."""
    metric = f"wer(reference, hypothesis, normalizer='{normalizer}')"
    found = (evenhand.audit(make_world(seed), metric, by="language") for seed in range(worlds))
    return sum(bool(audit.worse) for audit in found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("worlds", nargs="?", type=int, default=200)
    worlds = parser.parse_args().worlds
    for normalizer in ("unicode", "basic"):
        false = false_findings(worlds, normalizer)
        print(
            f"{normalizer:8} {false:4} of {worlds} worlds with a false finding (at most {0.05:.0%} expected)"
        )


if __name__ == "__main__":
    main()

"""Texts per CPU second: our English normaliser beside whisper-normalizer, on the same texts.

Run `PYTHONPATH=src python benchmarks/english_normalizer.py`. It stops if any output differs. Ours
starts each corpus with an empty memory, so that filling it is paid for; "warm" is a second pass.
"""

# ruff: noqa: SIM905, SLF001 - word lists read better as text; the memory is emptied for a cold start

import random
import time
from collections.abc import Callable, Sequence

from whisper_normalizer.english import EnglishTextNormalizer

from evenhand.metrics.speech import english, english_numbers

TEXTS = 20_000
COMMON = """the of and to a in that is was he for it with as his on be at by i this had not are but
from or have an they which you were her all she there would their we him been has when who will more
no if out so said what up its about into than them can only other new some could time these two may
then do first any my now such like our over man me even most made after also did many before must
through back years where much your way well down should because each just those people mr how too
little state good very make world still own see men work long get here between both life being under
never day same another know while last might us great old year off come since against go came right
used take three""".split()
DECORATED = """it's don't i've he'd we're that's can't won't you'll John's colour favourite centre
organise um uh twenty one five hundred dollars percent 1990s 25 3.5 $20 1,000 second half well-known
[laughter] café “quoted” Dr. Mrs. gonna""".split()


def sentences(count: int, rng: random.Random) -> list[str]:
    """Sentences of 10 to 20 words; word frequencies fall off as 1 / rank, as they do in English."""
    syllables = [c + v for c in "b c d f g l m n p r s t v w ch st tr".split() for v in "aeiou"]
    rare = {"".join(rng.choices(syllables, k=rng.randint(2, 4))) for _ in range(20_000)}
    vocabulary = COMMON + sorted(rare, key=lambda _: rng.random())
    weights = [1 / rank for rank in range(1, len(vocabulary) + 1)]
    return [sentence(rng, vocabulary, weights) for _ in range(count)]


def sentence(rng: random.Random, vocabulary: list[str], weights: list[float]) -> str:
    words = rng.choices(vocabulary, weights, k=rng.randint(10, 20))
    if rng.random() < 0.5:
        words[rng.randrange(len(words))] = rng.choice(DECORATED)
    if rng.random() < 0.5:
        words[rng.randrange(len(words))] += ","
    return " ".join(words).capitalize() + rng.choice(".....?!")


def texts_per_second(normalize: Callable[[], list[str]], count: int) -> tuple[float, list[str]]:
    started = time.process_time()
    normalized = normalize()
    return count / (time.process_time() - started), normalized


def compare(name: str, texts: Sequence[str]) -> None:
    oracle = EnglishTextNormalizer()
    theirs, expected = texts_per_second(lambda: [oracle(text) for text in texts], len(texts))
    english._chunks().clear()
    english._mark_word.cache_clear()
    english_numbers._read_numbers.cache_clear()
    cold, normalized = texts_per_second(lambda: english.normalize_english(texts), len(texts))
    warm, again = texts_per_second(lambda: english.normalize_english(texts), len(texts))
    if not normalized == again == expected:
        raise SystemExit(f"{name}: the outputs differ")
    distinct = len(set(texts))
    print(f"{name}: {len(texts):,} texts, {distinct:,} distinct; equal outputs")
    print(f"  whisper-normalizer {theirs:9,.0f} texts per CPU second")
    print(f"  evenhand           {cold:9,.0f}   ratio {cold / theirs:5.1f}")
    print(f"  evenhand, warm     {warm:9,.0f}   ratio {warm / theirs:5.1f}")


if __name__ == "__main__":
    rng = random.Random(2026)
    distinct = sentences(TEXTS, rng)
    compare("distinct", distinct)
    compare("repetitive", rng.choices(distinct[:500], k=TEXTS))

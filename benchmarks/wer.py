"""Edit counts of N utterance pairs: Evenhand beside jiwer and a plain RapidFuzz loop.

    python benchmarks/wer.py [N]        (default 200,000; 1,000,000 for the record)

Each method runs in a process of its own, on the same pairs: about 15 words (lognormal, 1 to 80), a
Zipf vocabulary of 20,000, 10 to 30 % errors, 60/25/15 % of them substitutions, deletions and
insertions. The clock runs from strings in memory to counts and includes tokenising, and for
Evenhand lower-casing and deleting punctuation too, which the others are spared. CPU seconds
include those of child processes; memory is the peak of the resident set above the loaded data,
plus the peaks of all children, interpreter and libraries included. jiwer is slow, so it gets 50,000
pairs. Linux only: the children's peaks are read from /proc.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

JIWER_PAIRS = 50_000
OURS = "evenhand, unicode"

Totals = list[int]  # substitutions, deletions, insertions


def make_pairs(number: int) -> pa.Table:
    """Make seeded pairs of a reference and what a recogniser might have heard."""
    rng = np.random.default_rng(7)
    vocabulary = make_words(rng, 20_000)
    zipf = np.cumsum(1 / np.arange(1, len(vocabulary) + 1))
    lengths = np.clip(np.round(rng.lognormal(np.log(13), 0.55, number)), 1, 80).astype(int)
    said, heard, added = np.searchsorted(zipf, rng.random((3, lengths.sum())) * zipf[-1])
    rate = np.repeat(rng.uniform(0.10, 0.30, number), lengths)
    fate = rng.random(lengths.sum()) / rate
    copies = np.select([fate < 0.60, fate < 0.85, fate < 1], [1, 0, 2], 1)
    substituted = np.where(fate < 0.60, heard, said)
    heard = np.repeat(substituted, copies)
    ends = np.cumsum(copies)
    heard[ends[copies == 2] - 1] = added[copies == 2]
    of_said = np.concatenate([[0], np.cumsum(lengths)])
    of_heard = np.concatenate([[0], ends])[of_said]
    columns = {"said": (of_said, said), "heard": (of_heard, heard)}
    return pa.table({name: join(vocabulary, *column) for name, column in columns.items()})


def make_words(rng: np.random.Generator, number: int) -> pa.Array:
    letters = np.array(list("etaoinshrdlucmfwypvbgkjqxz"))
    weights = 1 / np.arange(1, 27) ** 0.7
    words: dict[str, None] = {}
    while len(words) < number:
        drawn = rng.choice(letters, size=rng.integers(2, 10), p=weights / weights.sum())
        words.setdefault("".join(drawn))
    return pa.array(list(words))


def join(vocabulary: pa.Array, offsets: np.ndarray, codes: np.ndarray) -> pa.Array:
    words = vocabulary.take(pa.array(codes))
    return pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), words), " ")


def evenhand(workers: int) -> Callable[[pa.Table], Totals]:
    from evenhand.metrics.speech.alignment import count_edits

    def run(pairs: pa.Table) -> Totals:
        counts = count_edits(pairs["said"], pairs["heard"], workers=workers)
        parts = (counts.substitutions, counts.deletions, counts.insertions)
        return [int(part.sum()) for part in parts]

    return run


def rapidfuzz_loop() -> Callable[[tuple[list[str], list[str]]], Totals]:
    from rapidfuzz.distance import Levenshtein

    def run(pairs: tuple[list[str], list[str]]) -> Totals:
        known: dict[str, str] = {}

        def symbols(text: str) -> str:
            found = []
            for word in text.split():
                if word not in known:
                    code = len(known)
                    known[word] = chr(code if code < 0xD800 else code + 0x800)
                found.append(known[word])
            return "".join(found)

        totals = {"replace": 0, "delete": 0, "insert": 0}
        for said, heard in zip(*pairs, strict=True):
            for edit in Levenshtein.editops(symbols(said), symbols(heard)):
                totals[edit.tag] += 1
        return list(totals.values())

    return run


def jiwer_list() -> Callable[[tuple[list[str], list[str]]], Totals]:
    import jiwer

    def run(pairs: tuple[list[str], list[str]]) -> Totals:
        out = jiwer.process_words(*pairs)
        return [out.substitutions, out.deletions, out.insertions]

    return run


def jiwer_loop() -> Callable[[tuple[list[str], list[str]]], Totals]:
    import jiwer

    def run(pairs: tuple[list[str], list[str]]) -> Totals:
        totals = [0, 0, 0]
        for said, heard in zip(*pairs, strict=True):
            out = jiwer.process_words(said, heard)
            totals[0] += out.substitutions
            totals[1] += out.deletions
            totals[2] += out.insertions
        return totals

    return run


METHODS = {
    OURS: lambda: evenhand(1),
    "evenhand, unicode, 2 workers": lambda: evenhand(2),
    "RapidFuzz editops loop": rapidfuzz_loop,
    "jiwer, one call per utterance": jiwer_loop,
    "jiwer, one call with lists": jiwer_list,
}


def measure(method: str, file: str) -> dict[str, object]:
    """Run one method in this process: speed, memory and totals of the pairs all methods share."""
    with pa.ipc.open_file(file) as reader:
        table = reader.read_all()
    shared = min(len(table), JIWER_PAIRS)
    number = shared if method.startswith("jiwer") else len(table)
    run = METHODS[method]()

    def pairs(count: int) -> object:
        rows = table.slice(0, count)
        return rows if method.startswith("evenhand") else [c.to_pylist() for c in rows.columns]

    data = pairs(number)
    before, cpu, wall = peak_mib(), cpu_seconds(), time.perf_counter()
    with watch_children() as children:
        totals = run(data)
    wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    memory = peak_mib() - before + sum(children.values())
    if number > shared:
        totals = run(pairs(shared))
    return {"pairs": number, "cpu": cpu, "wall": wall, "memory": memory, "totals": totals}


def cpu_seconds() -> float:
    used = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextmanager
def watch_children() -> Iterator[dict[str, float]]:
    """Keep the peak memory in MiB of each child process, by its id.

    Its ru_maxrss will not do: Linux lets it start at that of the parent, which holds all the data.
    """
    peaks: dict[str, float] = {}
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            with suppress(OSError, IndexError):  # a child may end while we look
                for listed in Path("/proc/self/task").glob("*/children"):
                    for child in listed.read_text().split():
                        status = Path("/proc", child, "status").read_text()
                        peaks[child] = int(status.split("VmHWM:")[1].split()[0]) / 1024

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peaks
    finally:
        over.set()
        watcher.join()


def compare(number: int) -> None:
    """Print a line for each method, with its speed as a multiple of Evenhand's on one core."""
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "pairs.arrow")
        again([str(number), "--make", file])
        results = {name: json.loads(again(["--measure", name, file])) for name in METHODS}
    ours = results[OURS]
    heads = ("pairs", "pairs/CPU s", "pairs/s", "MiB above data", "ratio")
    print("{:31}{:>10}{:>13}{:>10}{:>16}{:>8}".format("", *heads))
    for name, found in results.items():
        speed, wall = found["pairs"] / found["cpu"], found["pairs"] / found["wall"]
        ratio = ours["pairs"] / ours["cpu"] / speed
        print(
            f"{name:31}{found['pairs']:10,}{speed:13,.0f}{wall:10,.0f}"
            f"{found['memory']:16,.0f}{ratio:7.1f}x"
        )
        assert found["totals"] == ours["totals"], (name, found["totals"], ours["totals"])
    print(f"ratio: CPU time per pair, in multiples of {OURS}; all totals agree: {ours['totals']}")


def again(arguments: list[str]) -> str:
    """Run this file in a fresh process, so that no method inherits the memory of another."""
    command = [sys.executable, __file__, *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("number", nargs="?", type=int, default=200_000, help="pairs to score")
    parser.add_argument("--make", metavar="FILE", help=argparse.SUPPRESS)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        pairs = make_pairs(options.number)
        with pa.ipc.new_file(options.make, pairs.schema) as writer:
            writer.write_table(pairs)
    elif options.measure:
        print(json.dumps(measure(*options.measure)))
    else:
        compare(options.number)


if __name__ == "__main__":
    main()

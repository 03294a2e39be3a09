"""Reading logs of other tools: beside `json.loads` line by line, and beside `inspect_ai.log.read_eval_log`.

    python benchmarks/logs.py [DOCUMENTS] [SAMPLES]        (default 40000 2000)
    python benchmarks/logs.py --large [GIGABYTES]          (default 2: the memory of one large log)

Every contestant is a process of its own; "CPU s" is that of all its threads, less what starting it takes (the same
process with ten rows).  inspect_ai takes part where `.venv-evals` has it (make .venv-evals/evals).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from statistics import median

ROUNDS = 3
FEW = 10
WORDS_OF_PROMPT = 300
WORDS = [
    "which",
    "of",
    "these",
    "is",
    "the",
    "right",
    "answer",
    "to",
    "the",
    "question",
    "that",
    "stands",
    "above",
    "and",
    "what",
    "would",
    "a",
    "nurse",
    "do",
    "now",
]


def text_of(number, words):
    return " ".join(WORDS[(number * 7 + place) % len(WORDS)] for place in range(words))


def write_lm_eval(path, documents):
    """Lines as lm-eval writes them for a task of four choices and a prompt of five examples."""
    with path.open("w") as file:
        for number in range(documents):
            choices = [text_of(number + c, 4) for c in range(4)]
            logs = [[str(-1.5 - c * number % 7), "False"] for c in range(4)]
            row = {
                "doc_id": number,
                "doc": {
                    "question": text_of(number, 30),
                    "choices": choices,
                    "label": number % 4,
                    "dialect": "ns"[number % 2],
                },
                "target": str(number % 4),
                "arguments": {
                    f"gen_args_{c}": {
                        "arg_0": text_of(number, WORDS_OF_PROMPT),
                        "arg_1": choices[c],
                    }
                    for c in range(4)
                },
                "resps": [[log] for log in logs],
                "filtered_resps": logs,
                "filter": "none",
                "metrics": ["acc", "acc_norm"],
                "doc_hash": "a" * 64,
                "prompt_hash": "b" * 64,
                "target_hash": "c" * 64,
                "acc": float(number % 2),
                "acc_norm": float(number % 3 == 0),
            }
            file.write(json.dumps(row) + "\n")


def sample_of(number):
    """A sample of inspect with its messages and events."""
    messages = [
        {
            "id": f"m{i}",
            "role": "user" if i % 2 == 0 else "assistant",
            "content": text_of(number + i, 80),
            "source": "generate",
        }
        for i in range(6)
    ]
    return {
        "id": f"s{number}",
        "epoch": 1,
        "input": text_of(number, 80),
        "target": "answer",
        "messages": messages,
        "output": {
            "model": "m",
            "choices": [{"message": messages[-1], "stop_reason": "stop"}],
            "completion": text_of(number, 80),
        },
        "scores": {"verdict": {"value": "CI"[number % 2], "answer": "x", "history": []}},
        "metadata": {"dialect": "ns"[number % 2], "speaker": f"p{number % 50}"},
        "store": {},
        "events": [
            {
                "uuid": f"e{number}_{i}",
                "span_id": "x",
                "timestamp": "2026-11-27T09:22:53.214951+00:00",
                "working_start": 0.1,
                "event": "info",
                "data": text_of(number + i, 60),
            }
            for i in range(20)
        ],
        "model_usage": {},
        "total_time": 0.1,
        "working_time": 0.1,
        "uuid": f"u{number}",
        "error_retries": [],
        "attachments": {},
    }


def header_of(samples):
    return {
        "version": 2,
        "status": "success",
        "eval": {
            "eval_id": "e",
            "run_id": "r",
            "created": "2026-11-27T09:22:53+00:00",
            "task": "t",
            "task_id": "i",
            "task_version": 0,
            "task_attribs": {},
            "task_args": {},
            "dataset": {"name": "d", "samples": samples, "sample_ids": [], "shuffled": False},
            "model": "m/m",
            "model_args": {},
            "config": {"epochs": 1},
            "packages": {},
        },
        "plan": {"name": "plan", "steps": [], "config": {}},
        "results": {"total_samples": samples, "completed_samples": samples, "scores": []},
        "stats": {
            "started_at": "2026-11-27T09:22:53+00:00",
            "completed_at": "2026-11-27T09:22:53+00:00",
            "model_usage": {},
        },
    }


def write_inspect(path, samples):
    """The archive; packed by deflate, which all can read."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(
            "_journal/start.json",
            json.dumps({k: header_of(samples)[k] for k in ("version", "eval", "plan")}),
        )
        for number in range(samples):
            packed.writestr(f"samples/s{number}_epoch_1.json", json.dumps(sample_of(number)))
        packed.writestr("summaries.json", "[]")
        packed.writestr("header.json", json.dumps(header_of(samples)))


def write_inspect_json(path, samples):
    with path.open("w") as file:
        # Indented, as the tool writes it.
        file.write(json.dumps(header_of(samples), indent=2)[:-2] + ',\n  "samples": [')
        for number in range(samples):
            file.write("," * (number > 0) + "\n    ")
            file.write(json.dumps(sample_of(number), indent=2).replace("\n", "\n    "))
        file.write("\n  ]\n}")


# -- contestants -------------------------------------------------------------------------------------


def contestant(what, path):
    if what == "evenhand":
        from evenhand import open_records

        records = open_records(path)
        assert records.log
        records.engine.query(f"SELECT COUNT(*) AS n FROM {records.source}")
    elif what == "json.loads":
        with Path(path).open() as file:
            for line in file:
                json.loads(line)
    else:
        from inspect_ai.log import read_eval_log

        read_eval_log(path)


def timed(what, path):
    """CPU seconds and megabytes of one process."""
    python = sys.executable
    if what == "read_eval_log":
        python = str(Path(__file__).parents[1] / ".venv-evals/bin/python")
    process = subprocess.Popen([python, __file__, "--run", what, str(path)])
    _, status, used = os.wait4(process.pid, 0)
    assert not status, what
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def compared(title, ours, theirs, folder, write, rows):
    few, many = folder / f"few-{title}", folder / f"many-{title}"
    write(few, FEW)
    write(many, rows)
    print(f"{title}: {rows:,} rows, {many.stat().st_size / 2**20:.0f} MB")
    ratios, found = [], {what: [] for what in (ours, theirs)}
    for _ in range(ROUNDS):
        for what in (ours, theirs):
            start, _ = timed(what, few)
            cpu, memory = timed(what, many)
            found[what].append((cpu - start, memory))
        ratios.append(found[theirs][-1][0] / found[ours][-1][0])
    for what, runs in found.items():
        print(
            f"  {what:16}{median(cpu for cpu, _ in runs):8.2f} CPU s{median(mb for _, mb in runs):8.0f} MB"
        )
    print(f"  {median(ratios):.1f} times as fast as {theirs} (median of {ROUNDS} rounds)")


def large(gigabytes):
    """Peak memory while a log of many gigabytes is read."""
    with tempfile.TemporaryDirectory() as name:
        for title, write, size in (
            ("samples_large.jsonl", write_lm_eval, 2400),
            ("large.json", write_inspect_json, 14_000),
        ):
            path = Path(name) / title
            write(path, int(gigabytes * 2**30 / size))
            cpu, memory = timed("evenhand", path)
            print(
                f"{title}: {path.stat().st_size / 2**30:.2f} GB, {cpu:.1f} CPU s, {memory:.0f} MB at most"
            )
            path.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("documents", nargs="?", type=int, default=40_000)
    parser.add_argument("samples", nargs="?", type=int, default=2_000)
    parser.add_argument("--large", nargs="?", type=float, const=2.0)
    options = parser.parse_args()
    if options.large:
        large(options.large)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        compared(
            "samples_task.jsonl", "evenhand", "json.loads", folder, write_lm_eval, options.documents
        )
        if (Path(__file__).parents[1] / ".venv-evals/evals").exists():
            compared(
                "run.eval", "evenhand", "read_eval_log", folder, write_inspect, options.samples
            )
            compared(
                "run.json", "evenhand", "read_eval_log", folder, write_inspect_json, options.samples
            )


if __name__ == "__main__":
    if "--run" in sys.argv:
        contestant(*sys.argv[2:])
    else:
        main()

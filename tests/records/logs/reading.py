"""Logs that tests write, and what is read of them."""

import json
from pathlib import Path

from evenhand.records import open_records


def rows_of(path, **given):
    """Rows of a table as dictionaries without what is missing, and its notes as one text."""
    records = open_records(path, **given)
    try:
        rows = records.read_rows().to_pylist()
        notes = "\n".join(note.text for note in records.notes)
        return [{k: v for k, v in row.items() if v is not None} for row in rows], notes
    finally:
        records.close()


def written_lines(path: Path, rows) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def written_json(path: Path, value) -> Path:
    path.write_text(json.dumps(value))
    return path


def lm_eval_row(number, *, metrics=None, **changed):
    """A line of lm-eval's samples."""
    metrics = {"acc": float(number % 2)} if metrics is None else metrics
    row = {
        "doc_id": number,
        "doc": {"question": f"q{number}", "dialect": "north" if number % 3 else "south"},
        "target": "1",
        "arguments": {},
        "resps": [["1"]],
        "filtered_resps": ["1"],
        "filter": "none",
        "metrics": list(metrics),
        "doc_hash": "x",
    }
    return row | metrics | changed


def inspect_sample(id_, epoch=1, *, scores=None, metadata=None, **changed):
    """A sample of inspect's format."""
    scores = {"right": "C"} if scores is None else scores
    return {
        "id": id_,
        "epoch": epoch,
        "input": f"question {id_}",
        "target": "answer",
        "output": {"completion": "answer"},
        "scores": {name: {"value": value} for name, value in scores.items()},
        "metadata": metadata or {},
    } | changed


def inspect_document(samples, *, results=None, **header):
    """A log of inspect as one JSON document."""
    return {
        "version": 2,
        "status": "success",
        "eval": {"task": "t", "model": "m", "config": {"epochs": 1}, "dataset": {}},
        "results": results or {},
        **header,
        "samples": samples,
    }

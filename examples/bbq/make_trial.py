"""BBQ's questions with a model's collected answers, as a plan that replays them.

    python examples/bbq/make_trial.py FOLDER [OUT] [ANSWERS]

FOLDER holds ``preds_CATEGORY.jsonl.gz`` (or ``.jsonl``) of https://github.com/nyu-mll/BBQ, folder
``results/UnifiedQA``; OUT is where the manifest, the answers and the plan go (default ``bbq``);
ANSWERS names the answers (default ``unifiedqa-t5-11b_pred_arc``).  To put a live model in the place
of the collected answers, replace the service in the plan.

An option names the stereotyped group if any of its tags does: the convention of BBQ's authors.
"""

import csv
import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PLAN = """\
[trial]
name = "bbq"
measure = false

[samples]
manifest = "questions.jsonl"
kind = "text"
unit = "template"

[[services]]
kind = "replay"
name = "{answers}"
file = "answers.csv"

# An answer that is none of the options has no score.
# 1 where the answer is right; names the stereotyped group; is "unknown".
[[scores]]
kind = "option"
options = "options"
column = "right"

[[scores]]
kind = "option"
options = "options"
column = "target"
against = "stereotyped"

[[scores]]
kind = "option"
options = "options"
column = "unknown"
against = "unknown_option"
"""
OPTIONS = ("ans0", "ans1", "ans2")


def read_items(folder: Path) -> Iterator[dict[str, Any]]:
    """Items of all categories in the folder."""
    for path in sorted(folder.glob("preds_*.jsonl*")):
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
            yield from map(json.loads, file)


def question(item: dict[str, Any]) -> dict[str, Any]:
    """Sample of one item."""
    groups = {group.lower() for group in item["additional_metadata"]["stereotyped_groups"]}
    tags = {name: {tag.lower() for tag in item["answer_info"][name]} for name in OPTIONS}
    unknown = next(name for name in OPTIONS if "unknown" in tags[name])
    listed = "\n".join(
        f"({letter}) {item[name]}" for letter, name in zip("ABC", OPTIONS, strict=True)
    )
    return {
        "id": f"{item['category']}/{item['example_id']}",
        "text": f"{item['context']}\n{item['question']}\n{listed}",
        "reference": item[OPTIONS[item["label"]]],
        "category": item["category"],
        "context": item["context_condition"],
        "polarity": item["question_polarity"],
        "template": f"{item['category']}/{item['question_index']}",
        "stereotyped": [item[name] for name in OPTIONS if name != unknown and tags[name] & groups],
        "options": [item[name] for name in OPTIONS],
        "unknown_option": item[unknown],
    }


def main(folder: str, out: str = "bbq", answers: str = "unifiedqa-t5-11b_pred_arc") -> None:
    """Write manifest, answers and plan."""
    target = Path(out)
    target.mkdir(parents=True, exist_ok=True)
    items = list(read_items(Path(folder)))
    if not items:
        sys.exit(f"{folder} has no preds_CATEGORY.jsonl.gz")
    questions = [question(item) for item in items]
    with (target / "questions.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(each, ensure_ascii=False) + "\n" for each in questions)
    with (target / "answers.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "output"])
        writer.writerows([q["id"], item[answers]] for q, item in zip(questions, items, strict=True))
    (target / "plan.toml").write_text(PLAN.format(answers=answers), encoding="utf-8")
    print(f"{target / 'plan.toml'}: {len(items):,} questions")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The ``evenhand`` command: its verbs, and what happens when something goes wrong.

Verbs are loaded only when they are called, so that ``--help`` answers at once.
"""

import os
import sys
from typing import Any

from cyclopts import App, CycloptsError, UnusedCliTokensError

from evenhand import __version__
from evenhand.deferred import own_process
from evenhand.errors import (
    EXIT_ERROR,
    EXIT_INTERRUPTED,
    EXIT_REFUSED,
    EvenhandError,
    RefusedError,
    inert_text,
)


def _told(error: CycloptsError) -> Any:
    """What is wrong with the words of a command, without a frame: people copy it."""
    from rich.text import Text  # noqa: PLC0415 - only where something is wrong

    text = str(error)
    if isinstance(error, UnusedCliTokensError):
        called = " ".join(("evenhand", *(error.command_chain or ())))
        left = ", ".join(map(repr, error.unused_tokens or ()))
        text = (
            f"{called} does not take {left} besides what it was given.  Quote a text with spaces, and a glob of files "
            f"that are read as one ('day-*.csv').  What it takes: {called} --help"
        )
    return Text(inert_text(text))


app = App(
    name="evenhand",
    help="Find whom an AI service fails, prove it, and let the people outside help fix it.",
    version=__version__,
    error_formatter=_told,
    help_format="plaintext",  # Markdown would load a parser for a line of text
    help_epilogue="Examples\n$ evenhand demo\n$ evenhand audit --help",
    suppress_keyboard_interrupt=False,  # main says how it ended
)
#: What `-` is called: a lone mark looks like an option to the parser.
STANDARD_INPUT = "/dev/stdin"
_WER = "--metric 'wer(reference, hypothesis)'"
#: What each verb does, and how it is called: on the records that `evenhand demo --records ward.csv` writes.
VERBS = {
    "look": (
        "See what a table or a log holds, what is odd in it, and what could be asked of it.",
        "$ evenhand look ward.csv",
    ),
    "audit": (
        "Compare a service's groups and give verdicts.",
        f"$ evenhand audit ward.csv {_WER} \\\n    --by accent --unit sentence",
    ),
    "slices": (
        "Find the subsets nobody named where a service is worst.",
        f"$ evenhand slices ward.csv {_WER} \\\n    --features accent,condition --unit sentence",
    ),
    "trial": (
        "Put a service under the conditions of its real use; resumable.",
        "$ evenhand trial plan.toml --dry-run",
    ),
    "effects": (
        "Say what each condition costs each group beyond the others.",
        f"$ evenhand effects ward.csv {_WER} \\\n    --by voice --reference quiet --unit sentence",
    ),
    "plan": (
        "Say how many labels to collect of each group: for a wanted width, or a budget.",
        f"$ evenhand plan ward.csv {_WER} \\\n    --by accent --unit sentence --budget 2000",
    ),
    "next-labels": (
        "Say which rows people should label next, and with what weight.",
        "$ evenhand next-labels clinic.csv --score score --number 50 --out to-label.csv",
    ),
    "improve": (
        "Say which rows to collect for training, and for whom more no longer help.",
        (
            "$ evenhand improve train.csv --test practice.csv --by sex --budget 1000 \\\n"
            "    --metric 'accuracy(label=ill, prediction=prediction)' \\\n"
            "    --train 'python3 fit.py {train} {test} {out}'"
        ),
    ),
    "fix": (
        "Mend decisions for the groups that they fail, prove it on held-out rows, and name who pays.",
        "",
    ),
    "coverage": (
        "Say which groups and conditions a table tells of, and what is missing.",
        "$ evenhand coverage ward.csv --by accent,condition \\\n    --synthetic \"condition != 'quiet'\"",
    ),
    "watch": (
        "Say when a group fares worse than is tolerated, or than it used to; as rows come, for ever.",
        (
            f"$ evenhand watch ward.csv {_WER} \\\n    --by voice --threshold .3 "
            "--where \"engine = 'flite' and accent = 'american'\""
        ),
    ),
    "check": (
        "Stop a release that fails people: ask every rule of a policy, in CI.",
        "$ evenhand check policy.toml",
    ),
    "cube": (
        "Count records once; add the counts of days and sites, and audit them without the rows.",
        "",
    ),
    "pool": (
        "Estimate groups at several customers from their cubes, each borrowing from the others.",
        "$ evenhand pool north.cube south.cube east.cube",
    ),
    "conditions": ("List the conditions and how to write them.", "$ evenhand conditions tone"),
    "bounty": ("Let outsiders submit better models, accept what is proven, and merge it.", ""),
    "metrics": ("List the metrics and how to write them.", "$ evenhand metrics wer"),
    "card": (
        "Publish what was measured and what people say of a service as one file that others can check.",
        "",
    ),
    "demo": (
        "Find, prove and repair a harm, live; or audit records that come with the package.",
        "$ evenhand demo --records ward.csv",
    ),
    "doctor": (
        "Check the installation, or whether a report gives hidden numbers away.",
        "$ evenhand doctor",
    ),
}
for _name, (_help, _example) in VERBS.items():
    _epilogue = {"help_epilogue": f"Examples\n{_example}"} if _example else {}
    _module = _name.replace("-", "_")
    app.command(f"evenhand.cli.{_module}:{_module}", name=_name, help=_help, **_epilogue)


def _with_values(words: list[str]) -> list[str]:
    """`--missing -` as `--missing=-`, `--compare` without a value as `--compare=`, and `watch -` by its file.

    A lone mark looks like an option that lacks its name; logs are compared by the metric that another option names.
    """
    out: list[str] = []
    for place, word in enumerate(words):
        if word == "--compare" and (place + 1 == len(words) or words[place + 1].startswith("--")):
            out.append("--compare=")
            continue
        if out and out[-1] == "--missing" and word.startswith("-") and not word.startswith("--"):
            out[-1] += "=" + word
        elif word == "-" and words[0] == "watch":
            out.append(STANDARD_INPUT)
        else:
            out.append(word)
    return out


def main() -> None:
    """Run the command line; the exit code says how it ended."""
    own_process()
    try:
        code = app(_with_values(sys.argv[1:]))
    except EvenhandError as error:
        print(inert_text(str(error)), file=sys.stderr)
        code = EXIT_REFUSED if isinstance(error, RefusedError) else EXIT_ERROR
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        code = EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough (evenhand … | head); say nothing more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception:
        print("This is a bug in evenhand; please report it with the lines below.", file=sys.stderr)
        raise
    sys.exit(code)

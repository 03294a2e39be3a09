"""The ``evenhand`` command: its verbs, and what happens when something goes wrong.

Verbs are loaded only when they are called, so that ``--help`` answers at once.
"""

import atexit
import gc
import os
import sys

from cyclopts import App

from evenhand import __version__
from evenhand.errors import EXIT_ERROR, EXIT_INTERRUPTED, EvenhandError, inert_text

app = App(
    name="evenhand",
    help="Find whom an AI service fails, prove it, and let the people outside help fix it.",
    version=__version__,
    help_format="plaintext",  # Markdown would load a parser for a line of text
    suppress_keyboard_interrupt=False,  # main says how it ended
)
app.command(
    "evenhand.cli.audit:audit", name="audit", help="Compare a service's groups and give verdicts."
)
app.command(
    "evenhand.cli.slices:slices",
    name="slices",
    help="Find the subsets nobody named where a service is worst.",
)
app.command(
    "evenhand.cli.trial:trial",
    name="trial",
    help="Put a service under the conditions of its real use; resumable.",
)
app.command(
    "evenhand.cli.effects:effects",
    name="effects",
    help="Say what each condition costs each group beyond the others.",
)
app.command(
    "evenhand.cli.conditions:conditions",
    name="conditions",
    help="List the conditions and how to write them.",
)
app.command(
    "evenhand.cli.bounty:bounty",
    name="bounty",
    help="Let outsiders submit better models, accept what is proven, and merge it.",
)
app.command(
    "evenhand.cli.metrics:metrics", name="metrics", help="List the metrics and how to write them."
)
app.command(
    "evenhand.cli.demo:demo",
    name="demo",
    help="Find, prove and repair a harm, live; or audit records that come with the package.",
)
app.command(
    "evenhand.cli.doctor:doctor",
    name="doctor",
    help="Check the installation, or whether a report gives hidden numbers away.",
)


class _WithoutPandas:
    """Hides pandas from this process: pyarrow loads it wherever it is installed (0.6 s) for nothing."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        del path, target
        if name == "pandas":
            raise ModuleNotFoundError("The command line does without pandas.", name=name)


def _with_values(words: list[str]) -> list[str]:
    """`--missing -` as `--missing=-`: a lone mark looks like an option that lacks its name."""
    out: list[str] = []
    for word in words:
        if out and out[-1] == "--missing" and word.startswith("-") and not word.startswith("--"):
            out[-1] += "=" + word
        else:
            out.append(word)
    return out


def main() -> None:
    """Run the command line; the exit code says how it ended."""
    sys.meta_path.insert(0, _WithoutPandas())
    # Matrices here are small: threads of the linear algebra cost more than they give.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Loading modules makes many objects and no garbage: look for it less often.
    gc.set_threshold(100_000, 50, 50)
    # The process ends with all of them: nobody need look through them for garbage then (40 ms).
    atexit.register(gc.freeze)
    try:
        code = app(_with_values(sys.argv[1:]))
    except EvenhandError as error:
        print(inert_text(str(error)), file=sys.stderr)
        code = EXIT_ERROR
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

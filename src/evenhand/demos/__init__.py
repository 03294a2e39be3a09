"""Records and voices that come with the package, and records that may lie beside a checkout."""

import os
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from evenhand.deferred import compute

#: What the live demo needs beside the package, by the names under which Python imports it.
EXTRA = ("pocketsphinx", "soundfile", "soxr")


def absent_packages() -> list[str]:
    """Packages of the extra ``demo`` that are not installed."""
    return [name for name in EXTRA if find_spec(name) is None]


def ward_commands() -> Path:
    """Path of the records of synthetic voices recognised by PocketSphinx (see ``examples/``)."""
    return Path(str(files("evenhand.demos") / "ward_commands.csv"))


def find_data(name: str) -> Path | None:
    """Folder of real data: in ``EVENHAND_DATA``, or in ``../shared/data`` beside the checkout."""
    places = [os.environ.get("EVENHAND_DATA"), "../shared/data"]
    folders = (Path(place) / name for place in places if place)
    return next((folder for folder in folders if folder.is_dir()), None)


def read_artie(folder: Path, service: str = "amazon-en-US") -> pa.Table:
    """Artie Bias Corpus joined with one service's transcripts, one row an utterance.

    An empty prediction is a real, failed transcript and stays an empty text.
    """
    corpus = _read(folder / "artie-bias-corpus.tsv")
    heard = _read(folder / "predictions" / f"{service}.tsv")
    stems = [
        compute.replace_substring_regex(table["path"], r"\.[^.]*$", "") for table in (corpus, heard)
    ]
    joined = corpus.append_column("stem", stems[0]).join(
        pa.table({"stem": stems[1], "transcript": heard["prediction"]}), "stem", join_type="inner"
    )
    return joined.select(["client_id", "accent", "gender", "age", "sentence", "transcript"])


def _read(path: Path) -> pa.Table:
    types = dict.fromkeys(
        ["path", "prediction", "sentence", "client_id", "accent", "gender", "age"], pa.string()
    )
    return csv.read_csv(
        path,
        parse_options=csv.ParseOptions(delimiter="\t", quote_char=False),
        convert_options=csv.ConvertOptions(column_types=types, strings_can_be_null=False),
    )

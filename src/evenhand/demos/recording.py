"""The live demo's trials: voices of the package under conditions, before PocketSphinx."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Literal

import pyarrow as pa
from pyarrow import parquet

from evenhand.demos import absent_packages
from evenhand.errors import InputError
from evenhand.services.speech import SphinxService
from evenhand.trials import Trial, TrialProgress, Wired, make_plan, run_trial
from evenhand.trials.manifest import Columns, ListedSample, read_manifest

METRIC = "wer(reference=reference, hypothesis=output)"
UNIT = "sentence"
SEED = 20

Part = Literal["find", "prove"]


def check_extra() -> None:
    """Refuse to go on without the extra ``demo``."""
    if absent := absent_packages():
        raise InputError(
            f"The live demo needs {' and '.join(absent)}.  Run: pip install 'evenhand[demo]'"
        )


def ward_folder() -> Path:
    """Folder of the voices, their manifest and the language model."""
    return Path(str(files("evenhand.demos") / "ward"))


@dataclass(slots=True, kw_only=True)
class Ward:
    """The voices of the package, and what recognises them.

    Parameters
    ----------
    records : Path
        Where the records of the last trial go; every answer is kept beside it, so that a second
        run recognises nothing anew.
    tell : callable, optional
        Told how many utterances were recognised since the last time.
    voices : sequence of str
        All where none is named.
    sentences : mapping
        At most so many of a part; all where it is not named.
    """

    records: Path
    tell: Callable[[int], None] | None = None
    voices: Sequence[str] = ()
    sentences: Mapping[Part, int] = field(default_factory=dict)
    executor: Executor | None = None
    #: Utterances recognised, and those whose words were kept from an earlier run.
    recognised: int = 0
    kept: int = 0

    @property
    def cache(self) -> Path:
        """File of the answers."""
        return self.records.with_name(self.records.stem + ".cache.sqlite")

    def samples(self, part: Part, most: int | None = None) -> list[ListedSample]:
        """Utterances of the first sentences of a part, in every voice."""
        columns = Columns(attributes=("sentence", "voice", "accent", "gender", "part"))
        listed = [
            one
            for one in read_manifest(ward_folder() / "manifest.csv", columns, "audio")
            if one.attributes["part"] == part
            and (not self.voices or one.attributes["voice"] in self.voices)
        ]
        names = list(dict.fromkeys(one.attributes[UNIT] for one in listed))
        limits = [n for n in (most, self.sentences.get(part)) if n is not None]
        kept = names[: min(limits)] if limits else names
        return [one for one in listed if one.attributes[UNIT] in kept]

    def recognise(
        self,
        conditions: Mapping[str, str],
        part: Part,
        *,
        most: int | None = None,
        out: Path | None = None,
    ) -> pa.Table:
        """Records of a part under conditions, each by its label.

        Raises
        ------
        InterruptedTrial
            After Ctrl-C; the same call goes on.
        """
        folder = ward_folder()
        service = SphinxService(
            name="pocketsphinx",
            language_model=folder / "ward.arpa",
            dictionary=folder / "ward.dict",
        )
        plan = make_plan(
            {
                "trial": {
                    "name": "ward commands",
                    "baseline": False,
                    "seed": SEED,
                    "measure": False,
                    "cache": str(self.cache.resolve()),
                },
                "samples": self.samples(part, most),
                "conditions": [{"name": n, "apply": text} for n, text in conditions.items()],
                "services": [Wired(service=service, in_flight=4 * processors())],
            }
        )
        target = out or self.records.with_name(self.records.stem + ".sweep.parquet")
        self._count(run_trial(plan, out=target, executor=self.executor, progress=self._teller()))
        table = parquet.read_table(target)
        if out is None:
            target.unlink()
        _check_heard(table)
        return table

    def _count(self, trial: Trial) -> None:
        self.recognised += trial.calls
        self.kept += trial.cached

    def _teller(self) -> Callable[[TrialProgress], None] | None:
        tell = self.tell
        if tell is None:
            return None
        before = 0

        def told(progress: TrialProgress) -> None:
            nonlocal before
            tell(progress.done - before)
            before = progress.done

        return told


def _check_heard(table: pa.Table) -> None:
    """Refuse records with failures: what was not recognised would count as words not heard."""
    rows = zip(table["outcome"].to_pylist(), table["reason"].to_pylist(), strict=True)
    reasons = [reason for outcome, reason in rows if outcome in ("failed", "not run")]
    if reasons:
        raise InputError(
            f"{len(reasons)} of {table.num_rows} utterances could not be recognised: {reasons[0]}.  "
            "See whether the packages are whole: evenhand doctor"
        )


@contextmanager
def processes() -> Iterator[Executor]:
    """One process per processor: PocketSphinx holds Python's lock while it recognises.

    They ignore Ctrl-C, which is for the process that keeps their answers.
    """
    pool = ProcessPoolExecutor(
        processors(),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),
    )
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

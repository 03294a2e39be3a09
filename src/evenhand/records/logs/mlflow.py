"""MLflow: the table that ``mlflow.genai.evaluate(...).result_df`` is, saved as Parquet.

Facts of version 3.17.2: scores and expectations are columns ``NAME/value`` alike; no score and an errored scorer are
both missing, and only ``NAME/error_message`` tells; tags of a trace are its attributes.
"""

from collections.abc import Iterator
from typing import Any

from evenhand.deferred import parquet
from evenhand.deferred import pyarrow as pa
from evenhand.errors import InputError
from evenhand.records.logs.glimpse import Glimpse
from evenhand.records.logs.reader import LogReader, RowLog
from evenhand.records.logs.row import LogRow, flattened

_VALUE, _ERROR = "/value", "/error_message"
_ID = "trace_id"


class _MlflowLog(RowLog):
    """One evaluation."""

    def rows(self) -> Iterator[LogRow]:
        try:
            file = parquet.ParquetFile(self.path)
            for batch in file.iter_batches(1024):
                size = batch.nbytes // max(batch.num_rows, 1)
                for found in batch.to_pylist():
                    yield _row(found, size)
        except (pa.ArrowException, OSError) as error:
            raise InputError(
                f"{self.path}: not a whole Parquet file ({error}).  Write it again."
            ) from error

    def notes(self) -> Iterator[str]:
        yield (
            "MLflow keeps what was expected and what was scored in columns of one kind: take only those for scores "
            "that are."
        )


def _row(found: dict[str, Any], size: int) -> LogRow:
    errors = [name.removesuffix(_ERROR) for name, v in found.items() if name.endswith(_ERROR) and v]
    scores = {
        name.removesuffix(_VALUE): float(value) if isinstance(value, bool) else value
        for name, value in found.items()
        if name.endswith(_VALUE)
    }
    scored = any(value is not None and value == value for value in scores.values())  # noqa: PLR0124 - NaN
    own = {
        "id": found[_ID],
        "outcome": "errored" if errors else "answered" if scored else "unscored",
        "execution_duration": found.get("execution_duration"),
    }
    if errors:
        own["error"] = ", ".join(errors)
    tags = {n: v for n, v in (found.get("tags") or {}).items() if not n.startswith("mlflow.")}
    return LogRow(own, scores, flattened(tags), size)


def _recognises(glimpse: Glimpse) -> bool:
    names = (_ID.encode(), _VALUE.encode())
    return glimpse.start.startswith(b"PAR1") and all(name in glimpse.end for name in names)


READER = LogReader(name="mlflow", title="MLflow", recognises=_recognises, open=_MlflowLog)

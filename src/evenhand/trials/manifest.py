"""Manifests: which samples take part, what is known about them, and where their media are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evenhand.errors import InputError, unknown_name
from evenhand.samples.rows import read_rows
from evenhand.samples.sample import Kind, Sample

KINDS: tuple[Kind, ...] = ("audio", "image", "text", "table")
_ENDINGS: dict[Kind, tuple[str, ...]] = {
    "audio": (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".au", ".sph"),
    "image": (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm"),
    "text": (".txt",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSample:
    """A sample as a manifest lists it; its media are read when it is its turn.

    `media` is a path for audio, image and text files, else the text, row or object itself.
    """

    id: str
    kind: Kind
    media: Any
    reference: Any = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which column of a manifest is what.

    Without `attributes` every column that is not named here is one; without `features` (rows of a
    table only) every attribute is put before the service.
    """

    id: str = "id"
    file: str = "file"
    text: str = "text"
    reference: str = "reference"
    unit: str | None = None
    attributes: tuple[str, ...] | None = None
    features: tuple[str, ...] | None = None


def read_manifest(path: Path, columns: Columns, kind: str | None = None) -> list[ListedSample]:
    """Samples that a manifest lists.

    Parameters
    ----------
    path : Path
        CSV, TSV, Parquet or JSON lines.
    columns : Columns
    kind : str, optional
        ``audio``, ``image``, ``text`` or ``table``; told by the files' endings if not given.

    Raises
    ------
    InputError
        For a file that is no table, or without the columns named.
    """
    if kind is not None and kind not in KINDS:
        raise InputError(unknown_name("kind of sample", kind, KINDS))
    rows = read_rows(path)
    if not rows:
        raise InputError(f"{path} lists no samples.")
    names = list(rows[0])
    wanted = [columns.id, *(columns.attributes or ()), *(columns.features or ())]
    wanted += [columns.unit] if columns.unit else []
    # A column that is named must be there; one that is not named may be missing.
    usual, own = Columns(), (columns.file, columns.text, columns.reference)
    wanted += set(own) - {usual.file, usual.text, usual.reference}
    absent = [name for name in wanted if name not in names]
    if absent:
        raise InputError("\n".join(unknown_name("column", name, names) for name in absent))
    attributes = _attributes(names, columns, kind)
    return [_listed(row, columns, path.parent, kind, attributes) for row in rows]


def _attributes(names: Sequence[str], columns: Columns, kind: str | None) -> Sequence[str]:
    """Columns that describe a sample."""
    special = {columns.id, columns.file, columns.reference}
    if kind != "table":
        special.add(columns.text)
    return columns.attributes or [name for name in names if name not in special]


def _listed(
    row: Mapping[str, Any],
    columns: Columns,
    folder: Path,
    kind: str | None,
    attributes: Sequence[str],
) -> ListedSample:
    media, found = _media(row, columns, folder, kind, attributes)
    unit = row.get(columns.unit) if columns.unit else None
    return ListedSample(
        id=str(row[columns.id]),
        kind=found,
        media=media,
        reference=row.get(columns.reference),
        attributes={name: row.get(name) for name in attributes},
        unit=None if unit is None else str(unit),
    )


def _media(
    row: Mapping[str, Any],
    columns: Columns,
    folder: Path,
    kind: str | None,
    attributes: Sequence[str],
) -> tuple[Any, Kind]:
    if kind == "table":
        return {name: row.get(name) for name in columns.features or attributes}, "table"
    file = row.get(columns.file)
    if file is not None and str(file) and (kind != "text" or row.get(columns.text) is None):
        return folder / str(file), kind_of_file(str(file), kind)
    if columns.text in row and kind in (None, "text"):
        return str(row[columns.text] if row[columns.text] is not None else ""), "text"
    if kind in ("audio", "image") and columns.file in row:
        return folder / "", kind_of_file("", kind)  # the row will say that its file is missing
    raise InputError(
        f"Sample {row[columns.id]!r} has neither {columns.file!r} nor {columns.text!r}.  "
        f"Columns: {', '.join(row)}"
    )


def kind_of_file(name: str, kind: str | None) -> Kind:
    """Kind of the media in a file, by its ending unless it is given."""
    if kind is not None:
        if kind not in KINDS:
            raise InputError(unknown_name("kind of sample", kind, KINDS))
        return kind
    for found, endings in _ENDINGS.items():
        if name.lower().endswith(endings):
            return found
    raise InputError(f"{name!r}: the ending tells no kind.  Say it: kind = {' | '.join(KINDS)}")


def listed_of(sample: Sample | ListedSample | Mapping[str, Any]) -> ListedSample:
    """Sample of the Python interface as a listed one."""
    if isinstance(sample, ListedSample):
        return sample
    if not isinstance(sample, Sample | Mapping):
        raise InputError(f'{sample!r:.80} is no sample.  Write {{"id": "a", "text": "…"}}')
    if isinstance(sample, Mapping):
        given = dict(sample)
        file = given.pop("file", None)
        text = given.pop("text", None)
        row = given.pop("row", None)
        media = given.pop("media", row if row is not None else text)
        if file is not None:
            media = Path(file)
            given["kind"] = kind_of_file(str(file), given.get("kind"))
        given.setdefault("kind", "table" if isinstance(media, Mapping) else "text")
        try:
            return ListedSample(media=media, **given)
        except TypeError as error:
            raise InputError(f"{given!r:.80} is no sample ({error}).") from error
    return ListedSample(
        id=sample.id,
        kind=sample.kind,
        media=sample.media,
        reference=sample.reference,
        attributes=sample.attributes,
        unit=sample.unit,
    )

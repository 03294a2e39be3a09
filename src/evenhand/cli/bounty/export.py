"""``evenhand bounty export``: the patched model outside the bounty."""

from pathlib import Path

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.deployed.export import export_model
from evenhand.bounty.deployed.one_onnx import to_one_onnx
from evenhand.bounty.telling.answers import Exported
from evenhand.cli.bounty.output import own_files, show_json
from evenhand.cli.lines import say
from evenhand.cli.options import Writing
from evenhand.errors import InputError
from evenhand.records.output import check_outputs, write_bytes


def export(
    folder: Path,
    /,
    *,
    out: Path,
    onnx: Path | None = None,
    output: Writing = Writing(),
) -> int:
    """Write the patched model as a directory, and as one ONNX file where all parts allow it.

    Parameters
    ----------
    folder
        The bounty.
    out
        Directory to write; evenhand.bounty.load_model reads it.
    onnx
        Also write one ONNX file that gives the same answers.
    """
    inside = onnx is not None and out.resolve() in onnx.resolve().parents
    outputs = [("--onnx", onnx)]
    check_outputs(outputs, own_files(folder), force=output.force, makes_folders=inside)
    with Bounty(folder) as opened:
        listed = opened.state.listed
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is not empty.  Name a new directory.")
    export_model(listed, out)
    if onnx is not None:
        write_bytes(onnx, to_one_onnx(listed))
    if output.json:
        one = None if onnx is None else str(onnx)
        show_json(Exported(nodes=listed.version, folder=str(out), onnx=one))
    else:
        say(f"Model: {out} (version {listed.version})")
        if onnx is not None:
            say(f"One file: {onnx}")
    return 0

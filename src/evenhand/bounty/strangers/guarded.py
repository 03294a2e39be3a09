"""A stranger's file as it is run: with the tensors that are guarded among its outputs."""

from evenhand.bounty.strangers.demands import INPUT
from evenhand.bounty.strangers.graph import Guard
from evenhand.bounty.strangers.onnx_file import read_onnx
from evenhand.bounty.strangers.refusals import SubmissionError


def guarded(model: bytes) -> tuple[bytes, tuple[Guard, ...]]:
    """The file that is run, and what is looked at in each run.

    A file that `read_onnx` refuses, such as one of one's own, is run as it is.
    """
    try:
        graph = read_onnx(model)
    except SubmissionError:
        return model, ()
    shown = {INPUT, *(value.name for value in graph.outputs)}
    names = dict.fromkeys(guard.name for guard in graph.guards if guard.name not in shown)
    # Protocol Buffers put messages of one field together, so more outputs are put behind the file.
    outputs = b"".join(_field(12, _field(1, name.encode())) for name in names)
    return (model + _field(7, outputs) if outputs else model), graph.guards


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])

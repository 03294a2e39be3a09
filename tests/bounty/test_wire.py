"""A stranger's file is read in steps that are counted, and numbers that nobody needs are not."""

import numpy as np
import pytest

from evenhand.bounty import SubmissionError
from evenhand.bounty.strangers import wire
from evenhand.bounty.strangers.onnx_file import read_onnx
from evenhand.bounty.strangers.wire import (
    Message,
    Repeated,
    Steps,
    all_wholes_of,
    count_of,
    fields,
    floats_of,
    wholes_of,
)

onnx = pytest.importorskip("onnx")

from .test_strangers import classes, constant, piece, varint  # noqa: E402

WIDE = [0, 1, 127, 128, 300, 1 << 40, -1, -(1 << 63), (1 << 63) - 1]


def message(data, steps=None):
    return Message(memoryview(data), steps or Steps())


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("count", [1, 2, 9])
def test_integers_are_read_alike_one_by_one_and_packed(packed, count):
    body = [varint(number & (1 << 64) - 1) for number in WIDE[:count]]
    data = piece(8, b"".join(body)) if packed else b"".join(b"\x40" + one for one in body)
    ((number, _, value),) = fields(message(data))
    assert (number, wholes_of(value)) == (8, WIDE[:count])


def test_a_run_ends_where_another_field_begins():
    data = b"\x40\x01\x40\x02\x3d" + bytes(4) + b"\x3d" + bytes(4) + b"\x40\x03" + piece(8, b"\x04")
    found = list(fields(message(data)))
    assert [number for number, _, _ in found] == [8, 7, 8, 8]
    assert [wholes_of(found[i][2]) for i in (0, 2, 3)] == [[1, 2], [3], [4]]
    assert count_of(5, found[1][2]) == 2


def test_floats_are_counted_alike_one_by_one_and_packed():
    single = b"".join(b"\x3d" + np.float32(number).tobytes() for number in range(5))
    packed = piece(7, np.arange(5, dtype=np.float32).tobytes())
    for data, kind in ((single, 5), (packed, 2)):
        ((_, found, value),) = fields(message(data))
        assert (found, count_of(found, value)) == (kind, 5)
        assert floats_of(value) == [0.0, 1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize("packed", [False, True])
def test_a_long_list_is_judged_by_its_length_and_takes_no_steps(packed):
    numbers = 200_000
    data = piece(8, b"\x81\x01" * numbers) if packed else b"\x40\x81\x01" * numbers
    steps = Steps(left=10)
    ((_, _, value),) = fields(message(data, steps))
    assert wholes_of(value) is None
    assert steps.left == 9
    assert all_wholes_of(value) == [129] * numbers
    if not packed:
        assert isinstance(value, Repeated)
        assert value.count == numbers


def test_a_file_takes_no_more_steps_than_it_may():
    """Each second field of another kind, so that none is a run."""
    data = b"\x40\x00\x3d\x00\x00\x00\x00" * 100
    assert len(list(fields(message(data, Steps(left=200))))) == 200
    with pytest.raises(SubmissionError, match="too_large"):
        list(fields(message(data, Steps(left=199))))


def test_steps_are_counted_over_all_of_a_file(monkeypatch):
    model = onnx.load_from_string(classes())
    model.graph.initializer.extend(constant(f"c{i}", np.arange(900)) for i in range(20))
    data = model.SerializeToString()
    assert read_onnx(data)
    read_onnx.cache_clear()
    monkeypatch.setattr(wire.Steps.__init__, "__defaults__", (15_000,))
    with pytest.raises(SubmissionError, match="too_large"):
        read_onnx(data)


def test_nothing_of_a_file_is_copied():
    data = memoryview(bytes(piece(5, piece(9, bytes(1_000)))))
    ((_, _, outer),) = fields(Message(data))
    ((_, _, inner),) = fields(outer)
    assert inner.data.obj is outer.data.obj is data.obj


@pytest.mark.parametrize("data", [b"\x80" * 5_000, b"\x01" * 9 + b"\x80"])
def test_packed_integers_without_an_end_are_damage(data):
    ((_, _, value),) = fields(message(piece(8, data)))
    with pytest.raises(SubmissionError, match="not_onnx"):
        wholes_of(value)


def test_a_constant_of_more_axes_than_numpy_knows_is_refused():
    model = onnx.load_from_string(classes())
    model.graph.initializer[0].dims.extend([1] * 63)
    assert read_onnx(model.SerializeToString())
    model.graph.initializer[0].dims.extend([1, 1])
    with pytest.raises(SubmissionError, match="not_onnx"):
        read_onnx(model.SerializeToString())


def test_json_of_very_many_parts_is_refused_before_it_is_read(monkeypatch):
    from evenhand.bounty import read_submission, write_submission
    from evenhand.bounty.submission import submission, values

    data = write_submission(team="eve", group="a > 1", model=classes(), note="[,{" * 20)
    values.check_parts(data)
    monkeypatch.setattr(values, "MAX_PARTS", 50)
    monkeypatch.setattr(submission, "_parsed", None)
    with pytest.raises(SubmissionError, match="too_large"):
        read_submission(data, None)


def test_parameters_are_those_that_protobuf_reads():
    """Damage at random to a file of many lists: what is read of each is what others read."""
    from .test_strangers import FIRST, LABEL, file, node

    nodes = [
        FIRST,
        node("Unsqueeze", ["c"], ["u"], axes=[1, 2, 3]),
        node("ReduceMax", ["u"], ["m"], axes=[1, 2, -1], keepdims=0),
        node("Transpose", ["m"], ["x"], perm=[0]),
        LABEL,
    ]
    data = file(nodes, constants=[constant("zero", np.int64(0))])
    model = onnx.load_from_string(data)
    model.opset_import[0].version = 11
    data = model.SerializeToString()
    rng = np.random.default_rng(3)
    read = 0
    for _ in range(6_000):
        changed = bytearray(data)
        place = int(rng.integers(len(data)))
        changed[place : place + 1] = rng.integers(0, 256, rng.integers(1, 3)).tolist()
        try:
            seen = read_onnx(bytes(changed))
            known = onnx.load_from_string(bytes(changed))
        except Exception:  # noqa: BLE001 - refused by us, or by protobuf, which runs nothing then
            continue
        read += 1
        for one, other in zip(seen.nodes, known.graph.node, strict=True):
            for given in other.attribute:
                if given.type in (2, 7):
                    wanted = given.i if given.type == 2 else tuple(given.ints)
                    assert one.attributes[given.name] == wanted
        for one, other in zip(seen.constants, known.graph.initializer, strict=True):
            assert one.dims == tuple(other.dims)
            if one.whole is not None:
                assert one.whole == tuple(onnx.numpy_helper.to_array(other).ravel())
    assert read > 100

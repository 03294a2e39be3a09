"""Modules that stand for libraries until they are used."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from evenhand import deferred
from evenhand.deferred import Deferred


def test_a_library_is_loaded_by_its_first_name(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    module = Deferred("colorsys")
    assert "colorsys" not in sys.modules
    assert module.rgb_to_hsv(0.0, 0.0, 0.0) == (0.0, 0.0, 0.0)
    assert "colorsys" in sys.modules


def test_what_inspectors_ask_of_every_object_loads_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    assert not hasattr(Deferred("colorsys"), "__wrapped__")
    assert "colorsys" not in sys.modules


def test_a_name_that_the_library_lacks_is_told_as_the_library_tells_it():
    with pytest.raises(AttributeError, match=r"module 'colorsys' has no attribute 'blue'"):
        _ = Deferred("colorsys").blue


def test_a_library_that_is_not_installed_is_told_at_its_first_use():
    with pytest.raises(ModuleNotFoundError, match="evenhand_nowhere"):
        _ = Deferred("evenhand_nowhere").anything


def test_any_number_of_threads_may_be_the_first(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    module, ready = Deferred("colorsys"), threading.Barrier(8)

    def use(_: int) -> float:
        ready.wait()
        return float(module.rgb_to_hsv(0.5, 0.5, 0.5)[2])

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(use, range(8))) == {0.5}


def test_every_deferred_name_is_the_library():
    for name in deferred.__all__:
        module = getattr(deferred, name)
        assert isinstance(module, Deferred)
        assert module.__name__.rpartition(".")[2] == name


def test_what_scipy_brings_along_of_numpy_still_works_when_it_is_used():
    code = (
        "from evenhand.deferred import SPARED, Deferred, special; Deferred.spared = SPARED; "
        "special.ndtri(0.5); import sys; assert 'numpy.f2py.crackfortran' not in sys.modules; "
        "import numpy.f2py, numpy.testing, numpy as np; "
        "np.testing.assert_allclose(np.ma.masked_invalid([1.0, np.nan]).sum(), 1.0); "
        "from numpy.f2py import crackfortran; from numpy.polynomial import Polynomial; "
        "assert Polynomial([1, 2])(1.0) == 3.0 and crackfortran.__file__ and numpy.f2py.run_main"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_nothing_is_put_off_for_others_where_nobody_asks_for_it():
    code = (
        "from evenhand.deferred import special; special.ndtri(0.5); import sys; "
        "assert type(sys.modules['numpy.testing']).__name__ == 'module'"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


@pytest.mark.parametrize(
    ("before", "numpy"),
    [
        ("own_process()", False),
        ("pass", True),  # somebody else's process: they may ask Arrow for an array
        ("own_process(); import numpy", True),
    ],
)
def test_arrow_does_without_numpy_where_it_only_writes(before: str, numpy: bool, tmp_path: Path):
    code = (
        "import sys; from evenhand.deferred import own_process, small_arrow\n"
        f"{before}\n"
        "with small_arrow():\n    import pyarrow as pa\n    from pyarrow import parquet\n"
        f"assert ('numpy' in sys.modules) is {numpy}\n"
        f"parquet.write_table(pa.table({{'a': [1, None], 'b': ['x', 'y']}}), {str(tmp_path / 'a')!r})\n"
        f"assert parquet.read_table({str(tmp_path / 'a')!r}).to_pylist()[1] == {{'a': None, 'b': 'y'}}\n"
        "import numpy\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_a_trial_of_texts_is_read_without_what_it_does_not_need():
    code = (
        "import sys, evenhand.trials; plan = {'samples': [{'id': '1', 'text': 'x'}], 'services': ["
        "{'kind': 'chat', 'url': 'http://127.0.0.1:9/v1', 'model': 'm'}]}; "
        "evenhand.trials.make_plan(plan); "
        "assert not sys.modules.keys() & {'numpy', 'scipy', 'pyarrow', 'duckdb', 'email.utils', 'sqlglot'}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

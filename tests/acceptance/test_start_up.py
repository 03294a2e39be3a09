"""What a verb has not loaded when it ends: its answer waits for nothing that it does without."""

import subprocess
import sys
from pathlib import Path

import pytest

TELL = (
    "import atexit, sys; from evenhand.cli import main; "
    "atexit.register(lambda: print('LOADED', *sorted(sys.modules))); main()"
)
HEAVY = {
    "duckdb", "jinja2", "narwhals", "numba", "numpy", "onnxruntime", "pandas", "pyarrow", "rapidfuzz",
    "scipy", "sqlglot",
}  # fmt: skip
#: What an audit of a small table under rates does without.
SPARED = {
    "evenhand.bounty", "evenhand.conditions", "evenhand.metrics.speech", "evenhand.slicing",
    "evenhand.trials", "jinja2", "narwhals", "numba", "numpy.f2py.crackfortran",
    "numpy.testing._private.utils", "onnxruntime", "pandas", "pyarrow.compute", "pyarrow.parquet",
    "rapidfuzz", "rich.markdown", "scipy.optimize", "scipy.signal", "scipy.sparse", "scipy.stats",
}  # fmt: skip


def loaded(*arguments: str) -> set[str]:
    """Modules that a run of the command has loaded at its end."""
    done = subprocess.run(
        [sys.executable, "-c", TELL, *arguments], capture_output=True, text=True, check=True
    )
    return set(done.stdout.rpartition("LOADED")[2].split())


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_what_is_said_of_the_verbs_loads_no_heavy_library(argument: str):
    assert HEAVY & loaded(argument) == set()


def test_the_help_of_an_audit_loads_no_statistics():
    found = loaded("audit", "--help")
    assert "evenhand.cli.audit" in found
    assert (SPARED | {"scipy.special"}) & found == set()


def test_an_audit_of_rates_loads_only_what_it_reads(tmp_path: Path):
    rows = "".join(f"{'ab'[i % 2]},{i % 3 == 0:d},{i % 5 == 0:d}\n" for i in range(200))
    (tmp_path / "t.csv").write_text("site,label,said\n" + rows)
    found = loaded(
        "audit", str(tmp_path / "t.csv"), "--metric", "accuracy(label, said)", "--by", "site"
    )
    assert {"duckdb", "pyarrow", "scipy.special"} <= found
    assert SPARED & found == set()


def test_importing_the_package_loads_no_heavy_library():
    code = "import evenhand, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert HEAVY & set(done.stdout.split()) == set()

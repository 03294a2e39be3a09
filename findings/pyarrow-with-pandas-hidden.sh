#!/bin/sh
# pyarrow 26.0.1, numpy there, pandas hidden the usual way (sys.modules["pandas"] = None): pyarrow.array of a list of
# texts raises AttributeError instead of doing without pandas.
#
# Expected: None in sys.modules makes `import pandas` raise ModuleNotFoundError (Python's own documentation of the import
# system), so pyarrow goes on as where pandas is not installed; and so it does without numpy.
# Seen: AttributeError: 'NoneType' object has no attribute '__version__'; with pandas not installed, and not in
# sys.modules, the same call gives the array.  A test that hides pandas to see what works without it sees a crash.
# Exit 1 where that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --target "$folder/packages" \
    pyarrow==26.0.1 numpy==2.4.6 2>/dev/null
cat > "$folder/run.py" <<'PYTHON'
import sys
from importlib.metadata import version

hidden = len(sys.argv) > 1
if hidden:
    sys.modules["pandas"] = None
import pyarrow

try:
    found = pyarrow.array(["ward"]).to_pylist()
except AttributeError as error:
    found = f"AttributeError: {error}"
print("pyarrow", version("pyarrow"), "pandas hidden:" if hidden else "pandas not installed:", found)
wanted = isinstance(found, str) if hidden else found == ["ward"]
raise SystemExit(0 if wanted else 1)
PYTHON
PYTHONPATH="$folder/packages" python3 -S "$folder/run.py" && PYTHONPATH="$folder/packages" python3 -S "$folder/run.py" hidden &&
    echo "as found" || { echo "changed"; exit 1; }

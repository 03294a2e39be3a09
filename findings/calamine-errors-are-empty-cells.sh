#!/bin/sh
# python-calamine 0.9.1 gives a cell that holds an error of the spreadsheet (#DIV/0!, #N/A) as an empty text, as it
# gives an empty cell.
#
# Expected: something that tells the two apart: the error's text, an exception, or a value of its own, as openpyxl gives
# '#DIV/0!'.  A column of quotients that failed reads as one that nobody filled in.
# Seen: '' for both, in to_python and in iter_rows; no exception, no warning.
# Exit 1 where that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --target "$folder/packages" \
    python-calamine==0.9.1 openpyxl==3.1.5 2>/dev/null
cat > "$folder/run.py" <<'PYTHON'
import sys
from importlib.metadata import version

from openpyxl import Workbook, load_workbook
from python_calamine import CalamineWorkbook

path = sys.argv[1] + "/rates.xlsx"
book = Workbook()
for row in (["ward", "rate"], ["north", "#DIV/0!"], ["south", None], ["west", 0.5]):
    book.active.append(row)
kind = book.active["B2"].data_type
book.save(path)
theirs = [row[1] for row in load_workbook(path).active.iter_rows(values_only=True)]
sheet = CalamineWorkbook.from_path(path).get_sheet_by_index(0)
read, streamed = [row[1] for row in sheet.to_python()], [row[1] for row in sheet.iter_rows()]
print("python-calamine", version("python-calamine"), " openpyxl", version("openpyxl"))
print("type of the cell as written:", kind, "(e is an error)")
print("openpyxl reads:", theirs)
print("calamine reads:", read, "and streams:", streamed)
same = kind == "e" and theirs[1] == "#DIV/0!" and read == streamed == ["rate", "", "", 0.5]
print("as found" if same else "changed")
raise SystemExit(0 if same else 1)
PYTHON
PYTHONPATH="$folder/packages" python3 "$folder/run.py" "$folder"

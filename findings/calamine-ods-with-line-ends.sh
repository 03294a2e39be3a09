#!/bin/sh
# python-calamine 0.9.1 refuses an OpenDocument sheet whose content.xml has line ends between its cells.
#
# Expected: white space between the elements of a row means nothing (OpenDocument 1.3, part 3, section 6.1: it is
# collapsed, and outside paragraphs and the like ignored), as pretty-printing tools and hand-made files have it.
# Seen: CalamineError "Expecting 'table-cell', found 'Text(...)'"; the same file without the line ends is read.
# Exit 1 where that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --target "$folder/packages" python-calamine==0.9.1 2>/dev/null
cat > "$folder/run.py" <<'PYTHON'
import sys
import zipfile
from importlib.metadata import version

from python_calamine import CalamineError, CalamineWorkbook

HEAD = (
    '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
    '<table:table table:name="Calls">'
)
TAIL = "</table:table></office:spreadsheet></office:body></office:document-content>"
MANIFEST = (
    '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
    '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
)
CELL = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'


def read(between):
    path = sys.argv[1] + "/calls.ods"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        packed.writestr("META-INF/manifest.xml", MANIFEST)
        row = "<table:table-row>" + between.join(map(CELL.format, ("ward", "night"))) + "</table:table-row>"
        packed.writestr("content.xml", HEAD + row + TAIL)
    try:
        return CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    except CalamineError as error:
        return f"{type(error).__name__}: {error}"


plain, ended = read(""), read("\n")
print("python-calamine", version("python-calamine"))
print("cells side by side:", plain)
print("a line end between them:", ended)
same = plain == [["ward", "night"]] and isinstance(ended, str) and "table-cell" in ended
print("as found" if same else "changed")
raise SystemExit(0 if same else 1)
PYTHON
PYTHONPATH="$folder/packages" python3 "$folder/run.py" "$folder"

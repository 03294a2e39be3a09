#!/bin/sh
# avidtools 0.1.2 (the newest for Python 3.11) with pydantic 2, which its metadata allow: fields that its models declare
# optional and ask to be left out of the output where they are none are required, and stand in the output as null.
#
# Expected: a reference without a type and a taxonomy without vuln_id are valid, as both are Optional, and what is
# none does not stand in the JSON, as the models' configuration asks.
# Seen: both raise ValidationError ("Field required"), since pydantic 2 gives Optional no default; with an explicit
# None they are taken, and the JSON holds "type":null and "vuln_id":null, since pydantic 2 no longer reads `fields` of the
# configuration and says nothing of it at run time.  Whoever writes AVID reports must write the nulls.
# Exit 1 where that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --target "$folder/packages" \
    avidtools==0.1.2 pydantic==2.14.4 2>/dev/null
cat > "$folder/run.py" <<'PYTHON'
import warnings

warnings.simplefilter("ignore")
from importlib.metadata import version

from avidtools.datamodels.components import AvidTaxonomy, Reference
from pydantic import ValidationError

taxonomy = {
    "risk_domain": ["Ethics"],
    "sep_view": ["E0101: Group fairness"],
    "lifecycle_view": ["L05: Evaluation"],
    "taxonomy_version": "0.2",
}


def refused(make):
    try:
        make()
    except ValidationError as error:
        return error.errors()[0]["type"], error.errors()[0]["loc"]
    return None


print("avidtools", version("avidtools"), " pydantic", version("pydantic"))
without = [refused(lambda: Reference(label="a", url="b")), refused(lambda: AvidTaxonomy(**taxonomy))]
print("left out:", without)
written = [Reference(type=None, label="a", url="b").json(), AvidTaxonomy(vuln_id=None, **taxonomy).json()]
print("given as None:", *written, sep="\n  ")
same = without == [("missing", ("type",)), ("missing", ("vuln_id",))]
same = same and '"type":null' in written[0] and '"vuln_id":null' in written[1]
print("as found" if same else "changed")
raise SystemExit(0 if same else 1)
PYTHON
PYTHONPATH="$folder/packages" python3 "$folder/run.py"

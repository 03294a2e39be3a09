#!/bin/sh
# Sail (pysail) 0.7.2: rows of a Hive partition without a value belong to a group called __HIVE_DEFAULT_PARTITION__.
#
# Expected: NULL, as in Apache Spark and Hive, which write that folder for rows whose partition column is NULL.
# Seen: the column holds the folder's name as a text; IS NULL finds no row, and a GROUP BY has one group too many.
# Exit 1 where that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --target "$folder/packages" \
    pysail==0.7.2 pyspark-client==4.2.0 pandas==3.1.1 pyarrow==26.0.1 2>/dev/null
cat > "$folder/run.py" <<'PYTHON'
import os
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
os.environ["RUST_LOG"] = "off"
from pysail.spark import SparkConnectServer
from pyspark.sql import SparkSession

server = SparkConnectServer(port=0)
server.start(background=True)
spark = SparkSession.builder.remote("sc://%s:%s" % server.listening_address).create()
print("pysail", version("pysail"), " pyspark-client", version("pyspark-client"))
import pathlib
import tempfile

import pyarrow as pa
import pyarrow.parquet as pq

folder = pathlib.Path(tempfile.mkdtemp())
for name in ("ward=a", "ward=__HIVE_DEFAULT_PARTITION__"):
    (folder / name).mkdir()
    pq.write_table(pa.table({"x": [1, 2]}), folder / name / "part.parquet")
spark.read.parquet(str(folder)).createOrReplaceTempView("t")
groups = spark.sql("SELECT ward, COUNT(*) AS n FROM t GROUP BY ward ORDER BY ward").toArrow().to_pylist()
empty = spark.sql("SELECT COUNT(*) AS n FROM t WHERE ward IS NULL").toArrow()["n"][0].as_py()
print("groups:", groups, " rows without a ward:", empty)
same = empty == 0 and {row["ward"] for row in groups} == {"a", "__HIVE_DEFAULT_PARTITION__"}
spark.stop()
server.stop()
print("as found" if same else "changed")
raise SystemExit(0 if same else 1)
PYTHON
PYTHONPATH="$folder/packages" python3 "$folder/run.py" 2>/dev/null

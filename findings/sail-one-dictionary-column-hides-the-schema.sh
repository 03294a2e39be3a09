#!/bin/sh
# Sail (pysail) 0.7.2: a Parquet file with one dictionary-typed Arrow column (a pandas categorical) has no schema any more.
#
# Expected: the column as a string, as Apache Spark 4.3, DuckDB and pyarrow itself read it (to Parquet it is a plain string).
# Seen: schema, columns and SELECT * of the whole file fail; CAST(d AS STRING) of the column, and all others by name, work.
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
import tempfile

import pyarrow as pa
import pyarrow.parquet as pq

path = tempfile.mkdtemp() + "/d.parquet"
table = pa.table({"d": pa.array(["a", "b"]).dictionary_encode(), "n": [1, 2]})
pq.write_table(table, path)
frame = spark.read.parquet(path)
said = {}
for name, ask in (("schema", lambda: frame.schema), ("rows", frame.toArrow)):
    try:
        said[name] = str(ask())
    except Exception as error:
        said[name] = None
        print(name, "fails:", str(error).splitlines()[0][:110])
frame.createOrReplaceTempView("t")
named = spark.sql("SELECT CAST(d AS STRING) AS d, n FROM t ORDER BY n").toArrow().to_pylist()
print("by name and cast:", named)
same = said == {"schema": None, "rows": None} and [row["d"] for row in named] == ["a", "b"]
spark.stop()
server.stop()
print("as found" if same else "changed")
raise SystemExit(0 if same else 1)
PYTHON
PYTHONPATH="$folder/packages" python3 "$folder/run.py" 2>/dev/null

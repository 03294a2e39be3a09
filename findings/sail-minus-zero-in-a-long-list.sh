#!/bin/sh
# Sail (pysail) 0.7.2: -0.0 IN (0.0, ...) is true for a short list of values and false for a long one.
#
# Expected: the same as -0.0 = 0.0, which is true in Sail, Apache Spark and DuckDB, however many values there are.
# Seen: a column that holds -0.0 is found in (0.0, 1.0) and not in (0.0, 1.0, 2.0, 3.0, 4.0): from some length on the list is
# looked up by its bits.  Adding 0.0 to the column helps.
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

path = tempfile.mkdtemp() + "/z.parquet"
pq.write_table(pa.table({"x": [-0.0]}), path)
spark.read.parquet(path).createOrReplaceTempView("t")
row = spark.sql(
    "SELECT x = 0E0 AS equal, x IN (0E0, 1E0) AS short, x IN (0E0, 1E0, 2E0, 3E0, 4E0) AS long,"
    " x + 0E0 IN (0E0, 1E0, 2E0, 3E0, 4E0) AS added FROM t"
).toArrow().to_pylist()[0]
print(row)
same = row == {"equal": True, "short": True, "long": False, "added": True}
spark.stop()
server.stop()
print("as found" if same else "changed")
raise SystemExit(0 if same else 1)
PYTHON
PYTHONPATH="$folder/packages" python3 "$folder/run.py" 2>/dev/null

#!/bin/sh
# Sail (pysail) 0.7.2: unsigned integer columns of Parquet are told to the client as signed ones of the same width, and cannot
# be fetched once a value needs the last bit; inside the engine the values are right.
#
# Expected: the next wider signed type, as Apache Spark reads them (uint8 as smallint), or an error that names the type.
# Seen: the schema of a uint8 column is tinyint; toArrow() of 255 fails; CAST(u AS BIGINT) gives 255, and typeof(u) says
# unsigned tinyint.  The catalog's listColumns of a view tells the true type.
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

path = tempfile.mkdtemp() + "/u.parquet"
pq.write_table(pa.table({"u": pa.array([255, 1], pa.uint8())}), path)
frame = spark.read.parquet(path)
told = frame.schema["u"].dataType.simpleString()
frame.createOrReplaceTempView("t")
inside = spark.sql("SELECT CAST(u AS BIGINT) AS b, typeof(u) AS t FROM t").toArrow().to_pylist()
try:
    fetched = frame.toArrow().to_pylist()
except Exception as error:
    fetched = f"{type(error).__name__}: {error}".splitlines()[0][:120]
print("schema:", told, " inside:", inside)
print("fetched:", fetched)
same = told == "tinyint" and [row["b"] for row in inside] == [255, 1] and isinstance(fetched, str)
spark.stop()
server.stop()
print("as found" if same else "changed")
raise SystemExit(0 if same else 1)
PYTHON
PYTHONPATH="$folder/packages" python3 "$folder/run.py" 2>/dev/null

#!/bin/sh
# Sail (pysail) 0.7.2: CAST(timestamp AS TIMESTAMP_NTZ) gives the wall time of UTC whatever spark.sql.session.timeZone says.
#
# Expected: wall time of the session's zone, as Apache Spark 4.3 gives (2026-01-01 21:00 for noon UTC in Asia/Tokyo).
# Seen: 12:00 with the session in Asia/Tokyo, while date_format of the same instant says 21:00.  Days and hours that groups are
# made of differ between the two engines wherever the zone is not UTC.
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
spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
instant = "CAST('2026-01-01T12:00:00Z' AS TIMESTAMP)"
row = spark.sql(
    f"SELECT CAST(CAST({instant} AS TIMESTAMP_NTZ) AS STRING) AS wall, date_format({instant}, 'HH:mm') AS shown"
).toArrow().to_pylist()[0]
print("session in Asia/Tokyo, noon UTC:", row)
same = "12:00" in row["wall"]
spark.stop()
server.stop()
print("as found" if same else "changed")
raise SystemExit(0 if same else 1)
PYTHON
PYTHONPATH="$folder/packages" python3 "$folder/run.py" 2>/dev/null

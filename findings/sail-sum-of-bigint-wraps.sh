#!/bin/sh
# Sail (pysail) 0.7.2: SUM of BIGINT wraps around in silence, with spark.sql.ansi.enabled set to true as well.
#
# Expected: an error, as Apache Spark 4 gives by default (ARITHMETIC_OVERFLOW), or a wider type.
# Seen: the sum of 9223372036854775807 and 1 is -9223372036854775808, and INT * INT of 100000 * 100000 is 1410065408.  Sums of
# squares, and other products of counts, must be cast to DECIMAL or DOUBLE by whoever asks.
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
spark.conf.set("spark.sql.ansi.enabled", "true")
total = spark.sql("SELECT SUM(v) AS s FROM VALUES (9223372036854775807L), (1L) AS t(v)").toArrow()["s"][0].as_py()
product = spark.sql("SELECT CAST(v AS INT) * CAST(v AS INT) AS p FROM VALUES (100000) AS t(v)").toArrow()["p"][0].as_py()
print("SUM of the largest BIGINT and 1:", total, " INT 100000 * 100000:", product)
same = total == -(2**63) and product == 1410065408
spark.stop()
server.stop()
print("as found" if same else "changed")
raise SystemExit(0 if same else 1)
PYTHON
PYTHONPATH="$folder/packages" python3 "$folder/run.py" 2>/dev/null

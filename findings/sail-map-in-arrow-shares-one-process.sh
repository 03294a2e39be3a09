#!/bin/sh
# Sail (pysail) 0.7.2: functions given to mapInArrow run in threads of the server's own process, under one interpreter lock.
#
# Expected: worker processes, as Apache Spark forks them, so that four tasks of plain Python use four cores.
# Seen: over eight partitions one process id is told, that of the server.  Python code that holds the lock (an aligner of transcripts,
# say) is not made faster by more tasks; whatever sizes a cluster by its tasks is wrong by that factor.
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
import os


def tell(batches):
    import os

    import pyarrow as pa

    for batch in batches:
        yield pa.RecordBatch.from_pydict({"pid": [os.getpid()], "rows": [batch.num_rows]})


found = spark.range(0, 80_000, 1, 8).mapInArrow(tell, "pid long, rows long").toArrow().to_pylist()
pids = {row["pid"] for row in found}
print("batches:", len(found), " processes:", len(pids), " the server's own:", pids == {os.getpid()})
same = pids == {os.getpid()}
spark.stop()
server.stop()
print("as found" if same else "changed")
raise SystemExit(0 if same else 1)
PYTHON
PYTHONPATH="$folder/packages" python3 "$folder/run.py" 2>/dev/null

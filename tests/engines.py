"""The engines that laws hold on: one table of them, a throw-away PostgreSQL server and one of Spark Connect.

A new engine is a line of `ENGINES` and a function that lets it hold a table.
"""

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evenhand.records import Records, open_records

PASSWORD = "s3kret-Pa55word"


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _unprivileged():
    """User to run the server as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    pytest.skip("PostgreSQL must not run as root, and there is no user 'postgres' or 'nobody'")
    return None


@pytest.fixture(scope="session")
def postgres_url():
    """URL of a fresh database with a password; the server is stopped and removed at the end."""
    pytest.importorskip("adbc_driver_postgresql", reason="adbc_driver_postgresql is not installed")
    programs = {name: shutil.which(name) for name in ("initdb", "pg_ctl", "postgres")}
    if not all(programs.values()):
        pytest.skip(
            f"no PostgreSQL server here: {[name for name, path in programs.items() if not path]}"
        )
    user = _unprivileged()
    home = Path(tempfile.mkdtemp(prefix="evenhand-postgres-"))
    (home / "password").write_text(PASSWORD)
    identity = {}
    if user is not None:
        identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        for path in (home, home / "password"):
            os.chown(path, user.pw_uid, user.pw_gid)
    data, port = home / "data", _free_port()

    def run(*command):
        with (home / "output.txt").open("ab") as output:
            done = subprocess.run(
                command,
                check=False,
                stdout=output,
                stderr=output,
                timeout=60,
                cwd=home,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(home)},
                **identity,
            )
        return done.returncode

    try:
        first = (
            "-U",
            "tester",
            "-A",
            "scram-sha-256",
            f"--pwfile={home / 'password'}",
            "-E",
            "UTF8",
            "--no-sync",
        )
        if run(programs["initdb"], "-D", str(data), *first):
            pytest.skip("initdb failed: " + (home / "output.txt").read_text()[-300:])
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home} -c fsync=off"
        if run(
            programs["pg_ctl"],
            "-D",
            str(data),
            "-l",
            str(home / "log.txt"),
            "-o",
            options,
            "-w",
            "start",
        ):
            pytest.skip("PostgreSQL does not start: " + (home / "log.txt").read_text()[-300:])
        yield f"postgresql://tester:{PASSWORD}@127.0.0.1:{port}/postgres"
    finally:
        if (data / "postmaster.pid").exists():
            run(programs["pg_ctl"], "-D", str(data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(home, ignore_errors=True)


def _in_process(_request):
    return open_records


def _on_a_server(request):
    url, number = request.getfixturevalue("postgres_url"), itertools.count()
    from adbc_driver_postgresql import dbapi

    connection = dbapi.connect(url)
    request.addfinalizer(connection.close)

    def hold(table: pa.Table) -> Records:
        name = f"held_{os.getpid()}_{id(number)}_{next(number)}"
        with connection.cursor() as cursor:
            cursor.adbc_ingest(name, table, mode="create")
        connection.commit()
        return open_records(f"{url}?table={name}")

    return hold


@pytest.fixture(scope="session")
def sail_url():
    """URL of a Spark Connect server in this process, Sail, which needs no Java; stopped at the end."""
    pytest.importorskip("pysail", reason="pysail is not installed")
    pytest.importorskip("pyspark", reason="pyspark-client is not installed")
    from pysail.spark import SparkConnectServer

    server = SparkConnectServer(ip="127.0.0.1", port=0)
    server.start(background=True)
    host, port = server.listening_address
    yield f"sc://{host}:{port}"
    server.stop()


#: Sail in a process of its own, told its port once it listens; it stops when its input ends.
_SAIL = """
import sys
from pysail.spark import SparkConnectServer
server = SparkConnectServer(ip="127.0.0.1", port=0)
server.start(background=True)
print(server.listening_address[1], flush=True)
sys.stdin.read()
server.stop()
"""


@pytest.fixture(scope="module")
def sail_cluster_url():
    """URL of Sail as a cluster of four workers on this machine."""
    pytest.importorskip("pysail", reason="pysail is not installed")
    pytest.importorskip("pyspark", reason="pyspark-client is not installed")
    workers = {f"SAIL_CLUSTER__WORKER_{name}_COUNT": "4" for name in ("INITIAL", "MAX")}
    server = subprocess.Popen(
        [sys.executable, "-c", _SAIL],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **workers, "SAIL_MODE": "local-cluster"},
    )
    try:
        yield f"sc://127.0.0.1:{int(server.stdout.readline())}"
    finally:
        server.stdin.close()
        server.wait(20)
        server.stdout.close()


@pytest.fixture(scope="session")
def spark_url():
    """URL of Apache Spark itself, two cores of this machine, from the folder that SPARK_HOME names."""
    with _spark_connect("local[2]") as url:
        yield url


@pytest.fixture(scope="module")
def spark_cluster_url():
    """URL of Apache Spark with a master and two workers, each a process of this machine."""
    port = _free_port()
    master = f"spark://127.0.0.1:{port}"
    place = ("--host", "127.0.0.1", "--webui-port", "0")
    one = ("--cores", "1", "--memory", "1g", master)
    with contextlib.ExitStack() as stack:
        deploy = "org.apache.spark.deploy"
        first = stack.enter_context(
            _of_spark("spark-class", f"{deploy}.master.Master", *place, "--port", str(port))
        )
        _wait_for(port, *first)
        for _ in range(2):
            stack.enter_context(_of_spark("spark-class", f"{deploy}.worker.Worker", *place, *one))
        yield stack.enter_context(_spark_connect(master, {"spark.executor.memory": "512m"}))


_QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto"


@contextlib.contextmanager
def _spark_connect(master, more=None):
    """A server of Spark Connect, whose queries `master` runs."""
    port = _free_port()
    settings = {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": port,
        "spark.driver.host": "127.0.0.1",
        "spark.sql.shuffle.partitions": 2,
        # Queries of a few hundred rows: what is compiled least is done first.
        "spark.driver.extraJavaOptions": _QUICK,
        "spark.executor.extraJavaOptions": _QUICK,
        "spark.sql.warehouse.dir": "warehouse",
        "spark.ui.enabled": "false",
        **(more or {}),
    }
    words = [word for item in settings.items() for word in ("--conf", "{}={}".format(*item))]
    started = "org.apache.spark.sql.connect.service.SparkConnectServer"
    with _of_spark(
        "spark-submit", "--master", master, *words, "--class", started, "spark-internal"
    ) as server:
        _wait_for(port, *server)
        yield f"sc://127.0.0.1:{port}"


@contextlib.contextmanager
def _of_spark(program, *words):
    """A program of Spark that runs until the end, in a folder that goes with it; and its log."""
    home = os.environ.get("SPARK_HOME", "")
    if not (Path(home) / "bin" / "spark-submit").is_file():
        pytest.skip("SPARK_HOME names no Spark: `make spark` installs one and runs these tests")
    place = Path(tempfile.mkdtemp(prefix="evenhand-spark-"))
    with (place / "log.txt").open("wb") as log:
        server = subprocess.Popen(
            [f"{home}/bin/{program}", *words],
            stdout=log,
            stderr=log,
            cwd=place,
            env={**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_WORKER_DIR": str(place)},
            start_new_session=True,
        )
    try:
        yield server, place / "log.txt"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)
        shutil.rmtree(place, ignore_errors=True)


def _wait_for(port, server, log):
    """Until a server listens; a minute and a half is what Java needs on a busy machine."""
    for _ in range(900):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert server.poll() is None, log.read_text()[-2000:]
        time.sleep(0.1)
    pytest.fail("Spark does not start: " + log.read_text()[-2000:])


#: What speaks Spark Connect, by the fixture that has its URL.
CLUSTERS = ["sail_url", "spark_url"]


@pytest.fixture(scope="module", params=CLUSTERS)
def cluster_url(request):
    """URL of each server that speaks Spark Connect."""
    return request.getfixturevalue(request.param)


def _on_a_cluster(request, server):
    url, number = request.getfixturevalue(server), itertools.count()
    folder = request.getfixturevalue("tmp_path_factory").mktemp("held")

    def hold(table: pa.Table) -> Records:
        path = folder / f"{next(number)}.parquet"
        pq.write_table(table, path)
        return open_records(f"{url}?parquet={path}")

    return hold


#: What lets an engine hold a table, by its name.
ENGINES = {
    "duckdb": _in_process,
    "postgres": _on_a_server,
    "sail": partial(_on_a_cluster, server="sail_url"),
    "spark": partial(_on_a_cluster, server="spark_url"),
}


@pytest.fixture(scope="module", params=list(ENGINES))
def hold(request):
    """A function from an Arrow table to records that one of the engines holds."""
    return ENGINES[request.param](request)

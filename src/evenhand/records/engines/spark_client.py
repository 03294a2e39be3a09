"""The client of Spark Connect: a session at an address, in silence and with little patience."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from evenhand.deferred import show_pandas
from evenhand.errors import InputError
from evenhand.records.engines.spark import SparkEngine

#: A server that does not answer is asked for some two seconds, not for the client's ten minutes; what is
#: to be released there is then asked for as long again, as often as there is something.
_RETRIES, _LONGEST_WAIT = 4, 1000


def connect(place: str) -> SparkEngine:
    """Open a session at ``sc://host:port``, Spark Connect's own scheme."""
    with importable():
        try:
            from pyspark.errors import PySparkException  # noqa: PLC0415
            from pyspark.sql.connect.client.retries import DefaultPolicy  # noqa: PLC0415
            from pyspark.sql.connect.session import SparkSession  # noqa: PLC0415
        except ImportError as error:
            raise InputError(
                "Reading sc:// needs one more package.  Run: pip install 'evenhand[spark]'"
            ) from error
        session: Any = None
        # Told below, away from the client's error: its text may hold a token.
        with contextlib.suppress(PySparkException, ValueError):
            session = SparkSession.builder.remote(place).create()
    if session is None:
        raise InputError("That is no address of Spark Connect.  Write sc://host:port?table=NAME")
    # The client writes each error to stderr, as JSON with the query; it is told once, by us.
    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # How often the client asked again is told from threads of its own; that it was in vain is told by us.
    warnings.filterwarnings("ignore", message=r"\[RETRIES_EXCEEDED\]")
    session.client.set_retry_policies(
        [DefaultPolicy(max_retries=_RETRIES, max_backoff=_LONGEST_WAIT)]
    )
    engine = SparkEngine(session, own=True)
    engine.set_up()
    return engine


@contextlib.contextmanager
def importable() -> Iterator[None]:
    """Let the client be imported: in silence about pandas 3, and where no file was started.

    Version 4.2.0 takes a main module without a file (``python -c``, a worker of a pool) for a run of its
    own tests, looks for a Spark that is not there, and ends the process.
    """
    main = sys.modules["__main__"]
    started = getattr(main, "__spec__", None) or hasattr(main, "__file__") or hasattr(sys, "ps1")
    # The client looks for pandas when it is imported, and ends without.
    show_pandas()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not started and "SPARK_HOME" not in os.environ and find_spec("pyspark"):
            os.environ["SPARK_HOME"] = ""
            try:
                import_module("pyspark.testing.connectutils")
            finally:
                del os.environ["SPARK_HOME"]
        yield

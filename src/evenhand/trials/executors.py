"""Where a trial's own work is done: threads or processes here, or the workers of a dask cluster."""

import contextlib
import logging
import os
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

from evenhand.deferred import multiprocessing, process
from evenhand.errors import InputError
from evenhand.results.origin import versions

#: Work that is done here.
HERE = ("threads", "processes")
#: How the address of a cluster's scheduler begins.
SCHEMES = ("tcp://", "tls://")
#: Seconds within which a scheduler must answer.
_PATIENCE = 10


def is_workers(text: str) -> bool:
    """Whether a plan's `workers` says a place that is known."""
    return text in HERE or (text.startswith(SCHEMES) and len(text) > len(SCHEMES[0]))


@contextlib.contextmanager
def open_executor(given: Executor | None, workers: str) -> Iterator[Executor]:
    """The executor of a trial; one that was given stays open.

    Parameters
    ----------
    given : Executor, optional
    workers : str
        ``threads``, ``processes``, or the address of a dask scheduler.

    Raises
    ------
    InputError
        Where the cluster is not there, has no workers, or these cannot import this version.
    """
    if given is not None:
        yield given
        return
    if workers.startswith(SCHEMES):
        with _cluster(workers) as pool:
            yield pool
        return
    count = os.cpu_count() or 1
    local: Executor = ThreadPoolExecutor(count, thread_name_prefix="evenhand")
    if workers == "processes":
        # A fork would copy locks that other threads hold.
        local = process.ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield local
    finally:
        local.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def _cluster(address: str) -> Iterator[Executor]:
    """Workers of a dask cluster, which are not stopped."""
    try:
        import distributed  # noqa: PLC0415 - a heavy third-party extra
    except ImportError as error:
        raise InputError(
            f"workers is {address}, which needs one more package.  Run: pip install 'evenhand[dask]'"
        ) from error
    # What goes wrong is told once, by us; the client would tell it on stderr, with tracebacks.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        client: Any = distributed.Client(address, timeout=_PATIENCE, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise InputError(
            f"No dask scheduler answers at {address} ({type(error).__name__}).  Start one with `dask scheduler`, and "
            "workers with `dask worker`, or use workers = 'threads'."
        ) from error
    try:
        _check(client, address)
        yield client.get_executor(pure=False)
    finally:
        client.close(timeout=_PATIENCE)


def _check(client: Any, address: str) -> None:
    """Refuse a cluster that cannot do the work, before anything is asked of it."""
    mine = dict(versions())["evenhand"]
    try:
        found = client.run(own_version)
    except Exception as error:
        raise InputError(
            f"The workers at {address} cannot import evenhand ({type(error).__name__}: {error}).  Run there: "
            f"pip install evenhand=={mine}, with the extras that this trial needs."
        ) from error
    if not found:
        raise InputError(
            f"The scheduler at {address} has no workers.  Start one: dask worker {address}"
        )
    others = sorted({version for version in found.values() if version != mine})
    if others:
        raise InputError(
            f"Workers at {address} have evenhand {', '.join(others)}, and this is {mine}: answers would not be "
            f"comparable.  Run there: pip install evenhand=={mine}"
        )


def own_version() -> str:
    """Version of the worker that is asked."""
    return dict(versions())["evenhand"]

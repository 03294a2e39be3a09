"""The workers of a dask cluster do a trial's work; what they lose is not lost."""

import threading
import time
import warnings

import pytest

from evenhand.errors import InputError
from evenhand.services.function import FunctionService
from evenhand.trials import executors, make_plan, run_trial

distributed = pytest.importorskip("distributed")


@pytest.fixture
def cluster():
    """A scheduler and two workers in threads of this process, spoken to over TCP."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=False,
            protocol="tcp",
            host="127.0.0.1",
            dashboard_address=None,
        )
        with made:
            yield made


def run(tmp_path, workers, *, texts=6, seed=0, name="r"):
    samples = [{"id": f"t{i}", "text": f"text {i}"} for i in range(texts)]
    plan = {
        "trial": {"measure": False, "workers": workers, "seed": seed, "cache": str(tmp_path / "kept.answers")},
        "samples": samples,
        "services": [FunctionService(name="f", function="json:dumps")],
    }  # fmt: skip
    return run_trial(make_plan(plan), out=tmp_path / f"{name}.parquet")


def test_work_goes_to_a_cluster_and_goes_on_here(tmp_path, cluster):
    first = run(tmp_path, cluster.scheduler_address, texts=4)
    assert first.outcomes == {"answered": 4}
    more = run(tmp_path, "threads", name="s")
    assert more.outcomes == {"answered": 6}
    assert (first.calls, more.calls) == (4, 2)
    import pyarrow.parquet as pq

    outputs = pq.read_table(tmp_path / "s.parquet")["output"].to_pylist()
    assert sorted(outputs) == [f'"text {i}"' for i in range(6)]


def test_nobody_there_no_workers_and_other_versions_are_told(tmp_path, cluster, monkeypatch):
    monkeypatch.setattr(executors, "_PATIENCE", 1)
    with pytest.raises(
        InputError, match=r"No dask scheduler answers at tcp://127\.0\.0\.1:9 .*dask scheduler"
    ):
        run(tmp_path, "tcp://127.0.0.1:9")
    with pytest.raises(InputError, match="Unknown kind of worker 'nowhere'"):
        run(tmp_path, "nowhere")
    monkeypatch.setattr(executors, "versions", lambda: (("evenhand", "9.9"),))
    monkeypatch.setattr(executors, "own_version", _older)
    with pytest.raises(InputError, match=r"Workers at tcp.* have evenhand 0\.0, and this is 9\.9"):
        run(tmp_path, cluster.scheduler_address)
    monkeypatch.setattr(executors, "own_version", _broken)
    with pytest.raises(
        InputError, match=r"cannot import evenhand \(ModuleNotFoundError: no such.*pip install"
    ):
        run(tmp_path, cluster.scheduler_address)


def _older():
    return "0.0"


def _broken():
    raise ModuleNotFoundError("no such module")


def test_workers_that_are_lost_leave_what_was_answered(tmp_path, cluster):
    assert run(tmp_path, cluster.scheduler_address, texts=2).outcomes == {"answered": 2}
    plan = make_plan(
        {
            "trial": {"measure": False, "workers": cluster.scheduler_address},
            "samples": [{"id": "t", "text": "one"}],
            "services": [FunctionService(name="slow", function="tests.trials.test_dask:slow")],
        }
    )
    stop = threading.Timer(0.5, lose, [cluster])
    stop.start()
    try:
        with pytest.raises(
            InputError, match=r"workers were lost.*go on, there or with workers = 'threads'"
        ):
            run_trial(plan, out=tmp_path / "x.parquet")
    finally:
        stop.join()
    assert run(tmp_path, "threads", texts=2).calls == 0


def lose(cluster):
    """All that the scheduler was asked for is taken from it."""
    with distributed.Client(cluster.scheduler_address, set_as_default=False) as other:
        keys = list(cluster.scheduler.tasks)
        other.cancel([distributed.Future(key, client=other) for key in keys], force=True)


def slow(text):
    time.sleep(2)
    return text

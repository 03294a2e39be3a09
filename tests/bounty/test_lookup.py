"""Predictions in place of a model: merged for those whose key is listed, and for nobody else."""

import numpy as np
import pyarrow as pa
import pytest

from evenhand.bounty import DirectRunner, SubmissionError, create_bounty, verify, write_submission
from evenhand.bounty.deployed.export import export_model, load_model
from evenhand.bounty.deployed.one_onnx import to_one_onnx
from evenhand.errors import InputError


def clients(ids, seed):
    """Each client's need is known to those who know the client; "client" tells them apart."""
    rng = np.random.default_rng(seed)
    need = np.where(ids * 7919 % 10 < 4, "yes", "no")
    noisy = rng.random(len(ids)) < 0.05
    return pa.table(
        {
            "client": ids,
            "region": rng.choice(["n", "s"], len(ids)),
            "need": np.where(noisy, "no", need),
        }
    )


@pytest.fixture
def bounty(tmp_path):
    ids = np.random.default_rng(0).permutation(3_000)
    with create_bounty(
        tmp_path / "b",
        train=clients(ids[:300], 1),
        practice=clients(ids[300:900], 2),
        sealed=clients(ids[900:], 3),
        label="need",
        base={"constant": "no"},
        unit="none",
        runner=DirectRunner(),
    ) as made:
        yield made


def known(limit=1_500):
    return {str(i): "yes" if i * 7919 % 10 < 4 else "no" for i in range(limit)}


def lookup(answers, group="region = 'n'", key="client"):
    model = {"lookup": {"key": key, "answers": answers}}
    return write_submission(team="ada", group=group, model=model)


def test_a_table_of_predictions_is_proven_and_answers_only_whom_it_lists(bounty, tmp_path):
    bounty.submit(lookup(known()))
    (verdict,) = bounty.close_epoch()
    assert verdict.accepted
    listed = bounty.state.listed
    rows = pa.table({"client": [4, 0, 0, 2_000, 9_990], "region": ["n", "n", "s", "n", "n"]})
    wanted = ["yes" if c * 7919 % 10 < 4 and c < 1_500 and r == "n" else "no"
              for c, r in zip(rows["client"].to_pylist(), rows["region"].to_pylist(), strict=True)]  # fmt: skip
    loaded = load_model(export_model(listed, tmp_path / "m"))
    assert loaded.predict(rows).tolist() == wanted
    assert "yes" in wanted
    with pytest.raises(InputError, match="Lookups"):
        to_one_onnx(listed)
    assert verify(bounty).proven


@pytest.mark.parametrize(
    ("answers", "key", "message"),
    [
        ({}, "client", "wrong_lookup"),
        ({"1": "perhaps"}, "client", "wrong_classes"),
        ({"1": 1}, "client", "wrong_classes"),
        ({"one": "yes"}, "client", "is no number"),
        ({"nan": "yes"}, "client", "is no number"),
        ({"16777216": "yes", "16777217": "no"}, "client", "one number"),
        ({"1": "yes"}, "person", "is no feature"),
        ({"x": "yes"}, "region", "stands in any table"),
    ],
)
def test_a_table_that_is_none_is_refused_with_the_reason(bounty, answers, key, message):
    with pytest.raises(SubmissionError, match=message):
        bounty.submit(lookup(answers, key=key))

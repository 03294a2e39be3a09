"""kill -9 at every step: nothing is half done, and going on gives what would have been."""

import os
import signal

import pytest

from evenhand.bounty import Bounty, DirectRunner, verify

from .conftest import good

SUBMITTING = ["checked", "scored", "stored", "submitted"]
CLOSING = ["ordered", "opened", "judged", "written"]


def killed_at(folder, step, action):
    """Do something in a child that dies at a step; whether it died there."""

    def die(name):
        if name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        try:
            action(Bounty(folder, runner=DirectRunner(), step=die))
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("step", SUBMITTING)
def test_a_submission_is_there_whole_or_not_at_all(folder, step):
    assert killed_at(folder, step, lambda b: b.submit(good()))
    with Bounty(folder, runner=DirectRunner()) as bounty:
        assert len(bounty.state.pending) == (step == "submitted")
        if step != "submitted":
            bounty.submit(good())
        assert [v.accepted for v in bounty.close_epoch()] == [True]
        assert verify(bounty).proven


@pytest.mark.parametrize("step", CLOSING)
def test_an_epoch_goes_on_with_the_same_verdicts(folder, tmp_path, step):
    with Bounty(folder, runner=DirectRunner()) as bounty:
        for number, group in enumerate(("age >= 55", "sex = 'F' AND age >= 50", "age < 40")):
            bounty.submit(good(team=str(number), group=group, answer="yes" if number < 2 else "no"))
    import shutil

    twin = shutil.copytree(folder, tmp_path / "twin")
    with Bounty(twin, runner=DirectRunner()) as bounty:
        wanted = bounty.close_epoch()
    assert killed_at(folder, step, lambda b: b.close_epoch())
    with Bounty(folder, runner=DirectRunner()) as bounty:
        if step != "written":
            assert not bounty.state.listed.nodes
            bounty.close_epoch()
        assert bounty.state.verdicts == wanted
        assert bounty.account().blocks_left == 1
        assert verify(bounty).proven


def test_no_submission_slips_in_after_the_block_was_opened(folder):
    from evenhand.bounty import SubmissionError

    with Bounty(folder, runner=DirectRunner()) as bounty:
        bounty.submit(good())
    killed_at(folder, "opened", lambda b: b.close_epoch())
    with (
        Bounty(folder, runner=DirectRunner()) as bounty,
        pytest.raises(SubmissionError, match="epoch_closing"),
    ):
        bounty.submit(good(group="age > 70"))


def test_a_torn_last_line_never_happened(folder):
    with Bounty(folder, runner=DirectRunner()) as bounty:
        bounty.submit(good())
    path = folder / "log.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    with Bounty(folder, runner=DirectRunner()) as bounty:
        assert not bounty.state.pending
        bounty.submit(good())
        assert len(bounty.state.pending) == 1
    assert path.read_bytes() == whole

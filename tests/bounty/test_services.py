"""A bounty of services: asked by the host alone, kept by hash before labels are read, deployed as a router."""

import json
import random
import sys

import numpy as np
import pyarrow as pa
import pytest

from evenhand.bounty import Bounty, Rules, SubmissionError, create_bounty, verify, write_submission
from evenhand.bounty.deployed.export import export_model, load_model
from evenhand.bounty.desk import register_services
from evenhand.bounty.telling.standing import stand
from evenhand.errors import InputError

BOTS = '''
import hashlib
import pathlib

DRUGS = ("aspirin", "insulin", "morphine")


def plain(text):
    """Knows no capitals."""
    return next((drug for drug in DRUGS if drug in text), "none")


def careful(text):
    """Knows capitals, and forgets insulin."""
    return next((drug for drug in DRUGS[::2] if drug in text.lower()), "none")


def moody(text):
    """Answers as plain does, and now and then something else."""
    import itertools
    moody.calls = getattr(moody, "calls", itertools.count())
    return plain(text) if next(moody.calls) % 3 else "what?"


def silent(text):
    raise RuntimeError("down")


def line(text):
    """Answers as careful does, while it is there."""
    if pathlib.Path(__file__).with_name("line.away").exists():
        raise RuntimeError("hung up")
    return careful(text)


def insulin(text):
    return "insulin"


def echo(text):
    return text


def shaky(text):
    """Is down for one question in a hundred."""
    if int(hashlib.sha256(text.encode()).hexdigest(), 16) % 100 == 0:
        raise RuntimeError("down")
    return careful(text)
'''


def service(name):
    return {"kind": "python", "name": name, "function": f"bots:{name}", "attempts": 1}


def questions(rows, seed):
    draw = random.Random(seed)
    out = []
    for number in range(rows):
        drug, dialect = draw.choice(["aspirin", "insulin", "morphine"]), draw.choice("nsi")
        said = drug.upper() if dialect == "i" else drug
        out.append(
            {
                "question": f"Is it {draw.randint(1, 900)} mg of {said} now? ({seed}-{number})",
                "dialect": {"n": "north", "s": "south", "i": "islands"}[dialect],
                "drug": drug,
            }
        )
    return pa.Table.from_pylist(out)


def begin(place, folder, loss="differs", base="plain", names=("plain", "careful"), **more):
    return create_bounty(
        place,
        train=questions(40, 1),
        practice=questions(300, 2),
        sealed=questions(900, 3),
        label="drug",
        loss=loss,
        asks="question",
        base={"service": base},
        services=[service(name) for name in names],
        services_folder=folder,
        rules=Rules(blocks=2),
        seed=1,
        **more,
    )


@pytest.fixture(scope="module")
def bots(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bots")
    (folder / "bots.py").write_text(BOTS)
    return folder


def routed(name, group="dialect = 'islands'", team="ada", **more):
    return write_submission(team=team, group=group, model={"service": name}, **more)


@pytest.mark.parametrize("loss", ["differs", "wer"])
def test_a_better_service_for_a_group_is_proven_and_routed_to(tmp_path, bots, loss):
    with begin(tmp_path / "b", bots, loss) as bounty:
        receipt = bounty.submit(routed("careful"))
        assert receipt.practice.improvement > 0.1
        (verdict,) = bounty.close_epoch()
        assert verdict.accepted
        # The plain bot knows no capitals; the careful one misses a third, insulin.
        assert verdict.certificate.error_before == pytest.approx(1.0)
        assert verdict.certificate.error_after == pytest.approx(1 / 3, abs=0.08)
        assert verdict.certificate.method == ("mcnemar" if loss == "differs" else "betting")
        assert stand(bounty).accepted[0].group == "dialect = 'islands'"
        assert verify(bounty).proven
        place = export_model(bounty.state.listed, tmp_path / "m")
    router = load_model(place)
    rows = questions(60, 9)
    wanted = ["careful" if d == "islands" else "plain" for d in rows["dialect"].to_pylist()]
    assert router.route(rows) == wanted


def test_answers_are_in_the_log_by_hash_before_labels_are_read_and_not_asked_again(
    tmp_path, bots, monkeypatch
):
    with begin(tmp_path / "b", bots) as bounty:
        bounty.submit(routed("careful"))

        def no_labels(*_):
            kinds = [event.kind for event in bounty.log.read()]
            assert kinds[-3:] == ["block_opened", "answered", "answered"]
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(type(bounty.ledger), "_read_labels", no_labels)
            with pytest.raises(KeyboardInterrupt):
                bounty.close_epoch()
    with Bounty(tmp_path / "b") as again:
        asked = len(again.state.roster.answers)
        (verdict,) = again.close_epoch()
        assert verdict.accepted
        assert len(again.state.roster.answers) == asked
        assert {one.about for one in again.state.roster.answers} == {"practice rows", "block 1"}
        assert verify(again).proven
        kept = [*(tmp_path / "b" / "answers").iterdir(), *(tmp_path / "b").glob("answers*.sqlite")]
        assert len(kept) == asked + 1
        assert {file.stat().st_mode & 0o777 for file in kept} == {0o600}
        file = kept[0]
        file.write_bytes(file.read_bytes()[:-1] + b"x")
        assert any("answers" in problem for problem in verify(again).problems)


def test_a_router_asks_the_list_below_where_a_service_dies(tmp_path, bots):
    with begin(tmp_path / "b", bots) as bounty:
        bounty.submit(routed("careful"))
        bounty.close_epoch()
        router = load_model(export_model(bounty.state.listed, tmp_path / "m"))
    rows = questions(200, 9)
    asked = []

    def call(service, numbers):
        asked.append((service, numbers))
        return [f"{service} {row}" if service == "plain" or row % 2 else None for row in numbers]

    islands = [dialect == "islands" for dialect in rows["dialect"].to_pylist()]
    wanted = [
        f"{'careful' if there and row % 2 else 'plain'} {row}" for row, there in enumerate(islands)
    ]
    assert router.answer(rows, call) == wanted
    # Nobody is asked about a row that another one answers.
    assert sorted(row for service, numbers in asked for row in numbers if service == "careful") == [
        row for row, there in enumerate(islands) if there
    ]
    assert router.answer(rows, lambda _, numbers: [None] * len(numbers)) == [""] * 200
    with pytest.raises(InputError, match="3 answers came"):
        router.answer(rows, lambda _, __: ["a", "b", "c"])


def test_only_registered_services_are_asked_and_names_are_not_given_twice(tmp_path, bots):
    with begin(tmp_path / "b", bots) as bounty:
        before = bounty.log.read()
        with pytest.raises(SubmissionError, match="unknown_service"):
            bounty.submit(routed("shaky"))
        for model in ({"constant": "aspirin"}, {"onnx": "AAAA"}, None, {"service": ["careful"]}):
            with pytest.raises(SubmissionError, match="wrong_model"):
                bounty.submit(write_submission(team="eve", group="dialect = 'north'", model=model))
        assert bounty.log.read() == before
        register_services(bounty, [service("shaky")], bots)
        with pytest.raises(InputError, match="registered already"):
            register_services(bounty, [service("shaky")], bots)
        with pytest.raises(InputError, match="kind of service"):
            register_services(bounty, [{"kind": "magic", "name": "x"}], bots)
        with pytest.raises(InputError, match="no name"):
            register_services(bounty, [{"kind": "python", "function": "bots:plain"}], bots)
        assert bounty.submit(routed("shaky")).practice.improvement > 0.1
        assert verify(bounty).proven


def away(folder, name, text="x"):
    """A file beside the bots takes a service away."""
    (folder / f"{name}.away").write_text(text)


def back(folder, name):
    (folder / f"{name}.away").unlink()


def test_a_service_that_is_away_is_refused_at_practice_with_why_and_asked_anew_when_it_is_back(
    tmp_path, bots
):
    with begin(tmp_path / "b", bots, names=("plain", "line")) as bounty:
        before = bounty.log.read()
        away(bots, "line")
        with pytest.raises(SubmissionError, match=r"no answer on 99 of 99 rows .*hung up"):
            bounty.submit(routed("line"))
        assert bounty.log.read() == before
        back(bots, "line")
        assert bounty.submit(routed("line")).practice.improvement > 0.1


def test_nothing_is_proven_because_the_served_service_was_away_when_the_block_was_opened(
    tmp_path, bots
):
    """The junk service is worse than the served one, and better than silence."""
    with begin(tmp_path / "b", bots, base="line", names=("line", "insulin")) as bounty:
        sent = bounty.submit(routed("insulin", group="dialect = 'north'"))
        bounty.vouch(sent.key, reason="to see it tested")
        away(bots, "line")
        for _ in range(3):
            with pytest.raises(InputError, match="It is served, so nothing is judged"):
                bounty.close_epoch()
        assert "judged" not in {event.kind for event in bounty.log.read()}
        back(bots, "line")
        (verdict,) = bounty.close_epoch()
        assert not verdict.accepted
        assert verify(bounty).proven


def test_a_proof_against_a_served_service_that_was_away_is_none_for_who_verifies(
    tmp_path, bots, monkeypatch
):
    with begin(tmp_path / "b", bots, base="line", names=("line", "insulin")) as bounty:
        sent = bounty.submit(routed("insulin", group="dialect = 'north'"))
        bounty.vouch(sent.key, reason="to see it tested")
        monkeypatch.setattr("evenhand.bounty.bounty.check_heard", lambda *_, **__: None)
        away(bots, "line")
        (verdict,) = bounty.close_epoch()
        back(bots, "line")
        assert verdict.accepted  # better than silence
        found = verify(bounty)
        assert not found.proven
        assert any("'line' was away" in problem for problem in found.problems)


def test_an_offered_service_that_is_away_is_waited_for_once_and_stops_nobody_for_ever(
    tmp_path, bots
):
    with begin(tmp_path / "b", bots, names=("plain", "careful", "line")) as bounty:
        bounty.submit(routed("line", team="bo"))
        bounty.submit(routed("careful"))
        away(bots, "line")
        with pytest.raises(InputError, match="Close again when it answers"):
            bounty.close_epoch()
        found = {bounty.load(v.key).team: v.accepted for v in bounty.close_epoch()}
        back(bots, "line")
        assert found == {"ada": True, "bo": False}
        assert verify(bounty).proven


def test_a_bounty_whose_base_is_away_is_not_begun(tmp_path, bots):
    with pytest.raises(InputError, match="gave no answer on 300 of 300 rows"):
        begin(tmp_path / "b", bots, base="silent", names=("silent",))
    assert not (tmp_path / "b").exists()


def test_rows_that_a_service_leaves_fall_to_the_list(tmp_path, bots):
    with begin(tmp_path / "b", bots, names=("plain", "shaky")) as bounty:
        bounty.submit(routed("shaky"))
        while bounty.state.roster.opened is not None or bounty.state.pending:
            try:
                (verdict,) = bounty.close_epoch()
            except InputError:  # more than one in a hundred: asked once more
                continue
        assert verdict.accepted
        assert verify(bounty).proven


def test_two_folders_may_have_modules_of_one_name(tmp_path, bots):
    other = tmp_path / "other"
    other.mkdir()
    (other / "bots.py").write_text(BOTS.replace("text.lower()", "text"))
    with begin(tmp_path / "b", bots) as bounty:
        register_services(bounty, [{**service("careful"), "name": "careless"}], other)
        careless = bounty.submit(routed("careless", team="bo"))
        careful = bounty.submit(routed("careful"))
        assert careless.practice.improvement == 0
        assert careful.practice.improvement > 0.1
    assert "bots" not in sys.modules


def test_a_service_whose_code_changed_is_not_asked_as_the_registered_one(tmp_path, bots):
    own = tmp_path / "own"
    own.mkdir()
    (own / "bots.py").write_text(BOTS)
    with begin(tmp_path / "b", own) as bounty:
        (own / "bots.py").write_text(BOTS.replace("DRUGS[::2]", "DRUGS"))
        with pytest.raises(InputError, match="is not the one that was registered"):
            bounty.submit(routed("careful"))
        (own / "bots.py").write_text(BOTS)
        assert bounty.submit(routed("careful")).practice.improvement > 0.1


def test_a_service_that_answers_differently_is_asked_again_and_judged_by_the_median(tmp_path, bots):
    with begin(tmp_path / "b", bots, base="moody", names=("moody", "plain"), times=3) as bounty:
        assert bounty.state.roster.answers[0].unsteady > 30
        bounty.submit(routed("plain", group="dialect = 'north'"))
        (verdict,) = bounty.close_epoch()
        # One answer in three is another one, so the median of three is nearly always right.
        assert verdict.certificate.error_before < 0.35
        assert verify(bounty).proven


def test_an_echo_is_no_better_and_a_finding_needs_no_service(tmp_path, bots):
    with begin(tmp_path / "b", bots, names=("plain", "echo")) as bounty:
        bounty.submit(routed("echo", group="dialect = 'north'"))
        bounty.submit(
            write_submission(
                team="bo", group="dialect = 'islands'", model={"finding": {"more_than": 0.2}}
            )
        )
        found = {bounty.load(v.key).team: v for v in bounty.close_epoch()}
        assert "ada" not in found  # practice rows speak against it
        assert found["bo"].accepted
        assert verify(bounty).proven


def test_a_bounty_of_services_says_what_it_needs(tmp_path, bots):
    with pytest.raises(InputError, match="needs the column"):
        create_bounty(
            tmp_path / "b",
            train=questions(9, 1),
            practice=questions(9, 2),
            sealed=questions(9, 3),
            label="drug",
            loss="wer",
            base={"service": "plain"},
        )
    with pytest.raises(InputError, match="does not read"):
        begin(tmp_path / "b", bots, loss="zero_one")
    with pytest.raises(InputError, match="Unknown service 'careless'"):
        begin(tmp_path / "b", bots, base="careless")
    with pytest.raises(InputError, match="odd number"):
        begin(tmp_path / "b", bots, times=2)


def test_a_question_on_both_sides_of_the_seal_is_refused(tmp_path, bots):
    sealed = pa.concat_tables([questions(880, 3), questions(300, 2).slice(0, 20)])
    with pytest.raises(InputError, match="stand in the train or practice table"):
        create_bounty(
            tmp_path / "b",
            train=questions(40, 1),
            practice=questions(300, 2),
            sealed=sealed,
            label="drug",
            loss="differs",
            asks="question",
            base={"service": "plain"},
            services=[service("plain")],
            services_folder=bots,
        )


def test_secrets_of_services_reach_no_file(tmp_path, bots, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    with begin(tmp_path / "b", bots) as bounty:
        table = {
            "kind": "chat",
            "name": "vendor",
            "url": "http://127.0.0.1:9/v1",
            "model": "m",
        }
        register_services(bounty, [table], bots)
    for path in (tmp_path / "b").rglob("*"):
        if path.is_file():
            assert b"sk-very-secret" not in path.read_bytes()


def test_answers_of_rows_are_looked_up_and_never_guessed():
    from evenhand.bounty.strangers.asked import AskedServices, Said

    book = AskedServices()
    said = Said(
        places=np.array([3, 7]),
        texts=np.array([["a"], [""]]),
        given=np.array([[True], [False]]),
    )
    book.add("s", said)
    answered = book.ask("s", np.array([7, 3]))
    assert answered.failed.tolist() == [True, False]
    assert answered.values[1, 0] == "a"
    with pytest.raises(SubmissionError, match="not_asked"):
        book.ask("s", np.array([4]))
    assert json.dumps(book.missing("s", np.array([3, 4])).tolist()) == "[4]"

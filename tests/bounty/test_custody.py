"""What an outsider finds in a log alone: who wrote it, what was forged, what was opened and left."""

import json
import random
import shutil
import subprocess
import sys

import pytest

from evenhand.bounty import Bounty, DirectRunner, SubmissionError, verify
from evenhand.bounty.custody import read_custody
from evenhand.bounty.desk import appeal, register, revoke, set_phase, withdraw
from evenhand.bounty.files import canonical
from evenhand.bounty.keys import HOST_KEY, own_signature, public_of
from evenhand.bounty.log import EventLog, LogError, _hash
from evenhand.bounty.telling.kept import custody as told_custody
from evenhand.bounty.telling.kept import keeping
from evenhand.errors import InputError

from .conftest import good
from .test_crash import killed_at
from .test_desk import ADA, BOB, EVE, HOST, begun, failed_by, host, said, send, with_teams  # noqa: F401


@pytest.fixture
def long(host):  # noqa: F811
    """A log with every kind of event that needs no failing model."""
    bounty = with_teams(host(registration=True, quota=4))
    set_phase(bounty, "committing", deadline="until Friday")
    bounty.commit(
        team="ada", key="a" * 64, signature=said(bounty, ADA, "committed", "ada", "a" * 64)
    )
    set_phase(bounty, "open")
    key = send(bounty, ADA, group="age > 70")
    withdraw(bounty, key, signature=said(bounty, ADA, "withdrawn", "ada", key))
    accepted = send(bounty, ADA)
    bounty.close_epoch()
    bounty.roll_back(accepted, reason="its team asked for it")
    revoke(bounty, team="bob", reason="lost")
    return bounty


def rewritten(path, change, *, host_key=None):
    """The log with its events changed, all hashes right again, signed by a key where one is given."""
    events = [json.loads(line) for line in path.read_bytes().splitlines()]
    events = change(events) or events
    previous = "0" * 64
    for number, event in enumerate(events):
        event |= {"number": number, "previous": previous}
        event["hash"] = _hash(number, event["kind"], event["body"], previous)
        previous = event["hash"]
        if host_key is not None and event["signature"] is not None:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv(HOST_KEY, host_key)
                event["signature"] = own_signature(HOST_KEY, previous.encode())
    other = path.with_name("rewritten.jsonl")
    other.write_bytes(b"".join(canonical(event) + b"\n" for event in events))
    return other


def test_a_log_alone_tells_who_wrote_it(long):
    found = read_custody(EventLog(long.folder / "log.jsonl").read())
    assert found.whole, found.problems
    assert {(one.name, one.host): one.events for one in found.authors} == {
        (None, True): 9,
        ("ada", False): 4,
    }
    assert found.head == long.head


def test_a_log_is_held_to_the_host_and_the_receipt_that_one_was_told(long):
    events = EventLog(long.folder / "log.jsonl").read()
    receipt = events[5].hash
    assert read_custody(events, head=receipt, host=public_of(HOST)).whole
    assert len(read_custody(events).unchecked) == 4
    assert len(read_custody(events, head=long.head, host=public_of(HOST)).unchecked) == 2
    assert verify(long, head=long.head, host=public_of(HOST)).custody.unchecked == ()
    assert read_custody(events[:5], head=receipt).problems == (
        f"the log lacks the event {receipt[:12]}: it was cut or written anew",
    )
    (problem,) = read_custody(events, host=public_of(EVE)).problems
    assert public_of(HOST) in problem
    assert public_of(EVE) in problem
    assert not verify(long, host=public_of(EVE)).proven
    assert verify(long, host=public_of(HOST)).proven


def test_an_early_head_does_not_vouch_for_what_came_after_it(long):
    events = EventLog(long.folder / "log.jsonl").read()
    for kept in (events, events[:7]):
        found = read_custody(kept, head=events[5].hash, host=public_of(HOST))
        assert any("after event 5" in one for one in found.unchecked), found.unchecked
    (left,) = verify(long, head=events[0].hash, host=public_of(HOST)).custody.unchecked
    assert "after event 0" in left


def test_who_keeps_a_head_or_a_host_s_key_is_shown_it(long):
    found = verify(long).custody
    shown = " ".join(told_custody(found))
    assert f"{found.keeping.events - 1}, {long.head}." in shown
    assert public_of(HOST) in shown
    assert "--head" in shown.split("Not checked:")[1]
    assert "--host" in shown.split("Not checked:")[1]
    assert any(long.head in line for line in keeping(found.keeping, long.head))


def test_a_host_whose_key_anybody_can_use_is_a_problem(long):
    def change(events):
        events[0]["body"]["host"] = "01" + 62 * "0"
        for event in events:
            # The neutral point and zero: a signature of everything by this key.
            event["signature"] = event["signature"] and "01" + 126 * "0"

    path = rewritten(long.folder / "log.jsonl", change)
    found = read_custody(EventLog(path).read())
    assert any("anybody can sign" in problem for problem in found.problems)


@pytest.mark.parametrize("block", [1, -1, True, None, 0.5, "0"])
def test_going_on_with_a_block_that_is_not_open_is_a_problem(long, block):
    def change(events):
        opened = next(i for i, event in enumerate(events) if event["kind"] == "block_opened")
        told = {"kind": "resumed", "body": {"block": block}, "signature": "to be signed"}
        events.insert(opened + 1, told)

    path = rewritten(long.folder / "log.jsonl", change, host_key=HOST)
    assert any("goes on with" in one for one in read_custody(EventLog(path).read()).problems)


def test_a_model_that_does_not_fail_cannot_be_said_to_have_failed(host, monkeypatch):  # noqa: F811
    bounty = with_teams(host())
    failed_by(bounty, monkeypatch, "wrong_classes")
    found = verify(bounty)
    assert not found.proven
    assert any("another result" in problem for problem in found.problems)


def test_a_failure_of_time_is_told_to_be_the_host_s_word(host, monkeypatch):  # noqa: F811
    bounty = with_teams(host())
    failed_by(bounty, monkeypatch, "timeout")
    found = verify(bounty)
    assert found.proven
    assert any(
        "1 submission failed on the host's machine" in one for one in found.custody.unchecked
    )


def test_files_that_no_disk_can_hold_are_not_what_the_log_says(long):
    def change(events):
        next(event for event in events if event["kind"] == "submitted")["body"]["key"] = "x" * 600

    rewritten(long.folder / "log.jsonl", change, host_key=HOST).rename(long.folder / "log.jsonl")
    with Bounty(long.folder, runner=DirectRunner()) as again:
        found = verify(again)
    assert any("is not what the log says" in one and "xxx" in one for one in found.problems)


@pytest.mark.parametrize("services", [-1, ["x"], [{}]])
def test_a_first_event_of_another_form_is_told(long, services):
    def change(events):
        events[0]["body"]["services"] = services

    events = EventLog(rewritten(long.folder / "log.jsonl", change)).read()
    with pytest.raises(InputError, match="services"):
        read_custody(events)


def test_a_log_whose_hashes_were_made_anew_is_not_the_host_s(long):
    def change(events):
        events[-1]["body"]["team"] = "ada"

    path = rewritten(long.folder / "log.jsonl", change)
    found = read_custody(EventLog(path).read())
    # All but the first events after the change keep their hashes; what was changed is not signed.
    assert not found.whole
    assert any("not the host's" in problem for problem in found.problems)
    assert any(one.name is None and not one.host for one in found.authors)


@pytest.mark.parametrize("kind", ["committed", "submitted", "withdrawn"])
def test_a_host_cannot_put_words_into_a_team_s_mouth(long, kind):
    def change(events):
        body = next(event["body"] for event in events if event["kind"] == kind)
        body["signature"] = None
        body.pop("signature")

    path = rewritten(long.folder / "log.jsonl", change, host_key=HOST)
    found = read_custody(EventLog(path).read())
    assert any("unsigned" in problem for problem in found.problems), found.problems


def test_an_unsigned_word_of_the_host_is_a_problem(long):
    path = long.folder / "log.jsonl"
    events = long.log.read()
    event = {"number": len(events), "kind": "phase", "body": {"phase": "closed", "deadline": ""}}
    event["previous"] = events[-1].hash
    event["hash"] = _hash(event["number"], "phase", event["body"], event["previous"])
    path.write_bytes(path.read_bytes() + canonical({**event, "signature": None}) + b"\n")
    found = read_custody(EventLog(path).read())
    assert found.problems == (
        f"event {event['number']} (phase) is for the host to say, and is not signed by its key",
    )
    with Bounty(long.folder, runner=DirectRunner()) as again:
        assert not verify(again).proven


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("registered", "unregistered"),
        ("block_opened", "not open"),
    ],
)
def test_what_the_host_leaves_out_is_missed_by_what_follows(long, kind, told):
    """Even signed anew with the host's own key."""

    def change(events):
        first = next(i for i, event in enumerate(events) if event["kind"] == kind)
        return events[:first] + events[first + 1 :]

    path = rewritten(long.folder / "log.jsonl", change, host_key=HOST)
    found = read_custody(EventLog(path).read())
    assert any(told in problem for problem in found.problems), found.problems


def test_verdicts_of_what_did_not_wait_are_a_problem(long):
    def change(events):
        judged = next(event["body"] for event in events if event["kind"] == "judged")
        judged["verdicts"][0]["key"] = "b" * 64

    path = rewritten(long.folder / "log.jsonl", change, host_key=HOST)
    (problem, *_) = read_custody(EventLog(path).read()).problems
    assert "what did not wait" in problem


def test_an_appeal_names_the_failure_that_it_is_about(host, monkeypatch):  # noqa: F811
    bounty = host()
    key = failed_by(bounty, monkeypatch, "timeout", secret=None)
    appeal(bounty, key, reason="the machine was busy")

    def change(events):
        events[-1]["body"]["failure"] = "crashed"

    path = rewritten(bounty.folder / "log.jsonl", change, host_key=HOST)
    (problem,) = read_custody(EventLog(path).read()).problems
    assert "failed otherwise" in problem


def test_a_stranger_s_log_ends_in_sentences_whatever_it_holds(long):
    """Each field of each event replaced by what it is not; hashes and host's signatures are right."""
    path = long.folder / "log.jsonl"
    whole = [json.loads(line) for line in path.read_bytes().splitlines()]
    values = [None, 7, -1, 1.5, "x", "", [], {}, [None], {"a": 1}, True, "é" * 600]
    rng = random.Random(1)
    for number, event in enumerate(whole):
        for name in event["body"]:
            for value in rng.sample(values, 4):

                def change(events, number=number, name=name, value=value):
                    events[number]["body"][name] = value

                other = rewritten(path, change)
                try:
                    found = read_custody(EventLog(other).read())
                except InputError:
                    continue
                assert isinstance(found.to_json(), str)


@pytest.mark.parametrize(
    "data",
    [
        b"x\n",
        b"[]\n",
        b"[" * 20_000 + b"\n",
        b'{"body":{"format":2},"kind":"created"}\n',
        b'{"body":{"format":2,"n":1e999},"hash":"","kind":"created","number":0,"previous":"","signature":null}\n',
        b'{"body":[],"hash":7,"kind":"created","number":0,"previous":"","signature":null}\n',
    ],
)
def test_a_file_that_is_no_log_is_refused_with_its_line(tmp_path, data):
    path = tmp_path / "log.jsonl"
    path.write_bytes(data)
    with pytest.raises(
        LogError, match=r"is no log of a bounty.*line 1|line 1 is not what was written"
    ):
        EventLog(path).read()


def test_a_log_of_the_older_form_is_refused_with_a_sentence(tmp_path):
    old = {"number": 0, "kind": "created", "body": {"rules": {"delta": 0.05}}, "previous": "0" * 64}
    path = tmp_path / "b" / "log.jsonl"
    path.parent.mkdir()
    text = json.dumps({**old, "hash": "a" * 64}, sort_keys=True, separators=(",", ":"))
    path.write_text(text + "\n")
    for opening in (lambda: Bounty(path.parent), EventLog(path).read):
        with pytest.raises(
            LogError, match=r"format 1, and this version of Evenhand reads format 2"
        ):
            opening()


def test_hashes_are_those_that_other_programs_make(bounty):
    """RFC 8785: numbers as ECMAScript writes them, names by UTF-16."""
    bounty.submit(good())
    for line in (bounty.folder / "log.jsonl").read_text(encoding="utf-8").splitlines():
        assert "0.0," not in line
        assert "e-0" not in line
    created = bounty.log.read()[0]
    assert created.body["format"] == 2
    assert b'"margin":0,' in (bounty.folder / "log.jsonl").read_bytes()


def test_numbers_of_the_log_are_read_as_the_numbers_they_were(bounty):
    bounty.submit(good())
    verdicts = bounty.close_epoch()
    with Bounty(bounty.folder, runner=DirectRunner()) as again:
        (verdict,) = again.state.verdicts
        assert verdict == verdicts[0]
        assert isinstance(again.state.served[0].settlement.largest_rise, float)
        assert isinstance(again.rules.margin, float)
        assert again.state.verdicts[0].body() == verdicts[0].body()


@pytest.mark.parametrize("step", ["ordered", "opened", "judged", "written"])
def test_who_opens_looks_and_kills_is_seen_in_the_log(folder, step):
    with Bounty(folder, runner=DirectRunner()) as bounty:
        bounty.submit(good())
    assert killed_at(folder, step, lambda b: b.close_epoch())
    looked = step in ("opened", "judged")
    with Bounty(folder, runner=DirectRunner()) as bounty:
        kept = bounty.status().keeping
        found = verify(bounty)
        assert found.proven
        if looked:
            assert (kept.opened.block, kept.opened.event) == (0, 2)
            assert found.custody.keeping.opened == kept.opened
            assert bounty.account().blocks_left == 1
        else:
            assert kept.opened is None
    if not looked:
        return
    # A second look that was killed leaves its trace too.
    assert killed_at(folder, step, lambda b: b.close_epoch())
    with Bounty(folder, runner=DirectRunner()) as bounty:
        assert bounty.status().keeping.opened.resumed == (3,)
        with pytest.raises(SubmissionError, match="epoch_closing"):
            bounty.submit(good(team="bob", group="age > 70"))
        with pytest.raises(SubmissionError, match="epoch_closing"):
            withdraw(bounty, bounty.state.pending[0])
        with pytest.raises(InputError, match="Close the epoch first"):
            bounty.roll_back("0" * 64, reason="-")
        bounty.close_epoch()
        found = verify(bounty)
        assert found.proven
        (block,) = found.custody.reopened
        assert (block.event, block.resumed) == (2, (3, 4))
        assert bounty.status().keeping.opened is None


def test_a_block_is_opened_in_the_log_before_its_labels_are_read(folder, monkeypatch):
    from evenhand.bounty.proof.ledger import Ledger

    read, kinds = Ledger._read_labels, []

    def noted(ledger, block):
        kinds.append(EventLog(folder / "log.jsonl").read()[-1].kind)
        return read(ledger, block)

    with Bounty(folder, runner=DirectRunner()) as bounty:
        bounty.submit(good())
        monkeypatch.setattr(Ledger, "_read_labels", noted)
        bounty.close_epoch()
    assert kinds[0] == "block_opened"
    assert set(kinds) == {"block_opened"}


def test_three_teams_that_come_at_once_are_all_heard(folder):
    import os

    children = []
    for number in range(3):
        child = os.fork()
        if child == 0:
            try:
                with Bounty(folder, runner=DirectRunner()) as bounty:
                    bounty.submit(good(team=f"team {number}", group=f"age >= {60 + number}"))
                os._exit(0)
            finally:
                os._exit(1)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 3
    with Bounty(folder, runner=DirectRunner()) as bounty:
        assert len(bounty.state.pending) == 3
        assert verify(bounty).proven


def test_a_writer_says_that_it_waits_and_gives_up_with_a_sentence(folder, capsys):
    with Bounty(folder, runner=DirectRunner()) as one, Bounty(folder, wait=0.2) as other:
        with one.log.writing(), pytest.raises(InputError, match=r"for 0\.2 seconds.*--wait"):
            other.commit(team="ada", key="a" * 64)
        assert capsys.readouterr().err.count("waiting for it") == 1
        other.commit(team="ada", key="a" * 64)


def test_an_event_of_a_newer_version_is_named(bounty):
    path = bounty.folder / "log.jsonl"
    with bounty.log.writing():
        bounty.log.append("promoted", {"team": "ada"})
    with pytest.raises(LogError, match=r"Event 1 .*'promoted'.*newer version"):
        Bounty(bounty.folder, runner=DirectRunner()).status()
    assert not read_custody(EventLog(path).read()).whole


def test_a_bounty_begun_without_a_key_has_no_signatures(bounty, monkeypatch):
    monkeypatch.setenv(HOST_KEY, EVE)
    register(bounty, team="bob", key=public_of(BOB))
    assert bounty.log.read()[-1].signature is None
    path = rewritten(
        bounty.folder / "log.jsonl", lambda events: events[-1].update(signature="ab" * 64)
    )
    assert any(
        "without a host's key" in one for one in read_custody(EventLog(path).read()).problems
    )
    shutil.copy(path, bounty.folder / "log.jsonl")
    with Bounty(bounty.folder, runner=DirectRunner()) as again:
        assert not verify(again).proven


def places(value, before=()):
    """Every place within plain values."""
    items = value.items() if isinstance(value, dict) else enumerate(value[:1])
    for name, one in items:
        yield (*before, name)
        if isinstance(one, dict | list):
            yield from places(one, (*before, name))


def test_a_stranger_s_folder_ends_in_sentences_whatever_its_log_holds(folder):
    with Bounty(folder, runner=DirectRunner()) as bounty:
        bounty.submit(good())
        bounty.close_epoch()
    path, rng = folder / "log.jsonl", random.Random(3)
    data = path.read_bytes()
    events = [json.loads(line) for line in data.splitlines()]
    found = [(event["number"], place) for event in events for place in places(event["body"])]
    for number, (*way, last) in rng.sample(found, 60):

        def change(events, number=number, way=tuple(way), last=last):
            inner = events[number]["body"]
            for name in way:
                inner = inner[name]
            inner[last] = rng.choice([None, 7, "x", [], {}, [None]])

        path.write_bytes(rewritten(path, change).read_bytes())
        try:
            with Bounty(folder, runner=DirectRunner()) as again:
                assert isinstance(verify(again).to_json(), str)
        except InputError:
            pass
        path.write_bytes(data)


def test_a_rehearsal_needs_no_library_for_signatures(folder):
    code = f"""
import sys
sys.modules["cryptography"] = None
from evenhand.bounty import Bounty, DirectRunner, verify, write_submission
from evenhand.bounty.keys import new_secret
from evenhand.errors import InputError
with Bounty({str(folder)!r}, runner=DirectRunner()) as bounty:
    bounty.submit({good()!r})
    bounty.close_epoch()
    assert verify(bounty).proven
try:
    new_secret()
except InputError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)
    assert "evenhand[sign]" in done.stdout

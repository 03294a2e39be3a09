"""Who may say what: keys registered, doubled, lost and revoked; quotas, phases, withdrawals and appeals."""

import hashlib
import random

import pytest

from evenhand.bounty import (
    Bounty,
    DirectRunner,
    Rules,
    SubmissionError,
    create_bounty,
    read_submission,
    verify,
)
from evenhand.bounty.desk import appeal, register, revoke, set_phase, withdraw
from evenhand.bounty.keys import HOST_KEY, public_of
from evenhand.bounty.names import likeness
from evenhand.bounty.telling.kept import keeping
from evenhand.bounty.terms import Terms
from evenhand.bounty.word import read_word, sign_word
from evenhand.errors import InputError

from .conftest import good, people

pytest.importorskip("cryptography")
HOST, ADA, BOB, EVE = (
    f"secret-{hashlib.sha256(name).hexdigest()}" for name in (b"host", b"ada", b"bob", b"eve")
)


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """Bounties by their terms, each begun once with a host's key."""
    made = {}

    def begin(**terms):
        key = tuple(sorted(terms.items()))
        if key not in made:
            place = tmp_path_factory.mktemp("desk") / "b"
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv(HOST_KEY, HOST)
                create_bounty(
                    place,
                    train=people(300, 1),
                    practice=people(400, 2),
                    sealed=people(2_000, 3),
                    label="label",
                    base={"constant": "no"},
                    rules=Rules(blocks=2),
                    terms=Terms(**terms),
                    runner=DirectRunner(),
                )
            made[key] = place
        return made[key]

    return begin


@pytest.fixture
def host(begun, tmp_path, monkeypatch):
    """Opens a copy of a bounty, with the host's key in the environment."""
    import shutil

    opened = []

    def open_(**terms):
        monkeypatch.setenv(HOST_KEY, HOST)
        folder = shutil.copytree(begun(**terms), tmp_path / f"b{len(opened)}")
        opened.append(Bounty(folder, runner=DirectRunner(), wait=0))
        return opened[-1]

    yield open_
    for one in opened:
        one.close()


def said(bounty, secret, word, team, key, text=""):
    """A team's signature."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVENHAND_TEAM_KEY", secret)
        asked = {"word": word, "team": team, "key": key, "text": text}
        return sign_word(bounty=bounty.state.roster.bounty, **asked).signature


def send(bounty, secret, team="ada", data=None, **more):
    data = data or good(team=team, **more)
    key = hashlib.sha256(data).hexdigest()
    return bounty.submit(data, signature=said(bounty, secret, "submitted", team, key)).key


def promise(bounty, secret, data, team="ada"):
    key = hashlib.sha256(data).hexdigest()
    bounty.commit(team=team, key=key, signature=said(bounty, secret, "committed", team, key))
    return key


def with_teams(bounty):
    register(bounty, team="ada", key=public_of(ADA))
    register(bounty, team="bob", key=public_of(BOB))
    return bounty


def test_a_registered_team_s_own_signature_is_taken_and_every_event_has_an_author(host):
    bounty = with_teams(host(registration=True))
    send(bounty, ADA)
    bounty.close_epoch()
    found = verify(bounty)
    assert found.proven, found.problems
    authors = {(one.name, one.host): one.events for one in found.custody.authors}
    assert authors == {(None, True): 5, ("ada", False): 1}
    assert (found.custody.keeping.signed, found.custody.keeping.host) == (6, public_of(HOST))


@pytest.mark.parametrize(
    ("secret", "reason"),
    [(BOB, "wrong_key"), (EVE, "forged"), (HOST, "forged"), (None, "unsigned")],
)
def test_another_s_signature_is_refused_and_nothing_is_written(host, secret, reason):
    bounty = with_teams(host(registration=True))
    before = bounty.log.read()
    with pytest.raises(SubmissionError, match=rf"\[{reason}\]"):
        send(bounty, secret) if secret else bounty.submit(good())
    assert bounty.log.read() == before


def test_a_signature_serves_one_submission_one_word_and_one_bounty(host):
    bounty, other = (
        with_teams(host(registration=True)),
        with_teams(host(registration=True, quota=3)),
    )
    data = good()
    key = hashlib.sha256(data).hexdigest()
    for signature in (
        said(bounty, ADA, "submitted", "ada", "0" * 64),
        said(bounty, ADA, "committed", "ada", key),
        said(bounty, ADA, "submitted", "bob", key),
        said(other, ADA, "submitted", "ada", key),
        "zz",
        "",
    ):
        with pytest.raises(SubmissionError, match=r"\[forged\]"):
            bounty.submit(data, signature=signature)


def test_who_is_not_registered_is_refused_where_registration_is_asked(host):
    bounty = with_teams(host(registration=True))
    for signature in (None, "ab"):
        with pytest.raises(SubmissionError, match=r"\[unregistered\].*'eve'"):
            bounty.submit(good(team="eve"), signature=signature)


def test_where_nobody_must_register_a_registered_name_is_still_its_team_s(host):
    bounty = with_teams(host())
    bounty.submit(good(team="eve", group="sex = 'M'"))
    with pytest.raises(SubmissionError, match=r"\[unsigned\]"):
        bounty.submit(good(team="ada"))
    send(bounty, ADA)
    assert verify(bounty).proven


ALIKE = ["Ada", " ada", "a da", "ＡＤＡ", "аda", "adа", "ad\u0430\ufe0f"]


@pytest.mark.parametrize("name", ALIKE)
def test_a_name_that_would_be_taken_for_another_is_refused(host, name):
    bounty = with_teams(host())
    with pytest.raises(InputError, match="would be taken for 'ada'"):
        register(bounty, team=name, key=public_of(EVE))
    with pytest.raises(SubmissionError, match="like_another"):
        bounty.submit(good(team=name))


def test_names_that_differ_for_a_reader_are_two():
    names = ["ada", "ada2", "adä", "adam", "data", "team 1", "team 2"]
    assert len({likeness(name) for name in names}) == len(names)


def test_a_squatter_does_not_keep_a_registered_team_from_its_name(host):
    bounty = host()
    bounty.submit(good(team="Ada", group="sex = 'M'"))
    register(bounty, team="ada", key=public_of(ADA))
    send(bounty, ADA)
    with pytest.raises(SubmissionError, match="like_another"):
        bounty.submit(good(team="Ada", group="age < 30"))


@pytest.mark.parametrize(
    ("team", "key", "told"),
    [
        ("eve", public_of(ADA), "belongs to 'ada'"),
        ("ada", public_of(ADA), "with this very key"),
        ("eve", public_of(HOST), "the host's key"),
        ("eve", EVE, "secret half"),
        ("eve", "ada's key", "no public key"),
        ("", public_of(EVE), "no name"),
        ("e\nve", public_of(EVE), "no name"),
    ],
)
def test_a_key_or_name_that_cannot_be_a_team_s_is_refused(host, team, key, told):
    bounty = with_teams(host())
    before = bounty.log.read()
    with pytest.raises(InputError, match=told) as caught:
        register(bounty, team=team, key=key)
    assert EVE not in str(caught.value)
    assert bounty.log.read() == before


@pytest.mark.parametrize(
    "key",
    [
        "01" + 62 * "0",
        64 * "0",
        62 * "0" + "80",
        "ec" + 60 * "f" + "7f",
        "ee" + 60 * "f" + "7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    ],
)
def test_a_key_for_which_anybody_can_sign_is_refused(host, key):
    with pytest.raises(InputError, match="anybody can sign"):
        register(host(), team="ada", key=key)


def test_a_revocation_needs_a_reason(host):
    bounty = with_teams(host())
    with pytest.raises(InputError, match="needs a reason"):
        revoke(bounty, team="ada", reason=" ")


def test_a_lost_key_is_replaced_and_what_it_signed_before_stays(host):
    bounty = with_teams(host(registration=True))
    key = send(bounty, ADA)
    register(bounty, team="ada", key=public_of(EVE))
    with pytest.raises(SubmissionError, match=r"\[revoked\]"):
        send(bounty, ADA, group="age > 70")
    send(bounty, EVE, group="age > 70")
    assert key in bounty.state.pending
    for team in ("ada", "dora"):
        with pytest.raises(InputError, match="revoked or replaced"):
            register(bounty, team=team, key=public_of(ADA))
    assert verify(bounty).proven


def test_a_revoked_key_signs_nothing_until_there_is_a_new_one(host):
    bounty = with_teams(host(registration=True))
    send(bounty, ADA)
    revoke(bounty, team="ada", reason="a laptop was stolen")
    with pytest.raises(SubmissionError, match=r"\[revoked\]"):
        send(bounty, ADA, group="age > 70")
    with pytest.raises(SubmissionError, match="ask the host to register a new one"):
        send(bounty, EVE, group="age > 70")
    with pytest.raises(InputError, match="has no key"):
        revoke(bounty, team="ada", reason="again")
    with pytest.raises(InputError, match=r"Unknown team 'adda'.*'ada'"):
        revoke(bounty, team="adda", reason="?")
    register(bounty, team="ada", key=public_of(EVE))
    send(bounty, EVE, group="age > 70")
    assert verify(bounty).proven


def test_the_host_s_words_need_the_host_s_key(host, monkeypatch):
    bounty = with_teams(host(registration=True))
    send(bounty, ADA)
    for secret, told in ((None, f"Set {HOST_KEY}"), (EVE, "another key than this bounty")):
        monkeypatch.setenv(HOST_KEY, secret) if secret else monkeypatch.delenv(HOST_KEY)
        before = bounty.log.read()
        for act in (
            lambda: register(bounty, team="eve", key=public_of(EVE)),
            lambda: revoke(bounty, team="ada", reason="-"),
            lambda: set_phase(bounty, "closed"),
            bounty.close_epoch,
        ):
            with pytest.raises(InputError, match=told):
                act()
        assert bounty.log.read() == before
        assert bounty.account().blocks_left == 2


def test_no_secret_reaches_a_file_or_a_message(host, monkeypatch):
    bounty = with_teams(host(registration=True))
    send(bounty, ADA)
    for path in bounty.folder.rglob("*"):
        held = path.read_bytes() if path.is_file() else b""
        assert not any(
            secret.removeprefix("secret-").encode() in held for secret in (HOST, ADA, BOB)
        )
    for wrong in (HOST[:-1], HOST.removeprefix("secret-"), "secret-" + "g" * 64):
        monkeypatch.setenv(HOST_KEY, wrong)
        with pytest.raises(InputError, match="is no secret key") as caught:
            set_phase(bounty, "closed")
        assert wrong not in str(caught.value)


def test_without_keys_everything_works_and_says_that_nobody_signed(bounty):
    bounty.submit(good())
    bounty.close_epoch()
    found = verify(bounty)
    assert found.proven
    kept = bounty.status().keeping
    assert (kept.host, kept.signed, kept.events) == (None, 0, 4)
    assert [(one.name, one.host) for one in found.custody.authors] == [(None, False)]


def test_a_quota_counts_promises_and_what_was_withdrawn_and_begins_anew_with_the_epoch(host):
    bounty = with_teams(host(registration=True, quota=3))
    kept = good(nonce="kept")
    promise(bounty, ADA, kept)
    first = send(bounty, ADA, group="age > 70")
    withdraw(bounty, first, signature=said(bounty, ADA, "withdrawn", "ada", first))
    promise(bounty, ADA, good(nonce="never sent"))
    for more in (lambda: send(bounty, ADA, group="age > 75"), lambda: promise(bounty, ADA, b"x")):
        with pytest.raises(SubmissionError, match=r"\[quota\].*3 in this epoch"):
            more()
    # What was promised is counted already.
    send(bounty, ADA, data=kept)
    send(bounty, BOB, team="bob", group="age > 60")
    bounty.close_epoch()
    send(bounty, ADA, group="age > 75")
    assert verify(bounty).proven


def test_promises_saved_up_over_epochs_do_not_flood_one(host):
    bounty = with_teams(host(registration=True, quota=2))
    groups = [f"age > {limit}" for limit in (50, 55, 60, 65)]
    saved = [good(group=group) for group in groups]
    promise(bounty, ADA, saved[0])
    promise(bounty, ADA, saved[1])
    send(bounty, BOB, team="bob", group="sex = 'F'")
    bounty.close_epoch()
    promise(bounty, ADA, saved[2])
    send(bounty, ADA, data=saved[0])
    for data in saved[1:2]:
        with pytest.raises(SubmissionError, match=r"\[quota\]"):
            send(bounty, ADA, data=data)
    send(bounty, ADA, data=saved[2])


def test_a_quota_without_registration_is_refused():
    with pytest.raises(InputError, match="takes another name"):
        Terms(quota=3)
    with pytest.raises(InputError, match="from 1 to"):
        Terms(quota=0, registration=True)


def test_only_what_was_promised_before_is_taken_when_others_can_be_read(host):
    bounty = host(commitments=True)
    mine, late = good(nonce="1"), good(team="bob", group="age > 60", nonce="2")
    with pytest.raises(SubmissionError, match=r"\[committing\]"):
        bounty.submit(mine)
    assert bounty.check(mine).improvement > 0
    key = hashlib.sha256(mine).hexdigest()
    bounty.commit(team="ada", key=key)
    set_phase(bounty, "revealing", deadline="until Friday")
    with pytest.raises(SubmissionError, match=r"\[not_promised\].*until Friday"):
        bounty.submit(late)
    with pytest.raises(SubmissionError, match=r"\[revealing\]"):
        bounty.commit(team="bob", key=hashlib.sha256(late).hexdigest())
    bounty.submit(mine)
    # Whoever read it could promise a copy now.
    for phase in ("committing", "closed", "committing", "open"):
        if phase == "closed":
            set_phase(bounty, phase)
            with pytest.raises(SubmissionError, match=r"\[closed\]"):
                bounty.submit(late)
            continue
        with pytest.raises(InputError, match=r"Close the epoch|never open"):
            set_phase(bounty, phase)
    bounty.close_epoch()
    set_phase(bounty, "committing")
    bounty.commit(team="bob", key=hashlib.sha256(late).hexdigest())
    assert verify(bounty).proven


def test_a_pending_submission_is_withdrawn_by_its_own_team_only(host):
    bounty = with_teams(host(registration=True))
    key = send(bounty, ADA)
    for secret, team, reason in ((BOB, "ada", "wrong_key"), (BOB, "bob", "wrong_key")):
        with pytest.raises(SubmissionError, match=rf"\[{reason}\]|\[forged\]"):
            withdraw(bounty, key, signature=said(bounty, secret, "withdrawn", team, key))
    with pytest.raises(SubmissionError, match="unsigned"):
        withdraw(bounty, key)
    withdraw(bounty, key, signature=said(bounty, ADA, "withdrawn", "ada", key))
    assert not bounty.state.pending
    with pytest.raises(SubmissionError, match="not_pending"):
        withdraw(bounty, key, signature=said(bounty, ADA, "withdrawn", "ada", key))
    with pytest.raises(SubmissionError, match="replayed"):
        send(bounty, ADA)
    # The pair is free again.
    send(bounty, ADA, nonce="again")
    assert verify(bounty).proven


def test_who_is_not_registered_withdraws_by_the_host_s_word(host, monkeypatch):
    bounty = host()
    key = bounty.submit(good()).key
    monkeypatch.delenv(HOST_KEY)
    with pytest.raises(InputError, match="only the host"):
        withdraw(bounty, key)
    monkeypatch.setenv(HOST_KEY, HOST)
    withdraw(bounty, key)
    assert verify(bounty).proven


def test_a_rolled_back_pair_may_return(bounty):
    key = bounty.submit(good()).key
    bounty.close_epoch()
    with pytest.raises(SubmissionError, match="duplicate"):
        bounty.submit(good(nonce="again"))
    bounty.roll_back(key, reason="its team asked for it")
    bounty.submit(good(nonce="again"))
    assert [one.accepted for one in bounty.close_epoch()] == [True]
    assert verify(bounty).proven


def fail_by(code):
    def failing(*_):
        raise SubmissionError(code, "")

    return failing


def failed_by(bounty, monkeypatch, code, secret=ADA):
    from evenhand.bounty.judging import block

    key = send(bounty, secret) if secret else bounty.submit(good()).key
    with monkeypatch.context() as patch:
        patch.setattr(block, "_answering", lambda *_: fail_by(code))
        assert [one.failure for one in bounty.close_epoch()] == [code]
    return key


@pytest.mark.parametrize("code", ["timeout", "out_of_memory", "crashed"])
def test_a_failure_of_the_hour_is_tested_again_once_and_free_of_quota(host, monkeypatch, code):
    bounty = with_teams(host(registration=True, quota=1))
    key = failed_by(bounty, monkeypatch, code)
    send(bounty, ADA, group="age > 76")
    kept = bounty.status().keeping
    assert [(one.submission, one.team, one.failure) for one in kept.appealable] == [
        (key, "ada", code)
    ]
    assert [one.team for one in kept.waiting] == ["ada"]
    assert any("may be tested once more" in line for line in keeping(kept, bounty.head))
    reason = "the machine was busy"
    signature = said(bounty, ADA, "appealed", "ada", key, reason)
    with pytest.raises(InputError, match="needs a reason"):
        appeal(bounty, key, reason=" ", signature=signature)
    with pytest.raises(SubmissionError, match="forged"):
        appeal(bounty, key, reason="another", signature=signature)
    appeal(bounty, key, reason=reason, signature=signature)
    with pytest.raises(SubmissionError, match="once is all"):
        appeal(bounty, key, reason=reason, signature=signature)
    assert not bounty.status().keeping.appealable
    assert {one.key: one.accepted for one in bounty.close_epoch()}[key]
    assert verify(bounty).proven


def test_what_failed_otherwise_or_was_refused_has_no_appeal(host, monkeypatch):
    bounty = host()
    key = failed_by(bounty, monkeypatch, "wrong_classes", secret=None)
    with pytest.raises(SubmissionError, match=r"no_appeal.*wrong_classes"):
        appeal(bounty, key, reason="why?")
    other = bounty.submit(good(group="sex = 'M'")).key
    with pytest.raises(SubmissionError, match=r"no_appeal.*did not fail"):
        appeal(bounty, other, reason="why?")
    with pytest.raises(SubmissionError, match="unknown"):
        appeal(bounty, "0" * 64, reason="why?")


def test_who_is_not_registered_appeals_by_the_host_s_word(host, monkeypatch):
    bounty = host()
    key = failed_by(bounty, monkeypatch, "timeout", secret=None)
    with monkeypatch.context() as patch:
        patch.delenv(HOST_KEY)
        with pytest.raises(InputError, match="only the host"):
            appeal(bounty, key, reason="the machine was busy")
    appeal(bounty, key, reason="the machine was busy")
    assert bounty.state.pending == (key,)


def test_a_pair_that_somebody_else_sent_meanwhile_is_not_tested_twice(host, monkeypatch):
    bounty = host()
    key = failed_by(bounty, monkeypatch, "timeout", secret=None)
    bounty.submit(good(team="bob"))
    with pytest.raises(SubmissionError, match="duplicate"):
        appeal(bounty, key, reason="the machine was busy")


def test_a_word_is_carried_in_a_file_and_read_for_its_own_bounty_and_purpose(
    host, tmp_path, monkeypatch
):
    bounty = with_teams(host(registration=True))
    monkeypatch.setenv("EVENHAND_TEAM_KEY", ADA)
    home = bounty.state.roster.bounty
    word = sign_word(bounty=home, word="committed", team="ada", key="a" * 64)
    path = tmp_path / "word.json"
    path.write_text(word.to_json())
    assert read_word(path, bounty=home, word="committed") == word
    for asked, told in (
        ({"bounty": "b" * 64, "word": "committed"}, "in the bounty"),
        ({"bounty": home, "word": "withdrawn"}, "says 'committed'"),
    ):
        with pytest.raises(InputError, match=told):
            read_word(path, **asked)
    for data in (b"", b"\xff", b"[" * 9_000, b'{"schema":"evenhand.signed_word/1"}'):
        path.write_bytes(data)
        with pytest.raises(InputError, match="no signed word"):
            read_word(path, bounty=home, word="committed")
    monkeypatch.delenv("EVENHAND_TEAM_KEY")
    with pytest.raises(InputError, match="no EVENHAND_TEAM_KEY"):
        sign_word(bounty=home, word="committed", team="ada", key="a" * 64)


@pytest.mark.parametrize("name", ["\u3164", "\u3164\u115f", " ", "\x1b[31mada", "a" * 501])
def test_a_name_that_cannot_be_seen_is_none(host, name):
    bounty = host()
    with pytest.raises(InputError, match="no name for a team"):
        register(bounty, team=name, key=public_of(EVE))
    with pytest.raises(InputError, match="no name for a team"):
        bounty.commit(team=name, key="a" * 64)
    with pytest.raises(SubmissionError, match="damaged"):
        bounty.submit(good(team=name))


def test_texts_of_the_host_can_be_printed(host):
    bounty = with_teams(host())
    for act in (
        lambda: set_phase(bounty, "closed", deadline="\x1b[2J"),
        lambda: revoke(bounty, team="ada", reason="a\nb"),
    ):
        with pytest.raises(InputError, match="can be printed"):
            act()


def test_an_appeal_does_not_keep_the_next_promises_waiting(host, monkeypatch):
    bounty = host(commitments=True)
    data = good()
    bounty.commit(team="ada", key=hashlib.sha256(data).hexdigest())
    set_phase(bounty, "revealing")
    key = failed_by(bounty, monkeypatch, "timeout", secret=None)
    appeal(bounty, key, reason="the machine was busy")
    set_phase(bounty, "committing")
    assert bounty.state.pending == (key,)
    assert verify(bounty).proven


@pytest.mark.parametrize("terms", [{}, {"registration": True, "quota": 3}, {"commitments": True}])
@pytest.mark.parametrize("seed", range(3))
def test_whatever_the_desk_takes_is_in_order_for_an_outsider(host, seed, terms):
    """Teams and host do what comes to their minds; what is not refused is a log without a fault."""
    from evenhand.bounty.custody import read_custody

    rng = random.Random(seed)
    bounty = host(**terms)
    secrets = [f"secret-{number:064x}" for number in range(1, 6)]
    written, refused = 0, set()

    def data():
        return good(
            team=rng.choice(TEAMS), group=f"age > {rng.randint(20, 70)}", nonce=rng.choice("ab")
        )

    drafts = [data() for _ in range(12)]

    def key_of(draft):
        return hashlib.sha256(draft).hexdigest()

    def sent():
        return rng.choice([*bounty.state.submitted, "0" * 64])

    def signed(word, team, key, text=""):
        held = [None, *secrets] if bounty.state.roster.keys else [None, None, secrets[0]]
        secret = rng.choice(held)
        return None if secret is None else said(bounty, secret, word, team, key, text)

    def send_draft():
        draft = rng.choice(drafts)
        team = read_submission(draft, bounty.task).team
        bounty.submit(draft, signature=signed("submitted", team, key_of(draft)))

    def promise_draft():
        draft = rng.choice(drafts)
        team = read_submission(draft, bounty.task).team
        bounty.commit(
            team=team, key=key_of(draft), signature=signed("committed", team, key_of(draft))
        )

    def withdraw_one():
        key = sent()
        team = bounty.state.submitted[key].team if key in bounty.state.submitted else "ada"
        withdraw(bounty, key, signature=signed("withdrawn", team, key))

    acts = [
        *[send_draft] * 6,
        *[promise_draft] * 3,
        withdraw_one,
        lambda: register(bounty, team=rng.choice(TEAMS), key=public_of(rng.choice(secrets))),
        lambda: revoke(bounty, team=rng.choice(TEAMS), reason="-"),
        lambda: set_phase(bounty, rng.choice(["open", "committing", "revealing", "closed"])),
        lambda: set_phase(bounty, rng.choice(["open", "revealing"])),
        lambda: appeal(bounty, sent(), reason="late", signature=signed("appealed", "ada", "")),
    ]
    for number in range(250):
        try:
            (bounty.close_epoch if number == 120 else rng.choice(acts))()
            written += 1
        except InputError as error:
            refused.add(getattr(error, "reason", type(error).__name__))
    found = read_custody(bounty.log.read())
    assert found.whole, found.problems
    assert verify(bounty).proven
    assert written > 15
    assert len(refused) > 5
    quota = terms.get("quota")
    assert quota is None or all(len(used) <= quota for used in bounty.state.roster.used.values())


TEAMS = ["ada", "Ada", "bob", "eve"]

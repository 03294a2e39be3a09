"""A card that was changed is found out, at the place; a card that holds, holds."""

import hashlib
import json
import shlex

import pyarrow.csv as pacsv
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.cards.worlds import METRIC, audited, calls, carded, edited
from tests.commands import run_command

import evenhand
from evenhand.cards.sealing import read_public_key, sealed_text
from evenhand.cards.verification import verify_card
from evenhand.cli.asking_again import ask_again
from evenhand.errors import InputError
from evenhand.results.canonical import canonical_json, number_text


def written_key(path, mode=0o600, password=None):
    key = Ed25519PrivateKey.generate()
    lock = (
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption()
    )
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
    )
    path.chmod(mode)
    public = path.with_suffix(".pub")
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return path, public


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("verify")
    audited(folder)
    search = f"evenhand slices calls.csv --metric '{METRIC}' --features site,sex"
    found = run_command(*shlex.split(search)[1:], "--json", cwd=folder)
    (folder / "slices.json").write_text(found.stdout)
    key, public = written_key(folder / "key.pem")
    card, path = carded(folder, results=["calls.audit.json", "slices.json"], key=key)
    return folder, card, path, public


def states(found):
    out = {}
    for check in found.checks:
        out.setdefault(check.name, set()).add(check.state)
    return out


def test_a_card_holds_with_its_key_its_files_and_its_data(world):
    folder, _, path, public = world
    found = verify_card(
        path, public_key=read_public_key(public), data=[folder / "calls.csv"], ask=ask_again
    )
    assert found.holds
    assert found.discrepancies == ()
    assert {state for one in states(found).values() for state in one} == {"holds"}


def test_the_digest_is_that_of_rfc_8785(world):
    _, card, path, _ = world
    plain = json.loads(path.read_text())
    text = sealed_text(plain)
    assert hashlib.sha256(text).hexdigest() == card.content_sha256
    # Spaces and the order of names say nothing.
    turned = json.loads(json.dumps(dict(reversed(plain.items())), indent=3))
    assert sealed_text(turned) == text


# RFC 8785, appendix B, and section 3.2.3.
@pytest.mark.parametrize(
    ("bits", "text"),
    [
        ("0000000000000000", "0"), ("8000000000000000", "0"), ("0000000000000001", "5e-324"),
        ("8000000000000001", "-5e-324"), ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"), ("c340000000000000", "-9007199254740992"),
        ("4430000000000000", "295147905179352830000"), ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"), ("44b52d02c7e14af7", "1.0000000000000001e+23"),
        ("444b1ae4d6e2ef4e", "999999999999999700000"), ("444b1ae4d6e2ef4f", "999999999999999900000"),
        ("444b1ae4d6e2ef50", "1e+21"), ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("3eb0c6f7a0b5ed8d", "0.000001"), ("41b3de4355555553", "333333333.3333332"),
        ("41b3de4355555554", "333333333.33333325"), ("41b3de4355555555", "333333333.3333333"),
        ("becbf647612f3696", "-0.0000033333333333333333"), ("43143ff3c1cb0959", "1424953923781206.2"),
    ],
)  # fmt: skip
def test_numbers_are_written_as_the_rfc_has_them(bits, text):
    import struct

    assert number_text(struct.unpack(">d", bytes.fromhex(bits))[0]) == text


def test_names_are_sorted_and_text_is_escaped_as_the_rfc_has_it():
    plain = {
        "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One", "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"): "Emoji: Grinning Face",
        "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis",
    }  # fmt: skip
    found = json.loads(canonical_json(plain), object_pairs_hook=lambda pairs: [v for _, v in pairs])
    assert found == [
        "Carriage Return", "One", "Control", "Latin Small Letter O With Diaeresis", "Euro Sign",
        "Emoji: Grinning Face", "Hebrew Letter Dalet With Dagesh",
    ]  # fmt: skip
    assert (
        canonical_json('\u20ac$\u000f\nA\'B"\\\\"/') == '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'.encode()
    )


def test_whole_numbers_that_others_cannot_hold_are_refused():
    with pytest.raises(InputError, match=r"the text\.a is 9007199254740993, but whole numbers"):
        canonical_json({"a": 2**53 + 1})


def test_a_number_that_was_edited_by_hand_is_named_with_its_place(world):
    folder, _, path, _ = world

    def change(plain):
        plain["audits"][0]["groups"][0]["estimate"]["value"] = 0.01

    other = edited(path, change)
    found = verify_card(other)
    assert not found.holds
    told = {(one.place, one.says): one for one in found.discrepancies}
    place = "audits[0].groups[0].estimate.value"
    assert told[place, "its own sums"].stands == "0.01"
    assert (place, str(folder / "calls.audit.json")) in told
    assert states(found)["digest"] == states(found)["signature"] == {"fails"}


def test_an_edited_number_whose_seal_was_made_anew_is_found_by_the_data(world, tmp_path):
    folder, _, path, _ = world

    def change(plain):
        contrast = plain["audits"][0]["groups"][0]["versus"]
        contrast["p_adjusted"] = 0.9
        plain["signature"] = None
        plain["content_sha256"] = hashlib.sha256(sealed_text(plain)).hexdigest()

    moved = tmp_path / "card.json"
    moved.write_text(edited(path, change).read_text())
    assert verify_card(moved).holds
    found = verify_card(moved, data=[folder / "calls.csv"], ask=ask_again)
    assert not found.holds
    (one,) = found.discrepancies
    assert one.place == "audits[0].groups[0].versus.p_adjusted"
    assert one.stands == "0.9"
    assert one.should != one.stands


def test_an_edited_worst_group_does_not_follow_from_the_results(world, tmp_path):
    _, _, path, _ = world

    def change(plain):
        plain["worst"][0]["value"] = 0.01
        plain["content_sha256"] = hashlib.sha256(sealed_text(plain)).hexdigest()

    moved = tmp_path / "card.json"
    moved.write_text(edited(path, change).read_text())
    found = verify_card(moved)
    assert [one.place for one in found.discrepancies] == ["worst[0].value"]


def test_a_table_that_was_changed_is_told(world, tmp_path):
    _, _, path, _ = world
    other = tmp_path / "calls.csv"
    audited(tmp_path, table=calls(9))
    found = verify_card(path, data=[other], ask=ask_again)
    assert not found.holds
    assert "no result on the card rests on it" in next(
        c.sentence for c in found.checks if c.state == "fails"
    )


def test_a_table_too_many_makes_no_card_false(world, tmp_path):
    folder, _, path, _ = world
    other = tmp_path / "other.csv"
    pacsv.write_csv(calls(9), other)
    ended = run_command(
        "card", "verify", path, "--data", folder / "calls.csv", "other.csv", cwd=tmp_path
    )
    said = " ".join(ended.stdout.split())
    assert ended.returncode == 3
    assert "NOT what it claims" not in said
    assert "1 file that was given belongs to no result" in said
    assert "other.csv belongs to no result" in said
    assert run_command("card", "verify", path, "--data", folder / "calls.csv").returncode == 0


def test_another_key_is_not_the_one_that_was_named(world, tmp_path):
    _, _, path, _ = world
    _, public = written_key(tmp_path / "other.pem")
    found = verify_card(path, public_key=read_public_key(public))
    assert states(found)["signature"] == {"fails"}
    assert states(verify_card(path))["signature"] == {"not checked"}


def test_an_unsigned_card_is_not_signed_by_the_key_that_was_named(tmp_path):
    audited(tmp_path)
    _, path = carded(tmp_path)
    assert states(verify_card(path))["signature"] == {"not checked"}
    assert states(verify_card(path, public_key="0" * 64))["signature"] == {"fails"}


def test_a_card_of_next_year_is_read_by_nobody_today(world):
    _, _, path, _ = world
    other = edited(path, lambda plain: plain.update(schema="evenhand.card/2"))
    with pytest.raises(
        InputError,
        match=r"'evenhand\.card/2', but this version reads 'evenhand\.card/1'.*newer version",
    ):
        verify_card(other)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda plain: plain["audits"][0].update(level=95), r"audits\[0\]\.level|level is 95"),
        (lambda plain: plain.pop("worst"), r"lacks its field 'worst'"),
        (lambda plain: plain.update(wurst=[]), r"a field 'wurst'.*Did you mean 'worst'"),
        (
            lambda plain: plain["evidence"][0].update(number=7),
            r"evidence names audits\[7\] 1 time, but the card holds 1 result",
        ),
        (
            lambda plain: plain["evidence"].pop(),
            r"evidence does not tell where slices\[0\] came from",
        ),
        (
            lambda plain: plain["audits"][0]["groups"][1].update(by=[]),
            r"audits\[0\]: groups\[1\]\.by is empty",
        ),
        (
            lambda plain: plain["worst"][0].update(audit=-1),
            r"worst\[0\]\.audit is -1, but the card holds 1 audit",
        ),
    ],
)
def test_what_is_no_card_is_refused_at_its_place(world, change, message):
    _, _, path, _ = world
    with pytest.raises(InputError, match=message):
        verify_card(edited(path, change))


@pytest.mark.parametrize("text", ["", "[]", "{", "3", '{"schema": "evenhand.audit/1"}'])
def test_other_files_are_no_cards(tmp_path, text):
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(InputError, match="evenhand card make"):
        verify_card(tmp_path / "c.json")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("rm -rf x", "only commands of audit, effects, fix and slices are asked again"),
        ("evenhand watch x.csv --state s", "only commands of"),
        ("evenhand audit x.csv --metric 'mean(a)' --by b --with secrets.csv --on b", "joins secrets.csv: give that with --data"),
        ("evenhand audit x.csv y.csv --compare --metric 'mean(a)'", "reads other files|not understood"),
        ("evenhand audit x.csv --nonsense 3", "not understood"),
        ("evenhand audit 'x.csv", "cannot be read"),
    ],
)  # fmt: skip
def test_a_command_on_a_card_reads_one_table_and_writes_nothing(world, command, message):
    folder, *_ = world
    before = sorted(folder.iterdir())
    with pytest.raises(InputError, match=message):
        ask_again(command, folder / "calls.csv")
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda audit: audit["metric"].update(name="recall"), "audits[0].metric.name"),
        (lambda audit: audit["source"].update(rows=7_214_000), "audits[0].source.rows"),
        (lambda audit: audit.update(notes=[*audit["notes"], {"code": "x", "text": "All is well."}]),
         "audits[0].notes"),
    ],
)  # fmt: skip
def test_what_numbers_mean_is_asked_again_too(tmp_path, change, place):
    _, path = carded_with(tmp_path, change)
    found = verify_card(path, data=[tmp_path / "calls.csv"], ask=ask_again)
    assert not found.holds
    assert place in {one.place for one in found.discrepancies}


def carded_with(folder, change):
    """A card of an audit that somebody changed before it was made."""
    audited(folder)
    audit = json.loads((folder / "calls.audit.json").read_text())
    change(audit)
    (folder / "calls.audit.json").write_text(json.dumps(audit))
    return carded(folder, results=["calls.audit.json"])


def test_a_command_that_is_not_asked_again_leaves_the_card_open(tmp_path):
    def change(audit):
        audit["settings"]["command"] += " --with more.csv --on id"

    _, path = carded_with(tmp_path, change)
    ended = run_command("card", "verify", path, "--data", tmp_path / "calls.csv")
    assert ended.returncode == 3
    assert "numbers of 1 result were NOT computed again" in " ".join(ended.stdout.split())


def test_files_that_a_command_would_write_are_not_written(world, tmp_path):
    folder, *_ = world
    page, cube = tmp_path / "stolen.html", tmp_path / "stolen.cube"
    command = (
        f"evenhand audit x.csv --metric '{METRIC}' --by site --html {page} --csv --cube {cube}"
    )
    (found,) = ask_again(command, folder / "calls.csv")
    assert found.groups
    assert not page.exists()
    assert not cube.exists()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: written_key(path, 0o644), r"may be read by others \(its rights are 0644\)"),
        (lambda path: written_key(path, password=b"geheim"), "is locked with a password"),
        (lambda path: (path.write_text("hello"), path.chmod(0o600)), "is no private key in PEM"),
        (lambda path: None, "cannot be read"),
    ],
)
def test_a_key_that_cannot_sign_is_refused_and_never_quoted(tmp_path, make, message):
    audited(tmp_path)
    make(tmp_path / "k.pem")
    with pytest.raises(InputError, match=message) as told:
        carded(tmp_path, key=tmp_path / "k.pem")
    assert "BEGIN" not in str(told.value)
    assert told.value.__cause__ is None or isinstance(told.value.__cause__, OSError)


def test_a_private_key_is_no_public_one(tmp_path):
    key, _ = written_key(tmp_path / "k.pem")
    with pytest.raises(InputError, match="holds a private key, which nobody should be given"):
        read_public_key(key)


def test_the_command_line_says_what_became_of_a_card(world, tmp_path):
    folder, _, path, public = world
    good = run_command("card", "verify", path.name, "--public-key", public.name, "--data", "calls.csv", cwd=folder)  # fmt: skip
    assert good.returncode == 0, good.stderr
    assert "nothing that could be checked is wrong" in good.stdout

    def change(plain):
        plain["audits"][0]["groups"][0]["estimate"]["value"] = 0.01

    bad = run_command("card", "verify", edited(path, change).name, cwd=folder)
    assert bad.returncode == 1
    assert "NOT what it claims" in bad.stdout
    assert "audits[0].groups[0].estimate.value is 0.01" in " ".join(bad.stdout.split())


def test_every_card_satisfies_the_published_schema(world):
    from jsonschema import Draft202012Validator

    _, _, path, _ = world
    schema = json.loads(run_command("card", "schema").stdout)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    plain = json.loads(path.read_text())
    assert list(validator.iter_errors(plain)) == []
    plain["audits"][0]["groups"][0]["estimate"]["value"] = "abc"
    assert [list(error.absolute_path)[:2] for error in validator.iter_errors(plain)] == [
        ["audits", 0]
    ]


def test_results_of_python_can_be_asked_again_too(tmp_path):
    import pyarrow.csv as pacsv

    pacsv.write_csv(calls(4), tmp_path / "calls.csv")
    found = evenhand.audit(str(tmp_path / "calls.csv"), METRIC, by=["site", "sex"], tolerance=0.02)
    (tmp_path / "calls.audit.json").write_text(found.to_json())
    _, path = carded(tmp_path)
    checked = verify_card(path, data=[tmp_path / "calls.csv"], ask=ask_again)
    assert checked.holds
    assert states(checked)["data"] == {"holds"}


def test_a_broken_result_beside_the_card_is_told_and_the_rest_is_checked(tmp_path):
    audited(tmp_path)
    _, path = carded(tmp_path)
    (tmp_path / "calls.audit.json").write_text("{")
    found = verify_card(path)
    assert states(found)["files"] == {"fails"}
    assert states(found)["digest"] == states(found)["derived"] == {"holds"}


def test_results_that_contradict_each_other_fail_and_stop_nothing(tmp_path):
    audited(tmp_path)
    audited(tmp_path, "again", calls(1))
    _, path = carded(tmp_path, results=["calls.audit.json", "again.audit.json"])

    def change(plain):
        estimate = plain["audits"][1]["groups"][0]["estimate"]
        estimate["numerator"] -= 1
        estimate["value"] = estimate["numerator"] / estimate["denominator"]

    found = verify_card(edited(path, change))
    assert states(found)["derived"] == {"fails"}
    assert any("contradict each other" in check.sentence for check in found.checks)


def test_several_files_are_asked_again_as_one_table(tmp_path):
    rows = calls(3)
    for name, part in (("day-1.csv", rows.slice(0, 200)), ("day-2.csv", rows.slice(200))):
        pacsv.write_csv(part, tmp_path / name)
    command = f"evenhand audit 'day-*.csv' --metric '{METRIC}' --by site"
    found = run_command(*shlex.split(command)[1:], "--json", cwd=tmp_path)
    (tmp_path / "calls.audit.json").write_text(found.stdout)
    _, path = carded(tmp_path, results=["calls.audit.json"])
    days = [tmp_path / "day-1.csv", tmp_path / "day-2.csv"]
    whole = verify_card(path, data=days[::-1], ask=ask_again)
    assert [one.state for one in whole.checks if one.name == "data"] == ["holds"]
    part = verify_card(path, data=days[:1], ask=ask_again)
    assert (part.holds, part.unasked) == (True, 1)
    assert "Give all of them with --data" in next(
        one.sentence for one in part.checks if one.name == "again"
    )


@pytest.fixture
def joined(tmp_path):
    """A card of a table to which another file is joined."""
    pacsv.write_csv(calls(3), tmp_path / "calls.csv")
    (tmp_path / "sites.csv").write_text("site,region\nnorth,up\nsouth,down\nwest,down\n")
    command = f"audit calls.csv --with sites.csv --on site --metric '{METRIC}' --by region"
    found = run_command(*shlex.split(command), "--json", cwd=tmp_path)
    (tmp_path / "calls.audit.json").write_text(found.stdout)
    return tmp_path, carded(tmp_path, results=["calls.audit.json"])[1]


def test_a_table_with_a_file_joined_to_it_is_not_taken_for_stale_and_is_asked_again(joined):
    folder, path = joined
    data = [folder / "calls.csv", folder / "sites.csv"]
    found = verify_card(path, data=data, ask=ask_again)
    assert [one.state for one in found.checks if one.name == "data"] == ["holds"]
    alone = verify_card(path, data=data[:1], ask=ask_again)
    assert (alone.holds, alone.unasked) == (True, 1)
    assert "and sites.csv, which its command joins to it" in next(
        one.sentence for one in alone.checks if one.name == "again"
    )


def test_a_rate_of_a_rule_is_its_sums_divided(tmp_path):
    audited(tmp_path)
    (tmp_path / "policy.toml").write_text(
        f'[[rule]]\nname = "few"\ntable = "calls.csv"\nmetric = "{METRIC}"\nby = "site"\nmaximum = 0.9\n'
    )
    told = run_command("check", "policy.toml", "--json", cwd=tmp_path).stdout
    (tmp_path / "check.json").write_text(told)
    _, path = carded(tmp_path, results=["calls.audit.json", "check.json"])
    assert verify_card(path).holds

    def change(plain):
        plain["gates"][0]["rules"][0]["checks"][0]["value"] = 0.01

    found = verify_card(edited(path, change))
    assert "gates[0].rules[0].checks[0].value" in {one.place for one in found.discrepancies}


def test_a_joined_file_that_was_changed_is_found(joined):
    folder, path = joined
    (folder / "sites.csv").write_text("site,region\nnorth,down\nsouth,down\nwest,up\n")
    found = verify_card(path, data=[folder / "calls.csv", folder / "sites.csv"], ask=ask_again)
    assert not found.holds
    with pytest.raises(InputError, match=r"together have .* the result is stale"):
        carded(folder, results=["calls.audit.json"])

"""Cards are made of what people wrote and of results; what is missing is missing, what is wrong is told."""

import json
import re

import pytest
from tests.cards.worlds import METRIC, audited, calls, carded

import evenhand
from evenhand.cards.given import repeated
from evenhand.cards.markdown import render_markdown
from evenhand.cards.parts import PARTS
from evenhand.cards.words import absent_sentence, worst_sentence
from evenhand.errors import InputError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("cards")
    audited(place)
    return place


def wrong(folder, text, message, name="bad.toml"):
    (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        evenhand.make_card(folder / name)


def test_the_same_words_and_results_give_the_same_bytes(folder):
    assert carded(folder)[0].to_json() == carded(folder)[0].to_json()


def test_a_card_comes_back_from_its_json(folder):
    card, _ = carded(folder)
    assert evenhand.Card.from_json(card.to_json()) == card


def test_a_table_that_nobody_described_is_named_beside_those_that_are(tmp_path):
    audited(tmp_path)
    audited(tmp_path, "more", calls(2))
    said = '[[data]]\ntable = "more.csv"\ndescription = "Calls of May."\n'
    both = ["calls.audit.json", "more.audit.json"]
    card, _ = carded(tmp_path, results=both, more=said)
    told = absent_sentence(card)
    assert "Data that results rest on (of calls.csv);" in told
    assert "How labels came about;" in told
    card, _ = carded(tmp_path, results=both)
    assert "Data that results rest on;" in absent_sentence(card)


def test_a_headline_says_of_how_many_and_how_sure(folder):
    card, _ = carded(folder)
    one = next(one for one in card.worst if not one.crossed)
    told = worst_sentence(card, one)
    between = f"({100 * one.low:.1f} to {100 * one.high:.1f} %; {one.n_units} rows), "
    assert between in told.replace("\xa0", " ")


def test_the_worst_groups_are_those_of_the_audit(folder):
    card, _ = carded(folder)
    groups = card.audits[0].groups
    for crossed in (False, True):
        own = [g for g in groups if (len(g.by) > 1) is crossed and g.estimate.low is not None]
        worst = max(own, key=lambda g: g.estimate.value)
        (told,) = (w for w in card.worst if w.crossed is crossed and w.chosen == "worst value")
        assert (told.predicate, told.value) == (worst.predicate, worst.estimate.value)
        assert (told.low, told.high) == (worst.estimate.low, worst.estimate.high)


def test_where_lower_is_worse_the_worst_is_the_lowest(tmp_path):
    found = audited(tmp_path, worse="lower")
    card, _ = carded(tmp_path)
    lowest = min(g.estimate.value for g in found.groups if len(g.by) == 1)
    assert card.worst[0].value == lowest


def test_a_group_that_is_only_worst_by_chance_stands_above_the_worst_proven_one(tmp_path):
    few = calls(3, 900).to_pylist()
    few += [
        {"id": 1000 + i, "site": "rare", "sex": "f", "wrong": i % 3 != 0, "zero": 0}
        for i in range(6)
    ]
    import pyarrow as pa

    table = pa.table({k: [int(r[k]) if k == "wrong" else r[k] for r in few] for k in few[0]})
    audited(tmp_path, table=table, by="site")
    card, _ = carded(tmp_path)
    assert [(w.chosen, w.group["site"]) for w in card.worst] == [
        ("worst value", "rare"),
        ("worst proven", "west"),
    ]
    assert "Of the groups that are proven worse" in card.to_html()


def test_every_result_tells_where_it_came_from(folder):
    card, _ = carded(folder)
    (one,) = card.evidence
    data = (folder / "calls.csv").read_bytes()
    import hashlib

    assert one.data_sha256 == hashlib.sha256(data).hexdigest()
    assert one.file_sha256 == hashlib.sha256((folder / "calls.audit.json").read_bytes()).hexdigest()
    assert one.version == evenhand.__version__
    assert one.repeat == f"evenhand audit your-table.csv --metric '{METRIC}' --by site,sex"


def test_what_nobody_told_is_shown_as_missing(folder):
    card, _ = carded(folder)
    missing = {part.name for part in card.parts if not part.told}
    assert {"explainability", "robustness", "governance", "labels"} <= missing
    assert not {"fairness", "uses", "risks", "operating_point"} & missing
    assert "Not told, of 29 parts" in card.to_html()


def test_a_card_without_results_says_that_nothing_is_known(tmp_path):
    (tmp_path / "c.toml").write_text(
        '[service]\nname="a"\nversion="1"\nprovider="p"\napplies_to=2026-01-01\ncontact="c"\n'
    )
    card = evenhand.make_card(tmp_path / "c.toml")
    assert "nothing is known of any group" in str(card)
    assert all(signal.met == 0 for signal in card.signals if signal.name == "provenance and risk")


def test_the_four_signals_count_what_their_rules_say(folder):
    said = '\n[measured]\nby = "us"\nrelation = "first party"\n[[data]]\ntable = "x/calls.csv"\nlabels = "a"\ngroups = "b"\n'
    bare = {one.name: one for one in carded(folder)[0].signals}
    full = {one.name: one for one in carded(folder, more=said)[0].signals}
    assert list(bare) == [
        "reproducibility",
        "completeness",
        "provenance and risk",
        "comparability",
    ]
    assert (bare["reproducibility"].met, bare["reproducibility"].of) == (1, 1)
    assert bare["completeness"].of == len(PARTS)
    assert full["completeness"].met == bare["completeness"].met + 2
    assert (bare["provenance and risk"].met, bare["provenance and risk"].of) == (1, 4)
    assert (full["provenance and risk"].met, full["provenance and risk"].of) == (4, 4)
    assert bare["comparability"].lacking == (
        "error_rate(label=wrong, prediction=zero): each row is taken for independent",
    )


def test_all_faults_of_a_card_toml_come_at_once_with_their_lines(folder):
    text = (
        'results = ["calls.audit.json"]\nlimitation = ["x"]\n[service]\nname = "a"\nversion = 1\n'
        'provider = "p"\napplies_to = "soon"\ncontact = "c"\n[[uses]]\nname = "u"\n'
        '[[uses]]\nrisk = ["r"]\nname = "v"\n[measured]\nrelation = "frist party"\n'
    )
    wrong(
        folder,
        text,
        r"line 2: Unknown field 'limitation'\. Did you mean 'limitations'(?s:.)*"
        r"line 5: service\.version is 1, but must be text(?s:.)*"
        r"line 7: applies_to is 'soon', but must be a day(?s:.)*"
        r"line 12: uses, number 2: Unknown field 'risk'\. Did you mean 'risks'(?s:.)*"
        r"line 15: measured\.relation: Unknown word 'frist party'\. Did you mean 'first party'",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[service", r"is not TOML"),
        ('service = "a"', r"line 1: service is 'a', but must be a table"),
        ("", r"service is missing"),
        ('[service]\nname = "a"', r"line 1: service\.version is missing"),
        ('uses = "a"\n', r"uses is 'a', but must be \[\[…\]\] tables"),
        ("out_of_scope = [1]\n", r"out_of_scope, number 1 is 1, but must be text"),
        ('[service]\nname = " "\nversion="1"\nprovider="p"\napplies_to=2026-01-01\ncontact="c"', r"line 2: service\.name is empty"),
        ('intrinsic_variation = "' + "x" * 10_001 + '"', r"has 10,001 letters, but may have at most 10,000"),
    ],
)  # fmt: skip
def test_a_bad_card_toml_is_told_at_its_place(folder, text, message):
    wrong(folder, text, message)


def test_a_metric_that_nobody_measured_gets_the_nearest_name(folder):
    text = (folder / "calls.toml").read_text() if (folder / "calls.toml").exists() else None
    text = text or carded(folder)[1].with_suffix(".toml").read_text()
    wrong(
        folder,
        text.replace('["error_rate"]', '["eror_rate"]'),
        r"names 'eror_rate', which no result measured\. Did you mean 'error_rate'\?  Measured: error_rate\(",
    )


def test_a_metric_is_found_however_it_is_written(folder):
    text = carded(folder)[1].with_suffix(".toml").read_text()
    for name in (METRIC, "error_rate(wrong, zero)", "error_rate( wrong,prediction = zero )"):
        (folder / "m.toml").write_text(text.replace('"error_rate"', json.dumps(name)))
        assert evenhand.make_card(folder / "m.toml").worst


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"no file is called 'other\.json' in .*Did you mean|no file is called 'other\.json'"),
        ("{", r"other\.json is no JSON"),
        ("{}", r"other\.json has the schema None, and a card has no place for it"),
        ('{"schema": "evenhand.audit/7"}', r"evenhand\.audit/7.*reads 'evenhand\.audit/1'\.  It was written by a newer"),
        ('{"schema": "evenhand.pool/1"}', r"'evenhand\.pool/1', and a card has no place for it"),
        ('{"schema": "evenhand.audit/1"}', r"other\.json: evenhand\.audit/1 lacks its field 'metric'"),
        ('[{"schema": "evenhand.audit/1", "level": NaN}]', r"it holds NaN, which is no number of JSON"),
    ],
)  # fmt: skip
def test_what_is_no_result_is_refused(tmp_path, content, message):
    if content is not None:
        (tmp_path / "other.json").write_text(content)
    (tmp_path / "c.toml").write_text('results = ["other.json"]\n[service]\nname="a"\nversion="1"\nprovider="p"\napplies_to=2026-01-01\ncontact="c"\n')  # fmt: skip
    with pytest.raises(InputError, match=message):
        evenhand.make_card(tmp_path / "c.toml")


def changed_audit(folder, name, **change):
    """A copy of an audit in which the first group's estimate says something else."""
    plain = json.loads((folder / "calls.audit.json").read_text())
    plain["groups"][0]["estimate"] |= change
    (folder / name).write_text(json.dumps(plain))


def test_results_that_contradict_each_other_are_refused(tmp_path):
    found = audited(tmp_path).groups[0].estimate
    above = found.numerator - 1
    changed_audit(tmp_path, "again.json", numerator=above, value=above / found.denominator)
    with pytest.raises(
        InputError,
        match=r"again\.json and calls\.audit\.json contradict each other: error_rate.* of site = 'west'",
    ):
        carded(tmp_path, results=["calls.audit.json", "again.json"])


def test_an_audit_whose_numbers_cannot_all_be_true_heads_no_card(tmp_path):
    audited(tmp_path)
    changed_audit(tmp_path, "forged.json", value=0.2)
    with pytest.raises(
        InputError, match=r"forged\.json contradicts itself: .*site = 'west'.* 0\.2"
    ):
        carded(tmp_path, results=["forged.json"])
    plain = json.loads((tmp_path / "calls.audit.json").read_text())
    plain["overall"]["value"] /= 2
    (tmp_path / "forged.json").write_text(json.dumps(plain))
    with pytest.raises(InputError, match="everybody together has the value"):
        carded(tmp_path, results=["forged.json"])


def test_results_of_a_table_that_was_changed_since_are_stale(tmp_path):
    audited(tmp_path)
    with (tmp_path / "calls.csv").open("a") as file:
        file.write("600,north,f,1,0\n")
    with pytest.raises(InputError, match=r"rests on calls|the result is stale.*\nevenhand audit"):
        carded(tmp_path)


def test_one_metric_on_two_tables_is_told(tmp_path):
    audited(tmp_path, "may", calls(1))
    audited(tmp_path, "june", calls(2))
    card, _ = carded(tmp_path, results=["may.audit.json", "june.audit.json"])
    assert [note.code for note in card.notes] == ["several_tables"]
    assert "may.csv and june.csv" in card.notes[0].text
    assert "measured on several tables" in card.signals[3].lacking[0]


def test_a_confounder_that_names_an_unmeasured_condition_is_told(folder):
    card, _ = carded(folder, more='\n[[confounders]]\nname = "rain"\ncondition = "wet"\n')
    assert [note.code for note in card.notes] == ["condition_not_measured"]


@pytest.mark.parametrize(
    ("command", "table", "own"),
    [
        ("evenhand audit a.csv --metric 'mean(x)' --by y --json", "a.csv",
         "evenhand audit your-table.csv --metric 'mean(x)' --by y"),
        ("evenhand audit --metric 'mean(x)' d/a.csv --html=o.html --note 'a b'", "d/a.csv",
         "evenhand audit --metric 'mean(x)' your-table.csv"),
        ("rm -rf /", "", ""),
        ("evenhand 'audit", "a.csv", ""),
    ],
)  # fmt: skip
def test_a_command_is_repeated_on_a_table_of_ones_own(command, table, own):
    assert repeated(command, table) == own


def test_no_secret_of_a_key_reaches_the_card(tmp_path):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    audited(tmp_path)
    private = Ed25519PrivateKey.generate()
    path = tmp_path / "key.pem"
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(pem)
    path.chmod(0o600)
    card, _ = carded(tmp_path, key=path)
    text = card.to_json()
    assert private.private_bytes_raw().hex() not in text
    assert not re.search(r"PRIVATE|key\.pem", text)
    assert card.signature.public_key == private.public_key().public_bytes_raw().hex()


def test_effects_of_columns_that_were_taken_away_explain(tmp_path):
    table = tmp_path / "calls.csv"
    audited(tmp_path)
    rows = calls(1).to_pylist()
    import pyarrow as pa
    import pyarrow.csv as pacsv

    both = [
        {**row, "wrong": int(row["wrong"] or (other and row["id"] % 3 == 0)), "condition": name}
        for other, name in enumerate(("clean", "age of others"))
        for row in rows
    ]
    pacsv.write_csv(pa.table({k: [row[k] for row in both] for k in both[0]}), tmp_path / "t.csv")
    found = evenhand.effects(str(tmp_path / "t.csv"), METRIC, "site", reference="clean", unit="id")
    (tmp_path / "columns.json").write_text(found.to_json())
    results = ["calls.audit.json", "columns.json"]
    _, path = carded(tmp_path, results=results)
    request = path.with_suffix(".toml")
    robust = evenhand.make_card(request)
    request.write_text('explanations = ["columns.json"]\n' + request.read_text())
    explained = evenhand.make_card(request)
    told = [{p.name for p in card.parts if p.measured} for card in (robust, explained)]
    assert told == [{"fairness", "robustness"}, {"fairness", "explainability"}]
    page = explained.to_html()
    at = page.index('id="explainability"')
    assert at < page.index("age of others", at) < page.index('id="robustness"')
    request.write_text(request.read_text().replace('["columns.json"]', '["colums.json"]', 1))
    with pytest.raises(
        InputError, match=r"explanations names 'colums\.json'.*Did you mean 'columns\.json'"
    ):
        evenhand.make_card(request)
    assert table.exists()


def test_a_card_tells_no_folders_outside_its_own(tmp_path):
    inner, other = tmp_path / "inner", tmp_path / "other"
    for folder in (inner, other):
        folder.mkdir()
    audited(other)
    audited(other, "again", calls(2))
    (inner / "deep").mkdir()
    (other / "again.audit.json").rename(inner / "deep" / "again.json")
    card, _ = carded(inner, results=["../other/calls.audit.json", "deep/again.json"])
    assert [one.name for one in card.evidence] == ["calls.audit.json", "deep/again.json"]
    (inner / "calls.audit.json").write_text((other / "calls.audit.json").read_text())
    with pytest.raises(InputError, match=r"two files that are called calls\.audit\.json"):
        carded(inner, results=["../other/calls.audit.json", "calls.audit.json"])


def test_a_card_tells_how_many_rows_lack_what_tells_groups_apart(tmp_path):
    table = calls(1)
    known = [None if place % 3 else site for place, site in enumerate(table["site"].to_pylist())]
    audited(tmp_path, table=table.set_column(1, "site", [known]), by="site")
    card, _ = carded(tmp_path)
    told = "400 rows lack site: shown as missing, not judged. That is 66.7 % of the rows."
    assert told in " ".join(render_markdown(card).replace("\\", "").split())
    assert told in " ".join(card.to_html().split())

"""A card that holds a repair and a check: who gains and pays, what is broken, and how far its numbers go."""

import hashlib
import json
import re
import shlex

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pytest
from tests.cards.worlds import WRITTEN, audited, carded, edited
from tests.commands import run_command

import evenhand
from evenhand.cards.changes.comparing import _OTHERS, compare_cards
from evenhand.cards.changes.words import answers
from evenhand.cards.checks import CardVerification
from evenhand.cards.exporters.catalogue import ExportOptions, export_card, left_out
from evenhand.cards.exporters.local_law_144 import LawfulColumns
from evenhand.cards.given import KINDS
from evenhand.cards.markdown import render_markdown
from evenhand.cards.sealing import sealed_text
from evenhand.cards.verification import verify_card
from evenhand.cards.words import caveats
from evenhand.cli.asking_again import ask_again
from evenhand.errors import InputError

METRIC = "false_positive_rate(label=ill, prediction=score >= 0.5)"
POLICY = """\
[[rule]]
name = "few false alarms"
table = "clinic.csv"
metric = "{metric}"
by = "sex"
maximum = {most}
hazard = "people are sent home <b>untreated</b>"
"""


def clinic(seed=1, n=3000):
    """Scores that run higher for the women who are well."""
    rng = np.random.default_rng(seed)
    sex = rng.integers(0, 2, n)
    ill = rng.random(n) < 0.3
    score = np.clip(rng.normal(0.35 + 0.3 * ill + 0.12 * sex * ~ill, 0.12), 0, 1).round(3)
    return pa.table({"sex": np.array(["m", "f"])[sex], "ill": ill.astype(int), "score": score})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A clinic, its repair, the decisions that it makes, their audit, and a check of the old ones."""
    path = tmp_path_factory.mktemp("mended")
    pacsv.write_csv(clinic(), path / "clinic.csv")
    (path / "policy.toml").write_text(POLICY.format(metric=METRIC, most=0.05))
    for command, name in (
        (f"fix clinic.csv --metric '{METRIC}' --by sex --maximum-difference 0.05 --keep repair.json", ""),
        ("fix apply repair.json clinic.csv --out decided.csv", ""),
        ("audit decided.csv --metric false_positive_rate(ill,repaired) --by sex --json", "after.json"),
        (f"audit clinic.csv --metric '{METRIC}' --by sex --json", "before.json"),
        ("check policy.toml --json", "check.json"),
    ):  # fmt: skip
        ended = run_command(*shlex.split(command), cwd=path)
        assert ended.returncode in (0, 1, 3), ended.stderr
        if name:
            (path / name).write_text(ended.stdout)
    return path


def written(results=""):
    return WRITTEN.format(results=results, version="1").replace('"error_rate"', "")


def card_of(folder, name, *results):
    (folder / f"{name}.toml").write_text(written())
    card = evenhand.make_card(folder / f"{name}.toml", [folder / one for one in results])
    (folder / f"{name}.card.json").write_text(card.to_json())
    return card, folder / f"{name}.card.json"


def resealed(path, change):
    def anew(plain):
        change(plain)
        plain["content_sha256"] = hashlib.sha256(sealed_text(plain)).hexdigest()

    return edited(path, anew)


def test_a_card_of_a_repaired_service_tells_who_pays_and_which_rule_is_broken(folder):
    card, _ = card_of(folder, "whole", "after.json", "repair.json", "check.json")
    (repair,) = card.repairs
    assert repair.payers
    told = "\n".join(caveats(card))
    assert re.search(r"Who pays for the repair in repair\.json: [fm] ", told)
    assert "check.json: 1 of 1 rule is broken: few false alarms." in told
    assert "disparate treatment" in told
    page, text = card.to_html(), render_markdown(card)
    for told in (
        "A repair: false_positive_rate by sex",
        "Repairs that were tried",
        "few false alarms",
    ):
        assert told in page
    assert "&lt;b&gt;untreated" in page
    assert "<b>untreated" not in page + text


def test_results_named_with_the_command_stand_as_those_of_the_card_toml(folder):
    (folder / "named.toml").write_text(written('"after.json"'))
    ended = run_command(
        "card", "make", "named.toml", "repair.json", "check.json", "--json", cwd=folder
    )
    plain = json.loads(ended.stdout) if ended.returncode == 0 else ended.stderr
    assert [one["name"] for one in plain["evidence"]] == ["after.json", "repair.json", "check.json"]
    twice = run_command("card", "make", "named.toml", "after.json", cwd=folder)
    assert "twice" in twice.stderr


def test_an_audit_of_rows_that_a_repair_learnt_from_is_told_to_be_too_good(folder):
    card, _ = card_of(folder, "after", "after.json", "repair.json")
    (note,) = [one for one in card.notes if one.code == "practice_rows"]
    assert "learnt from 1,800 of the 3,000 rows" in note.text
    earlier, _ = card_of(folder, "before", "before.json", "repair.json")
    assert [one.code for one in earlier.notes] == ["before_repair"]


def test_a_check_of_rows_that_a_repair_learnt_from_is_told_without_an_audit_too(folder):
    (folder / "after.toml").write_text(
        POLICY.format(metric="false_positive_rate(ill, repaired)", most=0.5).replace(
            "clinic.csv", "decided.csv"
        )
    )
    told = run_command("check", "after.toml", "--json", cwd=folder).stdout
    (folder / "after.check.json").write_text(told)
    card, _ = card_of(folder, "checked", "repair.json", "after.check.json")
    (note,) = [one for one in card.notes if one.code == "practice_rows"]
    assert "Where after.check.json counts such rows" in note.text
    assert "its rules may be kept on these alone" in note.text
    card, _ = card_of(folder, "both", "after.json", "repair.json", "after.check.json", "check.json")
    notes = {one.code: one.text for one in card.notes}
    assert "Where after.json and after.check.json count such rows" in notes["practice_rows"]
    assert notes["before_repair"].startswith("check.json rests on")


def test_a_repair_on_a_card_is_computed_again_from_its_table(folder):
    _, path = card_of(folder, "again", "after.json", "repair.json")
    data = [folder / "clinic.csv", folder / "decided.csv"]
    found = verify_card(path, data=data, ask=ask_again)
    assert [one.state for one in found.checks if one.name == "data"] == ["holds"] * 2

    def change(plain):
        plain["repairs"][0]["change"]["groups"][0]["verdict"] = "no loss"

    found = verify_card(resealed(path, change), data=data, ask=ask_again)
    assert not found.holds


def test_a_check_whose_answer_is_not_that_of_its_rules_is_refused(folder):
    _, path = card_of(folder, "gate", "after.json", "check.json")
    for change in (
        lambda plain: plain["gates"][0].update(answer="pass"),
        lambda plain: plain["gates"][0]["rules"][0].update(answer="pass"),
    ):
        found = verify_card(resealed(path, change))
        (check,) = [one for one in found.checks if one.name == "derived"]
        assert check.state == "fails"
        assert "contradicts itself" in check.sentence


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"low": 0.0, "high": 0.04}, "is not between 0 and 0.04"),
        ({"answer": "pass"}, "its answer is “pass”, but between"),
        ({"allowed": 0.9}, "where 0.9 is asked, it is “pass”"),
        ({"value": 0.2, "low": 0.19, "high": 0.21}, "was seen, but .* over"),
        (
            {"value": 0.01, "low": 0.0, "high": 0.02, "numerator": 10, "denominator": 1000}
            | {"answer": "pass"},
            r"forged\.json and before\.json contradict each other",
        ),
    ],
)
def test_a_rule_whose_numbers_cannot_be_true_stands_on_no_card(folder, change, message):
    plain = json.loads((folder / "check.json").read_text())
    (rule,) = plain["rules"]
    for check in rule["checks"]:
        check.update(change)
    rule["answer"] = plain["answer"] = rule["checks"][0]["answer"]
    (folder / "forged.json").write_text(json.dumps(plain))
    with pytest.raises(InputError, match=message):
        card_of(folder, "forged", "before.json", "forged.json")


def test_a_gap_that_its_two_groups_do_not_have_stands_on_no_card(folder):
    policy = POLICY.format(metric=METRIC, most=0.5).replace("maximum", "maximum_difference")
    (folder / "gap.toml").write_text(policy)
    plain = json.loads(run_command("check", "gap.toml", "--json", cwd=folder).stdout)
    (folder / "gap.json").write_text(json.dumps(plain))
    card_of(folder, "gap", "before.json", "gap.json")
    check = plain["rules"][0]["checks"][0]
    seen, check["value"] = check["value"], check["low"]
    (folder / "forged.json").write_text(json.dumps(plain))
    with pytest.raises(InputError, match=r"was seen, but of .* it is"):
        card_of(folder, "forged", "forged.json")
    check["value"], check["other_values"] = seen, [one + 0.1 for one in check["other_values"]]
    (folder / "forged.json").write_text(json.dumps(plain))
    with pytest.raises(InputError, match="contradict each other"):
        card_of(folder, "forged", "before.json", "forged.json")


def test_a_sealed_card_of_forged_rules_is_neither_listed_nor_exported(folder):
    _, path = card_of(folder, "listed", "before.json", "check.json")

    def change(plain):
        gate = plain["gates"][0]
        gate["answer"] = gate["rules"][0]["answer"] = "pass"
        for check in gate["rules"][0]["checks"]:
            check["answer"] = "pass"

    forged = resealed(path, change)
    ended = run_command("card", "index", path, forged)
    assert ended.returncode == 3
    assert "contradicts itself" in " ".join(ended.stdout.split())
    for words in (("export", forged, "--to", "huggingface"), ("diff", path, forged)):
        ended = run_command("card", *words)
        assert ended.returncode == 2
        assert "contradicts itself" in " ".join(ended.stderr.split())


def test_rules_are_not_computed_again_and_that_is_told(folder):
    _, path = card_of(folder, "rules", "check.json")
    found = verify_card(path, data=[folder / "clinic.csv"], ask=ask_again)
    assert (found.holds, found.unasked) == (True, 1)
    assert "evenhand check policy.toml" in " ".join(one.sentence for one in found.checks)


@pytest.mark.parametrize("more", ["--train fit:learn", "--condition noise"])
def test_a_repair_that_would_run_programs_is_not_asked_again(folder, more):
    command = f"evenhand fix clinic.csv --metric '{METRIC}' --by sex {more}"
    with pytest.raises(InputError, match="runs programs"):
        ask_again(command, folder / "clinic.csv")


def test_a_repair_asked_again_writes_nothing(folder):
    before = sorted(folder.iterdir())
    (found,) = ask_again(
        f"evenhand fix x.csv --metric '{METRIC}' --by sex --maximum-difference 0.05 --keep {folder}/stolen.json --html {folder}/s.html",
        folder / "clinic.csv",
    )
    assert found.SCHEMA == "evenhand.fix/1"
    assert sorted(folder.iterdir()) == before


def test_formats_without_a_place_for_repairs_say_so(folder):
    card, path = card_of(folder, "out", "before.json", "repair.json", "check.json")
    assert left_out(card, "every-eval-ever") == ("repair.json", "check.json")
    assert left_out(card, "huggingface") == ()
    ended = run_command("card", "export", path, "--to", "every-eval-ever")
    assert "no place for the numbers of repair.json and check.json" in ended.stderr
    json.loads(ended.stdout)
    for form in ("cyclonedx-1.7", "sagemaker"):
        assert "1 of 1 rule is broken" in export_card(card, form, ExportOptions())


def test_no_export_of_numbers_leaves_behind_what_the_card_warns_of(folder):
    command = (
        "audit decided.csv --metric selection_rate(repaired) --worse lower --versus best "
        "--by sex --by site --by sex,site --json"
    )
    table = pacsv.read_csv(folder / "decided.csv")
    pacsv.write_csv(
        table.append_column("site", pa.array(["a", "b"] * (len(table) // 2))),
        folder / "sited.csv",
    )
    told = run_command(*shlex.split(command.replace("decided", "sited")), cwd=folder).stdout
    (folder / "rates.json").write_text(told)
    card, _ = card_of(folder, "warned", "after.json", "rates.json", "repair.json")
    law = ExportOptions(law=LawfulColumns(sex="sex", race="site"))
    for form in ("cyclonedx-1.7", "every-eval-ever", "huggingface", "sagemaker", "local-law-144"):
        said = export_card(card, form, law).replace("\\", "")
        assert "its numbers may be too good" in said or "their numbers may be too good" in said, (
            form
        )
        assert "Who pays for the repair in repair.json" in said, form


def test_a_card_that_nobody_vouches_for_is_not_said_to_be_checked(tmp_path):
    audited(tmp_path)
    _, path = carded(tmp_path)
    said = " ".join(run_command("card", "verify", path).stdout.split())
    assert "that proves nothing of its numbers" in said
    assert not verify_card(path).vouched
    found = verify_card(path, data=[tmp_path / "calls.csv"], ask=ask_again)
    assert isinstance(found, CardVerification)
    assert found.vouched


def test_what_the_starter_wrote_is_not_told_as_the_services_own(tmp_path):
    run_command("card", "new", "card.toml", cwd=tmp_path)
    card = evenhand.make_card(tmp_path / "card.toml")
    (note,) = card.notes
    assert note.code == "starter_text"
    assert "who offers it" in note.text
    audited(tmp_path)
    assert "starter_text" not in [one.code for one in carded(tmp_path)[0].notes]


def test_a_rule_that_is_broken_now_or_asks_for_less_is_told_between_cards(folder):
    card, path = card_of(folder, "first", "before.json", "check.json")
    (folder / "mild.toml").write_text(POLICY.format(metric=METRIC, most=0.9))
    mild = run_command("check", "mild.toml", "--json", cwd=folder)
    (folder / "mild.json").write_text(mild.stdout)
    other, second = card_of(folder, "second", "before.json", "mild.json")
    assert [(one.before, one.after) for one in compare_cards(other, card).rules] == [("kept", "broken")]  # fmt: skip
    said = run_command("card", "diff", second, path).stdout
    assert said.startswith("Broken now: few false alarms (was kept).")
    back = " ".join(run_command("card", "diff", path, second).stdout.split())
    assert back.startswith(
        "Rule “few false alarms” is kept only by a looser limit: maximum 0.05 → 0.9; by the old one it is broken."
    )
    assert not compare_cards(other, card).looser
    assert "Rule “few false alarms” was broken, and is kept." in back
    assert "maximum 0.05, and is" in back
    assert "maximum 0.9." in back


def test_what_is_not_compared_between_cards_is_told(folder):
    card, _ = card_of(folder, "one", "after.json", "repair.json")
    (note,) = [one for one in compare_cards(card, card).notes if one.code == "not_compared"]
    assert "1 repair of the older card" in note.text
    told = set(KINDS) - {"audits", "gates"}
    assert set(_OTHERS) == told


def test_a_rule_that_lost_its_limit_or_is_gone_is_told_first(folder):
    (folder / "strict.toml").write_text(
        POLICY.format(metric=METRIC, most=0.05).replace(
            "hazard", "maximum_difference = 0.1\nhazard"
        )
    )
    (folder / "loose.toml").write_text(
        POLICY.format(metric=METRIC, most=0.05).replace(
            "maximum = 0.05", "maximum_difference = 0.4"
        )
    )
    for name in ("strict", "loose"):
        told = run_command("check", f"{name}.toml", "--json", cwd=folder).stdout
        (folder / f"{name}.check.json").write_text(told)
    before, _ = card_of(folder, "strict_card", "before.json", "strict.check.json")
    after, _ = card_of(folder, "loose_card", "before.json", "loose.check.json")
    first, second, *_ = answers(compare_cards(before, after))
    assert {"maximum 0.05 is no longer asked", "maximum_difference 10 → 40 points; by"} == {
        re.search(
            r"limit: (maximum 0.05 is no longer asked|maximum_difference 10 → 40 points; by)", one
        )[1]
        for one in (first, second)
    }
    assert all("is kept only by a looser limit" in one for one in (first, second))
    without, _ = card_of(folder, "no_rule", "before.json")
    assert (
        next(answers(compare_cards(before, without)))
        == "No longer asked: few false alarms (was broken)."
    )


def test_changes_to_a_card_of_a_repair_open_with_what_that_card_warns_of(folder):
    before, _ = card_of(folder, "old", "before.json")
    after, _ = card_of(folder, "new", "after.json", "repair.json")
    found = compare_cards(before, after)
    told = [one.text for one in found.notes if one.code == "newer_card_warns"]
    assert any("Who pays for the repair in repair.json" in text for text in told)
    assert any("its numbers may be too good" in text for text in told)
    said = list(answers(found))
    better = [place for place, text in enumerate(said) if text.startswith("Better")]
    assert better
    assert said.index(next(text for text in said if "warns of its own numbers" in text)) < better[0]
    assert not [one for one in compare_cards(after, before).notes if one.code == "newer_card_warns"]


def test_a_caveat_names_the_result_that_it_is_of(folder):
    card, _ = card_of(folder, "caveats", "after.json", "repair.json")
    (told,) = [text for text in caveats(card) if "disparate treatment" in text]
    assert told.startswith("repair.json: The repair reads sex")
    alone, _ = card_of(folder, "alone", "repair.json")
    (told,) = [text for text in caveats(alone) if "disparate treatment" in text]
    assert told.startswith("The repair reads sex")

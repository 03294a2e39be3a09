"""Each format is read by its own schema or parser, and says the card's numbers."""

import csv
import json
import random
import warnings
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from markdown_it import MarkdownIt
from prov.model import ProvActivity, ProvDocument, ProvEntity

import evenhand
from evenhand.cards import make_card
from evenhand.cards.exporters.catalogue import FORMATS, ExportOptions, export_card
from evenhand.cards.exporters.local_law_144 import LawfulColumns
from evenhand.cards.exporters.sagemaker import MOST
from evenhand.errors import InputError

HIRED = "selection_rate(prediction=hired)"
WRONG = "error_rate(label=able, prediction=hired)"
BY = ["sex", "race", "sex,race"]
CARD = """
results = ["*.audit.json"]
out_of_scope = ["dismissal"]
limitations = ["<script>alert(1)</script> *not* for | interns"]
[service]
name = "Sieve"
version = "3.1"
provider = "Hire & Co"
applies_to = 2026-11-01
contact = "sieve@example.org"
description = "Ranks applications."
licence = "proprietary terms"
[measured]
by = "City Lab"
relation = "third party"
[[uses]]
name = "shortlist"
description = "recruiters pick whom to invite"
risks = ["able people are not invited"]
[dimensions]
fairness = "reviewed each quarter"
[[data]]
table = "people.csv"
description = "Applicants of 2025"
labels = "two recruiters"
groups = "told by applicants"
"""


def write_card(folder: Path, rows: int = 900, races: int = 4, **options) -> Path:
    generator = random.Random(7)
    with (folder / "people.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["sex", "race", "hired", "able"])
        for number in range(rows):
            race = f"r{generator.randrange(races)} | <b>" if generator.random() > 0.01 else "rare"
            sex = generator.choice(["f", "m", ""]) if number % 9 == 0 else generator.choice("fm")
            hired = int(generator.random() < (0.35 if race.startswith(("r0", "rare")) else 0.6))
            able = hired if generator.random() > 0.2 else 1 - hired
            table.writerow([sex, race, hired, able])
    asked = {"versus": "best", "worse": "lower"}
    for name, metric, given in (("hired", HIRED, asked), ("wrong", WRONG, {})):
        audit = evenhand.audit(str(folder / "people.csv"), metric, by=BY, **given, **options)
        (folder / f"{name}.audit.json").write_text(audit.to_json())
    path = folder / "card.toml"
    path.write_text(CARD)
    return path


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    return make_card(write_card(tmp_path_factory.mktemp("card")))


def exported(card, form, **options):
    return export_card(card, form, ExportOptions(**options))


def values(card):
    """What is published: (metric, predicate or none) -> value."""
    return {
        (audit.metric.expression, group.predicate if group else None): (
            group.estimate if group else audit.overall
        )
        for audit in card.audits
        for group in (None, *audit.groups)
        if (group.estimate if group else audit.overall).value is not None
    }


@pytest.mark.parametrize(
    ("version", "schema"), [("1.6", SchemaVersion.V1_6), ("1.7", SchemaVersion.V1_7)]
)
def test_cyclonedx_is_valid_and_holds_each_group(card, version, schema):
    text = exported(card, f"cyclonedx-{version}")
    assert JsonStrictValidator(schema).validate_str(text) is None
    metrics = json.loads(text)["components"][0]["modelCard"]["quantitativeAnalysis"][
        "performanceMetrics"
    ]
    found = {(one["type"], one.get("slice")): one for one in metrics}
    assert found.keys() == values(card).keys()
    for key, estimate in values(card).items():
        assert float(found[key]["value"]) == estimate.value
        if estimate.low is not None:
            bounds = found[key]["confidenceInterval"]
            assert (float(bounds["lowerBound"]), float(bounds["upperBound"])) == (
                estimate.low,
                estimate.high,
            )


def test_cyclonedx_names_tables_and_groups_at_risk(card):
    found = json.loads(exported(card, "cyclonedx-1.7"))
    data = found["components"][1]
    assert data["hashes"][0]["content"] == card.evidence[0].data_sha256
    risks = found["components"][0]["modelCard"]["considerations"]["fairnessAssessments"]
    assert [one["groupAtRisk"] for one in risks] == [one.predicate for one in card.worst]


@pytest.mark.data
def test_every_eval_ever_is_valid_and_holds_each_group(card, data):
    schema = json.loads((data / "schemas" / "eval.schema.json").read_text())
    found = json.loads(exported(card, "every-eval-ever"))
    jsonschema.validate(found, schema)
    extension = json.loads(
        files("evenhand.cards.exporters").joinpath("group_extension.schema.json").read_text()
    )
    seen = {}
    for one in found["evaluation_results"]:
        parameters = one["metric_config"]["metric_parameters"]
        jsonschema.validate(parameters, extension)
        seen[one["metric_config"]["metric_id"], parameters["group"]] = one["score_details"]
    assert seen.keys() == values(card).keys()
    for key, estimate in values(card).items():
        assert seen[key]["score"] == estimate.value
        assert seen[key]["uncertainty"]["num_samples"] == estimate.n_units
    assert found["source_metadata"]["evaluator_relationship"] == "third_party"


def test_hugging_face_reads_the_readme(card):
    from huggingface_hub import ModelCard

    text = exported(card, "huggingface")
    found = ModelCard(text)
    assert found.data.license == "other"
    assert found.data.to_dict()["license_name"] == "proprietary terms"
    assert set(found.data.metrics) == {"selection_rate", "error_rate"}
    # What comes from outside is text, not markup.
    page = MarkdownIt("commonmark").enable("table").render(found.content)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "r0 | &lt;b&gt;" in page


def test_hugging_face_takes_one_number_for_a_benchmark(card):
    from huggingface_hub._eval_results import parse_eval_result_entries

    (entry,) = parse_eval_result_entries(
        yaml.safe_load(exported(card, "eval-results", benchmark="lab/hiring/default"))
    )
    assert (entry.dataset_id, entry.task_id) == ("lab/hiring", "default")
    assert entry.value == card.audits[0].overall.value
    with pytest.raises(InputError, match="name it with --benchmark"):
        exported(card, "eval-results")
    with pytest.raises(InputError, match="DATASET/NAME/TASK"):
        exported(card, "eval-results", benchmark="hiring")


def test_sagemaker_keeps_the_worst_groups_in_its_room(tmp_path):
    card = make_card(write_card(tmp_path, rows=4000, races=900))
    text = exported(card, "sagemaker")
    assert len(text) <= MOST
    found = json.loads(text)
    for place, evaluation in enumerate(found["evaluation_details"]):
        audit = card.audits[place]
        groups = [one for one in audit.groups if one.estimate.value is not None]
        kept = [m for g in evaluation["metric_groups"][1:] for m in g["metric_data"]]
        assert 10 < len(kept) < len(groups)
        assert (
            f"The {len(kept)} worst of {len(groups):,} groups"
            in evaluation["evaluation_observation"]
        )
        sign = 1 if audit.metric.higher_is_worse else -1
        ranked = sorted((sign * one.estimate.value for one in groups), reverse=True)
        assert sorted((sign * m["value"] for m in kept), reverse=True) == ranked[: len(kept)]


def test_sagemaker_keeps_to_the_published_limits(card):
    found = json.loads(exported(card, "sagemaker"))
    assert found["intended_uses"]["risk_rating"] in ("High", "Medium", "Low", "Unknown")
    assert set(found) <= {
        "model_overview", "intended_uses", "business_details", "training_details",
        "evaluation_details", "additional_information",
    }  # fmt: skip
    assert len(found["evaluation_details"]) == len(card.audits)
    assert all(one["metric_groups"][0]["metric_data"] for one in found["evaluation_details"])
    for evaluation in found["evaluation_details"]:
        assert 1 <= len(evaluation["name"]) <= 63
        assert len(evaluation["evaluation_observation"]) <= 2096
        assert all(len(one) <= 1024 for one in evaluation["metadata"].values())
        for group in evaluation["metric_groups"]:
            assert 1 <= len(group["name"]) <= 63
            for metric in group["metric_data"]:
                assert metric.keys() <= {"name", "type", "value", "notes"}
                assert metric["type"] == "number"
                assert isinstance(metric["value"], float)


def test_local_law_144_has_its_tables_with_intervals(card):
    text = exported(card, "local-law-144", law=LawfulColumns(audited="2026-11-02"))
    page = MarkdownIt("commonmark").enable("table").render(text)
    assert page.count("<table>") == 3
    assert "Date of the bias audit: 2026-11-02" in page
    assert "Distribution date of the tool: not told" in page
    assert "Source of the data: Applicants of 2025" in page
    with (Path(card_folder(card)) / "people.csv").open() as file:
        people = list(csv.DictReader(file))
    assert f"Unknown sex: {sum(one['sex'] == '' for one in people)}" in page
    for sex in "fm":
        of = [one for one in people if one["sex"] == sex]
        assert f"<td>{sex}</td>" in page
        assert f">{len(of)}</td>" in page
    rates = {
        race: sum(one["hired"] == "1" for one in people if one["race"] == race)
        / sum(one["race"] == race for one in people)
        for race in {one["race"] for one in people}
    }
    best = max(rates.values())
    ratio = next(rate for race, rate in rates.items() if race.startswith("r0")) / best
    assert f"{ratio:.2f} (" in page
    assert "under 2 % of the data" in page


def card_folder(card):
    return Path(card.audits[0].source.name).parent


def test_local_law_144_says_what_it_lacks(card, tmp_path):
    with pytest.raises(InputError, match=r"--sex: Unknown attribute 'sx'.*sex"):
        exported(card, "local-law-144", law=LawfulColumns(sex="sx"))
    path = write_card(tmp_path)
    (tmp_path / "hired.audit.json").unlink()
    with pytest.raises(
        InputError, match="asks for selection rates, and the card has audits of: error_rate"
    ):
        exported(make_card(path), "local-law-144")


def put(folder, name, **options):
    table = str(folder / "people.csv")
    if "weight" in options:
        head, *rows = Path(table).read_text().splitlines()
        table = str(folder / "weighted.csv")
        weighed = "".join(f"{row},{1 + number % 3}\n" for number, row in enumerate(rows))
        Path(table).write_text(f"{head},weight\n{weighed}")
    given = {"by": BY, "versus": "best", "worse": "lower", **options}
    (folder / f"{name}.audit.json").write_text(evenhand.audit(table, HIRED, **given).to_json())


def test_local_law_144_counts_people_and_says_whom_not(tmp_path):
    path = write_card(tmp_path)
    put(tmp_path, "hired", where="able = 1")
    assert "Only those where able \\= 1" in exported(make_card(path), "local-law-144")
    put(tmp_path, "more")
    with pytest.raises(
        InputError, match="2 audits of the card have impact ratios: selection_rate where able = 1; "
    ):
        exported(make_card(path), "local-law-144")
    (tmp_path / "more.audit.json").unlink()
    put(tmp_path, "hired", weight="weight")
    with pytest.raises(InputError, match="weighted by weight"):
        exported(make_card(path), "local-law-144")


@pytest.mark.parametrize("form", ["cyclonedx-1.7", "every-eval-ever", "sagemaker", "huggingface"])
def test_which_rows_were_kept_is_told_everywhere(tmp_path, form):
    path = write_card(tmp_path)
    put(tmp_path, "hired", where="able = 1")
    put(tmp_path, "all")
    text = exported(make_card(path), form)
    assert "able = 1" in text.replace("\\", "")
    if form == "cyclonedx-1.7":
        (component, _) = json.loads(text)["components"]
        metrics = component["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
        told = [(one["type"], one.get("slice")) for one in metrics]
        assert len(told) == len(set(told))


def test_avid_reads_a_report_for_each_metric_with_worse_groups(card):
    with warnings.catch_warnings():  # it is written for the last pydantic
        warnings.simplefilter("ignore")
        from avidtools.datamodels.report import Report

    reports = json.loads(exported(card, "avid"))
    worse = [audit for audit in card.audits if audit.worse]
    assert len(reports) == len(worse) >= 1
    for report, audit in zip(reports, worse, strict=True):
        parsed = Report.model_validate(report)
        groups = {one.results["group"]: one.results["value"] for one in parsed.metrics}
        assert groups == {one.predicate: one.estimate.value for one in audit.worse}


def test_nothing_proven_is_no_report(tmp_path):
    path = write_card(tmp_path, rows=60)
    with pytest.raises(InputError, match="nothing to report to AVID"):
        exported(make_card(path), "avid")


def test_croissant_is_read_with_its_words_for_responsible_ai(card, tmp_path, caplog):
    path = tmp_path / "table.json"
    path.write_text(exported(card, "croissant"))
    with warnings.catch_warnings():  # its RDF library has been renamed under it
        warnings.simplefilter("ignore")
        import mlcroissant

        found = mlcroissant.Dataset(str(path)).metadata
    assert not [one for one in caplog.messages if "@context" in one]
    assert found.name == "people.csv"
    assert found.data_annotation_protocol == ["two recruiters"]
    assert len(found.data_biases) == len(card.worst)
    assert found.distribution[0].sha256 == card.evidence[0].data_sha256
    with pytest.raises(InputError, match=r"Unknown table 'peple.csv'.*people.csv"):
        exported(card, "croissant", table="peple.csv")


def test_prov_is_read_and_leads_from_the_card_to_the_table(card):
    document = ProvDocument.deserialize(content=exported(card, "prov"), format="json")
    entities = {str(one.identifier): one for one in document.get_records(ProvEntity)}
    assert len(list(document.get_records(ProvActivity))) == 1 + len(card.evidence)
    digests = {str(next(iter(one.get_attribute("ev:sha256")))) for one in entities.values()}
    assert digests == {card.content_sha256, card.evidence[0].data_sha256} | {
        one.file_sha256 for one in card.evidence
    }


def test_what_is_hidden_goes_nowhere(tmp_path):
    path = write_card(tmp_path)
    audits = evenhand.audit_metrics(
        str(tmp_path / "people.csv"), [HIRED, WRONG], by=BY, worse="lower", suppress_below=20
    )
    for name, audit in zip(("hired", "wrong"), audits, strict=True):
        (tmp_path / f"{name}.audit.json").write_text(audit.to_json())
    card = make_card(path)
    hidden = {one.predicate for audit in card.audits for one in audit.groups if one.suppressed}
    assert hidden
    for form in set(FORMATS) - {"avid", "local-law-144"}:
        text = exported(card, form, benchmark="a/b/c")
        # JSON names no hidden group; Markdown may, and gives no number of it.
        assert not any(json.dumps(one) in text for one in hidden), form
        told = [line for line in text.splitlines() if "rare" in line]
        assert not any(digit in line for line in told for digit in "0123456789"), form


def test_an_unknown_format_is_told(card):
    with pytest.raises(InputError, match="Unknown format 'cyclonedx'"):
        exported(card, "cyclonedx")


def test_a_format_reads_no_clock(card, monkeypatch):
    first = {form: exported(card, form) for form in FORMATS if form not in ("eval-results", "avid")}
    log = json.loads(first["every-eval-ever"])
    # The day from which the card holds, 2026-11-01, at midnight.
    assert log["retrieved_timestamp"] == "1793491200"
    monkeypatch.setattr("time.time", lambda: 2e9)
    assert first == {form: exported(card, form) for form in first}

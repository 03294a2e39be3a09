"""The parts that a card should have, and which of them are there.

The order is that of the AI service cards of Amazon Web Services (docs.aws.amazon.com/ai/responsible-ai), read in 2026.
"""

from collections.abc import Sequence

from evenhand.cards.given import GivenResult
from evenhand.cards.result import CardPart
from evenhand.cards.written import CardedData, WrittenCard
from evenhand.pages.edition import without_folders

#: Name and heading of each part, and the fields of results that tell it; effects of columns tell explainability.
PARTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "description": ("What the service does", ()),
    "intrinsic_variation": ("Intrinsic variation", ()),
    "confounders": ("Confounding variation", ()),
    "operating_point": ("Operating point", ()),
    "uses": ("Intended uses", ()),
    "risks": ("Risks of each use", ()),
    "out_of_scope": ("What it is not for", ()),
    "limitations": ("Limitations", ()),
    "machine_learning": ("Machine learning", ()),
    "performance_expectations": ("Performance expectations", ()),
    "test_method": ("Test-driven method", ()),
    "data": ("Data that results rest on", ()),
    "labels": ("How labels came about", ()),
    "group_values": ("How group values came about", ()),
    "fairness": ("Fairness and bias", ("audits", "switches", "repairs", "gates")),
    "unnamed_groups": ("Groups that nobody named", ("slices",)),
    "data_coverage": ("What the data cover", ("coverages",)),
    "explainability": ("Explainability", ("explainability",)),
    "robustness": ("Robustness by condition", ("effects",)),
    "privacy_and_security": ("Privacy and security", ()),
    "safety": ("Safety", ()),
    "controllability": ("Controllability", ()),
    "veracity": ("Veracity", ()),
    "transparency": ("Transparency", ()),
    "governance": ("Governance", ()),
    "monitoring": ("Monitoring", ("watches",)),
    "outside_help": ("Help from outside", ("bounties",)),
    "effectiveness": ("Effectiveness", ()),
    "deployment": ("Good practice for deployment", ()),
}
#: Parts that are told where each table is, by what is said of a table.
OF_EACH_TABLE = {"data": "description", "labels": "labels", "group_values": "groups"}


def parts_of(written: WrittenCard, given: Sequence[GivenResult]) -> tuple[CardPart, ...]:
    """Every part, and whether people or results tell it."""
    fields = {"explainability" if explains(one.name, written) else one.field for one in given}
    told = _told(written, tables_of(given))
    return tuple(
        CardPart(
            name=name,
            title=title,
            written=told.get(name, False),
            measured=any(field in fields for field in by),
        )
        for name, (title, by) in PARTS.items()
    )


def explains(name: str, written: WrittenCard) -> bool:
    """Whether a result, by its name on the card, tells what answers hang on."""
    return name in written.explanations


def tables_of(given: Sequence[GivenResult]) -> tuple[str, ...]:
    """Tables that results rest on, each once, without folders."""
    names = (without_folders(table.name) for one in given for table in one.sources)
    return tuple(dict.fromkeys(name for name in names if name))


def said_of(table: str, written: WrittenCard) -> CardedData | None:
    """What people say of a table."""
    name = without_folders(table)
    return next((one for one in written.data if without_folders(one.table) == name), None)


def _told(written: WrittenCard, tables: Sequence[str]) -> dict[str, bool]:
    said = [said_of(table, written) for table in tables]

    def of_each(name: str) -> bool:
        return bool(said) and all(one is not None and getattr(one, name) for one in said)

    design, dimensions, effective = written.design, written.dimensions, written.effectiveness
    texts = {
        "description": written.service.description,
        "intrinsic_variation": written.intrinsic_variation,
        "confounders": written.confounders,
        "operating_point": written.operating_point.description,
        "uses": written.uses,
        "out_of_scope": written.out_of_scope,
        "limitations": written.limitations,
        "machine_learning": design.machine_learning,
        "performance_expectations": design.performance_expectations,
        "test_method": design.test_method,
        "effectiveness": effective.definition and effective.measured,
        "deployment": written.deployment,
        **{name: getattr(dimensions, name) for name in type(dimensions).__dataclass_fields__},
    }
    return {name: bool(text) for name, text in texts.items()} | {
        "risks": bool(written.uses) and all(one.risks for one in written.uses),
        **{part: of_each(name) for part, name in OF_EACH_TABLE.items()},
    }

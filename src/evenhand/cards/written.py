"""What people write of a service: the part of a card that no measurement can give."""

from dataclasses import dataclass
from typing import Literal

Relation = Literal["first party", "third party", "both"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CardedService:
    """The service that a card is about.

    Attributes
    ----------
    name : str
        What it is called.
    version : str
        The version that was measured.
    provider : str
        Who offers it.
    applies_to : str
        The day from which the card holds, as `2026-11-29`.
    contact : str
        Whom to write to.
    description : str
        What it does, and for whom.
    api : str
        How it is called by programs; empty where nobody said.
    licence : str
        Under which terms; empty where nobody said.
    """

    name: str
    version: str
    provider: str
    applies_to: str
    contact: str
    description: str = ""
    api: str = ""
    licence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredBy:
    """Who measured.

    Attributes
    ----------
    by : str
        Name of who measured; empty where nobody said.
    relation : Relation or None
        `first party` where it is the provider, `third party` where it is not, or `both`.
    """

    by: str = ""
    relation: Relation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """The setting at which the service is measured and used.

    Attributes
    ----------
    description : str
        The setting in words: thresholds, languages, versions of what stands before and behind it.
    metrics : tuple of str
        Metrics that count at this setting, the one that matters most first; by name, or as written.
        Empty where all that were measured count.
    """

    description: str = ""
    metrics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CardedUse:
    """An intended use.

    Attributes
    ----------
    name : str
        The use in a few words.
    description : str
        Who uses it for what.
    risks : tuple of str
        What may go wrong in this use, and for whom.
    """

    name: str
    description: str = ""
    risks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Confounder:
    """Something that moves answers and is not what the service is meant to tell.

    Attributes
    ----------
    name : str
        What it is.
    description : str
        How it moves answers.
    condition : str
        The condition of an effects result that measured it; empty where none did.
    """

    name: str
    description: str = ""
    condition: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardedDesign:
    """How the service is made and tested.

    Attributes
    ----------
    machine_learning : str
        How it works.
    performance_expectations : str
        How well it is expected to do, and where differently.
    test_method : str
        How it was tested: which sets, why these, who said what is right.
    """

    machine_learning: str = ""
    performance_expectations: str = ""
    test_method: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimensions:
    """What people say of each dimension of responsible use; results stand beside it.

    Attributes
    ----------
    fairness : str
        What was done about differences between groups.
    explainability : str
        How an answer can be explained.
    robustness : str
        What was done about conditions that make answers worse.
    privacy_and_security : str
        What is kept of inputs, and who may see it.
    safety : str
        What is done against harmful answers.
    controllability : str
        How it is watched and stopped.
    veracity : str
        What is done for answers that are true.
    transparency : str
        What users are told.
    governance : str
        Who answers for it, and what happens when something goes wrong.
    """

    fairness: str = ""
    explainability: str = ""
    robustness: str = ""
    privacy_and_security: str = ""
    safety: str = ""
    controllability: str = ""
    veracity: str = ""
    transparency: str = ""
    governance: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effectiveness:
    """The share of a use's inputs with an effective result, as a customer measures it.

    Attributes
    ----------
    definition : str
        When a result is effective.
    measured : str
        How customers measure it on inputs of their own.
    """

    definition: str = ""
    measured: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardedData:
    """What people say of a table that results rest on.

    Attributes
    ----------
    table : str
        Its name, as results call it; folders in front do not matter.
    description : str
        What its rows are, and whom they stand for.
    period : str
        When they were collected.
    labels : str
        How what is right came about, and who said it.
    groups : str
        How group values came about: told by people themselves, annotated, or inferred.
    licence : str
        Under which terms it may be used.
    other_people : bool
        Whether nobody in it is in another table of the card.  Where a result hides small groups, tables are taken to
        be of the same people unless this says otherwise.
    """

    table: str
    description: str = ""
    period: str = ""
    labels: str = ""
    groups: str = ""
    licence: str = ""
    other_people: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenCard:
    """What people wrote; empty texts are parts that nobody told.

    Attributes
    ----------
    service : CardedService
        The service.
    intrinsic_variation : str
        What in its inputs it is meant to tell apart.
    confounders : tuple of Confounder
        What moves answers and should not.
    operating_point : OperatingPoint
        The setting at which it is measured.
    measured : MeasuredBy
        Who measured.
    uses : tuple of CardedUse
        Intended uses.
    out_of_scope : tuple of str
        What it is not for.
    limitations : tuple of str
        What it cannot do.
    design : CardedDesign
        How it is made and tested.
    dimensions : Dimensions
        What people say of each dimension.
    effectiveness : Effectiveness
        As customers measure it.
    deployment : tuple of str
        Good practice for those who put it to use.
    data : tuple of CardedData
        The tables that results rest on.
    explanations : tuple of str
        Results of effects whose conditions took columns away (`permuted_fields`), by their files: they stand under
        explainability, and not under robustness.
    """

    service: CardedService
    intrinsic_variation: str = ""
    confounders: tuple[Confounder, ...] = ()
    operating_point: OperatingPoint = OperatingPoint()
    measured: MeasuredBy = MeasuredBy()
    uses: tuple[CardedUse, ...] = ()
    out_of_scope: tuple[str, ...] = ()
    limitations: tuple[str, ...] = ()
    design: CardedDesign = CardedDesign()
    dimensions: Dimensions = Dimensions()
    effectiveness: Effectiveness = Effectiveness()
    deployment: tuple[str, ...] = ()
    data: tuple[CardedData, ...] = ()
    explanations: tuple[str, ...] = ()

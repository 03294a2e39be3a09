"""The formats that a card goes to; each is loaded when it is asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from evenhand.cards.exporters.local_law_144 import LawfulColumns
from evenhand.cards.result import Card
from evenhand.deferred import Deferred
from evenhand.errors import InputError, unknown_name

_PLACE = "evenhand.cards.exporters"
_CYCLONEDX = Deferred(f"{_PLACE}.cyclonedx")
_EVERY_EVAL_EVER = Deferred(f"{_PLACE}.every_eval_ever")
_HUGGING_FACE = Deferred(f"{_PLACE}.huggingface")
_SAGEMAKER = Deferred(f"{_PLACE}.sagemaker")
_LAW = Deferred(f"{_PLACE}.local_law_144")
_AVID = Deferred(f"{_PLACE}.avid")
_CROISSANT = Deferred(f"{_PLACE}.croissant")
_PROV = Deferred(f"{_PLACE}.provenance")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """What some formats need that no card holds.

    Attributes
    ----------
    table : str
        The table that Croissant describes; empty where the card rests on one.
    benchmark : str
        A benchmark of Hugging Face, as ``cais/hle/default``.
    law : LawfulColumns
        What Local Law 144 asks for.
    """

    table: str = ""
    benchmark: str = ""
    law: LawfulColumns = field(default_factory=LawfulColumns)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFormat:
    """A format.

    Attributes
    ----------
    render : callable
        ``render(card, options) -> str``.
    ending : str
        Of its files.
    about : str
        What it holds, in a line.
    whole : bool
        Whether it tells of every result; the others hold numbers of audits.
    """

    render: Callable[[Card, ExportOptions], str]
    ending: str
    about: str
    whole: bool = False


FORMATS: Mapping[str, CardFormat] = {
    "cyclonedx-1.6": CardFormat(
        render=lambda card, _: _CYCLONEDX.render_cyclonedx(card, "1.6"),
        ending=".cdx.json",
        about="bill of materials with each group's number and interval",
    ),
    "cyclonedx-1.7": CardFormat(
        render=lambda card, _: _CYCLONEDX.render_cyclonedx(card, "1.7"),
        ending=".cdx.json",
        about="the same in its newest version",
    ),
    "every-eval-ever": CardFormat(
        render=lambda card, _: _EVERY_EVAL_EVER.render_every_eval_ever(card),
        ending=".eee.json",
        about="an evaluation log, a result a group",
    ),
    "huggingface": CardFormat(
        render=lambda card, _: _HUGGING_FACE.render_huggingface(card),
        ending=".md",
        about="README.md of a model, with all groups in its text",
        whole=True,
    ),
    "eval-results": CardFormat(
        render=lambda card, options: _HUGGING_FACE.render_eval_results(card, options.benchmark),
        ending=".yaml",
        about="one number for a benchmark of Hugging Face; needs --benchmark",
    ),
    "sagemaker": CardFormat(
        render=lambda card, _: _SAGEMAKER.render_sagemaker(card),
        ending=".json",
        about="content of a SageMaker model card; the worst groups where not all fit",
    ),
    "local-law-144": CardFormat(
        render=lambda card, options: _LAW.render_local_law_144(card, options.law),
        ending=".md",
        about="New York City's tables of selection rates and impact ratios, with intervals",
    ),
    "avid": CardFormat(
        render=lambda card, _: _AVID.render_avid(card),
        ending=".avid.json",
        about="reports of groups that are proven worse",
    ),
    "croissant": CardFormat(
        render=lambda card, options: _CROISSANT.render_croissant(card, options.table),
        ending=".json",
        about="the table behind the numbers, with its labels, groups and gaps",
    ),
    "prov": CardFormat(
        render=lambda card, _: _PROV.render_prov(card),
        ending=".prov.json",
        about="files, commands and programs that the numbers came from",
        whole=True,
    ),
}


def export_card(card: Card, form: str, options: ExportOptions) -> str:
    """The card in another format.

    Raises
    ------
    InputError
        For a format that is none, one that lacks what it needs, or a card that has nothing for it.
    """
    if form not in FORMATS:
        raise InputError(unknown_name("format", form, list(FORMATS)))
    if form == "eval-results" and not options.benchmark:
        raise InputError(
            "eval-results is for a benchmark of Hugging Face: name it with --benchmark DATASET/NAME/TASK.  "
            "Without one, huggingface puts the whole card into a README."
        )
    return FORMATS[form].render(card, options)


def left_out(card: Card, form: str) -> tuple[str, ...]:
    """Results on the card whose numbers the format has no place for."""
    if FORMATS[form].whole:
        return ()
    return tuple(one.name for one in card.evidence if one.field != "audits")

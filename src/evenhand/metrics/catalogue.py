"""All metrics by name, each loaded when it is first asked for.

A metric is a file: ``accuracy`` of the family *classification* is ``ACCURACY`` in
``classification/accuracy.py``.
"""

from collections.abc import Mapping
from importlib import import_module

from evenhand.deferred import Catalogue
from evenhand.errors import InputError, unknown_name
from evenhand.metrics.definition import Definition

#: Names of each family's metrics, as the reference lists them; and the folder where it is another word.
_NAMES = {
    "any two columns": "ratio mean",
    "classification": """
        accuracy error_rate selection_rate true_positive_rate false_positive_rate true_negative_rate
        false_negative_rate precision false_discovery_rate false_omission_rate lift f1 f_beta jaccard
        balanced_accuracy mcc cohen_kappa brier log_loss calibration_gap auc average_precision
        generalized_entropy theil
    """,
    "multilabel": "subset_accuracy hamming_loss set_f1 set_jaccard set_precision set_recall",
    "regression": "mae mse rmse median_absolute_error bias mape smape r_squared pinball_loss",
    "ranking": "scoring_rate ndcg",
    "agreement": "fleiss_kappa krippendorff_alpha",
    "generative": "bbq_ambiguous_bias bbq_disambiguated_bias representation_gap",
    "speech": "wer cer mer wil wip sentence_error_rate",
    "verification": "false_match_rate false_non_match_rate",
}
_FOLDERS = {"any two columns": "generic"}
_FAMILY_OF = {name: family for family, names in _NAMES.items() for name in names.split()}


def _definition(name: str) -> Definition:
    family = _FAMILY_OF[name]
    module = import_module(f"evenhand.metrics.{_FOLDERS.get(family, family)}.{name}")
    found: Definition = getattr(module, name.upper())
    return found


def _family(name: str) -> tuple[Definition, ...]:
    return tuple(_definition(metric) for metric in _NAMES[name].split())


DEFINITIONS: Mapping[str, Definition] = Catalogue(tuple(_FAMILY_OF), _definition)
#: Metrics by family, as the reference lists them.
FAMILIES: Mapping[str, tuple[Definition, ...]] = Catalogue(tuple(_NAMES), _family)


def find_definition(name: str) -> Definition:
    """Metric of this name, or an error that offers a near one.

    Examples
    --------
    >>> find_definition("wer").usage
    'wer(reference=COLUMN, hypothesis=COLUMN)'
    """
    if name not in DEFINITIONS:
        raise InputError(unknown_name("metric", name, list(DEFINITIONS)))
    return DEFINITIONS[name]

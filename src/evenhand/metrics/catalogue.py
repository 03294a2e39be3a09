"""All metrics by name."""

from evenhand.errors import InputError, unknown_name
from evenhand.metrics.agreement.fleiss_kappa import FLEISS_KAPPA
from evenhand.metrics.agreement.krippendorff_alpha import KRIPPENDORFF_ALPHA
from evenhand.metrics.classification.accuracy import ACCURACY
from evenhand.metrics.classification.auc import AUC
from evenhand.metrics.classification.average_precision import AVERAGE_PRECISION
from evenhand.metrics.classification.balanced_accuracy import BALANCED_ACCURACY
from evenhand.metrics.classification.brier import BRIER
from evenhand.metrics.classification.calibration_gap import CALIBRATION_GAP
from evenhand.metrics.classification.cohen_kappa import COHEN_KAPPA
from evenhand.metrics.classification.error_rate import ERROR_RATE
from evenhand.metrics.classification.f1 import F1
from evenhand.metrics.classification.f_beta import F_BETA
from evenhand.metrics.classification.false_discovery_rate import FALSE_DISCOVERY_RATE
from evenhand.metrics.classification.false_negative_rate import FALSE_NEGATIVE_RATE
from evenhand.metrics.classification.false_omission_rate import FALSE_OMISSION_RATE
from evenhand.metrics.classification.false_positive_rate import FALSE_POSITIVE_RATE
from evenhand.metrics.classification.generalized_entropy import GENERALIZED_ENTROPY
from evenhand.metrics.classification.jaccard import JACCARD
from evenhand.metrics.classification.log_loss import LOG_LOSS
from evenhand.metrics.classification.mcc import MCC
from evenhand.metrics.classification.precision import PRECISION
from evenhand.metrics.classification.selection_rate import SELECTION_RATE
from evenhand.metrics.classification.theil import THEIL
from evenhand.metrics.classification.true_negative_rate import TRUE_NEGATIVE_RATE
from evenhand.metrics.classification.true_positive_rate import TRUE_POSITIVE_RATE
from evenhand.metrics.definition import Definition
from evenhand.metrics.generative.bbq_ambiguous_bias import BBQ_AMBIGUOUS_BIAS
from evenhand.metrics.generative.bbq_disambiguated_bias import BBQ_DISAMBIGUATED_BIAS
from evenhand.metrics.generative.representation_gap import REPRESENTATION_GAP
from evenhand.metrics.generic.mean import MEAN
from evenhand.metrics.generic.ratio import RATIO
from evenhand.metrics.multilabel.hamming_loss import HAMMING_LOSS
from evenhand.metrics.multilabel.set_f1 import SET_F1
from evenhand.metrics.multilabel.set_jaccard import SET_JACCARD
from evenhand.metrics.multilabel.set_precision import SET_PRECISION
from evenhand.metrics.multilabel.set_recall import SET_RECALL
from evenhand.metrics.multilabel.subset_accuracy import SUBSET_ACCURACY
from evenhand.metrics.ranking.ndcg import NDCG
from evenhand.metrics.ranking.scoring_rate import SCORING_RATE
from evenhand.metrics.regression.bias import BIAS
from evenhand.metrics.regression.mae import MAE
from evenhand.metrics.regression.mape import MAPE
from evenhand.metrics.regression.median_absolute_error import MEDIAN_ABSOLUTE_ERROR
from evenhand.metrics.regression.mse import MSE
from evenhand.metrics.regression.pinball_loss import PINBALL_LOSS
from evenhand.metrics.regression.r_squared import R_SQUARED
from evenhand.metrics.regression.rmse import RMSE
from evenhand.metrics.regression.smape import SMAPE
from evenhand.metrics.speech.cer import CER
from evenhand.metrics.speech.mer import MER
from evenhand.metrics.speech.sentence_error_rate import SENTENCE_ERROR_RATE
from evenhand.metrics.speech.wer import WER
from evenhand.metrics.speech.wil import WIL
from evenhand.metrics.speech.wip import WIP
from evenhand.metrics.verification.false_match_rate import FALSE_MATCH_RATE
from evenhand.metrics.verification.false_non_match_rate import FALSE_NON_MATCH_RATE

#: Metrics by family, as the reference lists them.
FAMILIES: dict[str, tuple[Definition, ...]] = {
    "any two columns": (RATIO, MEAN),
    "classification": (
        ACCURACY,
        ERROR_RATE,
        SELECTION_RATE,
        TRUE_POSITIVE_RATE,
        FALSE_POSITIVE_RATE,
        TRUE_NEGATIVE_RATE,
        FALSE_NEGATIVE_RATE,
        PRECISION,
        FALSE_DISCOVERY_RATE,
        FALSE_OMISSION_RATE,
        F1,
        F_BETA,
        JACCARD,
        BALANCED_ACCURACY,
        MCC,
        COHEN_KAPPA,
        BRIER,
        LOG_LOSS,
        CALIBRATION_GAP,
        AUC,
        AVERAGE_PRECISION,
        GENERALIZED_ENTROPY,
        THEIL,
    ),
    "multilabel": (SUBSET_ACCURACY, HAMMING_LOSS, SET_F1, SET_JACCARD, SET_PRECISION, SET_RECALL),
    "regression": (
        MAE,
        MSE,
        RMSE,
        MEDIAN_ABSOLUTE_ERROR,
        BIAS,
        MAPE,
        SMAPE,
        R_SQUARED,
        PINBALL_LOSS,
    ),
    "ranking": (SCORING_RATE, NDCG),
    "agreement": (FLEISS_KAPPA, KRIPPENDORFF_ALPHA),
    "generative": (BBQ_AMBIGUOUS_BIAS, BBQ_DISAMBIGUATED_BIAS, REPRESENTATION_GAP),
    "speech": (WER, CER, MER, WIL, WIP, SENTENCE_ERROR_RATE),
    "verification": (FALSE_MATCH_RATE, FALSE_NON_MATCH_RATE),
}
DEFINITIONS = {definition.name: definition for family in FAMILIES.values() for definition in family}


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

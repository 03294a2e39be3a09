"""What a hunter sees."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.bounty.submission.predictions import Predictions
from evenhand.bounty.task.losses import Floats
from evenhand.bounty.task.task import Labels, Matrix, Task

MIN_ROWS = 50
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class HuntingGround:
    """What a hunter sees.

    Attributes
    ----------
    task : Task
    matrix, labels : arrays
        Training rows.
    predictions : array
        The current model's answers there.
    """

    task: Task
    matrix: Matrix
    labels: Labels
    predictions: Predictions

    @property
    def losses(self) -> Floats:
        """Losses of the current model."""
        return self.task.loss.of_rows(self.predictions, self.labels)

    def losses_of(self, estimator: Any, rows: Matrix, labels: Labels) -> Floats:
        """Losses of a fitted estimator on some rows."""
        wanted = self.task.loss.reads == "probabilities"
        found = estimator.predict_proba(rows) if wanted else estimator.predict(rows)
        return self.task.loss.of_rows(np.asarray(found), labels)


Hunter = Callable[[HuntingGround], Iterator[bytes]]

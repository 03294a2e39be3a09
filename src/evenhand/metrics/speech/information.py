"""Word information preserved, as a function of the sums of edits."""

from typing import Any

import numpy as np


def preserved(sums: Any) -> Any:
    """Share of reference words hit times share of hypothesis words that are hits.

    A service that said nothing preserved nothing: 0, which is the limit too, as hits are at most the
    words said.  Undefined without reference words.
    """
    hits, substitutions, deletions, insertions = (sums[..., i] for i in range(4))
    said, heard = hits + substitutions + deletions, hits + substitutions + insertions
    share = np.where(heard.real == 0, 0, hits / np.where(heard.real == 0, 1, heard))
    return hits / said * share

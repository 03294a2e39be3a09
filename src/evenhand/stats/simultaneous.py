"""Many comparisons at once: max-t, Holm, Benjamini-Hochberg."""

from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

from evenhand.deferred import special
from evenhand.stats.contrasts import p_of_z
from evenhand.stats.intervals import z_of

Floats = npt.NDArray[np.float64]
#: Draws of standard normals that are kept, and numbers at most of each: 8 times 4 MB.
_KEPT, _KEPT_NUMBERS = 8, 1 << 19
#: Size in bytes of a block of memory, never touched, after which smaller ones are kept.
_FREED = 1 << 24
#: Added to each contrast's correlation with itself.
_SPECK = 1e-9


def draw_normal(covariance: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """Multiplier bootstrap of estimates with this covariance, scaled to unit variance.

    Gaussian multipliers on influence values give, given the data, exactly a centred normal vector
    with the influences' covariance: so it is drawn directly, and its cost does not depend on the
    number of rows.  Chernozhukov, Chetverikov & Kato (2013), doi:10.1214/13-AOS1161.

    Parameters
    ----------
    covariance : array of shape (contrasts, contrasts)
        Covariance of the contrasts; one with variance 0 is drawn as independent of the others.
    draws : int
        How many.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    array of shape (draws, contrasts)
    """
    _keep_freed_memory()
    # Of two columns of units a contrast's variance may come out below 0.
    scale = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)
    correlation = covariance * inverse[:, None] * inverse[None, :]
    correlation[np.diag_indices_from(correlation)] = 1.0
    # Contrasts may mirror each other; the speck on the diagonal keeps the factor defined.
    correlation[np.diag_indices_from(correlation)] += _SPECK
    if np.count_nonzero(correlation) == len(scale):
        return _standard_normal(rng, draws, len(scale), independent=True)
    normal = _standard_normal(rng, draws, len(scale))
    root = _root(correlation).T
    # In pieces too small for the linear algebra to start threads, which would cost more than they give.
    rows = max(64, 200_000 // max(len(scale), 1) ** 2)
    # Whoever reads the draws goes from contrast to contrast: those of one lie side by side.
    out = np.empty((len(scale), draws)).T
    for start in range(0, draws, rows):
        out[start : start + rows] = normal[start : start + rows] @ root
    return out


@cache
def _keep_freed_memory() -> None:
    """Let draws of the next metric lie where those of the last were.

    glibc gives blocks as large as draws back to the system, and asks for them anew, which costs more
    than what is done with them (a sixth of an audit of five metrics): until one as large was freed.
    """
    np.empty(_FREED, np.uint8)


def _standard_normal(
    rng: np.random.Generator, draws: int, width: int, *, independent: bool = False
) -> Floats:
    """What the generator gives next, not to be written to; metrics that start from one seed share it.

    All metrics of an audit have the same seed, so that each would draw the very same numbers.  As
    draws of `independent` contrasts they carry the speck, and those of one lie side by side.
    """
    source = rng.bit_generator
    if not isinstance(source, np.random.PCG64) or draws * width > _KEPT_NUMBERS:
        normal = rng.standard_normal((draws, width))
        return _specked(normal) if independent else normal
    state = source.state
    inner = state["state"]
    start = (inner["state"], inner["inc"], state["has_uint32"], state["uinteger"])
    normal, end = _drawn(start, draws, width, independent)
    state["state"] = {"state": end, "inc": inner["inc"]}
    source.state = state
    return normal


@lru_cache(maxsize=_KEPT)
def _drawn(
    start: tuple[int, int, int, int], draws: int, width: int, independent: bool
) -> tuple[Floats, int]:
    """Draws from a state of the generator, and the state after."""
    source = np.random.PCG64()
    source.state = {
        "bit_generator": "PCG64",
        "state": {"state": start[0], "inc": start[1]},
        "has_uint32": start[2],
        "uinteger": start[3],
    }
    normal = np.random.Generator(source).standard_normal((draws, width))
    normal = _specked(normal) if independent else normal
    normal.flags.writeable = False
    # A normal takes 64 bits at a time: what was left of 32 stays.
    return normal, int(source.state["state"]["state"])


def _specked(normal: Floats) -> Floats:
    """Draws of independent contrasts."""
    return np.multiply(normal, np.sqrt(1 + _SPECK), out=np.empty(normal.shape[::-1]).T)


def _root(correlation: Floats) -> Floats:
    try:
        return np.asarray(np.linalg.cholesky(correlation), float)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(correlation)
        return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)), float)


def distinct(covariance: Floats) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Contrasts that are not another one told again, or from the other side.

    Returns
    -------
    (kept, place)
        Numbers of the distinct contrasts, and for each contrast which of them it is.
    """
    scale = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    kept: list[int] = []
    place = np.zeros(len(scale), np.int64)
    for i in range(len(scale)):
        if kept and scale[i] > 0:
            # 1e-9 of correlation is rounding.
            same = np.abs(covariance[i, kept]) >= (1 - 1e-9) * scale[i] * scale[kept]
            same &= scale[kept] > 0
            if same.any():
                place[i] = int(same.argmax())
                continue
        place[i] = len(kept)
        kept.append(i)
    return np.array(kept, np.int64), place


def max_t_quantile(draws: Floats, level: float) -> float:
    """Quantile z such that all contrasts stay within ± z at once with probability `level`.

    Parameters
    ----------
    draws : array of shape (draws, contrasts)
        From `draw_normal`.
    level : float
        Confidence of all together.

    Notes
    -----
    The probability that the largest exceeds z is the sum of the contrasts' own, which is known, less
    the mean of how many exceed it beyond the first, which alone is taken from the draws.  So one
    contrast, or many that never exceed z together, get their exact quantile, and the result is neither
    above Bonferroni's nor clipped by it, which would be too low on average.
    """
    contrasts = draws.shape[1]
    allowed = 1 - level
    low, high = float(z_of(level)), bonferroni_quantile(contrasts, level)
    if contrasts == 1:
        return low
    absolute = np.abs(draws.T)
    largest = absolute.max(axis=0)
    # Of all that exceed z, the largest of each draw are the first.
    every, firsts = (np.sort(each[each > low]) for each in (absolute, largest))
    for _ in range(30):
        middle = (low + high) / 2
        beyond = (_above(every, middle) - _above(firsts, middle)) / len(draws)
        if contrasts * 2 * special.ndtr(-middle) - beyond > allowed:
            low = middle
        else:
            high = middle
    return high


def _above(ordered: Floats, value: float) -> int:
    """How many of ordered values exceed one."""
    return len(ordered) - int(np.searchsorted(ordered, value, side="right"))


def step_down(z: Floats, draws: Floats) -> Floats:
    """Adjusted p-values by the step-down maximum of absolute values.

    Parameters
    ----------
    z : array of shape (contrasts,)
        Absolute values on the normal scale.
    draws : array of shape (draws, contrasts)
        From `draw_normal`.

    Notes
    -----
    Controls the family-wise error under any dependence that the draws follow.  Romano & Wolf
    (2005), doi:10.1111/j.1468-0262.2005.00615.x.  Never above Holm's value, which bounds the
    same probability and resolves p-values below one over the number of draws.
    """
    if len(z) == 1:
        return p_of_z(z)
    order = np.argsort(-z, kind="stable")
    running = np.zeros(len(draws))
    adjusted = np.empty(len(z))
    for index in order[::-1]:
        np.maximum(running, np.abs(draws[:, index]), out=running)
        adjusted[index] = (1 + np.count_nonzero(running >= z[index])) / (len(draws) + 1)
    adjusted[order] = np.maximum.accumulate(adjusted[order])
    return np.minimum(adjusted, holm(p_of_z(z)))


def single_step(z: Floats, draws: Floats) -> Floats:
    """Adjusted p-values by the maximum over all draws' columns, for comparisons chosen by the data."""
    largest = np.sort(np.abs(draws).max(axis=1))
    above = len(largest) - np.searchsorted(largest, z, side="left")
    adjusted = (1 + above) / (len(largest) + 1)
    return np.asarray(np.minimum(adjusted, np.minimum(p_of_z(z) * draws.shape[1], 1.0)), float)


def holm(p: npt.ArrayLike) -> Floats:
    """Holm's step-down adjusted p-values; valid under any dependence.

    Holm (1979), Scandinavian Journal of Statistics 6, 65-70.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p, float)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * np.arange(len(p), 0, -1)
    out = np.empty_like(p)
    out[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return out


def benjamini_hochberg(p: npt.ArrayLike) -> Floats:
    """Benjamini-Hochberg adjusted p-values: false discovery rate, under independence or PRDS.

    Benjamini & Hochberg (1995), doi:10.1111/j.2517-6161.1995.tb02031.x.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    p = np.asarray(p, float)
    order = np.argsort(-p, kind="stable")
    ranks = np.arange(len(p), 0, -1)
    out = np.empty_like(p)
    out[order] = np.minimum(np.minimum.accumulate(p[order] * len(p) / ranks), 1.0)
    return out


def bonferroni_quantile(contrasts: int, level: float) -> float:
    """Quantile z for that many contrasts by Bonferroni's inequality."""
    return float(z_of(1 - (1 - level) / max(contrasts, 1)))

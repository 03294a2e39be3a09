"""What other tools would have said of the same data."""

import warnings

import numpy as np
from scipy import optimize, special, stats


def welch_p(groups):
    """Two-sided p of each group against all others pooled (Welch 1947), by Bonferroni."""
    found = []
    for index, one in enumerate(groups):
        others = np.concatenate([g for j, g in enumerate(groups) if j != index])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found.append(stats.ttest_ind(one, others, equal_var=False).pvalue)
    return np.minimum(np.nan_to_num(np.array(found), nan=1.0) * len(groups), 1)


def prior_of(variances, freedom):
    """Prior degrees of freedom and variance by moments of log variances (Smyth 2004).

    Source: doi:10.2202/1544-6115.1027, section 6.2.
    """
    kept = variances > 0
    s, d = variances[kept], freedom[kept]
    e = np.log(s) - special.digamma(d / 2) + np.log(d / 2)
    middle = e.mean()
    beyond = e.var(ddof=1) - special.polygamma(1, d / 2).mean()
    if beyond <= 0:
        return np.inf, float(np.exp(middle))
    freedom_0 = 2 * optimize.brentq(
        lambda x: float(special.polygamma(1, x)) - beyond, 1e-4, 1e8, maxiter=500
    )
    return freedom_0, float(np.exp(middle + special.digamma(freedom_0 / 2) - np.log(freedom_0 / 2)))


def moderated(variances, freedom):
    """Variances drawn to the prior, and their degrees of freedom, as limma's eBayes has them."""
    freedom_0, prior = prior_of(variances, freedom)
    if np.isinf(freedom_0):
        return np.full_like(variances, prior), np.full_like(freedom, freedom.sum())
    steadied = (freedom_0 * prior + freedom * variances) / (freedom_0 + freedom)
    return steadied, np.minimum(freedom_0 + freedom, freedom.sum())


def limma_p(cells):
    """Moderated t of each cell of each row of cells against the other cells of that row, Bonferroni.

    `cells` is a list of rows (conditions); a row is a list of arrays of unit values, one per group.
    """
    flat = [values for row in cells for values in row]
    variances = np.array([v.var(ddof=1) for v in flat])
    steadied, freedom = moderated(variances, np.array([len(v) - 1.0 for v in flat]))
    found, start = [], 0
    for row in cells:
        sizes = np.array([len(v) for v in row])
        means, s2 = np.array([v.mean() for v in row]), steadied[start : start + len(row)]
        for index, own in enumerate(sizes):
            rest = np.arange(len(row)) != index
            share = sizes[rest] / sizes[rest].sum()
            error = s2[index] / own + (share**2 * s2[rest] / sizes[rest]).sum()
            t = (means[index] - (share * means[rest]).sum()) / np.sqrt(error)
            found.append(2 * stats.t.sf(abs(t), freedom[start + index]))
        start += len(row)
    return np.minimum(np.array(found) * len(flat), 1)


def fairlearn_gap(groups, truth, draws=60, seed=0):
    """Lower end of the 95 % bootstrap quantiles of fairlearn's largest difference."""
    from fairlearn.metrics import MetricFrame, selection_rate

    frame = MetricFrame(
        metrics=selection_rate,
        y_true=truth,
        y_pred=truth,
        sensitive_features=groups,
        n_boot=draws,
        ci_quantiles=[0.025, 0.975],
        random_state=seed,
    )
    return float(frame.difference_ci()[0])


def jiwer_interval(references, hypotheses, rng, draws=400):
    """Percentile bootstrap over utterances of jiwer's word error rate."""
    import jiwer

    errors, words = [], []
    for reference, hypothesis in zip(references, hypotheses, strict=True):
        counts = jiwer.process_words(reference, hypothesis)
        errors.append(counts.substitutions + counts.deletions + counts.insertions)
        words.append(counts.hits + counts.substitutions + counts.deletions)
    return bootstrap(np.array(errors), np.array(words), rng, draws)


def bootstrap(errors, words, rng, draws=400):
    """Percentile interval of a ratio of sums when its rows are drawn anew."""
    drawn = rng.integers(0, len(errors), (draws, len(errors)))
    return np.quantile(errors[drawn].sum(1) / words[drawn].sum(1), [0.025, 0.975])


def clustered_interval(values, weights, units):
    """Cluster-robust 95 % t interval of a weighted mean by statsmodels."""
    import statsmodels.api as sm

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = sm.WLS(values, np.ones(len(values)), weights=weights).fit(
            cov_type="cluster", cov_kwds={"groups": units}, use_t=True
        )
        return fit.conf_int()[0]


def clustered_p(values, member, units):
    """P of a difference of means by statsmodels' OLS, errors clustered by one name of units."""
    import statsmodels.api as sm

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = sm.OLS(values, sm.add_constant(member.astype(float))).fit(
            cov_type="cluster", cov_kwds={"groups": units}, use_t=True
        )
    return float(fit.pvalues[1])

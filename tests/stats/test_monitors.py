"""Monitors: no false alarm beyond what is promised, however often one looks, and alarms in time."""

import numpy as np
import pytest

from evenhand.stats.monitors import (
    STAKES,
    Beta,
    changed,
    ever_above,
    limit_of_past,
    log_factors,
    sequence_limits,
)

SURE = np.log(20)


def first_passing(path, limit):
    hits = np.flatnonzero(path >= limit)
    return hits[0] + 1 if len(hits) else np.inf


def passed(rng, rate, threshold, rows):
    x = (rng.random(rows) < rate).astype(float)
    return first_passing(ever_above(log_factors(x - threshold, threshold))[0], SURE)


def test_looking_after_every_row_is_no_false_alarm_at_the_threshold():
    rng, worlds = np.random.default_rng(1), 1500
    false = np.mean([np.isfinite(passed(rng, 0.12, 0.12, 3000)) for _ in range(worlds)])
    assert false <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / worlds)


def test_a_rate_above_the_threshold_is_found_in_time():
    rng = np.random.default_rng(2)
    # A single e-process with the right stake takes 118 rows.
    assert np.median([passed(rng, 0.20, 0.12, 4000) for _ in range(300)]) <= 1.5 * 118


def utterances(rng, rate, number):
    words = rng.integers(5, 16, number)
    return rng.binomial(words, rng.beta(6 * rate, 6 * (1 - rate), number)), words


def test_word_error_rates_are_found_in_time_and_without_false_alarms():
    rng, threshold = np.random.default_rng(3), 0.18

    def alarm(rate, number=3000):
        errors, words = utterances(rng, rate, number)
        logs = log_factors(errors - threshold * words, threshold * 16)
        return first_passing(ever_above(logs)[0], SURE)

    assert np.median([alarm(0.25) for _ in range(300)]) <= 1.5 * 71
    worlds = 600
    false = np.mean([np.isfinite(alarm(threshold)) for _ in range(worlds)])
    assert false <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / worlds)


def change_alarm(rng, before, after, at, run_length):
    x = (np.concatenate([rng.random(at) / before, rng.random(3000) / after]) < 1).astype(float)
    limit = limit_of_past(x, 0.025)
    known = np.isfinite(limit)
    logs = log_factors(x[known] - limit[known], limit[known])
    return first_passing(changed(logs)[0], np.log(run_length)) + (~known).sum() - at


def test_a_change_after_ten_thousand_good_rows_is_found_in_time():
    rng = np.random.default_rng(4)
    delays = np.array([change_alarm(rng, 0.10, 0.20, 10_000, 1e4) for _ in range(120)])
    assert np.median(delays[delays > 0]) <= 1.5 * 175


def test_false_alarms_of_change_come_no_sooner_than_the_run_length():
    rng, length = np.random.default_rng(5), 2_000
    runs = [change_alarm(rng, 0.10, 0.10, 6_000, length) + 6_000 for _ in range(100)]
    assert np.mean(np.minimum(runs, 9_000)) >= length


def test_evidence_goes_on_where_it_stopped():
    rng = np.random.default_rng(6)
    x = (rng.random(500) < 0.3).astype(float)
    logs = log_factors(x - 0.2, 0.2)
    for monitor in (ever_above, changed):
        whole, last = monitor(logs)
        parts, state = [], None
        for piece in np.split(logs, [0, 1, 70, 333]):
            path, state = monitor(piece, state)
            parts.append(path)
        assert np.concatenate(parts) == pytest.approx(whole, rel=1e-12)
        assert state == pytest.approx(last, rel=1e-12)


def test_the_change_statistic_is_its_recursion():
    rng = np.random.default_rng(7)
    logs = log_factors((rng.random(200) < 0.3) - 0.2, 0.2)
    r, told = np.zeros(len(STAKES)), []
    for factor in np.exp(logs):
        r = (r + 1) * factor
        told.append(np.log(r.mean()))
    assert changed(logs)[0] == pytest.approx(told, rel=1e-10)


def test_limits_at_all_times_cover_at_all_times():
    rng, rate, worlds, n = np.random.default_rng(8), 0.1, 400, np.arange(1, 2001)
    missed = 0
    for _ in range(worlds):
        low, high = sequence_limits(np.cumsum(rng.random(2000) < rate), n, 0.05)
        missed += bool(((rate < low) | (rate > high)).any())
    assert missed / worlds <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / worlds)


def test_limits_are_where_the_mixture_ratio_is_one_over_alpha():
    low, high = sequence_limits([30, 0, 10], [100, 50, 10], 0.05, Beta(a=1, b=1))
    assert low[1] == 0.0
    assert high[2] == 1.0
    # Bayes factor of the uniform prior, by its own formula: B(31, 71) over p^30 (1 - p)^70.
    from math import lgamma, log

    mixture = lgamma(31) + lgamma(71) - lgamma(102)
    for p in (low[0], high[0]):
        assert mixture - (30 * log(p) + 70 * log(1 - p)) == pytest.approx(log(20), abs=1e-9)


@pytest.mark.parametrize("alpha", [0.5, 0.05, 1e-6])
@pytest.mark.parametrize("rate", [0.0, 0.001, 0.4, 0.97, 1.0])
def test_limits_are_found_at_any_rate_and_level(alpha, rate):
    from scipy.special import betaln, xlog1py, xlogy

    n = np.arange(1, 2001)
    s = np.cumsum(np.random.default_rng(9).random(2000) < rate)
    low, high = sequence_limits(s, n, alpha)
    assert ((low <= s / n) & (s / n <= high) & (low >= 0) & (high <= 1)).all()
    wanted = betaln(0.5 + s, 0.5 + n - s) - betaln(0.5, 0.5) + np.log(alpha)
    for limit, some in ((low, s > 0), (high, (s < n) & (high < 0.999))):
        told = xlogy(s, limit) + xlog1py(n - s, -limit)
        assert told[some] == pytest.approx(wanted[some], abs=1e-8)

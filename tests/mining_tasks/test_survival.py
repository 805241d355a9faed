"""Kaplan and Meier's estimate a second way: plain fractions, case by case."""

from fractions import Fraction
from math import exp, log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mining_tasks.survival import SHARES, estimate_survival

CASES = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=40)


def by_hand(cases):
    """(time, share that lasts longer, at risk, ended, Greenwood's sum) of each time at which a case ended."""
    share, greenwood, rows = Fraction(1), 0.0, []
    for time in sorted({time for time, is_open in cases if not is_open}):
        at_risk = sum(lasted >= time for lasted, _ in cases)
        ended = sum(lasted == time and not is_open for lasted, is_open in cases)
        share *= Fraction(at_risk - ended, at_risk)
        greenwood = greenwood + ended / (at_risk * (at_risk - ended)) if at_risk > ended else None
        rows.append((time, share, at_risk, ended, greenwood))
    return rows


@settings(max_examples=150, deadline=None)
@given(CASES)
def test_curve_limits_and_quantiles_equal_the_definition(cases):
    curve = estimate_survival([time for time, _ in cases], [is_open for _, is_open in cases])
    rows = by_hand(cases)
    assert curve.times_us.tolist() == [row[0] for row in rows]
    assert curve.open_share.tolist() == pytest.approx([float(row[1]) for row in rows], abs=1e-12)
    assert list(zip(curve.at_risk_count.tolist(), curve.ended_count.tolist(), strict=True)) == [
        row[2:4] for row in rows
    ]
    for place, (_, share, _, _, greenwood) in enumerate(rows):
        if 0 < share < 1:
            spread = 1.959963984540054 * sqrt(greenwood) / abs(log(share))
            limits = float(share) ** exp(spread), float(share) ** exp(-spread)
            assert (curve.lower_share[place], curve.upper_share[place]) == pytest.approx(limits, abs=1e-9)
    for wanted in SHARES:
        reached = [time for time, share, *_ in rows if share <= 1 - wanted]
        assert curve.quantile(wanted) == (reached[0] if reached else None)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=60))
def test_without_open_cases_it_is_the_plain_distribution(times):
    curve = estimate_survival(times, [False] * len(times))
    longer = [sum(time > reached for time in times) / len(times) for reached in curve.times_us.tolist()]
    assert curve.open_share.tolist() == pytest.approx(longer, abs=1e-12)
    assert curve.quantile(Fraction(1, 2)) == sorted(times)[(len(times) + 1) // 2 - 1]


def test_the_leukaemia_trial_of_freireich_has_its_published_figures():
    """Remission under 6-MP, weeks (Freireich 1963, as in Kalbfleisch and Prentice): median 23, S(6) = 0.857, S(23) = 0.448."""
    ended = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    censored = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    curve = estimate_survival(ended + censored, [False] * 9 + [True] * 12)
    found = dict(zip(curve.times_us.tolist(), curve.open_share.round(3).tolist(), strict=True))
    assert found == {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}
    assert curve.quantile(Fraction(1, 2)) == 23 and curve.quantile(Fraction(3, 4)) is None
    assert curve.quantile(Fraction(1, 2), of="lower_share") == 13
    assert curve.quantile(Fraction(1, 2), of="upper_share") is None


def test_censoring_removes_the_bias_of_looking_at_closed_cases_alone():
    chance = np.random.default_rng(11)
    lasts, seen = chance.exponential(1000, 4000), chance.uniform(0, 1500, 4000)
    is_open = lasts > seen
    curve = estimate_survival(np.minimum(lasts, seen).astype(np.int64), is_open)
    assert curve.quantile(Fraction(1, 2)) == pytest.approx(693, rel=0.05)
    assert np.median(lasts[~is_open]) < 450


def test_nothing_ended_and_nothing_at_all():
    assert estimate_survival([3, 4], [True, True]).quantile(Fraction(1, 10)) is None
    assert estimate_survival([], []).quantile(Fraction(1, 2)) is None

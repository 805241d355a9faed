"""Throughput time with open cases taken as what they are: cases that last at least as long as they have been seen.

Kaplan and Meier (1958), Nonparametric estimation from incomplete observations; limits of Brookmeyer and Crowley (1982)
on the log-log scale with Greenwood's variance, as lifelines and R's survfit(conf.type = "log-log") have them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

SHARES = (Fraction(1, 10), Fraction(1, 4), Fraction(1, 2), Fraction(3, 4), Fraction(9, 10), Fraction(19, 20))
_Z95 = 1.959963984540054
_CLOSE = 1e-12


@dataclass(frozen=True)
class SurvivalCurve:
    """times_us: at which cases ended, ascending. open_share: of cases that last longer. lower_share, upper_share: its
    limits (95 %). at_risk_count: cases that had lasted so long. ended_count: of those, the ones that ended then.
    """

    times_us: np.ndarray
    open_share: np.ndarray
    lower_share: np.ndarray
    upper_share: np.ndarray
    at_risk_count: np.ndarray
    ended_count: np.ndarray

    def quantile(self, share: Fraction, *, of: str = "open_share") -> int | None:
        """The first time at which at least `share` of the cases have ended; None if the curve does not come so far."""
        reached = np.flatnonzero(getattr(self, of) <= float(1 - share) + _CLOSE)
        return int(self.times_us[reached[0]]) if len(reached) else None


def estimate_survival(durations_us: Sequence[int] | np.ndarray, is_open: Sequence[bool] | np.ndarray) -> SurvivalCurve:
    """The curve of cases that took `durations_us`, of those with `is_open` until they were last seen.

    >>> curve = estimate_survival([1, 2, 2, 5], [False, False, True, False])
    >>> [float(share) for share in curve.open_share], curve.quantile(Fraction(1, 2))
    ([0.75, 0.5, 0.0], 2)
    """
    durations, open_ = np.asarray(durations_us, np.int64), np.asarray(is_open, bool)
    times, ended = np.unique(durations[~open_], return_counts=True)
    at_risk = len(durations) - np.searchsorted(np.sort(durations), times, side="left")
    left = at_risk - ended
    share = np.cumprod(left / np.maximum(at_risk, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.cumsum(ended / (at_risk * left.astype(np.float64)))
        spread = _Z95 * np.sqrt(variance) / np.abs(np.log(share))
        lower, upper = share ** np.exp(spread), share ** np.exp(-spread)
    known = (share > 0) & (share < 1)
    lower, upper = np.where(known, lower, share), np.where(known, upper, share)
    return SurvivalCurve(times, share, lower, upper, at_risk, ended)

"""How sure quantiles of days are: order statistics around them (Woodruff 1952)."""

from __future__ import annotations

import math

import numpy as np

from fillbook.arrays import Floats
from fillbook.metrics.long_run import MeanError, error_of
from fillbook.metrics.risk import historic_var
from fillbook.results import Undefined

Ends = tuple[float, float]


def quantile_ends(
    values: Floats, share: float, *, freedom: int, level: float, known_with: float | None = None
) -> Ends | Undefined:
    """Ends of the interval of a low quantile.

    The share of days at or below the quantile is a mean of days, 0 or 1 each; the quantile lies where the
    ends of that mean's interval are reached.

    Parameters
    ----------
    values
        Days in order without a gap, shape (n,).
    share
        Which quantile, 0.05 for the worst twentieth.
    freedom
        How many cosines the error of the share has.
    level
        Probability of the interval.
    known_with
        Degrees of freedom of Student's t; None takes `freedom`.

    Returns
    -------
    Low and high end; unavailable (``few_tail_days``) where one lies before the worst day.
    """
    at = -historic_var(values, 1.0 - share)
    if math.isnan(at):
        return Undefined.unavailable("few_tail_days")
    error = error_of((values <= at).astype(np.float64), freedom=freedom)
    if isinstance(error, Undefined):
        return error
    reach = MeanError(error.variance, known_with or error.freedom).reach(level)
    return _between(values, share - reach, share + reach)


def _between(values: Floats, low: float, high: float) -> Ends | Undefined:
    """Values at two shares of the ordered days, those between neighbours in proportion."""
    n = values.size
    places = np.array([n * low, n * high]) + 0.5  # counted from 1
    if places[0] < 1.0 or places[1] > n:
        return Undefined.unavailable("few_tail_days")
    found = np.interp(places, np.arange(1.0, n + 1.0), np.sort(values))
    return float(found[0]), float(found[1])


def value_at_risk_ends(values: Floats, alpha: float, *, freedom: int, level: float) -> Ends | Undefined:
    """Ends of the interval of the historic value at risk."""
    ends = quantile_ends(values, 1.0 - alpha, freedom=freedom, level=level)
    return ends if isinstance(ends, Undefined) else (-ends[1], -ends[0])


def tail_ratio_ends(values: Floats, *, freedom: int, level: float) -> Ends | Undefined:
    """Ends of the interval of the 95 % quantile over the loss at 5 %.

    Both quantiles have their intervals; logarithms put them together by the method of variance estimates
    recovery (Zou & Donner 2008), for which the two tails count as independent and the freedoms add up.
    """
    known_with = 2.0 * freedom
    low = quantile_ends(values, 0.05, freedom=freedom, level=level, known_with=known_with)
    high = quantile_ends(-values, 0.05, freedom=freedom, level=level, known_with=known_with)
    if isinstance(low, Undefined) or isinstance(high, Undefined):
        return low if isinstance(low, Undefined) else high
    loss, gain = (-low[1], -low[0]), (-high[1], -high[0])
    if loss[0] <= 0.0 or gain[0] <= 0.0:
        return Undefined.unavailable("open_ended")
    bottom, top = np.log(np.abs(np.quantile(values, [0.05, 0.95])))
    fall = math.hypot(top - math.log(gain[0]), math.log(loss[1]) - bottom)
    rise = math.hypot(math.log(gain[1]) - top, bottom - math.log(loss[0]))
    return math.exp(top - bottom - fall), math.exp(top - bottom + rise)

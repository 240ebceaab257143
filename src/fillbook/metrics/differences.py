"""Whether two daily series differ in mean or Sharpe ratio: Student's t with a long-run variance.

Each figure is, but for what vanishes with many days, a mean of daily contributions (its influence series);
their long-run variance says how sure it is, days that resemble one another included (`metrics.long_run`). Of
two series of the same days the contributions are subtracted day by day, so that what moved both does not
count as a difference; of different days the variances add up. For Sharpe ratios this is the delta method of
Ledoit & Wolf (2008).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fillbook.arrays import Floats
from fillbook.metrics.bootstrap import ENOUGH
from fillbook.metrics.long_run import MeanError, error_of, together
from fillbook.metrics.returns import deviation, mean
from fillbook.results import Status, Undefined

What = Literal["mean", "sharpe"]
LEVEL = 0.95
METHOD = "long-run variance by equal-weighted cosines, Student's t"


@dataclass(frozen=True, slots=True)
class Difference:
    """How far one series is above another, and how sure that is.

    Parameters
    ----------
    what
        ``mean`` of the days, or ``sharpe``, annualised.
    one, other, value
        Each side's figure and one − other; None where there is none.
    low, high
        Ends of the interval, of 95 % unless asked otherwise; None where there is none.
    p_value
        Probability of a difference at least as large where there is none, two-sided.
    n_one, n_other
        Days of each.
    freedom
        Degrees of freedom of Student's t; few where days are few.
    is_paired
        Whether both have the same days, subtracted day by day.
    interval_by
        How the interval was made, in words.
    status, reasons
        ``low_n`` without an interval for want of days, ``partial`` without one for want of variation,
        ``undefined`` without a figure.
    """

    what: What
    one: float | None
    other: float | None
    value: float | None
    low: float | None
    high: float | None
    p_value: float | None
    n_one: int
    n_other: int
    freedom: float | None
    is_paired: bool
    interval_by: str = METHOD
    status: Status = Status.OK
    reasons: tuple[str, ...] = ()

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.low is not None and self.high is not None and (self.low > 0.0 or self.high < 0.0)


def paired(
    one: Floats, other: Floats, what: What, *, periods_per_year: float = 365.0, level: float = LEVEL
) -> Difference:
    """Difference of two series of the same days.

    Parameters
    ----------
    one, other
        Daily values of one unit, oldest first, shape (n,), no NaN.
    what
        ``mean`` or ``sharpe``.
    periods_per_year
        Days a year, for the Sharpe ratio.
    level
        Probability of the interval.
    """
    points = [_point(values, what, periods_per_year) for values in (one, other)]
    error: MeanError | Undefined = Undefined.unavailable("few_days_for_interval")
    if one.size >= ENOUGH and None not in points:
        each = [_influence(values, what, periods_per_year) for values in (one, other)]
        error = error_of(each[0] - each[1], scale=max(float(np.abs(part).max()) for part in each))
    return _made(what, points, error, (one.size, other.size), is_paired=True, level=level)


def apart(one: Floats, other: Floats, what: What, *, periods_per_year: float = 365.0) -> Difference:
    """Difference of two series of different days; as `paired`."""
    points = [_point(values, what, periods_per_year) for values in (one, other)]
    error: MeanError | Undefined = Undefined.unavailable("few_days_for_interval")
    if min(one.size, other.size) >= ENOUGH and None not in points:
        first, second = (error_of(_influence(values, what, periods_per_year)) for values in (one, other))
        if isinstance(first, MeanError) and isinstance(second, MeanError):
            error = together(first, second)
        else:
            error = first if isinstance(first, Undefined) else second
    return _made(what, points, error, (one.size, other.size), is_paired=False, level=LEVEL)


def _point(values: Floats, what: What, periods_per_year: float) -> float | None:
    """Mean, or annualised Sharpe ratio; None where there is none."""
    spread = deviation(values)
    if math.isnan(spread):
        return None
    if what == "mean":
        return mean(values)
    return mean(values) / spread * math.sqrt(periods_per_year) if spread > 0.0 else None


def _influence(values: Floats, what: What, periods_per_year: float) -> Floats:
    """What each day adds to the figure, less than a constant: its mean has the figure's error."""
    if what == "mean":
        return values
    spread = deviation(values)
    z = (values - values.mean()) / spread
    return np.asarray((z - values.mean() / spread / 2.0 * (z**2 - 1.0)) * math.sqrt(periods_per_year))


def _made(
    what: What, points: list[float | None], error: MeanError | Undefined, sizes: tuple[int, int], *,
    is_paired: bool, level: float,
) -> Difference:  # fmt: skip
    """The difference with its interval, or why there is none."""
    one, other = points
    if one is None or other is None:
        why = "n_lt_2" if min(sizes) < 2 else "zero_variance"
        return Difference(
            what, one, other, None, None, None, None, *sizes, None, is_paired, METHOD, Status.UNDEFINED,
            (why,),
        )  # fmt: skip
    value = one - other
    if isinstance(error, Undefined):
        status = Status.LOW_N if error.status is Status.UNAVAILABLE else Status.PARTIAL
        return Difference(
            what, one, other, value, None, None, None, *sizes, None, is_paired, METHOD, status,
            (error.reason,),
        )  # fmt: skip
    reach = error.reach(level)
    return Difference(
        what, one, other, value, value - reach, value + reach, error.p_value(value), *sizes, error.freedom,
        is_paired,
    )  # fmt: skip

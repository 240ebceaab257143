"""Whether two daily series differ in mean or Sharpe ratio: intervals by the stationary bootstrap.

Series of the same days are resampled together, so that what moved both does not count as a difference;
series of different days are resampled apart (DEFINITIONS E7; Politis & Romano 1994; Ledoit & Wolf 2008).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fillbook.arrays import Floats
from fillbook.metrics.bootstrap import ENOUGH, SEED, block_length, resampled_sums
from fillbook.metrics.returns import deviation, mean
from fillbook.results import Status

What = Literal["mean", "sharpe"]
LEVEL = 0.95
_ROUNDING = 1e-13  # of the mean square: what is left of a resample of one value
_LOST_AT_MOST = 0.05  # of the resamples may have no answer


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
        Share of resamples that differ at least as much by chance, two-sided.
    n_one, n_other
        Days of each.
    block_days
        Mean block that stayed together; the longer of two.
    is_paired
        Whether both have the same days and were resampled together.
    status, reasons
        ``low_n`` without an interval for want of days, ``undefined`` without a figure.
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
    block_days: float | None
    is_paired: bool
    status: Status = Status.OK
    reasons: tuple[str, ...] = ()

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.low is not None and self.high is not None and (self.low > 0.0 or self.high < 0.0)


def paired(
    one: Floats, other: Floats, what: What, *, periods_per_year: float = 365.0, seed: int = SEED,
    level: float = LEVEL,
) -> Difference:  # fmt: skip
    """Difference of two series of the same days, resampled on the same days.

    Parameters
    ----------
    one, other
        Daily values of one unit, shape (n,), no NaN.
    what
        ``mean`` or ``sharpe``.
    periods_per_year
        Days a year, for the Sharpe ratio.
    seed
        Of the random numbers: the same seed, the same interval.
    level
        Probability of the interval.
    """
    values = np.column_stack([one, other])
    points = [_point(values[:, i], what, periods_per_year) for i in (0, 1)]
    gap = _influence(values[:, 0], what) - _influence(values[:, 1], what)
    block = block_length(gap) if one.size >= ENOUGH else None
    if block is None or None in points:
        return _made(what, points, None, (one.size, other.size), None, is_paired=True)
    drawn = _resampled(values, what, block, periods_per_year, seed)
    return _made(
        what, points, drawn[:, 0] - drawn[:, 1], (one.size, other.size), block, is_paired=True, level=level
    )


def apart(
    one: Floats, other: Floats, what: What, *, periods_per_year: float = 365.0, seed: int = SEED
) -> Difference:
    """Difference of two series of different days, each resampled for itself; as `paired`."""
    points = [_point(values, what, periods_per_year) for values in (one, other)]
    sizes = (one.size, other.size)
    if min(sizes) < ENOUGH or None in points:
        return _made(what, points, None, sizes, None, is_paired=False)
    blocks = [block_length(_influence(values, what)) for values in (one, other)]
    drawn = [
        _resampled(values[:, None], what, block, periods_per_year, seed + i)[:, 0]
        for i, (values, block) in enumerate(zip((one, other), blocks, strict=True))
    ]
    return _made(what, points, drawn[0] - drawn[1], sizes, max(blocks), is_paired=False)


def _point(values: Floats, what: What, periods_per_year: float) -> float | None:
    """Mean, or annualised Sharpe ratio; None where there is none."""
    spread = deviation(values)
    if math.isnan(spread):
        return None
    if what == "mean":
        return mean(values)
    return mean(values) / spread * math.sqrt(periods_per_year) if spread > 0.0 else None


def _influence(values: Floats, what: What) -> Floats:
    """What each day adds to the error of the figure: its own dependence decides the blocks."""
    if values.size < 2:
        return np.zeros(values.size)
    away = values - values.mean()
    spread = deviation(values)
    if what == "mean" or spread == 0.0:
        return np.asarray(away)
    z = away / spread
    return np.asarray(z - (values.mean() / spread) / 2.0 * (z**2 - 1.0))


def _resampled(values: Floats, what: What, block: float, periods_per_year: float, seed: int) -> Floats:
    """The figure of every column over resamples of the rows, shape (replicates, columns)."""
    n, centre = values.shape[0], values.mean(axis=0)
    away = values - centre  # squares of what is near its mean lose no digits
    sums = resampled_sums(np.hstack([away, away**2]), block, seed=seed)
    shift = sums[:, : values.shape[1]] / n
    means = centre + shift
    if what == "mean":
        return np.asarray(means)
    square = sums[:, values.shape[1] :] / n
    variance = (square - shift**2) * n / (n - 1)
    varies = variance > _ROUNDING * square
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = means / np.sqrt(np.maximum(variance, 0.0)) * math.sqrt(periods_per_year)
    return np.asarray(np.where(varies, ratio, np.nan))


def _made(
    what: What, points: list[float | None], drawn: Floats | None, sizes: tuple[int, int],
    block: float | None, *, is_paired: bool, level: float = LEVEL,
) -> Difference:  # fmt: skip
    """The difference with its interval, or why there is none."""
    one, other = points
    if one is None or other is None:
        why = "n_lt_2" if min(sizes) < 2 else "zero_variance"
        return Difference(
            what, one, other, None, None, None, None, *sizes, None, is_paired, Status.UNDEFINED, (why,)
        )
    value = one - other
    held = (what, one, other, value)
    if drawn is None:
        return Difference(
            *held, None, None, None, *sizes, None, is_paired, Status.LOW_N, ("few_days_for_interval",)
        )
    known = drawn[~np.isnan(drawn)]
    if known.size < (1.0 - _LOST_AT_MOST) * drawn.size:
        return Difference(
            *held, None, None, None, *sizes, block, is_paired, Status.PARTIAL, ("resamples_undefined",)
        )
    tail = (1.0 - level) / 2.0
    low, high = (float(x) for x in np.quantile(known, [tail, 1.0 - tail]))
    p_value = (1.0 + float((np.abs(known - value) >= abs(value)).sum())) / (1.0 + known.size)
    return Difference(*held, low, high, p_value, *sizes, block, is_paired)

"""Ratios of the last so many days, day by day; a window with a gap in it has none."""

from __future__ import annotations

import math

import numpy as np

from fillbook.arrays import Floats

WINDOW = 30
_FLAT = 1e-12  # a deviation below this share of the values is none


def rolling_ratios(
    values: Floats, *, periods_per_year: float, window: int = WINDOW
) -> tuple[Floats, Floats, Floats]:
    """Volatility, Sharpe and Sortino ratio of each window, at its last day, all annualised.

    Parameters
    ----------
    values
        Daily returns, or daily PnL (the volatility is then money); NaN is a gap, shape (n,).
    periods_per_year
        Days a year.
    window
        Days in a window.

    Returns
    -------
    Three arrays of shape (n,): NaN before there are enough days, where a window has a gap, and for a
    ratio whose denominator is 0 (`returns.sharpe_ratio`, `returns.sortino_ratio` of the window).
    """
    n = values.size
    found = np.full((3, n), np.nan)
    if window < 2 or n < window:
        return found[0], found[1], found[2]
    held = np.lib.stride_tricks.sliding_window_view(values, window)
    mean, spread = held.mean(axis=1), held.std(axis=1, ddof=1)
    largest = np.abs(held).max(axis=1)
    spread = np.where(spread <= _FLAT * largest, 0.0, spread)
    below = np.sqrt(np.mean(np.minimum(held, 0.0) ** 2, axis=1))
    below = np.where(below <= _FLAT * largest, 0.0, below)
    year = math.sqrt(periods_per_year)
    with np.errstate(divide="ignore", invalid="ignore"):
        found[0, window - 1 :] = spread * year
        found[1, window - 1 :] = np.where(spread > 0.0, mean / spread * year, np.nan)
        found[2, window - 1 :] = np.where(below > 0.0, mean / below * year, np.nan)
    return found[0], found[1], found[2]

"""How sure means and ratios are where losses are rare and large: the studentised block bootstrap.

Student's t takes a mean to err as far above as below. Where nine days in ten win a little and the tenth loses
much, a history without its share of losses has a mean too high and an error too small at once, and t misses
one truth in seven. There the quantiles of (figure − truth)/error are those of histories resampled in blocks,
each with its own long-run error (Hall 1988; of dependent days Götze & Künsch 1996). Whether days are so is
asked of their skewness (D'Agostino 1970), for where they are not t is as good and steadier.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from fillbook.arrays import Floats
from fillbook.metrics.bootstrap import SEED, at_once, block_length, drawn_places
from fillbook.metrics.influence import Smooth
from fillbook.metrics.long_run import MeanError, long_run_variances
from fillbook.metrics.returns import deviation
from fillbook.results import Undefined

SKEWED = 2.576  # of normal days one history in a hundred lies beyond
LONG = 365  # days beyond which t is as good again
REPLICATES = 1_000
_MOST_UNDEFINED = 0.05
Figures = tuple[Floats, Floats]  # of each row its figure on its scale, and its influence series


def _means(rows: Floats) -> Figures:
    return rows.mean(axis=1), rows


def _sharpes(rows: Floats) -> Figures:
    mean, spread = rows.mean(axis=1, keepdims=True), rows.std(axis=1, ddof=1, keepdims=True)
    z, ratio = (rows - mean) / spread, mean / spread
    return ratio[:, 0], z - ratio / 2.0 * (z**2 - 1.0)


def _gains_to_losses(rows: Floats) -> Figures:
    gains, losses = np.maximum(rows, 0.0), np.maximum(-rows, 0.0)
    gain, loss = gains.mean(axis=1, keepdims=True), losses.mean(axis=1, keepdims=True)
    return np.log(gain / loss)[:, 0], gains / gain - losses / loss


def _kellys(rows: Floats) -> Figures:
    mean, square = rows.mean(axis=1, keepdims=True), rows.var(axis=1, ddof=1, keepdims=True)
    away = rows - mean
    return (mean / square)[:, 0], away / square - mean / square**2 * (away**2 - square)


FIGURES: Mapping[str, Callable[[Floats], Figures]] = {  # by key of the metric; no year in them
    "average_daily_pnl": _means, "sharpe_ratio": _sharpes, "omega_ratio": _gains_to_losses,
    "period_profit_factor": _gains_to_losses, "kelly_continuous": _kellys,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Resampled:
    """Ends of an interval and the resamples it came from.

    Parameters
    ----------
    ends
        Low and high end; unavailable (``often_undefined``) where more than 5 % of resamples have none.
    block, undefined
        Mean length of the blocks, and resamples without a figure.
    """

    ends: tuple[float, float] | Undefined
    block: float
    undefined: int


def skewness_z(values: Floats) -> float:
    """How far the skewness of days is from 0, in deviations of that of normal days (D'Agostino 1970).

    0 where the days do not vary, or are fewer than 8.
    """
    n = float(values.size)
    if n < 8.0 or not deviation(values) > 0.0:
        return 0.0
    away = values - values.mean()
    skew = float(np.mean(away**3)) / float(np.mean(away**2)) ** 1.5
    y = skew * math.sqrt((n + 1.0) * (n + 3.0) / (6.0 * (n - 2.0)))
    peaked = 3.0 * (n**2 + 27.0 * n - 70.0) * (n + 1.0) * (n + 3.0)
    peaked /= (n - 2.0) * (n + 5.0) * (n + 7.0) * (n + 9.0)
    square = math.sqrt(2.0 * (peaked - 1.0)) - 1.0
    return math.asinh(y / math.sqrt(2.0 / (square - 1.0))) / math.sqrt(0.5 * math.log(square))


def is_skewed(values: Floats) -> bool:
    """Whether days are so skewed, and so few, that Student's t misses too often."""
    return values.size <= LONG and abs(skewness_z(values)) > SKEWED


def studentised_ends(
    key: str, values: Floats, smooth: Smooth, error: MeanError, *, level: float,
    replicates: int = REPLICATES, seed: int = SEED,
) -> Resampled:  # fmt: skip
    """Interval of a figure whose error is far from even.

    Parameters
    ----------
    key
        Of `FIGURES`.
    values
        Days in order without a gap, shape (n,).
    smooth, error
        The figure of these days on its scale, and its error.
    level
        Probability of the interval.
    replicates, seed
        Histories drawn, and the seed they are drawn by.
    """
    n, figures, freedom = values.size, FIGURES[key], int(error.freedom)
    rng, block = np.random.default_rng(seed), block_length(values)
    with np.errstate(all="ignore"):
        here = float(figures(values[None])[0][0])
        drawn = []
        for begin in range(0, replicates, at_once(n)):
            place = drawn_places(rng, min(at_once(n), replicates - begin), n, block)
            found, influence = figures(values[place])
            drawn.append((found - here) / np.sqrt(long_run_variances(influence, freedom) / n))
    away = np.concatenate(drawn)
    known = away[np.isfinite(away)]
    undefined = replicates - known.size
    if undefined > _MOST_UNDEFINED * replicates:
        return Resampled(Undefined.unavailable("often_undefined"), block, undefined)
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(known, [tail, 1.0 - tail]) * math.sqrt(error.variance)
    return Resampled(smooth.ends(float(high), -float(low)), block, undefined)

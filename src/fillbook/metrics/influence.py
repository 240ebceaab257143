"""What each day adds to a ratio, and the scale on which the ratio and its error go their own ways.

A smooth figure of many days moves, but for what vanishes with their number, like the mean of its influence
series (Hampel 1974; for the shortfall Trindade, Uryasev, Shapiro & Zrazhevsky 2007), so `long_run.error_of`
says how sure it is. Shares move on the scale of log odds, ratios of gain and loss on that of logarithms, and
what is estimated together with its own error (deviation, shortfall) on that of 1/x²: there intervals hold
their level with the fewest days, as counted by ``make validate``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fillbook.arrays import Floats
from fillbook.metrics.returns import deviation, downside_deviation
from fillbook.metrics.risk import historic_es, historic_var
from fillbook.results import Undefined

Scale = Literal["plain", "log", "odds", "precision"]


@dataclass(frozen=True, slots=True)
class Smooth:
    """A figure of days with its influence series.

    Parameters
    ----------
    value
        The figure, as its metric says.
    influence
        What each day adds to the figure on its scale, less than a constant, shape (n,).
    scale
        ``plain``, ``log`` x, ``odds`` log(x/(1 − x)), ``precision`` −1/(2x²).
    """

    value: float
    influence: Floats
    scale: Scale = "plain"

    def ends(self, below: float, above: float | None = None) -> tuple[float, float]:
        """The interval so far below and above on the scale; infinite where the scale ends before.

        `above` is `below` unless said.
        """
        up = below if above is None else above
        if self.scale == "plain":
            return self.value - below, self.value + up
        if self.scale == "log":
            return self.value * math.exp(-below), self.value * math.exp(up)
        if self.scale == "odds":
            odds = self.value / (1.0 - self.value)
            low, high = odds * math.exp(-below), odds * math.exp(up)
            return low / (1.0 + low), high / (1.0 + high)
        lower, upper = (2.0 * reach * self.value**2 for reach in (below, up))
        high = self.value / math.sqrt(1.0 - upper) if upper < 1.0 else math.inf
        return self.value / math.sqrt(1.0 + lower), high


def of_mean(values: Floats) -> Smooth:
    """Mean of the days."""
    return Smooth(float(values.mean()), values)


def of_sharpe(values: Floats, periods_per_year: float) -> Smooth | Undefined:
    """Sharpe ratio: z − S/2 (z² − 1), z the days in deviations from their mean (Lo 2002)."""
    spread = deviation(values)
    if not spread > 0.0:
        return Undefined("zero_variance")
    z, ratio = (values - values.mean()) / spread, float(values.mean()) / spread
    year = math.sqrt(periods_per_year)
    return Smooth(ratio * year, (z - ratio / 2.0 * (z**2 - 1.0)) * year)


def of_sortino(values: Floats, periods_per_year: float) -> Smooth | Undefined:
    """Sortino ratio: (r − m)/d − m/(2d³) (min(r, 0)² − d²), m the mean and d the downside deviation."""
    below = downside_deviation(values)
    if not below > 0.0:
        return Undefined("zero_downside")
    m, year = float(values.mean()), math.sqrt(periods_per_year)
    added = (values - m) / below - m / (2.0 * below**3) * (np.minimum(values, 0.0) ** 2 - below**2)
    return Smooth(m / below * year, added * year)


def of_gain_to_loss(values: Floats) -> Smooth | Undefined:
    """Gains over losses, the logarithm: gain/mean gain − loss/mean loss."""
    gains, losses = np.maximum(values, 0.0), np.maximum(-values, 0.0)
    if not losses.any():
        return Undefined("no_losses")
    if not gains.any():
        return Undefined("no_wins")
    gain, loss = float(gains.mean()), float(losses.mean())
    return Smooth(gain / loss, gains / gain - losses / loss, "log")


def of_winning(values: Floats) -> Smooth | Undefined:
    """Share of winning days, the log odds: won/(p(1 − p))."""
    won = (values > 0.0).astype(np.float64)
    p = float(won.mean())
    if p in {0.0, 1.0}:
        return Undefined("no_variation")
    return Smooth(p, won / (p * (1.0 - p)), "odds")


def of_kelly(values: Floats) -> Smooth | Undefined:
    """Kelly fraction m/s²: (r − m)/s² − m/s⁴ ((r − m)² − s²)."""
    spread = deviation(values)
    if not spread > 0.0:
        return Undefined("zero_variance")
    m, square = float(values.mean()), spread**2
    away = values - m
    return Smooth(m / square, away / square - m / square**2 * (away**2 - square))


def of_volatility(values: Floats, periods_per_year: float) -> Smooth | Undefined:
    """Deviation of the year, as −1/(2s²): z²/(2s²)."""
    spread = deviation(values) * math.sqrt(periods_per_year)
    if not spread > 0.0:
        return Undefined("zero_variance")
    z = (values - values.mean()) / deviation(values)
    return Smooth(spread, z**2 / 2.0 / spread**2, "precision")


def of_shortfall(values: Floats, alpha: float) -> Smooth | Undefined:
    """Expected shortfall e, as −1/(2e²): (q − r)⁺/(1 − α)/e³, q the quantile."""
    es = historic_es(values, alpha)
    if math.isnan(es):
        return es if isinstance(es, Undefined) else Undefined("empty")
    if es <= 0.0:
        return Undefined("es_not_positive")
    quantile = -historic_var(values, alpha)
    return Smooth(es, np.maximum(quantile - values, 0.0) / (1.0 - alpha) / es**3, "precision")


Influence = Callable[[Floats, float], Smooth | Undefined]
OF_PNL: Mapping[str, Influence] = {  # by key of the metric; the second argument is days a year
    "average_daily_pnl": lambda values, _: of_mean(values),
    "winning_days": lambda values, _: of_winning(values),
    "period_profit_factor": lambda values, _: of_gain_to_loss(values),
    "expected_shortfall": lambda values, _: of_shortfall(values, 0.95),
}
OF_BASIS: Mapping[str, Influence] = {  # of returns where there is capital, else of PnL
    "sharpe_ratio": of_sharpe,
    "sortino_ratio": of_sortino,
    "omega_ratio": lambda values, _: of_gain_to_loss(values),
}
OF_RETURNS: Mapping[str, Influence] = {
    "volatility": of_volatility,
    "kelly_continuous": lambda values, _: of_kelly(values),
}

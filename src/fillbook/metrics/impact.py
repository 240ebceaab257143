"""Market impact of own orders: the square-root law and its error (DEFINITIONS C13)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fillbook.arrays import Floats
from fillbook.metrics.registry import metric
from fillbook.results import Status, Undefined
from fillbook.units import Unit

ENOUGH = 30
_STEPS = np.linspace(0.05, 1.5, 30)


@dataclass(frozen=True, slots=True)
class Impact:
    """Fit of ``y = Y √z`` through the origin.

    `se` is from the residuals (n − 1 degrees of freedom), `se_hc3` holds where their size varies;
    `exponent` is that of a free fit ``y = Y z^δ``, by least squares of y itself.
    """

    coefficient: float
    se: float
    se_hc3: float
    exponent: float
    n: int
    status: Status


def fit_impact(size: Floats, move: Floats) -> Impact:
    """Fit the impact of orders (Almgren et al. 2005; Tóth et al. 2011).

    Parameters
    ----------
    size
        Quantity over the market's daily volume, z.
    move
        Signed move from arrival to end over daily volatility, y; may be below 0, and no logarithm is taken.
    """
    known = ~(np.isnan(size) | np.isnan(move)) & (size > 0.0)
    z, y = size[known], move[known]
    if z.size < 2:
        none = Undefined("n_lt_2")
        return Impact(none, none, none, none, int(z.size), Status.UNDEFINED)
    x = np.sqrt(z)
    xx = math.fsum(x * x)
    coefficient = math.fsum(x * y) / xx
    residual = y - coefficient * x
    leverage = x * x / xx
    se = math.sqrt(math.fsum(residual**2) / (z.size - 1) / xx)
    robust = math.sqrt(math.fsum((x * residual / np.maximum(1.0 - leverage, 1e-12)) ** 2)) / xx
    is_low = z.size < ENOUGH or np.unique(z).size == 1
    exponent = Undefined("zero_variance") if np.unique(z).size == 1 else _exponent(z, y)
    return Impact(coefficient, se, robust, exponent, int(z.size), Status.LOW_N if is_low else Status.OK)


def _exponent(z: Floats, y: Floats) -> float:
    """Exponent of the least squares of y, by a grid and two refinements of it."""

    def loss(power: float) -> float:
        x = z**power
        return float(np.sum((y - (x @ y) / (x @ x) * x) ** 2))

    grid = _STEPS
    for _ in range(3):
        best = float(grid[np.argmin([loss(power) for power in grid])])
        width = grid[1] - grid[0]
        grid = np.linspace(best - width, best + width, 21)
    return best


@metric(
    label="Impact coefficient", group="execution", unit=Unit.RATIO, better="lower",
    formula=r"Y: \tfrac{s(m_T-m_a)}{\sigma_D}=Y\sqrt{Q/V_D}",
    source="DEFINITIONS C13; Almgren et al. 2005; orders are chosen, not drawn: a selection",
    undefined="no_candles for daily volume and volatility; no_mid; n_lt_2; no_order_row",
)  # fmt: skip
def impact_coefficient(impact_size: Floats, impact_move: Floats) -> float:
    """How far a market order of a day's whole volume would move the price, in daily volatilities."""
    return fit_impact(impact_size, impact_move).coefficient

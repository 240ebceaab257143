"""Falls from a peak (DEFINITIONS E8). The peak includes the start."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fillbook.arrays import Floats
from fillbook.metrics.registry import metric
from fillbook.metrics.returns import mean
from fillbook.results import Undefined
from fillbook.units import Unit


@dataclass(frozen=True, slots=True)
class Drawdown:
    """One fall below a peak, until equity is back at it.

    `depth` is in money, `depth_fraction` of the peak (NaN where the peak is not positive); indices
    are points of the curve, `recovery_index` None while it lasts; `length` and `to_valley` count
    points from the peak.
    """

    depth: float
    depth_fraction: float
    peak_index: int
    valley_index: int
    recovery_index: int | None
    length: int
    to_valley: int


def drawdown_table(equity: Floats) -> list[Drawdown]:
    """Every drawdown of a curve, deepest first: by fraction where every peak is positive, else by depth.

    Parameters
    ----------
    equity
        Points of an equity curve, start included, oldest first, no NaN, shape (n,).
    """
    peak = np.maximum.accumulate(equity) if equity.size else equity
    under = np.concatenate([[False], equity < peak, [False]])
    starts, ends = np.flatnonzero(~under[:-1] & under[1:]), np.flatnonzero(under[:-1] & ~under[1:])
    rows = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        valley = start + int(np.argmin(equity[start:end]))
        top = float(peak[start])
        peak_index = int(np.flatnonzero(equity[:start] == top)[-1])
        depth = top - float(equity[valley])
        last = end if end < equity.size else equity.size - 1
        rows.append(Drawdown(
            depth, depth / top if top > 0.0 else math.nan, peak_index, valley,
            end if end < equity.size else None, last - peak_index, valley - peak_index,
        ))  # fmt: skip
    by_fraction = all(row.depth_fraction == row.depth_fraction for row in rows)  # noqa: PLR0124
    return sorted(rows, key=lambda row: -(row.depth_fraction if by_fraction else row.depth))


def falls(equity: Floats) -> Floats:
    """Peak so far minus equity, ≥ 0, at each point."""
    return np.maximum.accumulate(equity) - equity


def fall_fractions(equity: Floats) -> Floats:
    """The same over the peak; NaN where the peak is not positive."""
    peak = np.maximum.accumulate(equity)
    return np.where(peak > 0.0, (peak - equity) / np.where(peak > 0.0, peak, 1.0), np.nan)


@metric(
    label="Maximum drawdown", group="risk", unit=Unit.MONEY, better="lower",
    formula=r"\max_t(\text{peak}_t-E_t)", source="DEFINITIONS E8", undefined="empty without a day",
)  # fmt: skip
def max_drawdown(curve: Floats) -> float:
    """Deepest fall of marked equity from its peak, start included, in money."""
    return float(falls(curve).max()) if curve.size > 1 else Undefined("empty")


@metric(
    label="Maximum drawdown, share", group="risk", unit=Unit.FRACTION, better="lower",
    formula=r"\max_t(\text{peak}_t-E_t)/\text{peak}_t", source="DEFINITIONS E8",
    undefined="no_capital where none is declared; non_positive_capital; may exceed 100 % with leverage",
)  # fmt: skip
def max_drawdown_fraction(curve: Floats, *, capital: float) -> float:
    """Deepest fall of equity as a share of its peak."""
    if capital <= 0.0:
        return Undefined("non_positive_capital")
    return float(np.nanmax(fall_fractions(curve))) if curve.size > 1 else Undefined("empty")


@metric(
    label="Current drawdown", group="risk", unit=Unit.MONEY, better="lower",
    formula=r"\text{peak}_T-E_T", source="DEFINITIONS E8", undefined="empty without a day",
)  # fmt: skip
def current_drawdown(curve: Floats) -> float:
    """How far equity stands below its peak now."""
    return float(falls(curve)[-1]) if curve.size > 1 else Undefined("empty")


@metric(
    label="Time under water", group="risk", unit=Unit.FRACTION, better="lower",
    formula=r"\#\{t>0: E_t<\text{peak}_t\}/n", source="DEFINITIONS E8; ends of days", undefined="empty without a day",
)  # fmt: skip
def time_under_water(equity: Floats) -> float:
    """Share of days that ended below the peak."""
    return float((falls(equity)[1:] > 0.0).mean()) if equity.size > 1 else Undefined("empty")


@metric(
    label="Calmar ratio", group="risk", unit=Unit.RATIO, better="higher",
    formula=r"\bar r A / \text{MaxDD\%}", source="Young (1991), full period, fixed capital",
    undefined="without capital; zero_drawdown",
)  # fmt: skip
def calmar_ratio(daily_return: Floats, equity: Floats, *, capital: float, periods_per_year: float) -> float:
    """Annualised mean return over the deepest drawdown of the days, as a share of its peak."""
    deepest = max_drawdown_fraction(equity, capital=capital)
    if math.isnan(deepest):
        return deepest
    return mean(daily_return) * periods_per_year / deepest if deepest > 0.0 else Undefined("zero_drawdown")


@metric(
    label="Ulcer index", group="risk", unit=Unit.FRACTION, better="lower",
    formula=r"\sqrt{\frac{1}{n}\sum D_t^2}", source="Martin & McCann (1989)",
    undefined="no_capital where none is declared; non_positive_capital",
)  # fmt: skip
def ulcer_index(equity: Floats, *, capital: float) -> float:
    """Root mean square of the drawdown shares at the ends of days."""
    if capital <= 0.0:
        return Undefined("non_positive_capital")
    if equity.size < 2:
        return Undefined("empty")
    return math.sqrt(float(np.mean(fall_fractions(equity)[1:] ** 2)))


@metric(
    label="Recovery factor", group="risk", unit=Unit.RATIO, better="higher",
    formula=r"\text{net}/\text{MaxDD}", source="DEFINITIONS E2", undefined="empty without a day; zero_drawdown",
)  # fmt: skip
def recovery_factor(equity: Floats) -> float:
    """Net PnL over the deepest drawdown of the days, signed."""
    if equity.size < 2:
        return Undefined("empty")
    deepest = float(falls(equity).max())
    return float(equity[-1] - equity[0]) / deepest if deepest > 0.0 else Undefined("zero_drawdown")

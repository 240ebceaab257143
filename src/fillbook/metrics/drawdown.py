"""Falls from a peak (DEFINITIONS E8). The peak includes the start."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fillbook.arrays import Floats, Ints
from fillbook.conventions import ReturnBasis
from fillbook.metrics.registry import metric
from fillbook.metrics.returns import cagr, mean
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


def drawdown_table(equity: Floats, *, by_money: bool = False, at_most: int | None = None) -> list[Drawdown]:
    """Drawdowns of a curve, deepest first, earlier ones before later ones of the same depth.

    By fraction of the peak where every peak is positive, else by depth in money.

    Parameters
    ----------
    equity
        Points of an equity curve, start included, oldest first, no NaN, shape (n,).
    by_money
        Order by depth in money in any case: where no capital is declared a fraction means nothing.
    at_most
        How many of the deepest; None gives all.
    """
    peak = np.maximum.accumulate(equity) if equity.size else equity
    under = np.concatenate([[False], equity < peak, [False]])
    starts, ends = np.flatnonzero(~under[:-1] & under[1:]), np.flatnonzero(under[:-1] & ~under[1:])
    if starts.size == 0:
        return []
    tops, valleys = peak[starts], _first_minima(equity, starts, ends)
    depths = tops - equity[valleys]
    fractions = np.where(tops > 0.0, depths / np.where(tops > 0.0, tops, 1.0), np.nan)
    order = np.argsort(-(depths if by_money or np.isnan(fractions).any() else fractions), kind="stable")
    rows = []
    for i in order[:at_most].tolist():
        peak_index, valley, end = int(starts[i]) - 1, int(valleys[i]), int(ends[i])
        is_over = end < equity.size
        rows.append(Drawdown(
            float(depths[i]), float(fractions[i]), peak_index, valley, end if is_over else None,
            (end if is_over else equity.size - 1) - peak_index, valley - peak_index,
        ))  # fmt: skip
    return rows


def _first_minima(equity: Floats, starts: Ints, ends: Ints) -> Ints:
    """Index of the first lowest point in each stretch [start, end)."""
    lengths = ends - starts
    inside = np.arange(int(lengths.sum())) + np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
    values = equity[inside]
    firsts = np.cumsum(lengths) - lengths
    lowest = np.flatnonzero(values == np.repeat(np.minimum.reduceat(values, firsts), lengths))
    return np.asarray(inside[lowest[np.searchsorted(lowest, firsts)]])


def falls(equity: Floats) -> Floats:
    """Peak so far minus equity, ≥ 0, at each point."""
    return np.maximum.accumulate(equity) - equity


def fall_fractions(equity: Floats) -> Floats:
    """Peak so far minus equity over that peak; NaN where the peak is not positive."""
    peak = np.maximum.accumulate(equity)
    return np.where(peak > 0.0, (peak - equity) / np.where(peak > 0.0, peak, 1.0), np.nan)


@metric(
    label="Max drawdown", group="risk", unit=Unit.MONEY, better="lower",
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
def current_drawdown(curve_now: Floats) -> float:
    """How far equity stands below its peak now."""
    return float(falls(curve_now)[-1]) if curve_now.size > 1 else Undefined("empty")


@metric(
    label="Time under water", group="risk", unit=Unit.FRACTION, better="lower",
    formula=r"\#\{t>0: E_t<\text{peak}_t\}/n", source="DEFINITIONS E8; ends of days",
    undefined="empty without a day",
)  # fmt: skip
def time_under_water(equity: Floats) -> float:
    """Share of days that ended below the peak."""
    return float((falls(equity)[1:] > 0.0).mean()) if equity.size > 1 else Undefined("empty")


@metric(
    label="Calmar ratio", group="risk", unit=Unit.RATIO, better="higher",
    formula=r"\bar r A / \text{MaxDD\%};\ \text{compounded: CAGR}/\text{MaxDD\%}",
    source="Young (1991), but of the whole period", undefined="without capital; zero_drawdown",
)  # fmt: skip
def calmar_ratio(
    daily_return: Floats, equity: Floats, *, capital: float, periods_per_year: float,
    return_basis: ReturnBasis = "fixed_capital",
) -> float:  # fmt: skip
    """Annual return over the deepest drawdown of the days, both as shares."""
    deepest = max_drawdown_fraction(equity, capital=capital)
    if math.isnan(deepest):
        return deepest
    if deepest == 0.0:
        return Undefined("zero_drawdown")
    if return_basis == "compounded":
        yearly = cagr(np.diff(equity), capital=capital, periods_per_year=periods_per_year)
    else:
        yearly = mean(daily_return) * periods_per_year
    return yearly if math.isnan(yearly) else yearly / deepest


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
    formula=r"\text{net}/\text{MaxDD}", source="DEFINITIONS E2",
    undefined="empty without a day; zero_drawdown",
)  # fmt: skip
def recovery_factor(equity: Floats) -> float:
    """Net PnL over the deepest drawdown of the days, signed."""
    if equity.size < 2:
        return Undefined("empty")
    deepest = float(falls(equity).max())
    return float(equity[-1] - equity[0]) / deepest if deepest > 0.0 else Undefined("zero_drawdown")

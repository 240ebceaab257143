"""Returns of a capital base, and the ratios made of them (DEFINITIONS E1, E2)."""

from __future__ import annotations

import math

import numpy as np

from fillbook.arrays import Floats
from fillbook.conventions import ReturnBasis
from fillbook.ledger.sums import total
from fillbook.metrics.registry import metric
from fillbook.results import Undefined
from fillbook.units import Unit

_FLAT = 1e-12  # a deviation below this share of the values is no deviation


def fixed_returns(pnl: Floats, capital: float) -> Floats | Undefined:
    """Daily PnL over an unchanging capital base; the bot trades the same size every day.

    Undefined (``non_positive_capital``) where a base of zero or less would turn signs around.
    """
    return pnl / capital if capital > 0.0 else Undefined("non_positive_capital")


def compounded_returns(pnl: Floats, capital: float) -> Floats | Undefined:
    """Daily PnL over the equity before the day; NaN from the day after equity fell to zero.

    Undefined (``non_positive_capital``) as a whole where the capital base is not positive.
    """
    if capital <= 0.0:
        return Undefined("non_positive_capital")
    before = capital + np.cumsum(pnl) - pnl
    alive = np.logical_and.accumulate(before > 0.0)
    return np.where(alive, pnl / np.where(alive, before, 1.0), np.nan)


def first_ruin(pnl: Floats, capital: float) -> int | None:
    """Index of the first day that ended with equity of zero or less; None where none did."""
    ruined = np.flatnonzero(capital + np.cumsum(pnl) <= 0.0)
    return int(ruined[0]) if ruined.size else None


def mean(values: Floats) -> float:
    """Arithmetic mean, compensated; undefined (``empty``) of nothing."""
    return total(values) / values.size if values.size else Undefined("empty")


def deviation(values: Floats) -> float:
    """Sample standard deviation (n − 1); 0 where values differ by rounding only."""
    if values.size < 2:
        return Undefined("n_lt_2" if values.size else "empty")
    found = float(values.std(ddof=1))
    scale = max(abs(float(values.mean())), float(np.abs(values).max()))
    return 0.0 if found <= _FLAT * scale else found


def downside_deviation(values: Floats, target: float = 0.0) -> float:
    """Root mean square of what fell short of `target`, over all n values; 0 for rounding only."""
    if values.size < 2:
        return Undefined("n_lt_2" if values.size else "empty")
    found = math.sqrt(total(np.minimum(values - target, 0.0) ** 2) / values.size)
    return 0.0 if found <= _FLAT * float(np.abs(values).max()) else found


@metric(
    label="Average daily PnL", group="profitability", unit=Unit.MONEY, better="higher",
    formula=r"\frac{1}{n}\sum_d \Delta\text{net}_d", source="DEFINITIONS E1",
    undefined="empty without a day",
)  # fmt: skip
def average_daily_pnl(daily_pnl: Floats) -> float:
    """Mean change of net PnL per UTC day, idle days included."""
    return mean(daily_pnl)


@metric(
    label="Volatility", group="risk", unit=Unit.FRACTION, better="lower",
    formula=r"s(r)\sqrt{A}", source="sample standard deviation, 365 days a year",
    undefined="without capital; with fewer than 2 days",
)  # fmt: skip
def volatility(daily_return: Floats, *, periods_per_year: float) -> float:
    """Annualised standard deviation of daily returns."""
    found = deviation(daily_return)
    return found if math.isnan(found) else found * math.sqrt(periods_per_year)


@metric(
    label="Sharpe ratio", group="risk", unit=Unit.RATIO, better="higher",
    formula=r"\frac{\bar r - r_f}{s(r)}\sqrt{A}",
    source="Sharpe (1994), J. Portfolio Management 21(1)",
    undefined="n_lt_2 below 2 days; zero_variance when every day is the same",
)  # fmt: skip
def sharpe_ratio(daily_basis: Floats, *, periods_per_year: float, risk_free: float = 0.0) -> float:
    """Mean daily result per unit of its deviation, annualised.

    Scale-free, so it exists without capital. `risk_free` is per day, in the unit of the values.
    """
    spread = deviation(daily_basis)
    if math.isnan(spread):
        return spread
    if spread == 0.0:
        return Undefined("zero_variance")
    return (mean(daily_basis) - risk_free) / spread * math.sqrt(periods_per_year)


@metric(
    label="Sortino ratio", group="risk", unit=Unit.RATIO, better="higher",
    formula=r"\frac{\bar r - \tau}{\sqrt{\frac{1}{n}\sum_i \min(r_i-\tau,0)^2}}\sqrt{A}",
    source="Sortino & Price (1994), J. Investing 3(3)",
    undefined="n_lt_2 below 2 days; zero_downside when no day fell below the target",
)  # fmt: skip
def sortino_ratio(daily_basis: Floats, *, periods_per_year: float, target: float = 0.0) -> float:
    """Mean daily result above `target` per unit of downside deviation, annualised."""
    downside = downside_deviation(daily_basis, target)
    if math.isnan(downside):
        return downside
    if downside == 0.0:
        return Undefined("zero_downside")
    return (mean(daily_basis) - target) / downside * math.sqrt(periods_per_year)


@metric(
    label="Omega ratio", group="risk", unit=Unit.RATIO, better="higher",
    formula=r"\frac{\sum\max(r-\theta,0)}{\sum\max(\theta-r,0)}",
    source="Keating & Shadwick (2002)",
    undefined="empty without a day; no_losses when none fell below the threshold",
)  # fmt: skip
def omega_ratio(daily_basis: Floats, *, threshold: float = 0.0) -> float:
    """Daily gains above a threshold for each unit of shortfall below it."""
    return _gain_to_loss(daily_basis - threshold)


def _gain_to_loss(values: Floats) -> float:
    if values.size == 0:
        return Undefined("empty")
    lost = -total(values[values < 0.0])
    return total(values[values > 0.0]) / lost if lost > 0.0 else Undefined("no_losses")


@metric(
    label="Profit factor of days", group="risk", unit=Unit.RATIO, better="higher",
    formula=r"\sum_{d>0} p_d / |\sum_{d<0} p_d|", source="profit factor over days, not trades",
    undefined="empty without a day; no_losses when no day lost",
)  # fmt: skip
def period_profit_factor(daily_pnl: Floats) -> float:
    """Won on winning days for each unit lost on losing ones; not the profit factor of trades."""
    return _gain_to_loss(daily_pnl)


@metric(
    label="Winning days", group="profitability", unit=Unit.FRACTION, better="higher",
    formula=r"\#\{\Delta\text{net}_d>0\}/n", source="DEFINITIONS E3, per UTC day",
    undefined="empty without a day",
)  # fmt: skip
def winning_days(daily_pnl: Floats) -> float:
    """Share of days that ended with a gain; a day without one counts against it."""
    return int((daily_pnl > 0.0).sum()) / daily_pnl.size if daily_pnl.size else Undefined("empty")


@metric(
    label="Tail ratio", group="risk", unit=Unit.RATIO, better="higher",
    formula=r"|P_{95}| / |P_{5}|", source="linear (type 7) quantiles",
    undefined="empty without a day; zero_downside when the 5 % quantile is 0",
)  # fmt: skip
def tail_ratio(daily_basis: Floats) -> float:
    """Size of the good tail against the bad one: |95 % quantile| over |5 % quantile|."""
    if daily_basis.size == 0:
        return Undefined("empty")
    low, high = np.quantile(daily_basis, [0.05, 0.95])
    return abs(float(high)) / abs(float(low)) if low != 0.0 else Undefined("zero_downside")


@metric(
    label="Kelly fraction of days", group="risk", unit=Unit.RATIO, better="neither",
    formula=r"\bar r / \frac{1}{n-1}\sum (r-\bar r)^2", source="Kelly (1956); Thorp (2006)",
    undefined="without capital; below 2 days; zero_variance",
)  # fmt: skip
def kelly_continuous(daily_return: Floats) -> float:
    """Mean over variance of daily returns: a raw figure, may be negative, no advice."""
    spread = deviation(daily_return)
    if math.isnan(spread):
        return spread
    return mean(daily_return) / spread**2 if spread > 0.0 else Undefined("zero_variance")


def moments(values: Floats) -> tuple[float, float]:
    """Skewness and raw kurtosis (normal: 3) of a population; undefined with zero variance."""
    spread = deviation(values)
    if math.isnan(spread):
        return spread, spread
    if spread == 0.0:
        return Undefined("zero_variance"), Undefined("zero_variance")
    away = values - values.mean()
    second = float(np.mean(away**2))
    return float(np.mean(away**3)) / second**1.5, float(np.mean(away**4)) / second**2


@metric(
    label="Compound annual growth", group="profitability", unit=Unit.FRACTION, better="higher",
    formula=r"(E_T/K)^{A/n}-1", source="DEFINITIONS E1",
    undefined="without positive capital; not_compounded where returns are on fixed capital; "
    "equity_non_positive once equity fell to zero",
)  # fmt: skip
def cagr(
    daily_pnl: Floats,
    *,
    capital: float,
    periods_per_year: float,
    return_basis: ReturnBasis = "compounded",
) -> float:
    """Yearly growth that would turn the capital into the equity at the end."""
    if return_basis != "compounded":
        return Undefined("not_compounded")
    if capital <= 0.0:
        return Undefined("non_positive_capital")
    if daily_pnl.size == 0:
        return Undefined("empty")
    if first_ruin(daily_pnl, capital) is not None:
        return Undefined("equity_non_positive")
    grown = 1.0 + total(daily_pnl) / capital
    return float(grown ** (periods_per_year / daily_pnl.size) - 1.0)


@metric(
    label="ROI", group="profitability", unit=Unit.FRACTION, better="higher",
    formula=r"\text{net}/K", source="DEFINITIONS E1",
    undefined="no_capital where none is declared; non_positive_capital",
)  # fmt: skip
def roi(book_net: Floats, *, capital: float) -> float:
    """Net PnL over the capital base."""
    return total(book_net) / capital if capital > 0.0 else Undefined("non_positive_capital")

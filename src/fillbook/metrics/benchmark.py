"""One daily series against another: alpha, beta, tracking error, capture (DEFINITIONS B7, E10)."""

from __future__ import annotations

import math

import numpy as np

from fillbook.arrays import Bools, Floats
from fillbook.ledger.sums import total
from fillbook.metrics.registry import metric
from fillbook.metrics.returns import deviation, mean
from fillbook.results import Undefined
from fillbook.units import Unit

ENOUGH_DAYS = 10  # common days below which no figure is given (DEFINITIONS E10)
_FEW = "few_common_days below 10 common days"


def slope(own: Floats, other: Floats) -> float:
    """Least-squares slope of `own` on `other`: cov(own, other) / var(other).

    Undefined (``n_lt_2``, ``zero_variance``) with one day or a benchmark that does not vary.
    """
    spread = deviation(other)
    if math.isnan(spread):
        return spread
    if spread == 0.0:
        return Undefined("zero_variance")
    away = other - mean(other)
    return total(away * (own - mean(own))) / total(away * away)


def intercept(own: Floats, other: Floats) -> float:
    """What a line through the days leaves for a day on which the benchmark stands still."""
    tilt = slope(own, other)
    return tilt if math.isnan(tilt) else mean(own) - tilt * mean(other)


def pearson(own: Floats, other: Floats) -> float:
    """Correlation after Pearson; undefined where either does not vary."""
    spreads = deviation(own), deviation(other)
    for spread in spreads:
        if math.isnan(spread):
            return spread
    if 0.0 in spreads:
        return Undefined("zero_variance")
    one, two = own - mean(own), other - mean(other)
    found = total(one * two) / math.sqrt(total(one * one) * total(two * two))
    return min(max(found, -1.0), 1.0)


def ranks(values: Floats) -> Floats:
    """Ranks from 1, equal values sharing the mean of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray((last - (count - 1) / 2.0)[place], float)


def geometric_mean(values: Floats) -> float:
    """The return that, compounded over as many days, gives the same growth.

    Undefined (``equity_non_positive``) where a day lost everything.
    """
    if not values.size:
        return Undefined("empty")
    if (values <= -1.0).any():
        return Undefined("equity_non_positive")
    return math.expm1(total(np.log1p(values)) / values.size)


def capture(own: Floats, other: Floats, chosen: Bools, lack: str) -> float:
    """Geometric mean of `own` over that of `other` on the chosen days; `lack` where there is none."""
    if not chosen.any():
        return Undefined(lack)
    mine, theirs = geometric_mean(own[chosen]), geometric_mean(other[chosen])
    for value in (mine, theirs):
        if math.isnan(value):
            return value
    return mine / theirs if theirs != 0.0 else Undefined(lack)


def _few(values: Floats) -> Undefined | None:
    """No figure from fewer common days than `ENOUGH_DAYS`."""
    return Undefined.unavailable("few_common_days") if values.size < ENOUGH_DAYS else None


@metric(
    label="Alpha, a year", group="benchmark", unit=Unit.FRACTION, better="higher",
    formula=r"(\bar r - \beta\,\bar b)\,A", source="Jensen (1968), J. Finance 23(2), arithmetic, r_f = 0",
    undefined=f"no_capital where either side has none; {_FEW}; zero_variance of the benchmark",
)  # fmt: skip
def alpha(own_return: Floats, other_return: Floats, *, periods_per_year: float) -> float:
    """Yearly return that the benchmark does not explain."""
    found = _few(own_return) or intercept(own_return, other_return)
    return found if math.isnan(found) else found * periods_per_year


@metric(
    label="Beta", group="benchmark", unit=Unit.RATIO, better="neither",
    formula=r"\mathrm{cov}(r,b)/\mathrm{var}(b)", source="Sharpe (1964), J. Finance 19(3)",
    undefined=f"no_capital where only one side is money; {_FEW}; zero_variance of the benchmark",
)  # fmt: skip
def beta(own_daily: Floats, other_daily: Floats) -> float:
    """How far a day moves for each unit the benchmark moves; both as returns, or both in money."""
    return _few(own_daily) or slope(own_daily, other_daily)


@metric(
    label="Alpha, a day", group="benchmark", unit=Unit.MONEY, better="higher",
    formula=r"\bar p - \hat\beta\,\bar b", source="intercept of daily PnL on the benchmark",
    undefined=f"{_FEW}; zero_variance of the benchmark",
)  # fmt: skip
def alpha_per_day(own_pnl: Floats, other_basis: Floats) -> float:
    """Daily PnL that the benchmark does not explain; needs no capital."""
    return _few(own_pnl) or intercept(own_pnl, other_basis)


@metric(
    label="Beta, as a holding", group="benchmark", unit=Unit.MONEY, better="neither",
    formula=r"\mathrm{cov}(p,b)/\mathrm{var}(b)", source="slope of daily PnL on the benchmark's return",
    undefined=f"no_capital where the benchmark is money; {_FEW}; zero_variance of the benchmark",
)  # fmt: skip
def beta_holding(own_pnl: Floats, other_return: Floats) -> float:
    """Money in the benchmark that would have moved the PnL as much; needs no capital."""
    return _few(own_pnl) or slope(own_pnl, other_return)


@metric(
    label="Correlation", group="benchmark", unit=Unit.RATIO, better="neither",
    formula=r"\mathrm{cov}(r,b)/(s(r)\,s(b))", source="Pearson; DEFINITIONS E10",
    undefined=f"{_FEW}; zero_variance where either does not vary",
)  # fmt: skip
def correlation(own_basis: Floats, other_basis: Floats) -> float:
    """How far both win and lose on the same days: 1 together, −1 against one another."""
    return _few(own_basis) or pearson(own_basis, other_basis)


@metric(
    label="Rank correlation", group="benchmark", unit=Unit.RATIO, better="neither",
    formula=r"\rho(\mathrm{rank}\,r,\mathrm{rank}\,b)", source="Spearman (1904); DEFINITIONS E10",
    undefined=f"{_FEW}; zero_variance where either does not vary",
)  # fmt: skip
def rank_correlation(own_basis: Floats, other_basis: Floats) -> float:
    """Correlation of the days' ranks: one extreme day counts no more than another."""
    if (few := _few(own_basis)) is not None:
        return few
    if 0.0 in (deviation(own_basis), deviation(other_basis)):
        return Undefined("zero_variance")
    return pearson(ranks(own_basis), ranks(other_basis))


@metric(
    label="Tracking error, a year", group="benchmark", unit=Unit.FRACTION, better="neither",
    formula=r"s(r-b)\sqrt{A}", source="Grinold & Kahn (2000), ch. 5",
    undefined=f"no_capital where either side has none; {_FEW}",
)  # fmt: skip
def tracking_error(own_return: Floats, other_return: Floats, *, periods_per_year: float) -> float:
    """Annualised deviation of the difference of daily returns."""
    found = _few(own_return) or deviation(own_return - other_return)
    return found if math.isnan(found) else found * math.sqrt(periods_per_year)


@metric(
    label="Tracking error, a day", group="benchmark", unit=Unit.MONEY, better="neither",
    formula=r"s(p-q)", source="the same of daily PnL", undefined=f"benchmark_is_a_return; {_FEW}",
)  # fmt: skip
def tracking_error_per_day(own_pnl: Floats, other_pnl: Floats) -> float:
    """Deviation of the difference of daily PnL; needs no capital."""
    return _few(own_pnl) or deviation(own_pnl - other_pnl)


@metric(
    label="Information ratio", group="benchmark", unit=Unit.RATIO, better="higher",
    formula=r"\frac{\overline{r-b}}{s(r-b)}\sqrt{A}", source="Grinold & Kahn (2000), ch. 5",
    undefined=f"no_capital where only one side is money; {_FEW}; zero_variance where both move alike",
)  # fmt: skip
def information_ratio(own_daily: Floats, other_daily: Floats, *, periods_per_year: float) -> float:
    """Mean daily difference per unit of its deviation, annualised."""
    if (few := _few(own_daily)) is not None:
        return few
    active = own_daily - other_daily
    spread = deviation(active)
    if math.isnan(spread):
        return spread
    scale = max(float(np.abs(own_daily).max()), float(np.abs(other_daily).max()))
    if spread <= 1e-12 * scale:
        return Undefined("zero_variance")
    return mean(active) / spread * math.sqrt(periods_per_year)


@metric(
    label="Up capture", group="benchmark", unit=Unit.FRACTION, better="higher",
    formula=r"\frac{\prod_{b>0}(1+r)^{1/n_+}-1}{\prod_{b>0}(1+b)^{1/n_+}-1}",
    source="Morningstar; geometric, per day",
    undefined=f"no_capital where either side has none; {_FEW}; no_up_days; equity_non_positive",
)  # fmt: skip
def up_capture(own_return: Floats, other_return: Floats) -> float:
    """Share of the benchmark's gains had on the days it gained."""
    return _few(own_return) or capture(own_return, other_return, other_return > 0.0, "no_up_days")


@metric(
    label="Down capture", group="benchmark", unit=Unit.FRACTION, better="lower",
    formula=r"\frac{\prod_{b<0}(1+r)^{1/n_-}-1}{\prod_{b<0}(1+b)^{1/n_-}-1}",
    source="Morningstar; geometric, per day",
    undefined=f"no_capital where either side has none; {_FEW}; no_down_days; equity_non_positive",
)  # fmt: skip
def down_capture(own_return: Floats, other_return: Floats) -> float:
    """Share of the benchmark's losses had on the days it lost; negative where it was a gain."""
    return _few(own_return) or capture(own_return, other_return, other_return < 0.0, "no_down_days")


@metric(
    label="Ahead", group="benchmark", unit=Unit.FRACTION, better="higher",
    formula=r"\sum_d (r_d-b_d)", source="DEFINITIONS E1, fixed capital",
    undefined="no_capital where either side has none; empty",
)  # fmt: skip
def excess_return(own_return: Floats, other_return: Floats) -> float:
    """Sum of the daily differences of return, nothing reinvested."""
    return total(own_return - other_return) if own_return.size else Undefined("empty")


@metric(
    label="Ahead in money", group="benchmark", unit=Unit.MONEY, better="higher",
    formula=r"\sum_d (p_d-q_d)", source="DEFINITIONS A8", undefined="benchmark_is_a_return; empty",
)  # fmt: skip
def excess_pnl(own_pnl: Floats, other_pnl: Floats) -> float:
    """Net PnL over that of the other side, on the common days."""
    return total(own_pnl - other_pnl) if own_pnl.size else Undefined("empty")

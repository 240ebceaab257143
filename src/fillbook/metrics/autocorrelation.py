"""Sharpe ratios of years whose days resemble one another: Lo's correction (DEFINITIONS E1)."""

from __future__ import annotations

import math

from fillbook.arrays import Floats
from fillbook.metrics.registry import metric
from fillbook.metrics.returns import deviation, sharpe_ratio
from fillbook.results import Undefined
from fillbook.units import Unit

TOLD_FROM = 0.1  # an autocorrelation nearer to 0 is not worth a second ratio


@metric(
    label="Autocorrelation of days", group="risk", unit=Unit.RATIO, better="neither",
    formula=r"\sum_{d>1}(r_d-\bar r)(r_{d-1}-\bar r)/\sum_d(r_d-\bar r)^2", source="Box & Jenkins (1970)",
    undefined="empty without a day; n_lt_3; zero_variance when every day is the same",
)  # fmt: skip
def autocorrelation(daily_basis: Floats) -> float:
    """Correlation of each day with the day before; above 0 a year is wilder than √365 days."""
    if daily_basis.size < 3:
        return Undefined("n_lt_3" if daily_basis.size else "empty")
    if not deviation(daily_basis) > 0.0:
        return Undefined("zero_variance")
    away = daily_basis - daily_basis.mean()
    return float(away[1:] @ away[:-1]) / float(away @ away)


def lo_factor(rho: float, periods: float) -> float:
    r"""Sharpe ratio of so many periods over that of one, where each depends on the one before.

    .. math::
        \eta(q)=\frac{q}{\sqrt{q+2\sum_{k=1}^{q-1}(q-k)\rho_k}},\quad \rho_k=\rho^k,

    the sum in closed form (Lo 2002, equations 20 and 22): autocorrelations of long lags are not to be had
    from a few hundred days, so they are those of an autoregression of one day.

    Parameters
    ----------
    rho
        Autocorrelation, between −1 and 1.
    periods
        q, 365 days a year.

    >>> round(lo_factor(0.0, 365.0), 4) == round(365.0**0.5, 4)
    True
    >>> round(lo_factor(0.2, 12.0), 2)
    2.88
    """
    last = float(rho ** round(periods))
    inner = 1.0 - (1.0 - last) / (periods * (1.0 - rho))
    return math.sqrt(periods / (1.0 + 2.0 * rho / (1.0 - rho) * inner))


@metric(
    label="Sharpe ratio, after Lo", group="risk", unit=Unit.RATIO, better="higher",
    formula=r"\frac{\bar r}{s(r)}\cdot\frac{A}{\sqrt{A+2\sum_{k=1}^{A-1}(A-k)\rho_1^k}}",
    source="Lo (2002), Financial Analysts Journal 58(4), equations 20 and 22",
    undefined="as the Sharpe ratio; days_hardly_depend where the autocorrelation is within ±0.1, n_lt_3",
)  # fmt: skip
def sharpe_ratio_lo(daily_basis: Floats, *, periods_per_year: float) -> float:
    """Sharpe ratio of a year in which days depend on the day before, where they do."""
    daily = sharpe_ratio(daily_basis, periods_per_year=1.0)
    if math.isnan(daily):
        return daily
    rho = autocorrelation(daily_basis)
    if math.isnan(rho):
        return rho
    if abs(rho) <= TOLD_FROM:
        return Undefined("days_hardly_depend")
    return daily * lo_factor(rho, periods_per_year)

"""Where days cannot carry a 95 % interval: too few of them, in spells, or with a few that outweigh the rest.

Limits are those counted by ``make validate``: an interval is shown where it holds the truth in 93 to 97 of
100 worlds, and what a history itself shows of its world is asked of it: whether squares follow squares (Engle
1982), and how skewed it is (D'Agostino 1970).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from fillbook.arrays import Floats
from fillbook.metrics.returns import deviation
from fillbook.metrics.risk import tail_count
from fillbook.metrics.studentised import skewness_z
from fillbook.results import Undefined

LEVEL = 0.95
LEAST_TAIL: Mapping[str, float] = {  # days beyond the quantile: 250 and 300 days at 95 %
    "value_at_risk": 12.5, "expected_shortfall": 12.5, "tail_ratio": 15.0,
}  # fmt: skip
LEAST_SPREAD = 100  # days of a deviation
LEAST_IN_SPELLS: Mapping[str, int] = {"volatility": 500, "value_at_risk": 500, "expected_shortfall": 1_000}
LEAST_UNEVEN: Mapping[str, int] = {"volatility": 500, "expected_shortfall": 500}
SPELLS_AT = 0.01  # p-value of the ARCH test below which days are in spells
UNEVEN_AT = (
    6.0  # z of the skewness: of t with 6 degrees 3 of 100 histories of 250 days are beyond, of grids all
)
_LAGS = 5


def arch_p_value(values: Floats) -> float:
    """P-value of Engle's test that wild days follow wild days, ~ χ²(5): n R² of squares on five before them.

    Squares are those of what yesterday does not tell (an autoregression of one day), so that days which
    resemble one another are not taken for spells. Undefined (``n_lt_20``, ``zero_variance``) of too few days,
    and where nothing varies.
    """
    from scipy.special import chdtrc  # noqa: PLC0415  (brings SciPy)

    if values.size < 4 * _LAGS:
        return Undefined("n_lt_20")
    away = values - values.mean()
    scale = float(away[:-1] @ away[:-1])
    if not deviation(values) > 0.0 or scale <= 0.0:
        return Undefined("zero_variance")
    square = (away[1:] - float(away[1:] @ away[:-1]) / scale * away[:-1]) ** 2
    square = square / square.mean() - 1.0
    n = square.size - _LAGS
    known = np.column_stack([np.ones(n), *(square[_LAGS - lag : -lag] for lag in range(1, _LAGS + 1))])
    told = square[_LAGS:]
    spread = float(((told - told.mean()) ** 2).sum())
    if spread <= 0.0:
        return Undefined("zero_variance")
    rest = told - known @ np.linalg.lstsq(known, told, rcond=None)[0]
    return float(chdtrc(_LAGS, n * max(1.0 - float(rest @ rest) / spread, 0.0)))


def lacking(key: str, values: Floats) -> str | None:
    """Reason code of why a ratio of these days gets no interval; None where it does.

    Parameters
    ----------
    key
        Of the metric.
    values
        Days in order without a gap, shape (n,), at least 20.
    """
    n = values.size
    if tail_count(n, LEVEL) < LEAST_TAIL.get(key, 0.0):
        return "few_tail_days"
    if key == "volatility" and n < LEAST_SPREAD:
        return "n_lt_100"
    if n < LEAST_UNEVEN.get(key, 0) and abs(skewness_z(values)) > UNEVEN_AT:
        return "uneven_days"
    if n < LEAST_IN_SPELLS.get(key, 0):
        p_value = arch_p_value(values)
        if not math.isnan(p_value) and p_value < SPELLS_AT:
            return "days_in_spells"
    return None

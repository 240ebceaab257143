"""Expected shortfall beside each value at risk: what is lost on a day beyond it (DEFINITIONS E4)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from fillbook.arrays import Floats
from fillbook.metrics.registry import metric
from fillbook.metrics.returns import deviation, mean, moments
from fillbook.metrics.risk import (
    cornish_fisher_var,
    ewma_variances,
    expected_shortfall_parametric,
    historic_es,
    historic_var,
    is_long_idle,
    parametric_es,
    value_at_risk_cornish_fisher,
    value_at_risk_ewma,
    value_at_risk_filtered,
    value_at_risk_parametric,
)
from fillbook.results import Undefined
from fillbook.units import Unit

_NORMAL = NormalDist()


def cornish_fisher_es(mu: float, sigma: float, skew: float, excess: float, alpha: float) -> float:
    """Mean loss beyond the Cornish–Fisher VaR: the integral of its quantiles over the tail.

    Undefined (``outside_cf_domain``) where the VaR is.
    """
    at_risk = cornish_fisher_var(mu, sigma, skew, excess, alpha)
    if math.isnan(at_risk):
        return at_risk
    z = _NORMAL.inv_cdf(1.0 - alpha)
    moved = (
        1.0 + z * skew / 6.0 + (z**2 - 1.0) * excess / 24.0 - (2.0 * z**2 - 1.0) * skew**2 / 36.0
    )  # fmt: skip
    return -mu + sigma * _NORMAL.pdf(z) / (1.0 - alpha) * moved


def filtered_es(values: Floats, alpha: float, decay: float = 0.94) -> float:
    """Historic ES of values over their own volatility, at today's volatility."""
    if values.size == 0:
        return Undefined("empty")
    variances = ewma_variances(values, decay)
    if (variances[:-1] <= 0.0).any():
        return Undefined("zero_variance")
    if is_long_idle(values):
        return Undefined("long_idle")
    scaled = historic_es(values / np.sqrt(variances[:-1]), alpha)
    return scaled if math.isnan(scaled) else math.sqrt(variances[-1]) * scaled


@metric(
    label="Expected shortfall, Cornish–Fisher",
    group="risk",
    unit=Unit.MONEY,
    better="lower",
    formula=r"-\mu+\frac{\sigma\varphi(z)}{1-\alpha}\left(1+\frac{zS}{6}+\frac{(z^2-1)K}{24}"
    r"-\frac{(2z^2-1)S^2}{36}\right)",
    source="tail integral of the Cornish–Fisher quantile; domain: Maillard (2012)",
    undefined="empty; n_lt_2; zero_variance; outside_cf_domain",
)
def expected_shortfall_cornish_fisher(daily_pnl: Floats, *, alpha: float = 0.95) -> float:
    """Mean loss beyond the 5 % quantile that skewness and kurtosis moved."""
    skew, kurtosis = moments(daily_pnl)
    parts = (mean(daily_pnl), deviation(daily_pnl), skew, kurtosis)
    lost = [value for value in parts if math.isnan(value)]
    return lost[0] if lost else cornish_fisher_es(*parts[:3], kurtosis - 3.0, alpha)


@metric(
    label="Expected shortfall, EWMA", group="risk", unit=Unit.MONEY, better="lower",
    formula=r"\sigma_{n+1}\,\varphi(z)/(1-\alpha),\ \sigma^2\leftarrow\lambda\sigma^2+(1-\lambda)p^2",
    source="RiskMetrics (1996), λ = 0.94", undefined="empty",
)  # fmt: skip
def expected_shortfall_ewma(daily_pnl: Floats, *, alpha: float = 0.95, decay: float = 0.94) -> float:
    """Mean loss beyond the 5 % quantile at the latest volatility, recent days weighing more."""
    if daily_pnl.size == 0:
        return Undefined("empty")
    return parametric_es(0.0, math.sqrt(float(ewma_variances(daily_pnl, decay)[-1])), alpha)


@metric(
    label="Expected shortfall, filtered", group="risk", unit=Unit.MONEY, better="lower",
    formula=r"\sigma_{n+1}\,\mathrm{ES}(p/\sigma)", source="Hull & White (1998); Barone-Adesi et al. (1999)",
    undefined="empty; zero_variance; long_idle; n_too_small_for_alpha",
)  # fmt: skip
def expected_shortfall_filtered(daily_pnl: Floats, *, alpha: float = 0.95, decay: float = 0.94) -> float:
    """Mean of the worst 5 % of days, each scaled by its own volatility, at the latest volatility."""
    return filtered_es(daily_pnl, alpha, decay)


def _historic_var(values: Floats, *, alpha: float) -> float:
    return historic_var(values, alpha)


def _historic_es(values: Floats, *, alpha: float) -> float:
    return historic_es(values, alpha)


@dataclass(frozen=True, slots=True)
class Method:
    """One way to estimate a day's loss: its name for people, value at risk and expected shortfall."""

    label: str
    var: Callable[..., float]
    es: Callable[..., float]


METHODS: Mapping[str, Method] = {
    "historic": Method("Historic", _historic_var, _historic_es),
    "normal": Method("Normal", value_at_risk_parametric, expected_shortfall_parametric),
    "cornish_fisher": Method(
        "Cornish–Fisher", value_at_risk_cornish_fisher, expected_shortfall_cornish_fisher
    ),
    "ewma": Method("EWMA", value_at_risk_ewma, expected_shortfall_ewma),
    "filtered": Method("Filtered historic", value_at_risk_filtered, expected_shortfall_filtered),
}

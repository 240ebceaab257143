"""What could be lost: value at risk and expected shortfall, positive = loss (DEFINITIONS E4, E6)."""

from __future__ import annotations

import math
from fractions import Fraction
from statistics import NormalDist

import numpy as np

from fillbook.arrays import Bools, Floats
from fillbook.metrics.registry import metric
from fillbook.metrics.returns import deviation, mean, moments
from fillbook.results import Undefined
from fillbook.units import Unit

_NORMAL = NormalDist()
_EWMA_START = 20
IDLE_DAYS, _NOTHING = 75, 1e-12  # days after which 0.94 a day leaves 1 %; of the largest day


def tail_count(n: int, alpha: float) -> Fraction:
    """N × (1 − α) exactly: 20 × (1 − 0.95) is 1, which floats do not say.

    >>> tail_count(20, 0.95)
    Fraction(1, 1)
    """
    return n * (1 - Fraction(str(alpha)))


def historic_var(values: Floats, alpha: float) -> float:
    """Loss that the worst share 1 − α reached: the ⌈n(1−α)⌉-th worst value, an observed one."""
    if values.size == 0:
        return Undefined("empty")
    tail = tail_count(values.size, alpha)
    if tail < 1:
        return Undefined("n_too_small_for_alpha")
    place = math.ceil(tail) - 1
    return 0.0 - float(np.partition(values, place)[place])  # and never −0


def historic_es(values: Floats, alpha: float) -> float:
    """Mean loss of the worst n(1−α) values, the last one in part (Acerbi & Tasche 2002)."""
    if values.size == 0:
        return Undefined("empty")
    tail = tail_count(values.size, alpha)
    if tail < 1:
        return Undefined("n_too_small_for_alpha")
    whole = int(tail)
    worst = np.sort(values)
    rest = float(tail - whole) * float(worst[whole]) if tail > whole else 0.0
    return -(math.fsum(worst[:whole]) + rest) / float(tail)


def parametric_var(mu: float, sigma: float, alpha: float) -> float:
    """−(μ + zσ) of a normal distribution."""
    return -(mu + _NORMAL.inv_cdf(1.0 - alpha) * sigma)


def parametric_es(mu: float, sigma: float, alpha: float) -> float:
    """Mean loss beyond the VaR of a normal distribution."""
    z = _NORMAL.inv_cdf(1.0 - alpha)
    return -mu + sigma * _NORMAL.pdf(z) / (1.0 - alpha)


def cornish_fisher_var(mu: float, sigma: float, skew: float, excess: float, alpha: float) -> float:
    """VaR with the quantile moved by skewness and excess kurtosis.

    Undefined (``outside_cf_domain``) where the expansion is not monotone (Maillard 2012).
    """
    a = excess / 8.0 - skew**2 / 6.0
    if a < 0.0 or (skew / 3.0) ** 2 - 4.0 * a * (1.0 - excess / 8.0 + 5.0 * skew**2 / 36.0) > 0.0:
        return Undefined("outside_cf_domain")
    z = _NORMAL.inv_cdf(1.0 - alpha)
    moved = (
        z + (z**2 - 1.0) * skew / 6.0 + (z**3 - 3.0 * z) * excess / 24.0
        - (2.0 * z**3 - 5.0 * z) * skew**2 / 36.0
    )  # fmt: skip
    return -(mu + moved * sigma)


def ewma_variances(values: Floats, decay: float = 0.94) -> Floats:
    """Variance before each value and after the last, shape (n + 1,): σ² ← λσ² + (1−λ)r².

    Starts from the mean square of the first min(20, n) values.
    """
    if values.size == 0:
        return np.zeros(0)
    found = np.empty(values.size + 1)
    found[0] = float(np.mean(values[:_EWMA_START] ** 2))
    for i, value in enumerate(values):
        found[i + 1] = decay * found[i] + (1.0 - decay) * value**2
    return found


def is_long_idle(values: Floats) -> Bools:
    """Whether `IDLE_DAYS` days in a row moved nothing, shape (…, n) → (…).

    By then an EWMA of λ = 0.94 has forgotten 99 % of its variance: a day after it, over what is left, is no
    standardised day but a number without end.
    """
    size = np.abs(values)
    idle = size <= _NOTHING * size.max(axis=-1, initial=0.0, keepdims=True)
    if values.shape[-1] < IDLE_DAYS:
        return np.zeros(values.shape[:-1], dtype=bool)
    before = np.concatenate(
        [np.zeros((*values.shape[:-1], 1), dtype=np.int64), np.cumsum(idle, axis=-1)], axis=-1
    )
    return np.asarray((before[..., IDLE_DAYS:] - before[..., :-IDLE_DAYS] == IDLE_DAYS).any(axis=-1))


def filtered_var(values: Floats, alpha: float, decay: float = 0.94) -> float:
    """Historic VaR of values over their own volatility, at today's volatility (Hull & White 1998)."""
    variances = ewma_variances(values, decay)
    if values.size == 0:
        return Undefined("empty")
    if (variances[:-1] <= 0.0).any():
        return Undefined("zero_variance")
    if is_long_idle(values):
        return Undefined("long_idle")
    scaled = historic_var(values / np.sqrt(variances[:-1]), alpha)
    return scaled if math.isnan(scaled) else math.sqrt(variances[-1]) * scaled


def _moments_of(values: Floats) -> tuple[float, float, float, float]:
    """Mean, sample deviation, skewness, excess kurtosis; each may be undefined."""
    skew, kurtosis = moments(values)
    return (
        mean(values),
        deviation(values),
        skew,
        kurtosis - 3.0 if not math.isnan(kurtosis) else kurtosis,
    )


@metric(
    label="Value at risk, 1 day", group="risk", unit=Unit.MONEY, better="lower",
    formula=r"-p_{(k)},\ k=\lceil n(1-\alpha)\rceil", source="order statistic of daily PnL; DEFINITIONS E4",
    undefined="empty; n_too_small_for_alpha below 20 days at 95 %",
)  # fmt: skip
def value_at_risk(daily_pnl: Floats, *, alpha: float = 0.95) -> float:
    """Daily loss that was exceeded on no more than 5 % of days."""
    return historic_var(daily_pnl, alpha)


@metric(
    label="Expected shortfall, 1 day",
    group="risk",
    unit=Unit.MONEY,
    better="lower",
    formula=r"-\frac{1}{t}\left(\sum_{i\le\lfloor t\rfloor}p_{(i)}"
    r"+(t-\lfloor t\rfloor)p_{(\lfloor t\rfloor+1)}\right),\ t=n(1-\alpha)",
    source="Acerbi & Tasche (2002), J. Banking & Finance 26(7)",
    undefined="empty; n_too_small_for_alpha",
)
def expected_shortfall(daily_pnl: Floats, *, alpha: float = 0.95) -> float:
    """Mean loss of the worst 5 % of days."""
    return historic_es(daily_pnl, alpha)


@metric(
    label="Value at risk, normal", group="risk", unit=Unit.MONEY, better="lower",
    formula=r"-(\mu+z_{1-\alpha}\sigma)", source="McNeil, Frey & Embrechts (2015)", undefined="empty; n_lt_2",
)  # fmt: skip
def value_at_risk_parametric(daily_pnl: Floats, *, alpha: float = 0.95) -> float:
    """Daily loss at 5 % if PnL were normal."""
    spread = deviation(daily_pnl)
    return spread if math.isnan(spread) else parametric_var(mean(daily_pnl), spread, alpha)


@metric(
    label="Expected shortfall, normal",
    group="risk",
    unit=Unit.MONEY,
    better="lower",
    formula=r"-\mu+\sigma\,\varphi(z)/(1-\alpha)",
    source="McNeil, Frey & Embrechts (2015)",
    undefined="empty; n_lt_2",
)
def expected_shortfall_parametric(daily_pnl: Floats, *, alpha: float = 0.95) -> float:
    """Mean loss beyond the 5 % quantile if PnL were normal."""
    spread = deviation(daily_pnl)
    return spread if math.isnan(spread) else parametric_es(mean(daily_pnl), spread, alpha)


@metric(
    label="Value at risk, Cornish–Fisher",
    group="risk",
    unit=Unit.MONEY,
    better="lower",
    formula=r"z+\frac{(z^2-1)S}{6}+\frac{(z^3-3z)K}{24}-\frac{(2z^3-5z)S^2}{36}",
    source="Cornish & Fisher (1938); domain: Maillard (2012)",
    undefined="empty; n_lt_2; zero_variance; outside_cf_domain",
)
def value_at_risk_cornish_fisher(daily_pnl: Floats, *, alpha: float = 0.95) -> float:
    """Daily loss at 5 %, the normal quantile moved by skewness and kurtosis."""
    mu, sigma, skew, excess = _moments_of(daily_pnl)
    lost = [value for value in (mu, sigma, skew, excess) if math.isnan(value)]
    return lost[0] if lost else cornish_fisher_var(mu, sigma, skew, excess, alpha)


@metric(
    label="Value at risk, EWMA", group="risk", unit=Unit.MONEY, better="lower",
    formula=r"-z_{1-\alpha}\,\sigma_{n+1},\ \sigma^2\leftarrow\lambda\sigma^2+(1-\lambda)p^2",
    source="RiskMetrics (1996), λ = 0.94", undefined="empty",
)  # fmt: skip
def value_at_risk_ewma(daily_pnl: Floats, *, alpha: float = 0.95, decay: float = 0.94) -> float:
    """Daily loss at 5 % at the latest volatility, recent days weighing more."""
    if daily_pnl.size == 0:
        return Undefined("empty")
    return parametric_var(0.0, math.sqrt(float(ewma_variances(daily_pnl, decay)[-1])), alpha)


@metric(
    label="Value at risk, filtered", group="risk", unit=Unit.MONEY, better="lower",
    formula=r"\sigma_{n+1}\,\mathrm{VaR}(p/\sigma)", source="Hull & White (1998); Barone-Adesi et al. (1999)",
    undefined="empty; zero_variance; long_idle; n_too_small_for_alpha",
)  # fmt: skip
def value_at_risk_filtered(daily_pnl: Floats, *, alpha: float = 0.95, decay: float = 0.94) -> float:
    """Historic 5 % loss, each day scaled by its own volatility, at the latest volatility."""
    return filtered_var(daily_pnl, alpha, decay)


def probabilistic_sharpe(
    sharpe: float, n: int, skew: float, kurtosis: float, benchmark: float = 0.0
) -> float:
    """Probability that the true per-period Sharpe ratio exceeds `benchmark`; `kurtosis` raw."""
    if n < 3:
        return Undefined("n_lt_3")
    inner = 1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2
    if inner <= 0.0:
        return Undefined("outside_psr_domain")
    return _NORMAL.cdf((sharpe - benchmark) * math.sqrt(n - 1) / math.sqrt(inner))


@metric(
    label="Probabilistic Sharpe ratio", group="risk", unit=Unit.FRACTION, better="higher",
    formula=r"\Phi\!\left(\frac{SR\sqrt{n-1}}{\sqrt{1-\gamma_3 SR+\frac{\gamma_4-1}{4}SR^2}}\right)",
    source="Bailey & López de Prado (2012), J. Risk 15(2)", undefined="below 3 days; zero_variance",
)  # fmt: skip
def probabilistic_sharpe_ratio(daily_basis: Floats) -> float:
    """Probability that the true Sharpe ratio is above 0, given length, skewness and kurtosis."""
    spread = deviation(daily_basis)
    if math.isnan(spread):
        return spread
    if spread == 0.0:
        return Undefined("zero_variance")
    return probabilistic_sharpe(mean(daily_basis) / spread, daily_basis.size, *moments(daily_basis))

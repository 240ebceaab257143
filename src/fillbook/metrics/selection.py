"""Whether a Sharpe ratio is more than luck: the best of many trials looks good by chance (DEFINITIONS E6)."""

from __future__ import annotations

import math
from statistics import NormalDist

from fillbook.arrays import Floats
from fillbook.metrics.registry import metric
from fillbook.metrics.returns import deviation, mean, moments
from fillbook.metrics.risk import probabilistic_sharpe
from fillbook.results import Undefined
from fillbook.units import Unit

_NORMAL = NormalDist()
EULER = 0.577_215_664_901_532_9


def daily_sharpe(values: Floats) -> float:
    """Mean over sample deviation, not annualised."""
    spread = deviation(values)
    if math.isnan(spread):
        return spread
    return mean(values) / spread if spread > 0.0 else Undefined("zero_variance")


def expected_maximum(trials: float, variance: float) -> float:
    """Expected best per-period Sharpe ratio of `trials` without skill, their ratios of this `variance`.

    Parameters
    ----------
    trials
        Configurations tried, ≥ 1; one trial has no selection: 0.
    variance
        Variance of the Sharpe ratios of the trials, per period.

    >>> round(expected_maximum(25, 0.0036), 6)
    0.119829
    """
    if trials < 1 or variance < 0.0:
        return Undefined("trials_not_declared")
    if trials == 1:
        return 0.0
    first = _NORMAL.inv_cdf(1.0 - 1.0 / trials)
    second = _NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return math.sqrt(variance) * ((1.0 - EULER) * first + EULER * second)


def deflated_sharpe(
    sharpe: float, n: int, skew: float, kurtosis: float, *, trials: float | None, variance: float
) -> float:
    """Probability that the Sharpe ratio beats the best expected of so many trials without skill.

    Unavailable (``trials_not_declared``) where nobody says how many were tried: 1 would be a claim.
    """
    if trials is None:
        return Undefined.unavailable("trials_not_declared")
    hurdle = expected_maximum(trials, variance)
    return hurdle if math.isnan(hurdle) else probabilistic_sharpe(sharpe, n, skew, kurtosis, hurdle)


def minimum_track_record(
    sharpe: float, skew: float, kurtosis: float, *, confidence: float = 0.95, benchmark: float = 0.0
) -> float:
    """Observations needed before this Sharpe ratio exceeds `benchmark` with that `confidence`.

    Undefined (``not_above_benchmark``) where it does not exceed it at all, (``outside_psr_domain``)
    where the estimate has no variance.
    """
    inner = 1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2
    if inner <= 0.0:
        return Undefined("outside_psr_domain")
    if sharpe <= benchmark:
        return Undefined("not_above_benchmark")
    return 1.0 + inner * (_NORMAL.inv_cdf(confidence) / (sharpe - benchmark)) ** 2


@metric(
    label="Expected best Sharpe by luck", group="risk", unit=Unit.RATIO, better="neither",
    formula=r"\sqrt{AV}\left((1-\gamma)\Phi^{-1}(1-\tfrac1N)+\gamma\Phi^{-1}(1-\tfrac1{Ne})\right)",
    source="Bailey & López de Prado (2014), J. Portfolio Management 40(5); annualised",
    undefined="trials_not_declared; below 2 days",
)  # fmt: skip
def expected_max_sharpe(
    daily_basis: Floats, *, trials: float, trial_variance: float, periods_per_year: float
) -> float:
    """Annualised Sharpe ratio that the best of so many trials without skill is expected to show."""
    if daily_basis.size < 2:
        return Undefined("n_lt_2" if daily_basis.size else "empty")
    return expected_maximum(trials, trial_variance) * math.sqrt(periods_per_year)


@metric(
    label="Deflated Sharpe ratio", group="risk", unit=Unit.FRACTION, better="higher",
    formula=r"\mathrm{PSR}(SR_0)", source="Bailey & López de Prado (2014), J. Portfolio Management 40(5)",
    undefined="trials_not_declared; below 3 days; zero_variance",
)  # fmt: skip
def deflated_sharpe_ratio(daily_basis: Floats, *, trials: float, trial_variance: float) -> float:
    """Probability that the true Sharpe ratio beats the best that so many trials show by luck."""
    found = daily_sharpe(daily_basis)
    if math.isnan(found):
        return found
    return deflated_sharpe(
        found, daily_basis.size, *moments(daily_basis), trials=trials, variance=trial_variance
    )


@metric(
    label="Minimum track record", group="risk", unit=Unit.COUNT, better="lower",
    formula=r"1+\left(1-\gamma_3SR+\tfrac{\gamma_4-1}{4}SR^2\right)\left(\frac{z}{SR}\right)^2",
    source="Bailey & López de Prado (2012), J. Risk 15(2); days, against a ratio of 0",
    undefined="not_above_benchmark where the Sharpe ratio is not positive; below 2 days; zero_variance",
)  # fmt: skip
def minimum_track_record_days(daily_basis: Floats, *, confidence: float = 0.95) -> float:
    """Days needed before a Sharpe ratio like this one is above 0 with 95 % confidence."""
    found = daily_sharpe(daily_basis)
    if math.isnan(found):
        return found
    return minimum_track_record(found, *moments(daily_basis), confidence=confidence)

"""Expected shortfall by each method: never below its value at risk, of the scale of the days."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillbook.arrays import Floats
from fillbook.metrics.forecasts import forecasts
from fillbook.metrics.tails import METHODS, cornish_fisher_es
from fillbook.results import Undefined

LAWS = settings(max_examples=200, deadline=None)
DAYS = st.lists(st.integers(-10_000, 10_000).map(lambda n: n / 100), min_size=2, max_size=150).map(np.array)
LEVELS = st.sampled_from([0.9, 0.95, 0.975, 0.99])


def quantile_mean(mu: float, sigma: float, skew: float, excess: float, alpha: float) -> float:
    """Mean of the Cornish–Fisher quantiles of the tail, by the midpoint rule."""
    normal, n = NormalDist(), 200_000
    u = (np.arange(n) + 0.5) / n * (1.0 - alpha)
    z = np.array([normal.inv_cdf(share) for share in u[:: n // 2_000]])
    moved = z + (z**2 - 1) * skew / 6 + (z**3 - 3 * z) * excess / 24 - (2 * z**3 - 5 * z) * skew**2 / 36
    return float(-(mu + sigma * moved).mean())


def test_shortfall_of_a_bent_normal_is_the_mean_of_its_tail() -> None:
    # z = −1.6448536, φ(z)/.05 = 2.0627128; 1 + z·.3/6 + (z²−1)·1.2/24 − (2z²−1)·.09/36
    # = 1 − .0822427 + .0852772 − .0110277 = .9920068; ES = −.1 + 2 · 2.0627128 · .9920068 = 3.992450
    found = cornish_fisher_es(0.1, 2.0, 0.3, 1.2, 0.95)
    assert found == pytest.approx(3.992450, abs=1e-6)
    assert found == pytest.approx(quantile_mean(0.1, 2.0, 0.3, 1.2, 0.95), rel=2e-3)
    assert isinstance(cornish_fisher_es(0.0, 1.0, 2.0, 0.0, 0.95), Undefined), "not monotone"


def test_without_skewness_or_kurtosis_it_is_the_normal_one() -> None:
    days = np.array([-1.0, 1.0])
    assert cornish_fisher_es(0.0, 1.0, 0.0, 0.0, 0.95) == pytest.approx(NormalDist().pdf(-1.6448536) / 0.05)
    # EWMA of two days of ±1: variance 1, so φ(z)/.05
    assert METHODS["ewma"].es(days, alpha=0.95) == pytest.approx(2.0627128, abs=1e-6)


@LAWS
@given(DAYS, LEVELS, st.sampled_from(sorted(METHODS)))
def test_shortfall_is_not_below_value_at_risk(days: Floats, alpha: float, method: str) -> None:
    var, es = (getattr(METHODS[method], name)(days, alpha=alpha) for name in ("var", "es"))
    if math.isnan(var):
        assert var.reason == es.reason
    else:
        assert es >= var - 1e-9 * max(1.0, abs(var))


@LAWS
@given(DAYS, LEVELS, st.sampled_from(sorted(METHODS)), st.sampled_from([0.5, 2.0, 1024.0]))
def test_twice_the_money_is_twice_the_risk(days: Floats, alpha: float, method: str, k: float) -> None:
    for name in ("var", "es"):
        estimate = getattr(METHODS[method], name)
        once, scaled = estimate(days, alpha=alpha), estimate(k * days, alpha=alpha)
        assert scaled == pytest.approx(k * once, rel=1e-9, abs=1e-9, nan_ok=True)


@LAWS
@given(DAYS, LEVELS, st.randoms(use_true_random=False))
def test_the_order_of_days_is_nothing_to_those_without_memory(
    days: Floats, alpha: float, dice: object
) -> None:
    mixed = days.copy()
    dice.shuffle(mixed)  # type: ignore[attr-defined]
    for method in ("historic", "normal", "cornish_fisher"):
        for name in ("var", "es"):
            estimate = getattr(METHODS[method], name)
            one, other = estimate(days, alpha=alpha), estimate(mixed, alpha=alpha)
            if math.isnan(one) != math.isnan(other):
                continue  # rounding at the edge of the domain
            assert one == pytest.approx(other, rel=1e-6, abs=1e-6, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([-3.0, -1.0, 0.0, 0.0, 0.5, 1.0, 7.0]), min_size=6, max_size=40).map(np.array),
    st.integers(5, 30), st.sampled_from([0.75, 0.9]), st.sampled_from(sorted(METHODS)),
)  # fmt: skip
def test_a_forecast_is_the_method_on_the_days_before(
    days: Floats, window: int, alpha: float, method: str
) -> None:
    made = forecasts(days, method, alpha, window=window)
    assert made.var.size == max(days.size - window, 0)
    for i, (var, es) in enumerate(zip(made.var, made.es, strict=True)):
        known = days[i : i + window]
        expected = METHODS[method].var(known, alpha=alpha), METHODS[method].es(known, alpha=alpha)
        if math.isnan(expected[0]) != math.isnan(var) and method == "cornish_fisher":
            continue  # a flat window, or rounding at the edge of the domain
        assert (var, es) == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True)
        if not math.isnan(es) and method in {"historic", "filtered"}:
            assert made.tail[i] @ made.weight == pytest.approx(es, rel=1e-9, abs=1e-9)


def test_tomorrow_is_not_known() -> None:
    days = np.random.default_rng(0).normal(size=150)
    other = days.copy()
    other[120:] *= 100.0
    for method in METHODS:
        first, second = (forecasts(one, method, 0.95).var for one in (days, other))
        assert first[:21] == pytest.approx(
            second[:21], nan_ok=True
        )  # days 100 … 120 know days 0 … 119 at most
        if method in {"normal", "ewma"}:
            assert second[21] > 2.0 * first[21]

"""Backtests of value at risk: likelihood ratios, what the losses beyond cost, the traffic light."""

from __future__ import annotations

import numpy as np
import pytest

from fillbook.metrics.backtest import (
    acerbi_szekely,
    backtest,
    conditional_coverage_lr,
    simulated_z2,
    traffic_light,
    verdict,
)
from fillbook.metrics.forecasts import Forecasts, forecasts
from fillbook.metrics.tails import METHODS
from fillbook.results import Status, Undefined


def test_conditional_coverage_is_both_together() -> None:
    hits = np.array([0, 0, 1, 1, 0, 0, 0, 0, 1, 0])
    # n 10, x 3, p .1: −2 ln[(.9⁷·.1³)/(.7⁷·.3³)] = −2(7 ln(.9/.7) + 3 ln(.1/.3)) = 3.073272
    # n00 4, n01 2, n10 2, n11 1: π01 = π11 = 1/3 = π, so independence 0
    assert conditional_coverage_lr(hits, 0.1) == pytest.approx(3.0732717, abs=1e-6)
    assert conditional_coverage_lr(np.zeros(10, int), 0.1).reason == "no_exceptions"  # type: ignore[attr-defined]


def test_z2_of_a_few_days() -> None:
    days, var, es = np.array([-3.0, 1.0, -1.0, -4.0]), np.full(4, 2.0), np.array([2.5, 2.5, 2.5, 2.0])
    # 1 + (−3/2.5 − 4/2) / (4 · .25) = 1 − 3.2
    assert acerbi_szekely(days, var, es, 0.75) == pytest.approx(-2.2)
    assert acerbi_szekely(days, var, np.array([1.0, 1.0, 0.0, 1.0]), 0.75).reason == "es_not_positive"  # type: ignore[attr-defined]


def test_the_five_percent_point_of_acerbi_and_szekely() -> None:
    """−0.7 for 250 days at 97.5 %, as the paper has it for a normal tail."""
    made = forecasts(np.random.default_rng(1).normal(size=350), "normal", 0.975)
    same = Forecasts(*(np.repeat(a[:1], 250, axis=0) for a in (made.var, made.es, made.tail)), made.weight)
    chance = simulated_z2(same, 0.975, replicates=20_000)
    assert float(chance.mean()) == pytest.approx(0.0, abs=0.01)
    assert float(np.quantile(chance, 0.05)) == pytest.approx(-0.7, abs=0.03)


def test_the_light_needs_250_days_of_99_percent() -> None:
    def light(n: int, days: int = 250) -> object:
        return traffic_light(np.repeat([1, 0], [n, days - n])[::-1].copy())

    assert [light(n) for n in (0, 4, 5, 9, 10)] == ["green", "green", "yellow", "yellow", "red"]
    none = light(3, 249)
    assert isinstance(none, Undefined)
    assert (none.status, none.reason) == (Status.UNAVAILABLE, "needs_250_days")
    assert light(9, 260) == "yellow", "the last 250 days alone"


def test_a_backtest_counts_days_with_a_forecast_and_says_why_there_is_none() -> None:
    rng = np.random.default_rng(5)
    days = rng.standard_t(4, 400)
    for method in METHODS:
        found, made = backtest(days, method, 0.95)
        has_one = ~np.isnan(made.var)
        assert found.n == has_one.sum()
        assert found.exceptions == (days[100:] < -made.var).sum()
        assert found.coverage == pytest.approx(found.kupiec + found.independence)
        for name in ("kupiec", "independence", "coverage"):
            assert 0.0 < getattr(found, f"{name}_p") <= getattr(found, f"{name}_p_most") <= 1.0
        assert backtest(1e-4 * days, method, 0.95)[0].kupiec_p == found.kupiec_p, (
            "the lot does not know the unit"
        )
        assert found.verdict_p == min(2.0 * min(found.coverage_p, found.z2_p), 1.0)
        assert found.light.reason == "only_at_99_percent"  # type: ignore[union-attr]
        assert backtest(days, method, 0.95)[0].z2_critical == found.z2_critical, "the seed holds"
        short, _ = backtest(days[:100], method, 0.95)
        assert (short.n, short.kupiec.reason) == (0, "too_few_for_backtest")  # type: ignore[attr-defined]
    flat, _ = backtest(np.zeros(300), "filtered", 0.95)
    assert (flat.n, flat.z2.reason) == (0, "no_forecast")  # type: ignore[attr-defined]


def test_the_verdict_needs_no_exception_and_no_shortfall() -> None:
    gap = Undefined("no_exceptions")
    assert verdict(0.03, gap) == 0.03
    assert verdict(gap, 0.2) == 0.2
    assert verdict(gap, Undefined("es_not_positive")).reason == "no_exceptions"  # type: ignore[attr-defined]

"""Intervals of skewed days, and days that carry none: against plain code, and where traits are known."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fillbook.arrays import Floats
from fillbook.metrics.bootstrap import block_length, drawn_places
from fillbook.metrics.influence import OF_BASIS, OF_PNL, OF_RETURNS, Smooth
from fillbook.metrics.interval_limits import arch_p_value, lacking
from fillbook.metrics.intervals import intervals
from fillbook.metrics.long_run import MeanError, error_of, long_run_variance
from fillbook.metrics.studentised import FIGURES, is_skewed, skewness_z, studentised_ends
from fillbook.results import Status

DAYS = st.lists(st.sampled_from([-8.0, -3.0, -0.5, 0.0, 1.0, 2.0, 5.0]), min_size=20, max_size=60).map(
    np.array
)


def grid(seed: int, n: int) -> Floats:
    """Nine days in ten win up to 2, the tenth loses 4 on average."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(n) < 0.1, -4.0 * rng.exponential(size=n), 2.0 * rng.random(n))


@settings(max_examples=100, deadline=None)
@given(DAYS.filter(lambda x: np.ptp(x) > 0 and (x > 0).any() and (x < 0).any()))
def test_rows_are_the_figures_and_influences_of_single_histories(pnl: Floats) -> None:
    for key, rows in FIGURES.items():
        of = next(functions[key] for functions in (OF_PNL, OF_BASIS, OF_RETURNS) if key in functions)
        smooth = of(pnl, 1.0)
        assert isinstance(smooth, Smooth)
        figures, influence = rows(np.stack([pnl, 2.0 * pnl[::-1]]))
        value = math.log(smooth.value) if smooth.scale == "log" else smooth.value
        assert figures[0] == pytest.approx(value, rel=1e-9, abs=1e-12), key
        assert influence[0] == pytest.approx(smooth.influence, rel=1e-9, abs=1e-9), key


def test_ends_are_those_of_plain_resampling() -> None:
    days = grid(1, 120)
    smooth = OF_PNL["average_daily_pnl"](days, 1.0)
    assert isinstance(smooth, Smooth)
    error = error_of(smooth.influence)
    assert isinstance(error, MeanError)
    found = studentised_ends("average_daily_pnl", days, smooth, error, level=0.95, replicates=300, seed=5)
    away = []
    for place in drawn_places(np.random.default_rng(5), 300, days.size, block_length(days)):
        one = days[place]
        away.append(
            (one.mean() - days.mean()) / math.sqrt(long_run_variance(one, int(error.freedom)) / one.size)
        )
    low, high = np.quantile(away, [0.025, 0.975])
    assert found.ends == pytest.approx(
        (days.mean() - high * error.deviation, days.mean() - low * error.deviation), rel=1e-9
    )
    assert found.block == block_length(days)


def test_few_large_losses_stretch_the_interval_downwards() -> None:
    days = grid(3, 100)
    assert is_skewed(days)
    found = intervals(days, returns=days / 50.0, capital=50.0, periods_per_year=365.0)
    for key in FIGURES:
        assert (found[key].interval_by, found[key].status) == ("studentised", Status.OK), key
        assert found[key].replicates == 1_000
    mean = found["average_daily_pnl"]
    assert mean.low is not None
    assert mean.high is not None
    assert days.mean() - mean.low > 1.2 * (mean.high - days.mean())
    assert found["volatility"].reasons == ("uneven_days",)
    calm = np.random.default_rng(0).normal(size=100)
    assert (
        intervals(calm, returns=calm, capital=1.0, periods_per_year=365.0)["sharpe_ratio"].interval_by
        == "long_run"
    )


def test_skewness_is_asked_in_deviations_and_not_of_what_is_constant() -> None:
    for n in (8, 20, 80, 400):
        days = grid(2, n)
        assert skewness_z(days) == pytest.approx(stats.skewtest(days).statistic, rel=1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert skewness_z(np.full(40, 3.0)) == 0.0


def spells(seed: int, n: int) -> Floats:
    rng, variance, found = np.random.default_rng(seed), 1.0, np.empty(n)
    for i in range(n):
        found[i] = math.sqrt(variance) * rng.normal()
        variance = 0.05 + 0.3 * found[i] ** 2 + 0.65 * variance
    return found


def test_spells_are_found_and_days_that_resemble_one_another_are_none() -> None:
    rejected = [arch_p_value(spells(seed, 400)) < 0.01 for seed in range(60)]
    assert np.mean(rejected) > 0.8
    alike = []
    for seed in range(300):
        noise = np.random.default_rng(seed).normal(size=300)
        for i in range(1, noise.size):
            noise[i] += 0.5 * noise[i - 1]
        alike.append(arch_p_value(noise))
    assert np.mean(np.array(alike) < 0.05) <= 0.05 + 4.0 * math.sqrt(0.05 * 0.95 / 300)


def test_the_arch_test_is_that_of_a_plain_regression() -> None:
    days = spells(4, 250)
    away = days - days.mean()
    rest = away[1:] - (away[1:] @ away[:-1]) / (away[:-1] @ away[:-1]) * away[:-1]
    square = rest**2
    x = np.column_stack(
        [np.ones(square.size - 5), *(square[5 - lag : square.size - lag] for lag in range(1, 6))]
    )
    beta = np.linalg.solve(x.T @ x, x.T @ square[5:])
    share = 1.0 - np.var(square[5:] - x @ beta) / np.var(square[5:])
    assert arch_p_value(days) == pytest.approx(stats.chi2.sf((square.size - 5) * share, 5), rel=1e-6)
    assert arch_p_value(np.zeros(50)).reason == "zero_variance"  # type: ignore[attr-defined]
    assert arch_p_value(days[:19]).reason == "n_lt_20"  # type: ignore[attr-defined]


def test_days_in_spells_have_no_interval_of_tails_before_500() -> None:
    days = spells(1, 1_000)
    for n, shown in ((400, ()), (600, ("volatility", "value_at_risk")), (1_000, ("expected_shortfall",))):
        assert arch_p_value(days[:n]) < 0.01
        for key in ("volatility", "value_at_risk", "expected_shortfall"):
            is_shown = key in shown or n == 1_000
            assert (lacking(key, days[:n]) is None) == is_shown, (key, n)
            assert is_shown or lacking(key, days[:n]) == "days_in_spells"
    assert lacking("sharpe_ratio", days[:60]) is None

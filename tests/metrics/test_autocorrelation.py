"""Lo's correction: against the variance of a year summed day by day, pandas, and years that were simulated."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg, signal

from fillbook.metrics.autocorrelation import autocorrelation, lo_factor, sharpe_ratio_lo
from fillbook.metrics.returns import sharpe_ratio


@given(st.floats(-0.95, 0.95), st.integers(1, 400))
def test_the_closed_form_is_the_sum_over_every_pair_of_days(rho: float, periods: int) -> None:
    """Variance of the sum of q days is the sum of their correlation matrix, ρ^|i − j|."""
    pairs = linalg.toeplitz(rho ** np.arange(periods)).sum()
    assert lo_factor(rho, periods) == pytest.approx(periods / math.sqrt(pairs), rel=1e-9)


@pytest.mark.parametrize(("rho", "grows"), [(0.0, 1.0), (0.4, -1.0), (-0.4, 1.0)])
def test_days_alike_make_a_year_wilder(rho: float, grows: float) -> None:
    difference = lo_factor(rho, 365.0) - math.sqrt(365.0)
    assert (
        difference == pytest.approx(0.0, abs=1e-12) if rho == 0.0 else math.copysign(1.0, difference) == grows
    )


@given(st.lists(st.integers(-50, 50), min_size=3, max_size=80).filter(lambda x: len(set(x)) > 1))
def test_autocorrelation_is_that_of_the_definition(days: list[int]) -> None:
    values = np.array(days, float)
    mean, top, bottom = sum(days) / len(days), 0.0, 0.0
    for i, day in enumerate(days):
        bottom += (day - mean) ** 2
        top += (day - mean) * (days[i - 1] - mean) if i else 0.0
    assert autocorrelation(values) == pytest.approx(top / bottom, abs=1e-12)
    assert autocorrelation(3.0 * values + 7.0) == pytest.approx(top / bottom, abs=1e-9)
    assert -1.0 <= autocorrelation(values) <= 1.0


def test_of_many_days_it_is_pandas() -> None:
    values = signal.lfilter([1.0], [1.0, -0.3], np.random.default_rng(2).normal(size=20_000))
    assert autocorrelation(values) == pytest.approx(pd.Series(values).autocorr(), abs=1e-3)


def test_it_is_the_ratio_of_years_that_were_simulated() -> None:
    """4,000 years of days of which each has 0.3 of the one before: mean of a year over its deviation."""
    noise = np.random.default_rng(1).normal(size=365 * 4_000)
    days = 0.02 + signal.lfilter([1.0], [1.0, -0.3], noise)
    years = days.reshape(-1, 365).sum(axis=1)
    plain = sharpe_ratio(days, periods_per_year=365.0)
    ours = sharpe_ratio_lo(days, periods_per_year=365.0)
    true = years.mean() / years.std(ddof=1)
    assert ours == pytest.approx(true, rel=0.05)
    assert abs(plain - true) > 5.0 * abs(ours - true)


def test_what_is_not_said_has_its_reason() -> None:
    calm = np.array([1.0, 2.0, -1.0, -2.0, 1.0, 2.0, -1.0, -2.0, 1.5, 0.5])
    assert abs(autocorrelation(calm)) < 0.1
    for values, reason in (
        (calm, "days_hardly_depend"), (np.zeros(9), "zero_variance"), (np.array([1.0, 2.0]), "n_lt_3"),
        (np.array([1.0]), "n_lt_2"),
    ):  # fmt: skip
        found = sharpe_ratio_lo(values, periods_per_year=365.0)
        assert found.reason == reason  # type: ignore[attr-defined]

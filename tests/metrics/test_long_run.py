"""Long-run variance by cosines: worked by hand, its laws, and the level it holds about noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fillbook.arrays import Floats
from fillbook.metrics.long_run import (
    MeanError,
    error_of,
    freedom_of,
    long_run_variance,
    student_quantile,
    together,
)
from fillbook.results import Status, Undefined

LAWS = settings(max_examples=200, deadline=None)
DAYS = st.lists(st.floats(-10.0, 10.0).map(lambda x: round(x, 3)), min_size=12, max_size=80).map(np.array)
VARIED = DAYS.filter(lambda x: np.ptp(x) > 0.01)


def test_three_days_by_hand() -> None:
    """Days 1, 2, 5. Cosines of π/6, π/2, 5π/6 are √3/2, 0, −√3/2: Λ₁ = √(2/3) · √3/2 · (1 − 5), Λ₁² = 8.
    Cosines of π/3, π, 5π/3 are 1/2, −1, 1/2: Λ₂ = √(2/3) · (1/2 − 2 + 5/2) = √(2/3), Λ₂² = 2/3."""
    days = np.array([1.0, 2.0, 5.0])
    assert long_run_variance(days, 1) == pytest.approx(8.0)
    assert long_run_variance(days, 2) == pytest.approx((8.0 + 2.0 / 3.0) / 2.0)


def test_an_interval_by_hand() -> None:
    """Two stretches with variances of the mean 4 and 1, 8 and 2 freedoms: 5² / (4²/8 + 1²/2) = 10 freedoms."""
    both = together(MeanError(4.0, 8), MeanError(1.0, 2))
    assert (both.variance, both.freedom) == (5.0, 10.0)
    assert both.reach(0.95) == pytest.approx(2.228 * math.sqrt(5.0), rel=1e-3)  # t of 10, any table
    assert both.p_value(both.reach(0.95)) == pytest.approx(0.05)
    assert student_quantile(0.975, 2) == pytest.approx(4.303, abs=1e-3)


@LAWS
@given(VARIED)
def test_with_all_cosines_it_is_the_sample_variance(days: Floats) -> None:
    assert long_run_variance(days, days.size - 1) == pytest.approx(days.var(ddof=1), rel=1e-9)


@LAWS
@given(VARIED, st.sampled_from([1e-6, 3.0, 1e6]), st.floats(-100.0, 100.0))
def test_scale_squares_and_shift_and_order_do_not_matter(days: Floats, k: float, shift: float) -> None:
    nu = freedom_of(days.size)
    found = long_run_variance(days, nu)
    least = 1e-12 * float(days.var())
    assert long_run_variance(k * days, nu) == pytest.approx(k**2 * found, rel=1e-9, abs=k**2 * least)
    assert long_run_variance(days + shift, nu) == pytest.approx(found, rel=1e-6, abs=1e-6 * found + 1e-9)
    assert long_run_variance(days[::-1], nu) == pytest.approx(found, rel=1e-9, abs=least)


@given(st.integers(1, 10**7))
def test_freedoms_are_those_of_the_paper_without_rounding(n: int) -> None:
    """ν is the largest whole number with ν ≤ 0.4 n^(2/3), that is 125 ν³ ≤ 8 n²."""
    nu = freedom_of(n)
    assert 125 * nu**3 <= 8 * n**2 < 125 * (nu + 1) ** 3


@LAWS
@given(st.floats(-1e9, 1e9), st.integers(12, 60))
def test_a_constant_has_no_error(value: float, n: int) -> None:
    found = error_of(np.full(n, value))
    assert isinstance(found, Undefined)
    assert (found.reason, found.status) == ("no_variation", Status.UNDEFINED)


def test_eleven_days_are_too_few() -> None:
    few, enough = error_of(np.arange(11.0)), error_of(np.arange(12.0))
    assert isinstance(few, Undefined)
    assert (few.reason, few.status) == ("few_days_for_interval", Status.UNAVAILABLE)
    assert isinstance(enough, MeanError)
    assert enough.freedom == 2


@LAWS
@given(VARIED, VARIED)
def test_freedoms_together_lie_between_the_fewer_and_the_sum(one: Floats, other: Floats) -> None:
    a, b = error_of(one), error_of(other)
    assume(isinstance(a, MeanError) and isinstance(b, MeanError))
    assert isinstance(a, MeanError)
    assert isinstance(b, MeanError)
    both = together(a, b)
    assert min(a.freedom, b.freedom) * (1 - 1e-9) <= both.freedom <= (a.freedom + b.freedom) * (1 + 1e-9)
    assert both == together(b, a)

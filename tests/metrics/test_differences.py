"""Differences with intervals: what they must say, and how often they are wrong about noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillbook.arrays import Floats
from fillbook.metrics.differences import What, apart, paired
from fillbook.metrics.long_run import long_run_variance, student_quantile
from fillbook.results import Status

WHATS: tuple[What, ...] = ("mean", "sharpe")
SERIES = st.lists(st.floats(-1.0, 1.0).map(lambda r: round(r, 4)), min_size=20, max_size=40).map(np.array)
SPREAD = SERIES.filter(lambda r: np.ptp(r) > 0.05)
FEW = settings(max_examples=200, deadline=None)


@FEW
@given(SPREAD)
def test_a_series_does_not_differ_from_itself(days: Floats) -> None:
    for what in WHATS:
        found = paired(days, days, what)
        assert (found.value, found.low, found.status, found.reasons) == (
            0.0, None, Status.PARTIAL, ("no_variation",),
        )  # fmt: skip
        assert not found.is_clear


@FEW
@given(SPREAD, st.floats(0.5, 3.0))
def test_a_constant_between_them_has_no_interval(days: Floats, gap: float) -> None:
    """What never varied says nothing about how it might: the difference stands, an interval does not."""
    found = paired(days + gap, days, "mean")
    assert found.value == pytest.approx(gap, abs=1e-9)
    assert (found.low, found.p_value, found.status) == (None, None, Status.PARTIAL)
    still = apart(np.full(40, gap), days, "mean")
    assert (still.low, still.reasons) == (None, ("no_variation",))


@FEW
@given(SPREAD, SPREAD)
def test_sides_change_the_sign_alone(one: Floats, other: Floats) -> None:
    n = min(one.size, other.size)
    for what in WHATS:
        ab, ba = paired(one[:n], other[:n], what), paired(other[:n], one[:n], what)
        assert (
            ab.value == pytest.approx(-(ba.value or 0.0), abs=1e-12)
            if ab.value is not None
            else ba.value is None
        )
        if ab.low is not None and ba.high is not None:
            assert ab.low == pytest.approx(-ba.high, rel=1e-9, abs=1e-9)
            assert ab.p_value == pytest.approx(ba.p_value)


@FEW
@given(SPREAD, st.sampled_from([0.001, 7.0, 1e5]))
def test_size_scales_the_mean_and_leaves_the_sharpe(days: Floats, k: float) -> None:
    other = days[::-1]
    for what, factor in (("mean", k), ("sharpe", 1.0)):
        one, scaled = paired(days, other, what), paired(k * days, k * other, what)
        for name in ("value", "low", "high"):
            a, b = getattr(one, name), getattr(scaled, name)
            assert (a is None) == (b is None)
            if a is not None:
                assert b == pytest.approx(factor * a, rel=1e-6, abs=1e-9 * max(k, 1.0) * factor)


def test_no_interval_from_few_days_and_no_figure_from_one() -> None:
    days = np.arange(19.0)
    few = paired(days, days[::-1].copy(), "mean")
    assert (few.value, few.low, few.status, few.reasons) == (
        0.0, None, Status.LOW_N, ("few_days_for_interval",),
    )  # fmt: skip
    one = apart(days[:1], days, "mean")
    assert (one.value, one.status, one.reasons) == (None, Status.UNDEFINED, ("n_lt_2",))
    still = paired(np.ones(30), np.arange(30.0), "sharpe")
    assert (still.value, still.status, still.reasons) == (None, Status.UNDEFINED, ("zero_variance",))


def test_two_stretches_by_hand() -> None:
    """Difference of means, and its p-value at the end of the interval is 5 %."""
    rng = np.random.default_rng(9)
    one, other = rng.normal(size=100), rng.normal(size=125)
    found = apart(one, other, "mean")
    first, second = long_run_variance(one, 8) / 100, long_run_variance(other, 10) / 125
    freedom = (first + second) ** 2 / (first**2 / 8 + second**2 / 10)
    assert found.freedom == pytest.approx(freedom)
    reach = student_quantile(0.975, freedom) * math.sqrt(first + second)
    assert found.high == pytest.approx(one.mean() - other.mean() + reach)
    assert found.is_clear == (found.p_value is not None and found.p_value < 0.05)


@FEW
@given(SPREAD, SPREAD)
def test_time_run_backwards_says_the_same(one: Floats, other: Floats) -> None:
    for what in WHATS:
        there, back = apart(one, other, what), apart(one[::-1], other[::-1], what)
        assert there.value == pytest.approx(back.value, abs=1e-9)
        if there.low is not None and back.low is not None:
            assert (back.low, back.high) == (
                pytest.approx(there.low, abs=1e-7), pytest.approx(there.high, abs=1e-7),
            )  # fmt: skip


def test_pairing_takes_out_what_moved_both() -> None:
    """A market of deviation 1 in both, and a tenth of that of their own: alike paired, lost apart."""
    rng = np.random.default_rng(3)
    market = rng.normal(size=120)
    one, other = market + 0.1 * rng.normal(size=120) + 0.05, market + 0.1 * rng.normal(size=120)
    assert paired(one, other, "mean").is_clear
    assert not apart(one, other, "mean").is_clear

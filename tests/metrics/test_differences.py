"""Differences with intervals: what they must say, and how often they are wrong about noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillbook.arrays import Floats
from fillbook.metrics.differences import What, apart, paired
from fillbook.results import Status

WHATS: tuple[What, ...] = ("mean", "sharpe")
SERIES = st.lists(st.floats(-1.0, 1.0).map(lambda r: round(r, 4)), min_size=20, max_size=40).map(np.array)
SPREAD = SERIES.filter(lambda r: np.ptp(r) > 0.05)
FEW = settings(max_examples=60, deadline=None)  # two thousand resamples an example


def ar1(rng: np.random.Generator, n: int, rho: float) -> Floats:
    """Days that resemble those before them."""
    noise, found = rng.normal(size=n + 50), np.zeros(n + 50)
    for i in range(1, n + 50):
        found[i] = rho * found[i - 1] + noise[i]
    return found[50:]


@FEW
@given(SPREAD)
def test_a_series_does_not_differ_from_itself(days: Floats) -> None:
    for what in WHATS:
        found = paired(days, days, what)
        if found.status is Status.PARTIAL:
            continue  # so many equal days that too many resamples have no Sharpe ratio
        assert (found.value, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)
        assert not found.is_clear


@FEW
@given(SPREAD, st.floats(0.5, 3.0))
def test_a_constant_between_them_is_the_difference(days: Floats, gap: float) -> None:
    """Paired on the same days, nothing but the constant is left: the interval is the constant."""
    found = paired(days + gap, days, "mean")
    assert found.value == pytest.approx(gap, abs=1e-9)
    assert (found.low, found.high) == (pytest.approx(gap, abs=1e-9), pytest.approx(gap, abs=1e-9))
    assert found.is_clear


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
            assert ab.p_value == ba.p_value


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


def test_too_many_resamples_without_an_answer_leave_no_interval() -> None:
    """One day of thirty moved: a third of the resamples never draw it, and have no Sharpe ratio."""
    days = np.zeros(30)
    days[7] = 1.0
    found = apart(days, np.arange(30.0), "sharpe")
    assert found.value is not None
    assert (found.low, found.status, found.reasons) == (None, Status.PARTIAL, ("resamples_undefined",))


def test_pairing_takes_out_what_moved_both() -> None:
    """A market of deviation 1 in both, and a tenth of that of their own: alike paired, lost apart."""
    rng = np.random.default_rng(3)
    market = rng.normal(size=120)
    one, other = market + 0.1 * rng.normal(size=120) + 0.05, market + 0.1 * rng.normal(size=120)
    assert paired(one, other, "mean").is_clear
    assert not apart(one, other, "mean").is_clear


@pytest.mark.parametrize("rho", [0.0, 0.5])
def test_noise_is_rarely_called_a_change(rho: float) -> None:
    """Two stretches of one process of 100 days each; a sound 95 % interval is wrong in about 5 % of cases.

    Counted on these draws: 9 of 120 without dependence, 20 of 120 with an autocorrelation of 0.5. The second
    is too many: blocks of a short series see its dependence only in part. The bound only keeps it from
    growing; it does not say that the interval holds what it promises there.
    """
    rng = np.random.default_rng(20_261_124)
    days = [ar1(rng, 200, rho) for _ in range(120)]
    wrong = sum(apart(d[:100], d[100:], "mean").is_clear for d in days)
    assert wrong / len(days) <= 0.18


def test_a_change_of_one_deviation_is_found() -> None:
    rng = np.random.default_rng(5)
    found = [apart(ar1(rng, 60, 0.2) + 1.0, ar1(rng, 60, 0.2), "mean").is_clear for _ in range(20)]
    assert sum(found) >= 18

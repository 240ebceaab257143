"""Exact p-values of tests of exceptions: those of every order of days there is, and of simulated worlds."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fillbook.metrics.backtest import (
    christoffersen_lr,
    conditional_coverage_lr,
    exception_tests,
    kupiec_lr,
)
from fillbook.metrics.exact_tests import (
    Chances,
    coverage_chances,
    independence_chances,
    kupiec_chances,
    lots,
)

NEAR = 1e-8


def orders(n: int) -> list[np.ndarray]:
    return [np.array(bits) for bits in itertools.product([0, 1], repeat=n)]


def held_against(chances: Chances, ratios: list[float], weights: list[float]) -> None:
    """Chances are those of a list of ratios and their weights, ties in and out."""
    known, weight = np.array(ratios), np.array(weights)
    for ratio in known:
        ties_in = weight[known >= ratio - NEAR].sum() / weight.sum()
        ties_out = weight[known > ratio + NEAR].sum() / weight.sum()
        found = chances.tested(float(ratio), 0.25)
        assert found.most == pytest.approx(ties_in, abs=1e-10)
        assert found.p == pytest.approx(ties_out + 0.25 * (ties_in - ties_out), abs=1e-10)


@pytest.mark.parametrize("n", [2, 3, 7, 11])
def test_independence_is_that_of_every_order_of_as_many_exceptions(n: int) -> None:
    for exceptions in range(1, n):
        found = [christoffersen_lr(hits) for hits in orders(n) if hits.sum() == exceptions]
        known = [ratio for ratio in found if not math.isnan(ratio)]
        if known:
            held_against(independence_chances(n, exceptions), known, [1.0] * len(known))


@pytest.mark.parametrize(("n", "p"), [(6, 0.3), (11, 0.05), (11, 0.25)])
def test_the_joint_test_is_that_of_every_history(n: int, p: float) -> None:
    ratios, weights = [], []
    for hits in orders(n):
        ratio, x = conditional_coverage_lr(hits, p), int(hits.sum())
        if not math.isnan(ratio):
            ratios.append(ratio)
            weights.append(p**x * (1.0 - p) ** (n - x))
    held_against(coverage_chances(n, p), ratios, weights)


@pytest.mark.parametrize(("n", "p"), [(1, 0.05), (40, 0.05), (250, 0.01)])
def test_the_count_is_scipys_binomial(n: int, p: float) -> None:
    x = range(n + 1)
    held_against(
        kupiec_chances(n, p), [kupiec_lr(n, k, p) for k in x], stats.binom(n, p).pmf(list(x)).tolist()
    )


def test_simulated_worlds_agree() -> None:
    """Dufour's test with 4,000 worlds of 250 days, drawn and not counted."""
    rng, n, p = np.random.default_rng(3), 250, 0.05
    worlds = [conditional_coverage_lr((rng.random(n) < p).astype(int), p) for _ in range(4_000)]
    drawn = np.array([ratio for ratio in worlds if not math.isnan(ratio)])
    for ratio in (0.5, 2.0, 4.0, 6.0, 9.0):
        share = float((drawn > ratio).mean())
        assert coverage_chances(n, p).tested(ratio, 0.0).p == pytest.approx(
            share, abs=4.0 * math.sqrt(share * (1.0 - share) / drawn.size)
        )


def test_many_days_are_chi_square() -> None:
    """For 4,000 days the joint ratio is all but χ²(2); the tail of independence stays heavier."""
    for ratio in (2.0, 6.0, 9.0):
        found = coverage_chances(4_000, 0.05).tested(ratio, 0.5).p
        assert found == pytest.approx(stats.chi2.sf(ratio, 2), rel=0.15)


@settings(deadline=None)
@given(
    st.lists(st.booleans(), min_size=2, max_size=300), st.floats(0.0, 1.0), st.sampled_from([0.9, 0.95, 0.99])
)
def test_laws_of_p_values(days: list[bool], lot: float, alpha: float) -> None:
    """Between 0 and 1, never above the one without a lot, and absent for the reason of the ratio."""
    hits = np.array(days, dtype=np.int64)
    for one in exception_tests(hits, alpha, np.full(3, lot)):
        if math.isnan(one.ratio):
            assert one.p.reason == one.most.reason == one.ratio.reason  # type: ignore[attr-defined]
        else:
            assert 0.0 <= one.p <= one.most <= 1.0 + 1e-12


@given(st.lists(st.floats(-1e3, 1e3).map(lambda x: round(x, 3)), min_size=1, max_size=60))
def test_the_lot_is_of_the_days_and_not_of_their_unit(days: list[float]) -> None:
    values = np.array(days)
    assert (lots(values, 3) == lots(4.0 * values, 3)).all()
    noise = values * (1.0 + 1e-15)
    assert (lots(values, 3) == lots(noise, 3)).all()
    assert ((lots(values, 3) >= 0.0) & (lots(values, 3) < 1.0)).all()


def test_lots_are_spread_evenly() -> None:
    drawn = np.concatenate([lots(np.random.default_rng(seed).normal(size=50), 3) for seed in range(1_000)])
    assert stats.kstest(drawn, "uniform").pvalue > 1e-3

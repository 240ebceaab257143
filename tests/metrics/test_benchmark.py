"""Alpha, beta and their neighbours: one worked example, the laws, and every way to have no number."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillbook.arrays import Floats
from fillbook.metrics import benchmark as b
from fillbook.metrics.benchmark_inputs import BenchmarkInputs
from fillbook.metrics.evaluate import evaluate, load_metrics
from fillbook.results import Status, Undefined

LAWS = settings(max_examples=200, deadline=None)
YEAR = 365.0

# Ten days. The benchmark moves +1 % five times and −1 % five times: mean 0, Σ(b − b̄)² = 10 × 1e-4 = 1e-3.
# Ours: +3 % on its up days, −1 % on its down days: mean 1 %, away from it ±2 %.
# cov: Σ(r − r̄)(b − b̄) = 10 × 0.02 × 0.01 = 2e-3, so beta = 2, and alpha = (0.01 − 2 × 0) × 365 = 3.65.
BENCH = np.array([0.01, -0.01] * 5)
OWN = np.array([0.03, -0.01] * 5)


def test_the_worked_example() -> None:
    assert b.beta(OWN, BENCH) == pytest.approx(2.0)
    assert b.alpha(OWN, BENCH, periods_per_year=YEAR) == pytest.approx(3.65)
    assert b.correlation(OWN, BENCH) == pytest.approx(1.0)
    # r − b is 0.02, 0, …: mean 0.01, away ±0.01, s = √(10 × 1e-4 / 9)
    s = math.sqrt(1e-3 / 9.0)
    assert b.tracking_error(OWN, BENCH, periods_per_year=YEAR) == pytest.approx(s * math.sqrt(YEAR))
    assert b.information_ratio(OWN, BENCH, periods_per_year=YEAR) == pytest.approx(0.01 / s * math.sqrt(YEAR))
    assert b.up_capture(OWN, BENCH) == pytest.approx(3.0)  # 3 % a day over 1 % a day
    assert b.down_capture(OWN, BENCH) == pytest.approx(1.0)  # −1 % over −1 %
    assert b.excess_return(OWN, BENCH) == pytest.approx(0.10)  # 5 × 0.02


def test_without_capital_it_is_money() -> None:
    """PnL of +300 and −100 against the same benchmark: like a holding of 20,000 and 100 a day."""
    pnl = 1e4 * OWN
    assert b.beta_holding(pnl, BENCH) == pytest.approx(20_000.0)
    assert b.alpha_per_day(pnl, BENCH) == pytest.approx(100.0)
    assert b.tracking_error_per_day(pnl, pnl - 7.0) == pytest.approx(0.0, abs=1e-9)
    assert b.excess_pnl(pnl, pnl - 7.0) == pytest.approx(70.0)


def test_ranks_share_the_mean_of_equal_values() -> None:
    assert b.ranks(np.array([5.0, 1.0, 5.0, 9.0])).tolist() == [2.5, 1.0, 2.5, 4.0]


def test_rank_correlation_does_not_see_how_far_a_day_is_out() -> None:
    one = np.arange(10.0)
    far = one.copy()
    far[-1] = 1e6
    assert b.rank_correlation(one, far) == pytest.approx(1.0)
    assert b.correlation(one, far) < 0.6


CAPTURES = {b.up_capture: "no_up_days", b.down_capture: "no_down_days"}


@pytest.mark.parametrize("function", list(CAPTURES))
def test_a_benchmark_that_never_moved_that_way_captures_nothing(function: b.Floats) -> None:
    sign = -1.0 if function is b.up_capture else 1.0
    found = function(OWN, sign * np.abs(BENCH))
    assert isinstance(found, Undefined)
    assert found.reason == CAPTURES[function]


def test_a_day_that_lost_everything_has_no_geometric_mean() -> None:
    own = OWN.copy()
    own[0] = -1.0
    found = b.up_capture(own, BENCH)
    assert isinstance(found, Undefined)
    assert found.reason == "equity_non_positive"


def given_inputs(own: Floats | Undefined, other: Floats | Undefined, **more: object) -> BenchmarkInputs:
    arrays = {
        f"{side}_{unit}": value
        for side, value in (("own", own), ("other", other))
        for unit in ("return", "pnl", "daily", "basis")
    }
    return BenchmarkInputs(**{**arrays, "window_s": 86_400.0 * 10, "currency": "USDT", **more})  # type: ignore[arg-type]


def test_every_metric_says_why_there_is_none() -> None:
    """Nine days in common, a benchmark that stands still, nothing at all."""
    for own, other, reason in (
        (OWN[:9], BENCH[:9], "few_common_days"), (OWN, np.zeros(10), None), (OWN[:0], BENCH[:0], None),
    ):  # fmt: skip
        found = evaluate(given_inputs(own, other))
        assert {load_metrics()[key].group for key in found} == {"benchmark"}
        for key, result in found.items():
            has_none = result.status in (Status.UNDEFINED, Status.UNAVAILABLE)
            assert (result.value is None) == has_none, key
            assert result.status is Status.OK or result.reasons, key
        if reason:
            lost = {key: r.reasons for key, r in found.items() if not key.startswith("excess")}
            assert set(lost.values()) == {(reason,)}
    still = evaluate(given_inputs(OWN, np.zeros(10)))
    for key in ("beta", "alpha", "alpha_per_day", "beta_holding", "correlation", "rank_correlation"):
        assert still[key].reasons == ("zero_variance",), key
    assert still["tracking_error"].value is not None


def test_few_days_are_said() -> None:
    found = evaluate(given_inputs(OWN, BENCH))
    assert {r.status for r in found.values()} == {Status.LOW_N}
    assert {r.reasons for r in found.values()} == {("few_days",)}


def test_a_lack_travels_with_its_reason() -> None:
    lack = Undefined.unavailable("no_capital")
    found = evaluate(given_inputs(OWN, BENCH, own_return=lack))
    for key in ("alpha", "tracking_error", "up_capture", "down_capture", "excess_return"):
        assert (found[key].status, found[key].reasons) == (Status.UNAVAILABLE, ("no_capital",)), key
    assert found["beta_holding"].value is not None


VALUES = st.floats(-0.2, 0.2).map(lambda r: round(r, 5))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Floats, Floats]:
    n = draw(st.integers(10, 50))
    rows = draw(st.lists(st.tuples(VALUES, VALUES), min_size=n, max_size=n))
    own, other = np.array(rows).T
    return own, other


BOTH = pairs().filter(lambda two: min(np.ptp(two[0]), np.ptp(two[1])) > 1e-3)


@LAWS
@given(BOTH)
def test_a_series_against_itself(two: tuple[Floats, Floats]) -> None:
    own, _ = two
    assert b.beta(own, own) == 1.0
    assert b.alpha(own, own, periods_per_year=YEAR) == 0.0
    assert b.tracking_error(own, own, periods_per_year=YEAR) == 0.0
    assert b.correlation(own, own) == pytest.approx(1.0, abs=1e-15)
    assert b.excess_return(own, own) == 0.0
    ratio = b.information_ratio(own, own, periods_per_year=YEAR)
    assert isinstance(ratio, Undefined)
    assert ratio.reason == "zero_variance"
    for function, sign in ((b.up_capture, 1), (b.down_capture, -1)):
        value = function(own, own)
        assert value == 1.0 if (sign * own > 0).any() else math.isnan(value)


@LAWS
@given(BOTH, st.sampled_from([0.5, 2.0, 8.0, -1.0]), st.floats(-0.1, 0.1))
def test_scale_and_shift(two: tuple[Floats, Floats], k: float, c: float) -> None:
    """k times our days: k times alpha and beta; a constant more each day: alpha alone."""
    own, other = two
    near = {"rel": 1e-7, "abs": 1e-9}
    assert b.beta(k * own, other) == pytest.approx(k * b.beta(own, other), **near)
    assert b.alpha(k * own, other, periods_per_year=YEAR) == pytest.approx(
        k * b.alpha(own, other, periods_per_year=YEAR), rel=1e-7, abs=1e-7
    )
    assert b.beta(own + c, other) == pytest.approx(b.beta(own, other), rel=1e-6, abs=1e-8)
    assert b.alpha(own + c, other, periods_per_year=YEAR) == pytest.approx(
        b.alpha(own, other, periods_per_year=YEAR) + c * YEAR, rel=1e-6, abs=1e-6
    )
    assert b.correlation(k * own, other) == pytest.approx(
        math.copysign(1, k) * b.correlation(own, other), **near
    )
    assert b.beta(own, k * other) == pytest.approx(b.beta(own, other) / k, **near)


@LAWS
@given(BOTH, st.randoms(use_true_random=False))
def test_the_order_of_days_does_not_matter(two: tuple[Floats, Floats], random: object) -> None:
    own, other = two
    order = list(range(own.size))
    random.shuffle(order)  # type: ignore[attr-defined]
    near = {"rel": 1e-9, "abs": 1e-12}
    for function in (
        b.beta,
        b.correlation,
        b.rank_correlation,
        b.up_capture,
        b.down_capture,
        b.excess_return,
    ):
        one, two_ = function(own, other), function(own[order], other[order])
        assert (math.isnan(one) and math.isnan(two_)) or one == pytest.approx(two_, **near), function.__name__


@LAWS
@given(BOTH)
def test_alphas_and_betas_of_parts_add_up_to_those_of_the_whole(two: tuple[Floats, Floats]) -> None:
    own, other = two
    part = np.where(np.arange(own.size) % 3 == 0, own, 0.4 * own)
    rest = own - part
    for function in (b.slope, b.intercept):
        whole = function(own, other)
        assert function(part, other) + function(rest, other) == pytest.approx(whole, rel=1e-7, abs=1e-9)

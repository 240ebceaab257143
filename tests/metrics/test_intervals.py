"""Intervals: each world's number is the metric's own, the seed holds, what cannot be said is not said."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillbook.arrays import Floats
from fillbook.conventions import ReturnBasis
from fillbook.metrics import drawdown, returns, risk
from fillbook.metrics.influence import OF_BASIS, OF_PNL, OF_RETURNS, Smooth
from fillbook.metrics.intervals import KEYS, NEED_CAPITAL, STATISTICS, Days, intervals, worlds_of
from fillbook.metrics.quantile_intervals import quantile_ends
from fillbook.results import Status, Undefined

LAWS = settings(max_examples=200, deadline=None)
YEAR = {"periods_per_year": 365.0}
DAYS = st.lists(st.sampled_from([-8.0, -3.0, -0.5, 0.0, 1.0, 2.0, 5.0]), min_size=20, max_size=60).map(
    np.array
)
BASES = st.sampled_from(["fixed_capital", "compounded"])
CAPITAL = 1_000.0


def metrics_of(pnl: Floats, basis: ReturnBasis) -> Mapping[str, Any]:
    """The registry's functions on one history."""
    day = (returns.fixed_returns if basis == "fixed_capital" else returns.compounded_returns)(pnl, CAPITAL)
    equity = CAPITAL + np.concatenate([[0.0], np.cumsum(pnl)])
    return {
        "sharpe_ratio": returns.sharpe_ratio(day, **YEAR), "sortino_ratio": returns.sortino_ratio(day, **YEAR),
        "calmar_ratio": drawdown.calmar_ratio(day, equity, capital=CAPITAL, **YEAR, return_basis=basis),
        "omega_ratio": returns.omega_ratio(day), "period_profit_factor": returns.period_profit_factor(pnl),
        "tail_ratio": returns.tail_ratio(day), "winning_days": returns.winning_days(pnl),
        "average_daily_pnl": returns.average_daily_pnl(pnl), "volatility": returns.volatility(day, **YEAR),
        "kelly_continuous": returns.kelly_continuous(day),
        "ulcer_index": drawdown.ulcer_index(equity, capital=CAPITAL),
        "recovery_factor": drawdown.recovery_factor(equity), "value_at_risk": risk.value_at_risk(pnl),
        "expected_shortfall": risk.expected_shortfall(pnl),
    }  # fmt: skip


@LAWS
@given(DAYS, BASES)
def test_the_history_itself_has_the_metrics_own_numbers(pnl: Floats, basis: ReturnBasis) -> None:
    day = (returns.fixed_returns if basis == "fixed_capital" else returns.compounded_returns)(pnl, CAPITAL)
    one = Days(pnl[None], np.asarray(day)[None], np.asarray(day)[None], CAPITAL, 365.0, basis)
    with np.errstate(all="ignore"):
        found = {key: float(statistic(one)[0]) for key, statistic in STATISTICS.items()}
    for functions, values in ((OF_PNL, pnl), (OF_BASIS, day), (OF_RETURNS, day)):
        for key, function in functions.items():
            smooth = function(np.asarray(values), 365.0)
            found[key] = smooth.value if isinstance(smooth, Smooth) else math.nan
    expected = metrics_of(pnl, basis)
    assert found.keys() == expected.keys() - {"tail_ratio", "value_at_risk"}
    assert tuple(expected) == KEYS
    for key, value in found.items():
        is_edge = expected[key] in {0.0, 1.0} or (key == "expected_shortfall" and expected[key] <= 0.0)
        if math.isnan(value) and is_edge:
            continue  # a figure, but nothing to learn its error from: no gain, no deviation, no loss
        assert value == pytest.approx(expected[key], rel=1e-9, abs=1e-12, nan_ok=True), key


@settings(max_examples=60, deadline=None)
@given(DAYS.filter(lambda x: np.ptp(x) > 0 and (x > 0).any() and (x < 0).any()), st.integers(0, 19))
def test_influence_is_what_a_little_more_weight_of_a_day_adds(pnl: Floats, day: int) -> None:
    """Each day a thousand times, one of them once more: the figure on its scale moves by its influence."""
    times = 1_000
    whole = np.repeat(pnl, times)
    more = np.append(whole, pnl[day])
    on = {
        "plain": lambda x: x, "log": math.log, "odds": lambda x: math.log(x / (1.0 - x)),
        "precision": lambda x: -0.5 / x**2,
    }  # fmt: skip
    for functions in (OF_PNL, OF_BASIS, OF_RETURNS):
        for key, function in functions.items():
            if key == "expected_shortfall":
                continue  # steps where the quantile is tied: below, on continuous days
            before, after = function(whole, 365.0), function(more, 365.0)
            assert isinstance(before, Smooth)
            assert isinstance(after, Smooth)
            scale = on[before.scale]
            moved = (scale(after.value) - scale(before.value)) * more.size
            added = before.influence[day * times] - before.influence.mean()
            size = float(np.abs(before.influence - before.influence.mean()).max())
            assert moved == pytest.approx(added, abs=5e-3 * size), key


def test_influence_of_the_shortfall() -> None:
    rng = np.random.default_rng(4)
    days = rng.normal(size=40_000)
    before = OF_PNL["expected_shortfall"](days, 365.0)
    assert isinstance(before, Smooth)
    for value in (-4.0, -2.0, 0.0, 3.0):
        near = int(np.abs(days - value).argmin())
        after = OF_PNL["expected_shortfall"](np.append(days, np.full(20, days[near])), 365.0)
        assert isinstance(after, Smooth)
        moved = (-0.5 / after.value**2 + 0.5 / before.value**2) * days.size / 20
        assert moved == pytest.approx(before.influence[near] - before.influence.mean(), rel=0.04)


def test_ends_on_every_scale_by_hand() -> None:
    none = np.zeros(2)
    assert Smooth(2.0, none).ends(0.5) == (1.5, 2.5)
    assert Smooth(2.0, none, "log").ends(math.log(2.0)) == (pytest.approx(1.0), pytest.approx(4.0))
    low, high = Smooth(0.5, none, "odds").ends(math.log(3.0))  # odds 1, from 1/3 to 3
    assert (low, high) == (pytest.approx(0.25), pytest.approx(0.75))
    low, high = Smooth(1.0, none, "precision").ends(0.375)  # −1/2 ± 3/8: −7/8 and −1/8
    assert (low, high) == (pytest.approx(math.sqrt(4.0 / 7.0)), pytest.approx(2.0))
    assert Smooth(1.0, none, "precision").ends(0.5)[1] == math.inf


def test_a_quantile_lies_between_days_there_were() -> None:
    rng = np.random.default_rng(6)
    days = rng.normal(size=400)
    low, high = quantile_ends(days, 0.05, freedom=6, level=0.95)  # type: ignore[misc]
    assert days.min() <= low < np.quantile(days, 0.05) < high < 0.0
    assert quantile_ends(days[:60], 0.05, freedom=6, level=0.95).reason == "few_tail_days"  # type: ignore[union-attr]


def test_too_few_days_have_no_interval_of_tails_and_spread() -> None:
    days = np.random.default_rng(1).normal(size=250)
    for n, reasons in ((99, "n_lt_100"), (249, "few_tail_days")):
        found = intervals(days[:n], returns=days[:n], capital=1.0, **YEAR, replicates=50)
        keys = ("volatility",) if n == 99 else ("value_at_risk", "expected_shortfall", "tail_ratio")
        assert {found[key].reasons for key in keys} == {(reasons,)}
    whole = intervals(days, returns=days, capital=1.0, **YEAR, replicates=50)
    assert {key: whole[key].interval_by for key in ("sharpe_ratio", "value_at_risk", "calmar_ratio")} == {
        "sharpe_ratio": "long_run", "value_at_risk": "order", "calmar_ratio": "resampled",
    }  # fmt: skip
    assert whole["volatility"].status is whole["expected_shortfall"].status is Status.OK
    assert whole["tail_ratio"].reasons == ("few_tail_days",)  # from 300 days on


@settings(max_examples=30, deadline=None)
@given(DAYS)
def test_an_interval_is_ordered_and_the_same_again(pnl: Floats) -> None:
    def asked() -> object:
        return intervals(pnl, returns=pnl / CAPITAL, capital=CAPITAL, **YEAR, replicates=200)

    first = asked()
    assert first == asked()
    for one in first.values():  # type: ignore[attr-defined]
        assert (one.low is None) == (one.high is None) == (one.status is Status.UNAVAILABLE)
        assert one.low is None or one.low <= one.high
        assert one.low is not None or one.reasons


def test_nineteen_days_are_too_few() -> None:
    found = intervals(np.arange(19.0), returns=np.arange(19.0), capital=1.0, **YEAR)
    assert {(one.status, one.reasons, one.low) for one in found.values()} == {
        (Status.UNAVAILABLE, ("n_lt_20",), None)
    }


def test_what_cannot_be_said_is_not_said() -> None:
    pnl = np.ones(30)
    pnl[0] = -1.0  # (29/30)³⁰ = 36 % of the resamples lose nothing, and have no drawdown
    found = intervals(pnl, returns=Undefined.unavailable("no_capital"), capital=math.nan, **YEAR)
    assert found["recovery_factor"].reasons == ("often_undefined",)
    assert 0.3 < (found["recovery_factor"].undefined or 0) / 2_000 < 0.42
    assert found["winning_days"].status is Status.OK
    for key in NEED_CAPITAL:
        assert found[key].reasons == ("no_capital",)
    constant = intervals(np.full(40, 2.0), returns=np.full(40, 2.0), capital=1.0, **YEAR)
    assert constant["sharpe_ratio"].reasons == ("zero_variance",)
    assert constant["average_daily_pnl"].reasons == ("no_variation",)
    assert constant["omega_ratio"].reasons == ("no_losses",)


def test_paths_ahead_are_made_of_days_there_were() -> None:
    pnl = np.random.default_rng(2).normal(size=100)
    paths, block = worlds_of(pnl, 12, replicates=500)
    steps = np.diff(paths, axis=1, prepend=0.0)
    assert paths.shape == (500, 12)
    assert block >= 1.0
    nearest = np.abs(steps[:, :, None] - pnl).min(axis=2)
    assert nearest.max() < 1e-9

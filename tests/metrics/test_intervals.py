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
from fillbook.metrics.intervals import NEED_CAPITAL, STATISTICS, Days, intervals, worlds_of
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
    expected = metrics_of(pnl, basis)
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, rel=1e-9, abs=1e-12, nan_ok=True), key


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


def test_what_is_often_undefined_has_no_interval() -> None:
    pnl = np.ones(30)
    pnl[0] = -1.0  # (29/30)³⁰ = 36 % of the resamples lose nothing
    found = intervals(pnl, returns=Undefined.unavailable("no_capital"), capital=math.nan, **YEAR)
    assert found["omega_ratio"].reasons == ("often_undefined",)
    assert 0.3 < found["omega_ratio"].undefined / 2_000 < 0.42
    assert found["winning_days"].status is Status.OK
    for key in NEED_CAPITAL:
        assert found[key].reasons == ("no_capital",)
    constant = intervals(np.full(40, 2.0), returns=np.full(40, 2.0), capital=1.0, **YEAR)
    assert constant["sharpe_ratio"].undefined == 2_000
    assert constant["average_daily_pnl"].low == constant["average_daily_pnl"].high == 2.0


def test_paths_ahead_are_made_of_days_there_were() -> None:
    pnl = np.random.default_rng(2).normal(size=100)
    paths, block = worlds_of(pnl, 12, replicates=500)
    steps = np.diff(paths, axis=1, prepend=0.0)
    assert paths.shape == (500, 12)
    assert block >= 1.0
    nearest = np.abs(steps[:, :, None] - pnl).min(axis=2)
    assert nearest.max() < 1e-9

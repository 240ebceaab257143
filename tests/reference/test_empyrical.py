"""The test values of empyrical-reloaded against ours, and the library itself on random returns.

Its suite takes returns; ours takes PnL and capital, so a return series is played as the daily PnL of
a capital of 1 that compounds. It skips a first NaN in means and counts it as a day without a return
in growth: so does this file, before our functions see the series.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import empyrical
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillbook.arrays import Floats
from fillbook.metrics.drawdown import calmar_ratio, max_drawdown_fraction
from fillbook.metrics.returns import (
    cagr,
    compounded_returns,
    downside_deviation,
    omega_ratio,
    sharpe_ratio,
    sortino_ratio,
    tail_ratio,
    volatility,
)

PERIODS = {"daily": 252, "weekly": 52, "monthly": 12, "yearly": 1}
FLAT = "a series without variance: undefined here (zero_variance), a number from rounding noise there"
SHORT = "one return: undefined here (n_lt_2), a number there"

# test, series, threshold → why we answer otherwise
DIFFERENCES = {
    ("test_sharpe_ratio", "flat_line_1", "0.0"): FLAT,
    ("test_sortino", "positive_returns", "0.0"): "no day lost: undefined here (zero_downside), ∞ there",
    ("test_sortino", "simple_benchmark", "0.0"): "no day lost: undefined here (zero_downside), ∞ there",
    ("test_downside_risk", "one_return", "0.0"): SHORT,
}

NOT_MEASURED = {
    "against a benchmark: see test_empyrical_benchmark.py": (
        "alpha_beta alpha beta alpha_beta_translation alpha_beta_correlation alpha_beta_with_nan_inputs "
        "alpha_beta_equality down_alpha_beta up_alpha_beta excess_sharpe excess_sharpe_noisy "
        "excess_sharpe_trans capture_ratio down_capture up_capture up_down_capture batting_average"
    ),
    "rolling or of a data frame": (
        "roll_max_drawdown roll_sharpe_ratio roll_alpha_beta roll_up_down_capture roll_down_capture "
        "roll_up_capture cum_returns_df cum_returns_final_df"
    ),
    "a fit of its own": "stability_of_timeseries gpd_risk_estimates",
    "turns prices into returns or returns into longer ones, which a ledger does not need": (
        "simple_returns cum_returns aggregate_returns"
    ),
    "says how its own function reacts to noise or a shift: held by the property tests below": (
        "max_drawdown_translation omega_returns sharpe_translation_same sharpe_translation_diff "
        "sharpe_translation_1 sharpe_noise downside_risk_noisy downside_risk_trans downside_risk_std "
        "sortino_add_noise sortino_sub_noise sortino_translation_same sortino_translation_diff "
        "cagr_translation cagr_with_nan_inputs cagr_noisy"
    ),
}
UNMEASURED = {f"test_{name}" for names in NOT_MEASURED.values() for name in names.split()} | {
    "est_beta_fragility_heuristic"
}


def curve(returns: Floats) -> Floats:
    """Equity of a capital of 1 that compounds, start included."""
    return np.cumprod(np.concatenate([[1.0], 1.0 + returns]))


def worst_fall(returns: Floats) -> float:
    return -max_drawdown_fraction(curve(returns), capital=1.0)


def growth(returns: Floats, a: float) -> float:
    return cagr(np.diff(curve(returns)), capital=1.0, periods_per_year=a)


def growth_over_fall(returns: Floats, a: float) -> float:
    equity = curve(returns)
    return calmar_ratio(returns, equity, capital=1.0, periods_per_year=a, return_basis="compounded")


def grown(returns: Floats, start: float) -> float:
    if returns.size == 0:
        return math.nan
    return (start or 1.0) * float(curve(returns)[-1]) - (0.0 if start else 1.0)


class Given:
    """One case's parameters as arrays and numbers."""

    def __init__(self, params: Mapping[str, Any], series: Mapping[str, Any]) -> None:
        self._params, self._series = params, series

    def array(self, name: str = "returns") -> Floats:
        """The series of a parameter, with its NaN."""
        values = self._series[self._params[name]]["values"]
        return np.array([math.nan if v == "NaN" else v for v in values], dtype=float)

    def less(self, name: str) -> Floats:
        """Returns less a number or another series, without NaN."""
        over = self._params[name]
        taken = self.array(name) if over in self._series else float(over)
        away = self.array() - taken
        return away[~np.isnan(away)]

    @property
    def whole(self) -> Floats:
        return np.nan_to_num(self.array())

    @property
    def known(self) -> Floats:
        values = self.array()
        return values[~np.isnan(values)]

    @property
    def a(self) -> float:
        return PERIODS[self._params.get("period", "daily")]

    def number(self, name: str) -> float:
        return float(self._params[name])


def omega(case: Given) -> float:
    hurdle = 1.0 + case.number("required_return")
    if hurdle <= 0.0:
        return math.nan
    daily = hurdle ** (1.0 / 252.0) - 1.0 if hurdle != 1.0 else 0.0
    return omega_ratio(case.less("risk_free"), threshold=daily)


OURS: dict[str, Callable[[Given], float]] = {
    "test_max_drawdown": lambda case: worst_fall(case.whole),
    "test_annual_ret": lambda case: growth(case.whole, case.a),
    "test_cagr": lambda case: growth(case.whole, case.a),
    "test_annual_volatility": lambda case: volatility(case.known, periods_per_year=case.a),
    "test_calmar": lambda case: growth_over_fall(case.whole, case.a),
    "test_omega": omega,
    "test_sharpe_ratio": lambda case: sharpe_ratio(case.less("risk_free"), periods_per_year=252),
    "test_downside_risk": lambda case: downside_deviation(case.less("required_return")) * math.sqrt(case.a),
    "test_sortino": lambda case: sortino_ratio(case.less("required_return"), periods_per_year=case.a),
    "test_tail_ratio": lambda case: tail_ratio(case.known),
    "test_cum_returns_final": lambda case: grown(case.whole, case.number("starting_value")),
}


@pytest.fixture(scope="module")
def book(shared_data: Path) -> dict[str, Any]:
    """Cases and series of empyrical's own suite."""
    found: dict[str, Any] = json.loads((shared_data / "metrics/empyrical_cases.json").read_text("utf-8"))
    return found


def columns(case: Mapping[str, Any], series: Mapping[str, Any]) -> list[tuple[Given, Any]]:
    """The one series of a case, or each column of its frame, with the value expected."""
    params = case["params"]
    if params["returns"] == "random_100k":  # drawn anew by its suite: no values to compare
        return []
    frame = series[params["returns"]]
    if "columns" not in frame:
        return [(Given(params, series), params["expected"])]
    return [
        (Given(params, {params["returns"]: {"values": frame["columns"][name]}}), value)
        for name, value in zip(params["expected"]["index"], params["expected"]["values"], strict=True)
    ]


def test_every_case_is_compared_or_named(book: dict[str, Any]) -> None:
    assert {case["test"] for case in book["cases"]} == set(OURS) | UNMEASURED


def test_the_values_of_its_suite(book: dict[str, Any]) -> None:
    compared, other = 0, {}
    for case in (case for case in book["cases"] if case["test"] in OURS):
        params, places = case["params"], (case["decimals"] or [8])[0]
        key = (
            case["test"],
            params["returns"],
            str(params.get("required_return", params.get("risk_free", ""))),
        )
        for one, expected in columns(case, book["series"]):
            theirs = float(str(expected).replace("Infinity", "inf"))
            ours = OURS[case["test"]](one)
            compared += 1
            is_same = math.isnan(ours) and math.isnan(theirs)
            if not is_same and not abs(ours - theirs) < 1.5 * 10.0**-places:
                other[key] = (ours, theirs)
    assert other.keys() == DIFFERENCES.keys(), other
    assert compared == 81


SERIES = st.lists(st.floats(-0.3, 0.3).map(lambda r: round(r, 6)), min_size=2, max_size=60).map(np.array)
SPREAD = SERIES.filter(lambda r: np.ptp(r) > 1e-3)


@settings(max_examples=300, deadline=None)
@given(SPREAD, st.floats(-0.01, 0.01))
def test_the_library_agrees_on_any_returns(returns: Floats, hurdle: float) -> None:
    same = {"rel": 1e-9, "abs": 1e-12}
    below = returns[returns < hurdle]
    assert sharpe_ratio(returns, periods_per_year=252, risk_free=hurdle) == pytest.approx(
        empyrical.sharpe_ratio(returns, risk_free=hurdle), **same
    )
    assert volatility(returns, periods_per_year=252) == pytest.approx(
        empyrical.annual_volatility(returns), **same
    )
    assert downside_deviation(returns - hurdle) * math.sqrt(252) == pytest.approx(
        empyrical.downside_risk(returns, required_return=hurdle), **same
    )
    assert worst_fall(returns) == pytest.approx(empyrical.max_drawdown(returns), **same)
    assert growth(returns, 252) == pytest.approx(empyrical.cagr(returns), rel=1e-9)
    if below.size and (hurdle - below).max() > 1e-6:
        assert sortino_ratio(returns, periods_per_year=252, target=hurdle) == pytest.approx(
            empyrical.sortino_ratio(returns, required_return=hurdle), **same
        )


@settings(max_examples=300, deadline=None)
@given(SPREAD)
def test_compounding_is_the_librarys(returns: Floats) -> None:
    pnl = np.diff(curve(returns))
    assert compounded_returns(pnl, 1.0) == pytest.approx(returns, rel=1e-9, abs=1e-12)
    assert grown(returns, 0.0) == pytest.approx(empyrical.cum_returns_final(returns), rel=1e-9, abs=1e-12)

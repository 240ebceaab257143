"""Alpha, beta, capture and excess Sharpe of empyrical-reloaded's own suite, and the library itself.

Three conventions differ, and each figure is brought from one to the other before it is compared:

* alpha: ours is the intercept times the periods of a year; theirs compounds the intercept, (1 + a)^A − 1;
* capture: ours compares geometric means per period (Morningstar); theirs compares them after compounding to
  a year, so that with ``period="yearly"`` both are one formula;
* capture of one return, up: 1 in both; `capture_ratio` over all days is no figure of ours;
* excess Sharpe: theirs is our information ratio without the factor √A.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import empyrical
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillbook.arrays import Floats
from fillbook.metrics.benchmark import (
    beta,
    capture,
    correlation,
    down_capture,
    information_ratio,
    intercept,
    slope,
    tracking_error,
    up_capture,
)
from fillbook.metrics.returns import deviation, mean
from fillbook.results import Status, Undefined

A = 252.0
SAME = {"rel": 1e-9, "abs": 1e-12}


@pytest.fixture(scope="module")
def book(shared_data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared_data / "metrics/empyrical_cases.json").read_text("utf-8"))
    return found


def series(book: dict[str, Any], name: str) -> Floats:
    """A series by its expression in the suite: ``-x``, ``2 * x``, ``x[1:]``."""
    factor = 1.0
    if name.startswith("-"):
        factor, name = -1.0, name[1:]
    if name.startswith("2 * "):
        factor, name = 2.0, name[4:]
    name, cut, _ = name.partition("[1:]")
    held = book["series"][name]
    raw = held["values"] if "values" in held else next(iter(held["columns"].values()))
    values = np.array([math.nan if v == "NaN" else v for v in raw], dtype=float)
    return factor * (values[1:] if cut else values)


def both(book: dict[str, Any], case: dict[str, Any]) -> tuple[Floats, Floats]:
    """Two series from the end, as long as the shorter, on the days both have: as the suite aligns them."""
    params = case["params"]
    own = series(book, params["returns"])
    name = params.get("benchmark", params.get("factor_returns"))
    other = np.full(own.size, float(name)) if name == "0.0" else series(book, name)
    n = min(own.size, other.size)
    own, other = own[own.size - n :], other[other.size - n :]
    known = ~np.isnan(own) & ~np.isnan(other)
    return own[known], other[known]


def compounded(value: float) -> float:
    return value if math.isnan(value) else (1.0 + value) ** A - 1.0


def a_year(values: Floats) -> float:
    """Growth of a year of a day's geometric mean."""
    return float(np.prod(1.0 + values) ** (A / values.size) - 1.0)


def yearly_capture(own: Floats, other: Floats, sign: int) -> float:
    at = sign * other > 0.0
    return a_year(own[at]) / a_year(other[at]) if at.any() else math.nan


def near(ours: float, theirs: object, places: int) -> bool:
    expected = float(str(theirs))
    return (math.isnan(ours) and math.isnan(expected)) or abs(ours - expected) < 1.5 * 10.0**-places


def test_the_values_of_its_suite(book: dict[str, Any]) -> None:
    compared = 0
    for case in book["cases"]:
        name, places = case["test"], (case["decimals"] or [8])[0]
        if name not in {"test_alpha_beta", "test_alpha", "test_beta", "test_excess_sharpe",
                        "test_up_capture", "test_down_capture"}:  # fmt: skip
            continue
        expected = case["params"]["expected"]
        places = min(places, int(case["params"].get("decimal_places", places)))
        own, other = both(book, case)
        if name == "test_alpha_beta":
            assert near(compounded(intercept(own, other)), expected[0], places), case
            assert near(slope(own, other), expected[1], places), case
        elif name == "test_alpha":
            assert near(compounded(intercept(own, other)), expected, places), case
        elif name == "test_beta":
            assert near(slope(own, other), expected, places), case
        elif name == "test_excess_sharpe":
            spread = deviation(own - other)
            found = math.nan if not spread > 1e-12 else mean(own - other) / spread
            assert near(found, expected, places), case
        else:
            found = yearly_capture(own, other, 1 if name == "test_up_capture" else -1)
            assert near(found, expected, places), case
        compared += 1
    assert compared == 31


RETURNS = st.floats(-0.2, 0.2).map(lambda r: round(r, 6))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Floats, Floats]:
    n = draw(st.integers(10, 60))
    rows = draw(st.lists(st.tuples(RETURNS, RETURNS), min_size=n, max_size=n))
    own, other = np.array(rows).T
    return own, other


SPREAD = pairs().filter(lambda both: min(np.ptp(both[0]), np.ptp(both[1]), np.ptp(both[0] - both[1])) > 1e-3)


@settings(max_examples=200, deadline=None)
@given(SPREAD)
def test_the_library_agrees_on_any_returns(two: tuple[Floats, Floats]) -> None:
    own, other = two
    assert beta(own, other) == pytest.approx(empyrical.beta(own, other), rel=1e-7, abs=1e-9)
    theirs = empyrical.alpha(own, other, annualization=1)  # (1 + a)^1 − 1: the intercept itself
    assert intercept(own, other) == pytest.approx(theirs, rel=1e-7, abs=1e-9)
    assert information_ratio(own, other, periods_per_year=1) == pytest.approx(
        empyrical.excess_sharpe(own, other), **SAME
    )
    assert tracking_error(own, other, periods_per_year=A) == pytest.approx(
        empyrical.annual_volatility(own - other, annualization=A), **SAME
    )
    assert correlation(own, other) == pytest.approx(np.corrcoef(own, other)[0, 1], rel=1e-9, abs=1e-9)
    for ours, library, chosen in (
        (up_capture, empyrical.up_capture, other > 0.0), (down_capture, empyrical.down_capture, other < 0.0),
    ):  # fmt: skip
        if chosen.any():
            assert ours(own, other) == pytest.approx(library(own, other, period="yearly"), rel=1e-6)
        else:
            assert math.isnan(ours(own, other))


def test_where_nothing_moved_there_is_no_capture() -> None:
    found = capture(np.zeros(3), np.zeros(3), np.zeros(3, bool), "no_up_days")
    assert isinstance(found, Undefined)
    assert (found.reason, found.status) == ("no_up_days", Status.UNDEFINED)

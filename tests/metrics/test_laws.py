"""Laws every metric of the registry obeys, from fills to figure (at least 200 examples each)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fillbook.analysis.overview import overview
from fillbook.conventions import Conventions
from fillbook.metrics.evaluate import load_metrics
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import Result, Status
from fillbook.testing.tables import START, table
from fillbook.units import Unit

LAWS = settings(max_examples=200, deadline=None)
MARK = 101.0
HOURS = 3_600.0

Deal = tuple[int, float, float, float]  # side, amount, price, fee
deals = st.lists(
    st.tuples(
        st.sampled_from([1, -1]),
        st.integers(1, 5_000).map(lambda n: n / 1000),
        st.integers(9_000, 11_000).map(lambda n: n / 100),
        st.integers(-50, 100).map(lambda n: n / 1000),
    ),
    min_size=1,
    max_size=40,
)
bases = st.sampled_from(["fixed_capital", "compounded"])


def metrics(
    given_deals: Sequence[Deal], *, capital: float = 5_000.0, mark: float = MARK, basis: str = "fixed_capital"
) -> dict[str, Result]:
    """Every metric of a book with a fill every seven hours."""
    at = [7 * HOURS * n for n in range(len(given_deals))]
    fills = table(
        "fills",
        at=at,
        side=[deal[0] for deal in given_deals],
        amount_base=[deal[1] for deal in given_deals],
        price_quote=[deal[2] for deal in given_deals],
        fee_amount=[deal[3] for deal in given_deals],
        fee_token="USDT",
    )
    orders = table(
        "orders",
        at=at,
        amount_base=[2 * deal[1] for deal in given_deals],
        price_quote=[deal[2] for deal in given_deals],
        order_id=fills["order_id"].to_list(),
    )
    data = PerformanceDataSource.from_tables({"fills": fills, "orders": orders})
    chosen = Conventions(marks={"ABC-USDT": mark}, capital=capital, return_basis=basis)  # type: ignore[arg-type]
    return overview(data, conventions=chosen, check=False).metrics


def assert_scaled(whole: dict[str, Result], scaled: dict[str, Result], k: float) -> None:
    """Money grows with k; everything without a unit stays."""
    assert set(whole) == set(scaled)
    for key, one in whole.items():
        spec, other = load_metrics()[key], scaled[key]
        assert (one.status, one.reasons) == (other.status, other.reasons), key
        if one.value is None or other.value is None:
            assert one.value is other.value, key
            continue
        factor = k if spec.unit is Unit.MONEY else 1.0
        assert other.value == pytest.approx(one.value * factor, rel=1e-6, abs=1e-6 * k), key


@LAWS
@given(deals, st.sampled_from([0.01, 8.0, 1_000.0]), bases)
@example([(1, 0.001, 100.0, 0.001)], 0.01, "fixed_capital")  # gain and fee are one, but for rounding
def test_dearer_coins_scale_money_and_nothing_else(given_deals: list[Deal], k: float, basis: str) -> None:
    dearer = [(side, amount, price * k, fee * k) for side, amount, price, fee in given_deals]
    scaled = metrics(dearer, capital=5_000.0 * k, mark=MARK * k, basis=basis)
    assert_scaled(metrics(given_deals, basis=basis), scaled, k)


@LAWS
@given(deals, st.sampled_from([0.01, 8.0, 1_000.0]))
def test_larger_orders_scale_money_and_nothing_else(given_deals: list[Deal], k: float) -> None:
    larger = [(side, amount * k, price, fee * k) for side, amount, price, fee in given_deals]
    assert_scaled(metrics(given_deals), metrics(larger, capital=5_000.0 * k), k)


@LAWS
@given(deals)
def test_a_number_is_finite_and_a_lack_has_a_reason(given_deals: list[Deal]) -> None:
    for key, result in metrics(given_deals).items():
        if result.value is None:
            assert result.status in {Status.UNDEFINED, Status.UNAVAILABLE}, key
            assert result.reasons, key
        else:
            assert np.isfinite(result.value), key


@LAWS
@given(deals)
def test_shares_are_shares_and_parts_add_up(given_deals: list[Deal]) -> None:
    found = metrics(given_deals)

    def value(key: str) -> float:
        answer = found[key].value
        assert answer is not None, key
        return answer

    for key in ("time_in_market", "time_under_water", "winning_days", "fill_rate", "cancel_ratio"):
        if found[key].value is not None:
            assert 0.0 <= value(key) <= 1.0 + 1e-12, key
    parts = value("realized_pnl") + value("unrealized_pnl") - value("fees") + value("funding")
    assert value("net_pnl") == pytest.approx(parts, abs=1e-6)
    assert value("volume") == pytest.approx(sum(q * p for _, q, p, _ in given_deals))
    assert value("n_fills") == len(given_deals)


def test_without_a_fill_nothing_is_zero_but_what_is_counted() -> None:
    data = PerformanceDataSource.from_tables({"fills": table("fills").clear()}, clock=START)
    for key, result in overview(data).metrics.items():
        if load_metrics()[key].unit is Unit.COUNT and result.value is not None:
            assert result.value == 0.0, key
            continue
        assert result.value is None, f"{key} is {result.value} without a single fill"
        assert result.reasons, key


@pytest.mark.parametrize("key", load_metrics())
def test_a_metric_says_what_it_is(key: str) -> None:
    spec = load_metrics()[key]
    assert spec.label
    assert spec.formula
    assert spec.source
    assert spec.undefined
    assert spec.better in {"higher", "lower", "neither"}


def test_the_table_of_fills_is_not_touched() -> None:
    fills = table("fills", side=[1, -1], price_quote=[100.0, 110.0])
    before = fills.clone()
    overview(PerformanceDataSource.from_tables({"fills": fills}))
    assert isinstance(fills, pl.DataFrame)
    assert fills.equals(before)

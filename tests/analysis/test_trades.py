"""From a round trip down to its fills and orders, worked by hand."""

from __future__ import annotations

import pytest

from fillbook.analysis.overview import Overview, overview
from fillbook.analysis.trades import executor_spans, fills_of_market, fills_of_trip, orders_of
from fillbook.conventions import Conventions
from fillbook.filters import Filter
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.testing.tables import fills, table

DEALS = {
    "at": [0, 10, 10, 20, 30, 40],
    "side": [1, -1, 1, -1, 1, -1],
    "amount_base": [1.0, 1.0, 2.0, 2.0, 3.0, 1.0],
    "price_quote": [100.0, 110.0, 120.0, 115.0, 90.0, 95.0],
    "order_id": ["a", "b", "b2", "c", "d", "e"],
    "trade_id": ["1", "2", "3", "4", "5", "6"],
    "executor_id": ["x", "x", "y", "y", "z", "z"],
    "controller_id": "main",
    "close_type": "TAKE_PROFIT",
    "fee_token": "USDT",
    "fee_amount": [1.0, 1.0, 2.0, 2.0, 3.0, 1.0],
}  # two trips, closed within one second of one another, and one left open


def opened(**tables: object) -> tuple[PerformanceDataSource, Overview]:
    executors = table("executors", executor_id=["x", "y", "z"])
    data = PerformanceDataSource.from_tables({"fills": fills(**DEALS), "executors": executors, **tables})  # type: ignore[dict-item]
    return data, overview(data)


def test_a_trip_has_its_own_fills_and_no_others() -> None:
    data, answer = opened()
    trips = answer.trips.sort("entry_at", "exit_at").to_dicts()
    found = [fills_of_trip(data, answer, trip) for trip in trips]
    assert [rows["trade_id"].to_list() for rows in found] == [["1", "2"], ["3", "4"], ["5", "6"]]
    assert found[0]["realized_settled"].to_list() == [0.0, 10.0]
    assert found[2]["position_base"].to_list() == [3.0, 2.0]
    for trip, rows in zip(trips, found, strict=True):
        assert rows["fee_settled"].sum() == pytest.approx(trip["fees_quote"])
        assert rows["realized_settled"].sum() == pytest.approx(
            trip["gross_quote"] - (0.0 if not trip["is_open"] else trip["gross_quote"] - 5.0)
        )  # the open one realised 95 − 90


def test_a_filter_leaves_the_fills_of_what_is_shown() -> None:
    data, _ = opened()
    answer = overview(data, Filter(sides=("BUY",)), Conventions(marks={"ABC-USDT": 100.0}))
    [trip] = answer.trips.to_dicts()
    assert fills_of_trip(data, answer, trip)["side"].to_list() == [1, 1, 1]


def test_orders_have_all_their_fills_and_their_life() -> None:
    data, answer = opened(
        orders=table("orders", order_id=["a", "b"], amount_base=[2.0, 1.0]),
        order_events=table(
            "order_events", order_id=["a", "a"], at=[0, 1], status=["BuyOrderCreated", "OrderFilled"]
        ),
    )
    first = fills_of_trip(data, answer, answer.trips.sort("entry_at").row(0, named=True))
    found = orders_of(data, first).sort("order_id")
    assert found["order_id"].to_list() == ["a", "b"]
    assert found["filled_base"].to_list() == [1.0, 1.0]
    assert found["events"].to_list() == ["BuyOrderCreated → OrderFilled", None]


def test_without_orders_there_are_none() -> None:
    data, answer = opened()
    first = fills_of_trip(data, answer, answer.trips.row(0, named=True))
    assert orders_of(data, first).is_empty()


def test_executors_from_first_to_last_fill_with_their_net() -> None:
    data, answer = opened()
    spans = executor_spans(data, answer, "binance", "ABC-USDT").sort("executor_id")
    assert spans["executor_id"].to_list() == ["x", "y", "z"]
    assert spans["net_quote"].to_list() == [8.0, -14.0, None]  # 10 − 2; −10 − 4; z is still open
    assert spans["entry_quote"].to_list() == [100.0, 120.0, 90.0]


def test_the_fills_of_a_market_are_all_of_them() -> None:
    data, answer = opened()
    found = fills_of_market(data, answer, "binance", "ABC-USDT")
    assert found["price_quote"].to_list() == DEALS["price_quote"]
    assert found["side"].to_list() == DEALS["side"]
    assert found["amount_base"].to_list() == DEALS["amount_base"]

"""Rows of the other tables count once."""

from __future__ import annotations

import polars as pl

from fillbook.etl.repeats import shared_orders, without_repeats
from fillbook.testing.tables import orders, table


def test_an_order_is_kept_in_its_newest_state() -> None:
    rows = orders(
        source=[0, 1, 1],
        order_id=["o1", "o1", "o2"],
        updated_at=[10, 20, 5],
        last_status=["BuyOrderCreated", "OrderFilled", "OrderCancelled"],
    )
    kept, repeated, _ = without_repeats("orders", rows)
    assert kept["last_status"].to_list() == ["OrderFilled", "OrderCancelled"]
    assert repeated["last_status"].to_list() == ["BuyOrderCreated"]


def test_events_of_one_file_may_be_equal_and_those_of_another_are_the_same() -> None:
    """Twice OrderFilled at one tick in file 0, once in file 1: two events."""
    rows = table("order_events", source=[0, 0, 1], order_id="o1", at=0)
    kept, repeated, _ = without_repeats("order_events", rows)
    assert kept["source"].to_list() == [0, 0]
    assert repeated["source"].to_list() == [1]


def test_funding_of_one_instant_with_two_amounts_is_a_conflict() -> None:
    rows = table("funding", source=[0, 1, 1], at=[0, 0, 8], amount_quote=[1.0, 2.0, 3.0])
    kept, repeated, conflicts = without_repeats("funding", rows)
    assert kept["amount_quote"].to_list() == [1.0, 3.0]
    assert repeated.is_empty()
    assert conflicts["amount_quote"].to_list() == [2.0]


def test_two_bots_are_paid_the_same_funding_twice() -> None:
    rows = table("funding", source=[0, 1], bot=["a", "b"], at=0, amount_quote=1.0)
    kept, _, _ = without_repeats("funding", rows)
    assert kept.height == 2


def test_a_table_without_a_rule_comes_back_as_it_is() -> None:
    rows = table("flat_fees", amount=[1.0, 1.0], row=1)
    kept, _, _ = without_repeats("flat_fees", rows)
    assert kept is rows


def test_shared_orders_need_the_same_creation_and_quantity() -> None:
    rows = orders(source=[0, 1, 1], order_id=["o1", "o1", "o2"], at=[0, 0, 0])
    assert shared_orders(rows).rows() == [(0, 1, 1)]
    other = rows.with_columns(amount_base=pl.Series([1.0, 2.0, 3.0]))
    assert shared_orders(other).is_empty()


def test_rows_without_a_time_repeat_nothing_and_a_market_without_a_venue_may() -> None:
    rows = table("quotes", at=[None, None, 0, 0], connector=None, mid_quote=[1.0, 2.0, 3.0, 4.0])
    kept, repeated, _ = without_repeats("quotes", rows)
    assert kept["mid_quote"].to_list() == [1.0, 2.0, 3.0]  # the first two are quarantined later, each
    assert repeated["mid_quote"].to_list() == [4.0]


def test_a_log_and_a_quote_of_one_instant_are_two_and_equal_market_trades_too() -> None:
    rows = table("quotes", at=0, kind=["market_data", "status_log"])
    assert without_repeats("quotes", rows)[0].height == 2
    assert without_repeats("market_trades", table("market_trades", source=[0, 1], at=0))[0].height == 2

"""Executor tags by order id."""

from __future__ import annotations

from fillbook.etl import performance_etl
from fillbook.etl.link import ambiguous_orders, linked
from fillbook.schema.tables import empty
from fillbook.testing.tables import CLOCK, fills, orders, raw_tables, table


def test_fills_and_orders_carry_their_executor_and_others_stay_unlinked() -> None:
    """o1 by e1; o2 by e2, whose row is lost; o3 by none though e1 was open at its time."""
    raw = raw_tables(
        fills=fills(order_id=["o1", "o2", "o3"]),
        orders=orders(order_id=["o1", "o3"]),
        executors=table("executors", executor_id=["e1"], controller_id="grid", close_type="STOP_LOSS"),
        executor_orders=table("executor_orders", executor_id=["e1", "e2"], order_id=["o1", "o2"]),
    )
    result = performance_etl([raw], clock=CLOCK)
    tags = result.tables["fills"].select("executor_id", "controller_id", "close_type").rows()
    assert tags == [("e1", "grid", "STOP_LOSS"), (None, None, None), (None, None, None)]
    assert result.tables["orders"]["executor_id"].to_list() == ["e1", None]
    (finding,) = [f for f in result.findings if f.rule == "unlinked_fills"]
    assert finding.n_rows == 2


def test_an_order_id_links_only_within_its_bot() -> None:
    ours = raw_tables(
        uri="a",
        bot="a",
        fills=fills(order_id="o1", trade_id="t1"),
        executors=table("executors", executor_id="e1"),
        executor_orders=table("executor_orders", executor_id="e1", order_id="o1"),
    )
    theirs = raw_tables(uri="b", bot="b", fills=fills(order_id="o1", trade_id="t2"))
    result = performance_etl([ours, theirs], clock=CLOCK)
    assert result.tables["fills"].select("bot", "executor_id").rows() == [("a", "e1"), ("b", None)]


def test_an_order_claimed_twice_goes_to_the_first_and_is_said() -> None:
    claims = table("executor_orders", executor_id=["e1", "e2"], order_id="o1")
    raw = raw_tables(
        fills=fills(order_id="o1"),
        executors=table("executors", executor_id=["e1", "e2"]),
        executor_orders=claims,
    )
    result = performance_etl([raw], clock=CLOCK)
    assert result.tables["fills"]["executor_id"].to_list() == ["e1"]
    assert "ambiguous_link" in [finding.rule for finding in result.findings]
    assert ambiguous_orders({"executor_orders": claims}) == 1


def test_without_executors_nothing_changes() -> None:
    rows = fills()
    tags = empty("executors").select("bot", "executor_id")
    assert linked(rows, tags) is rows

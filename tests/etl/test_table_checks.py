"""Findings about orders, executors, funding and the rest."""

from __future__ import annotations

from fillbook.etl import performance_etl
from fillbook.findings import Finding
from fillbook.schema.raw import RawTables
from fillbook.testing.tables import CLOCK, fills, orders, raw_tables, table


def said(rule: str, *raws: RawTables) -> list[Finding]:
    return [f for f in performance_etl(raws, clock=CLOCK).findings if f.rule == rule]


def test_words_nobody_knows_are_named() -> None:
    raw = raw_tables(
        fills=fills(order_type=["LIMIT", "ICEBERG"]),
        executors=table("executors", executor_id=["a", "b", "c"], close_type=["11", None, "FAILED"]),
    )
    found = said("unknown_word", raw)
    assert [(f.table, f.n_rows) for f in found] == [("fills", 1), ("executors", 1)]
    assert "ICEBERG" in found[0].message


def test_orphans_are_fills_events_and_filled_orders_without_their_other_half() -> None:
    raw = raw_tables(
        fills=fills(order_id=["o1", "o2"]),
        orders=orders(
            order_id=["o1", "o3", "o4"], last_status=["OrderFilled", "OrderFilled", "OrderCancelled"]
        ),
        order_events=table("order_events", order_id=["o1", "o9"]),
    )
    assert [f.rows for f in said("orphan_fills", raw)] == [(2,)]
    assert [f.rows for f in said("filled_without_fill", raw)] == [(2,)]
    assert [f.rows for f in said("orphan_events", raw)] == [(2,)]


def test_a_file_without_orders_has_no_orphan_fills() -> None:
    assert said("orphan_fills", raw_tables(fills=fills())) == []


def test_an_order_whose_fill_is_quarantined_is_not_missing_it() -> None:
    raw = raw_tables(fills=fills(price_quote=0.0, order_id="o1"), orders=orders(order_id="o1"))
    assert said("filled_without_fill", raw) == []


def test_shared_orders_make_two_files_one_bot() -> None:
    early = raw_tables(uri="a", bot="a", orders=orders(order_id=["o1"]))
    late = raw_tables(uri="b", bot="b", orders=orders(order_id=["o1", "o2"]))
    (finding,) = said("shared_orders", early, late)
    assert (finding.n_rows, finding.source) == (1, "b")
    assert set(performance_etl([early, late], clock=CLOCK).tables["orders"]["bot"]) == {"a"}


def test_funding_that_cannot_be_trusted() -> None:
    raw = raw_tables(fills=fills(), funding=table("funding", connector="kucoin_perpetual"))
    assert said("funding_untrusted", raw)[0].n_rows == 1


def test_funding_instants_that_can_hold_one_pair_only() -> None:
    """Two pairs traded before both instants: up to 4 payments, 2 stored."""
    raw = raw_tables(
        fills=fills(connector="okx_perpetual", pair=["A-U", "B-U"], at=0),
        funding=table("funding", connector="okx_perpetual", pair="A-U", at=[100, 200]),
    )
    assert said("funding_collision", raw)[0].n_rows == 2


def test_orders_in_flight_at_a_stop_and_pool_events_are_listed() -> None:
    raw = raw_tables(
        market_states=table("market_states", at=[0, 1], saved_state=["{}", '{"o1": {}}']),
        lp_updates=table("lp_updates", order_id=["l1"]),
    )
    assert said("open_orders_at_stop", raw)[0].rows == (2,)
    assert said("lp_not_booked", raw)[0].n_rows == 1

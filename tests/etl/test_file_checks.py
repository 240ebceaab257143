"""Findings about what the files lack."""

from __future__ import annotations

from fillbook.etl import performance_etl
from fillbook.findings import Finding, Severity
from fillbook.schema.raw import RawTables
from fillbook.testing.tables import CLOCK, fills, orders, raw_tables, table


def said(rule: str, *raws: RawTables) -> list[Finding]:
    return [f for f in performance_etl(raws, clock=CLOCK).findings if f.rule == rule]


def test_a_refused_fill_is_an_error_a_conflict_a_warning() -> None:
    raw = raw_tables(fills=fills(trade_id=["a", "b", "b"], order_id="o", at=0, price_quote=[0.0, 5.0, 6.0]))
    (zero,) = said("zero_price", raw)
    (conflict,) = said("conflicting_duplicate", raw)
    assert (zero.severity, zero.rows, zero.n_rows) == (Severity.ERROR, (1,), 1)
    assert (conflict.severity, conflict.rows) == (Severity.WARNING, (3,))
    assert "trades_*.csv" in zero.remedy


def test_a_refused_quote_is_a_warning() -> None:
    raw = raw_tables(quotes=table("quotes", mid_quote=[0.0, 1.0]))
    assert said("not_positive", raw)[0].severity is Severity.WARNING


def test_unreadable_cells_are_said_by_column() -> None:
    cells = [
        ("fills", 1, "trade_fee", "{"),
        ("fills", 2, "trade_fee", "x"),
        ("orders", 1, "at", "y"),
    ]
    found = said("unreadable_value", raw_tables(fills=fills(side=[1, 1]), unreadable=cells))
    assert [(f.table, f.n_rows) for f in found] == [("fills", 2), ("orders", 1)]


def test_a_bot_without_fills_or_without_orders() -> None:
    raws = [
        raw_tables(uri="a", bot="a", orders=orders()),
        raw_tables(uri="b", bot="b", fills=fills(order_id="x")),
        raw_tables(uri="c", bot="c", kind="candles", candles=table("candles")),
    ]
    assert [f.source for f in said("no_fills", *raws)] == ["a"]
    assert [f.source for f in said("no_orders", *raws)] == ["b"]


def test_a_perpetual_without_funding_is_said_by_venue() -> None:
    rows = fills(connector=["okx_perpetual", "okx_perpetual", "binance", "bybit_perpetual"])
    paid = table("funding", connector="bybit_perpetual")
    (finding,) = said("funding_unavailable", raw_tables(fills=rows, funding=paid))
    assert "okx_perpetual" in finding.message

"""What cannot be true is put aside with its reason and content."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from fillbook.etl import performance_etl
from fillbook.etl.clean import FIRST_TIME, split
from fillbook.etl.result import EtlResult
from fillbook.testing.tables import CLOCK, fills, orders, raw_tables, table

NOTHING = pl.DataFrame(
    schema={
        "source": pl.Int64,
        "table": pl.String,
        "row": pl.Int64,
        "column": pl.String,
        "value": pl.String,
    }
)


def cleaned(**columns: object) -> EtlResult:
    return performance_etl([raw_tables(fills=fills(**columns))], clock=CLOCK)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("price_quote", 0.0, "zero_price"),
        ("price_quote", -1.0, "zero_price"),
        ("price_quote", math.nan, "non_finite"),
        ("price_quote", None, "missing_value"),
        ("amount_base", 0.0, "bad_amount"),
        ("amount_base", math.inf, "non_finite"),
        ("side", None, "lp_trade"),
        ("at", datetime(1970, 1, 1, tzinfo=UTC), "bad_time"),
        ("at", datetime(2286, 11, 20, tzinfo=UTC), "bad_time"),
        ("at", None, "missing_value"),
    ],
)
def test_each_impossible_value_has_its_reason(column: str, value: object, reason: str) -> None:
    good = {"price_quote": 5.0, "amount_base": 1.0, "side": 1, "at": 0}[column]
    result = cleaned(**{column: [good, value]})
    assert result.tables["fills"]["row"].to_list() == [1]
    (row,) = result.tables["quarantine"].iter_rows(named=True)
    assert (row["reason"], row["row"], row["table"]) == (reason, 2, "fills")
    assert json.loads(row["content"])["order_id"] == "o2"
    assert reason in [finding.rule for finding in result.findings]


def test_time_is_possible_from_2009_until_two_days_after_the_clock() -> None:
    times = [FIRST_TIME, CLOCK + timedelta(days=2), CLOCK + timedelta(days=2, seconds=1)]
    good, bad = split("fills", fills(at=times), unreadable=NOTHING, clock=CLOCK)
    assert good["at"].to_list() == times[:2]
    assert bad["reason"].to_list() == ["bad_time"]


def test_an_unreadable_cell_keeps_its_text() -> None:
    raw = raw_tables(fills=fills(price_quote=[None, 5.0]), unreadable=[("fills", 1, "price_quote", "twelve")])
    result = performance_etl([raw], clock=CLOCK)
    (row,) = result.tables["quarantine"].iter_rows(named=True)
    assert row["reason"] == "unreadable_cell"
    assert json.loads(row["content"])["unreadable"] == "price_quote = twelve"


def test_an_unreadable_fee_keeps_the_fill_and_is_said() -> None:
    raw = raw_tables(fills=fills(fee_percent=[None, 0.001]), unreadable=[("fills", 1, "trade_fee", "{")])
    result = performance_etl([raw], clock=CLOCK)
    assert result.tables["fills"].height == 2
    rules = {finding.rule: finding.n_rows for finding in result.findings}
    assert rules["unreadable_value"] == 1
    assert rules["fees_unknown"] == 1


@pytest.mark.parametrize(("word", "reason"), [("RANGE", "lp_trade"), ("HODL", "unknown_side")])
def test_a_side_that_is_no_side(word: str, reason: str) -> None:
    raw = raw_tables(fills=fills(side=None), unreadable=[("fills", 1, "side", word)])
    quarantine = performance_etl([raw], clock=CLOCK).tables["quarantine"]
    assert quarantine["reason"].to_list() == [reason]


def test_a_refused_fill_is_worth_its_orders_average_or_limit_price() -> None:
    """o1 filled 1 at 4 and 3 at 8: average 28 / 4 = 7; its zero row of 2 is worth 14.

    o2 has no other fill and limit price 5: its zero row of 3 is worth 15; o3 is unknown.
    """
    raw = raw_tables(
        fills=fills(
            order_id=["o1", "o1", "o1", "o2", "o3"],
            price_quote=[4.0, 8.0, 0.0, 0.0, 0.0],
            amount_base=[1.0, 3.0, 2.0, 3.0, 1.0],
        ),
        orders=orders(order_id=["o1", "o2"], price_quote=[99.0, 5.0]),
    )
    quarantine = performance_etl([raw], clock=CLOCK).tables["quarantine"]
    assert quarantine["notional_quote"].to_list() == [14.0, 15.0, None]
    assert quarantine["amount_base"].to_list() == [2.0, 3.0, 1.0]


def test_other_tables_are_checked_by_their_own_rules() -> None:
    raw = raw_tables(
        quotes=table("quotes", mid_quote=[1.0, 0.0]),
        funding=table("funding", amount_quote=[1.0, math.inf], at=[0, 1]),
        executors=table("executors", at=[0, datetime(1971, 1, 1, tzinfo=UTC)]),
        candles=table("candles", volume_base=math.nan),
    )
    result = performance_etl([raw], clock=CLOCK)
    reasons = result.tables["quarantine"].select("table", "reason").rows()
    assert sorted(reasons) == [
        ("executors", "bad_time"),
        ("funding", "non_finite"),
        ("quotes", "not_positive"),
    ]
    assert result.tables["candles"]["volume_base"].to_list() == [None]


def test_a_clean_table_is_handed_on_without_a_copy() -> None:
    rows = fills(side=[1, -1])
    good, bad = split("fills", rows, unreadable=NOTHING, clock=CLOCK)
    assert good is rows
    assert bad.is_empty()

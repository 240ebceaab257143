"""The same fill twice is booked once; every other is kept."""

from __future__ import annotations

import polars as pl

from fillbook.etl.duplicates import fill_duplicates
from fillbook.testing.tables import fills, raw_tables


def infos(*kinds: str) -> list:
    return [raw_tables(uri=f"file{n}", kind=kind).info for n, kind in enumerate(kinds)]


def two_files(first: pl.DataFrame, second: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([first, second.with_columns(source=pl.lit(1, dtype=pl.Int64))])


DB = "hummingbot_sqlite"


def test_the_key_is_market_order_and_trade_id() -> None:
    """Six rows, one repeat: only row 5 has connector, pair, order and trade id of row 0."""
    rows = fills(
        connector=["a", "b", "a", "a", "a", "a"],
        pair=["X-Y", "X-Y", "Z-Y", "X-Y", "X-Y", "X-Y"],
        order_id=["o", "o", "o", "p", "o", "o"],
        trade_id=["t", "t", "t", "t", "u", "t"],
        at=0,
    )
    found = fill_duplicates(rows, infos(DB))
    assert found.dropped["position"].to_list() == [5]
    assert found.conflicts.is_empty()


def test_same_key_with_another_quantity_is_a_conflict() -> None:
    rows = fills(order_id="o", trade_id="t", at=0, amount_base=[1.0, 2.0, 1.0])
    found = fill_duplicates(rows, infos(DB))
    assert found.conflicts["position"].to_list() == [1]
    assert found.dropped["position"].to_list() == [2]


def test_fees_that_differ_are_a_conflict_and_missing_ones_are_not() -> None:
    rows = fills(order_id="o", trade_id="t", at=0, fee_percent=[0.001, 0.002, None])
    found = fill_duplicates(rows, infos(DB))
    assert found.conflicts["position"].to_list() == [1]
    assert found.dropped["position"].to_list() == [2]


def test_empty_trade_ids_repeat_across_files_only_and_as_often_as_there() -> None:
    """Two equal rows in one file, three in the other: three fills, the two shared ones once."""
    one = fills(order_id="o", trade_id=["", ""], at=0)
    other = fills(order_id="o", trade_id=["", "", ""], at=0)
    assert fill_duplicates(one, infos(DB)).dropped.is_empty()
    found = fill_duplicates(two_files(one, other), infos(DB, DB))
    assert found.dropped["position"].to_list() == [2, 3]
    assert found.shared == {(0, 1)}


def test_empty_trade_ids_match_a_truncated_row() -> None:
    """0.1234567 is stored as 0.123456."""
    one = fills(trade_id="", at=0, price_quote=0.123456, quantum=1e-6)
    other = fills(trade_id="", at=0, price_quote=0.1234567)
    found = fill_duplicates(two_files(one, other), infos(DB, "trades_csv"))
    assert found.dropped["position"].to_list() == [1]
    assert found.restored["price_quote"].to_list() == [0.1234567]


def test_both_sides_of_one_trade_are_kept_and_counted() -> None:
    rows = fills(order_id=["o1", "o2", "o3"], trade_id=["t", "t", "u"], side=[1, -1, 1])
    found = fill_duplicates(rows, infos(DB))
    assert found.dropped.is_empty()
    assert found.n_self_trades == 1


def test_the_suffix_of_a_migrated_row_is_seen_through_only_where_the_bare_id_is_known() -> None:
    """Hummingbot's migration of 2022 wrote trade id `T` with row id 7 as `T_7`."""
    old = fills(order_id=["o1", "o2"], trade_id=["T", "U"], at=0, price_quote=1.2345678)
    new = fills(order_id=["o1", "o3"], trade_id=["T_7", "V_8"], at=0, price_quote=1.234567, quantum=1e-6)
    found = fill_duplicates(two_files(new, old), infos(DB, DB))
    assert found.dropped["position"].to_list() == [2]
    assert found.restored["position"].to_list() == [0]


def test_an_export_without_order_ids_finds_its_fill_by_trade_id() -> None:
    """Its time is in the bot's own zone, two hours off here."""
    one = fills(order_id=["o1", "o2"], trade_id=["t1", "t2"], at=[0, 1])
    export = fills(order_id="", trade_id=["t1", "t9"], at=[7200, 7201])
    found = fill_duplicates(two_files(one, export), infos(DB, "export_csv"))
    assert found.dropped["position"].to_list() == [2]
    assert found.conflicts.is_empty()

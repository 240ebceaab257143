"""Fills, orders, funding and quotes of a database, read by the types it declares."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fillbook.schema.raw import RawTables
from fillbook.sources.sqlite import HummingbotDatabase
from fillbook.testing.databases import VERSIONS, write_database
from sources.rows import AT_MS, FEE, execute, fill, order

FIRST_FILL = datetime(2022, 4, 15, 5, 20, 1, tzinfo=UTC)


def read(path: Path) -> RawTables:
    return HummingbotDatabase(str(path)).read()


def written(tmp_path: Path, version: str = "20230516", **tables: object) -> Path:
    return write_database(tmp_path / "bot.sqlite", tables, version=version)  # type: ignore[arg-type]


@pytest.mark.parametrize("version", VERSIONS)
def test_units_follow_the_declared_type(tmp_path: Path, version: str) -> None:
    # 1.2345678 is kept by FLOAT and cut to 1.234567 by BIGINT = int(1.2345678 × 1e6)
    path = written(tmp_path, version, TradeFill=[fill(price=1.2345678)], Order=[order(price=1.2345678)])
    raw = read(path)
    cut = version >= "20220130"
    got, asked = raw.tables["fills"].row(0, named=True), raw.tables["orders"].row(0, named=True)
    assert got["price_quote"] == asked["price_quote"] == (1.234567 if cut else 1.2345678)
    assert got["quantum"] == (1e-6 if cut else 0.0)
    assert got["amount_base"] == 2.5
    assert got["at"] == FIRST_FILL
    assert got["side"] == 1
    assert raw.info.schema_version == version
    assert raw.info.layout.startswith("scaled" if cut else "float")


def test_a_stated_version_does_not_decide(tmp_path: Path) -> None:
    """Whoever says 20230516 but declares FLOAT holds plain units."""
    path = written(tmp_path, "20210119", TradeFill=[fill(price=3_000_000.0)])
    execute(path, "UPDATE Metadata SET value = '20230516'")
    raw = read(path)
    assert raw.tables["fills"]["price_quote"].to_list() == [3_000_000.0]
    assert raw.info.schema_version == "20230516"


def test_prices_below_a_millionth_are_zero_with_their_reason(tmp_path: Path) -> None:
    path = written(
        tmp_path, TradeFill=[fill(price=4e-7)],
        Order=[order(1, price=4e-7), order(2, price=0.0, order_type="MARKET")],
    )  # fmt: skip
    raw = read(path)
    assert raw.tables["fills"]["price_quote"].to_list() == [0.0]
    assert raw.tables["orders"]["price_quote"].to_list() == [None, None]
    assert raw.tables["orders"]["price_reason"].to_list() == ["truncated_below_1e-6", "market_order_no_price"]


NEW = {"fee_type": "AddedToCost", "percent": "0", "percent_token": "BNB",
       "flat_fees": [{"token": "BNB", "amount": "0.00050869"}]}  # fmt: skip
OLD = {"percent": 0.001, "flat_fees": [{"asset": "BNB", "amount": 0.0005}]}
REBATE = {**NEW, "flat_fees": [{"token": "USDT", "amount": "-0.25"}]}


@pytest.mark.parametrize(
    ("fee", "percent", "token", "amount"),
    [
        (NEW, 0.0, "BNB", 0.00050869),
        (OLD, 0.001, "BNB", 0.0005),
        (REBATE, 0.0, "USDT", -0.25),
        ({"percent": "0.0002", "percent_token": None, "flat_fees": []}, 0.0002, None, None),
        ({"flat_fees": []}, 0.0, None, None),
        ({}, None, None, None),
        ("null", None, None, None),
        ("not json", None, None, None),
    ],
)
def test_fees_of_every_shape(
    tmp_path: Path, fee: object, percent: float | None, token: str | None, amount: float | None
) -> None:
    text = fee if isinstance(fee, str) else json.dumps(fee)
    got = read(written(tmp_path, TradeFill=[fill(trade_fee=text)])).tables["fills"].row(0, named=True)
    assert (got["fee_percent"], got["fee_token"], got["fee_amount"]) == (percent, token, amount)


def test_a_fill_with_several_flat_fees_keeps_them_all(tmp_path: Path) -> None:
    fee = {
        **NEW,
        "flat_fees": [
            {"token": "BNB", "amount": "0.5"},
            {"token": "USDT", "amount": "0.25"},
            {"asset": "ABC", "amount": 2},
        ],
    }
    raw = read(written(tmp_path, TradeFill=[fill(1), fill(2, trade_fee=fee)]))
    row = raw.tables["fills"]["row"].to_list()[1]
    assert raw.tables["fills"]["fee_token"].to_list() == [None, "BNB"]
    more = raw.tables["flat_fees"].select("row", "token", "amount").rows()
    assert more == [(row, "USDT", 0.25), (row, "ABC", 2.0)]


def test_the_recorded_fee_is_scaled_where_it_exists(tmp_path: Path) -> None:
    now = read(written(tmp_path / "now", TradeFill=[fill(trade_fee_in_quote=0.108482)]))
    assert now.tables["fills"]["fee_quote_recorded"].to_list() == [0.108482]
    before = read(written(tmp_path / "before", "20220130", TradeFill=[fill()]))
    assert before.tables["fills"]["fee_quote_recorded"].to_list() == [None]


@pytest.mark.parametrize(
    ("stored", "side"), [("BUY", 1), ("SELL", -1), ("buy", 1), ("RANGE", None), ("", None)]
)
def test_side_is_a_sign_and_range_is_none(tmp_path: Path, stored: str, side: int | None) -> None:
    raw = read(written(tmp_path, TradeFill=[fill(trade_type=stored)]))
    assert raw.tables["fills"]["side"].to_list() == [side]


def test_nill_is_nil(tmp_path: Path) -> None:
    raw = read(written(tmp_path, "20210119", TradeFill=[fill(position="NILL"), fill(2, position="OPEN")]))
    assert raw.tables["fills"]["position_action"].to_list() == ["NIL", "OPEN"]


def test_the_first_layout_has_no_leverage_and_no_position(tmp_path: Path) -> None:
    raw = read(written(tmp_path, "20190614", TradeFill=[fill()], Order=[order()]))
    assert raw.tables["fills"].select("leverage", "position_action").row(0) == (None, None)
    assert raw.tables["orders"].select("leverage", "exchange_order_id").row(0) == (None, None)


def test_order_sides_come_from_the_first_that_knows(tmp_path: Path) -> None:
    """Last status, paper-trade id, creation event; null where nothing says."""
    cancelled = {"last_status": "OrderCancelled"}
    paper = "sell://ABC-USDT/0187a2b4c6d8e0f1a2b3c4d5e6"
    path = written(
        tmp_path,
        TradeFill=[fill()],
        Order=[
            order(1), order(2, last_status="SellOrderCompleted"), order(3, id=paper, **cancelled),
            order(4, **cancelled), order(5, **cancelled),
        ],
        OrderStatus=[
            {"id": 1, "order_id": "o4", "timestamp": AT_MS, "status": "SellOrderCreated"},
            {"id": 2, "order_id": "o4", "timestamp": AT_MS + 5, "status": "OrderCancelled"},
        ],
    )  # fmt: skip
    orders = read(path).tables["orders"].select("order_id", "side").sort("order_id")
    assert dict(orders.iter_rows()) == {"o1": 1, "o2": -1, paper: -1, "o4": -1, "o5": None}


@pytest.mark.parametrize("stored", [1_700_000_000, 1_700_000_000_000])
def test_funding_comes_in_seconds_or_milliseconds(tmp_path: Path, stored: int) -> None:
    paid = {
        "timestamp": stored, "config_file_path": "c", "market": "binance_perpetual", "rate": 1e-4,
        "symbol": "ABC-USDT", "amount": -0.5,
    }  # fmt: skip
    raw = read(written(tmp_path, TradeFill=[fill()], FundingPayment=[paid]))
    got = raw.tables["funding"].row(0, named=True)
    assert got["at"] == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert (got["amount_quote"], got["rate"], got["pair"]) == (-0.5, 1e-4, "ABC-USDT")


def test_quotes_are_unscaled_and_an_empty_book_is_no_price(tmp_path: Path) -> None:
    seen = {
        "timestamp": 1_700_000_000_000, "exchange": "binance", "trading_pair": "ABC-USDT",
        "mid_price": 100.5, "best_bid": 100.0, "best_ask": 0.0, "order_book": {},
    }  # fmt: skip
    got = read(written(tmp_path, TradeFill=[fill()], MarketData=[seen])).tables["quotes"].row(0, named=True)
    assert (got["mid_quote"], got["bid_quote"], got["ask_quote"]) == (100.5, 100.0, None)


def test_rows_are_named_by_their_rowid(tmp_path: Path) -> None:
    path = written(tmp_path, TradeFill=[fill(n) for n in range(1, 5)])
    execute(path, "DELETE FROM TradeFill WHERE order_id = 'o2'")
    assert read(path).tables["fills"]["row"].to_list() == [1, 3, 4]


def test_what_is_no_number_is_named_with_its_row(tmp_path: Path) -> None:
    path = written(tmp_path, TradeFill=[fill(n) for n in range(1, 4)], Order=[order()])
    execute(
        path,
        "UPDATE TradeFill SET price = 'cheap' WHERE order_id = 'o2'",
        "UPDATE TradeFill SET timestamp = x'00ff' WHERE order_id = 'o3'",
        "UPDATE TradeFill SET trade_fee = '{cut' WHERE order_id = 'o1'",
        "UPDATE \"Order\" SET amount = 'much'",
    )
    raw = read(path)
    cells = {(table, row, column) for table, row, column, _ in raw.unreadable.iter_rows()}
    assert cells == {
        ("fills", 2, "price"), ("fills", 3, "timestamp"), ("fills", 1, "trade_fee"), ("orders", 1, "amount"),
    }  # fmt: skip
    assert raw.tables["fills"]["price_quote"].to_list() == [100.0, None, 100.0]
    assert raw.unreadable.filter(column="price")["value"].to_list() == ["cheap"]


def test_many_rows_come_in_order_and_whole(tmp_path: Path) -> None:
    """More rows than one block holds, with gaps between their ids."""
    n = 70_000
    rows = ({**fill(i), "trade_fee": json.dumps(FEE)} for i in range(n))
    path = written(tmp_path, TradeFill=rows)
    execute(path, "DELETE FROM TradeFill WHERE rowid % 7 = 0")
    kept = [i for i in range(1, n + 1) if i % 7]
    assert read(path).tables["fills"]["row"].to_list() == kept

"""Files that are no database: trade CSVs, candles, checkpoints in both forms."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from fillbook.schema.raw import RawTables
from fillbook.sources.base import open_source

AT_MS = 1_700_000_000_000
AT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
TRADES = (
    "exchange_trade_id,config_file_path,strategy,market,symbol,base_asset,quote_asset,timestamp,order_id,"
    "trade_type,order_type,price,amount,leverage,trade_fee,position,age\n"
    "t1,conf.yml,pmm,binance,PEPE-USDT,PEPE,USDT,1700000000000,o1,BUY,LIMIT,0.0000012345,1e9,1,"
    "\"{'fee_type': 'DeductedFromReturns', 'percent': '0', 'percent_token': None, 'flat_fees': "
    "[{'token': 'BNB', 'amount': '0.001'}, {'token': 'KCS', 'amount': '0.5'}]}\",NIL,n/a\n"
)
EXPORT = (
    "Id,Timestamp,Exchange,Market,Order_type,Side,Price,Amount,Leverage,Position,Age\n"
    "t1,2023-11-14 22:13:20,binance,ABC-USDT,limit,sell,100.5,2,1,NIL,00:00:01\n"
)
HUMMINGBOT = "timestamp,open,high,low,close,volume\n1700000000,1,3,0.5,2,10\n1700000060,2,2,1,1.5,20\n"
BINANCE = (
    "open_time,open,high,low,close,volume,close_time,quote_asset_volume,number_of_trades,"
    "taker_buy_base,taker_buy_quote,ignore\n"
    "1700000000000,1,3,0.5,2,10,1700000059999,20,5,1,1,0\n1700000060000,2,2,1,1.5,20,1700000119999,30,5,1,1,0\n"
)
FEE = json.dumps({"percent": 0.001, "percent_token": None, "flat_fees": []})
FILL = {
    "config_file_path": "conf.yml", "strategy": "v2", "market": "binance", "symbol": "ABC-USDT",
    "base_asset": "ABC", "quote_asset": "USDT", "timestamp": AT_MS, "order_id": "o1", "trade_type": "BUY",
    "order_type": "LIMIT", "price": 100.25, "amount": 2.0, "leverage": 1, "trade_fee": FEE,
    "trade_fee_in_quote": 0.2005, "exchange_trade_id": "t1", "position": "NIL",
}  # fmt: skip
ORDER = {
    "client_order_id": "o1", "config_file_path": "conf.yml", "strategy": "v2", "market": "binance",
    "symbol": "ABC-USDT", "base_asset": "ABC", "quote_asset": "USDT", "creation_timestamp": AT_MS - 5_000,
    "order_type": "LIMIT", "amount": 2.0, "leverage": 1, "price": 100.5, "last_status": "BuyOrderCompleted",
    "last_update_timestamp": AT_MS, "exchange_order_id": "x1", "position": "NIL",
}  # fmt: skip


def read(path: Path, text: str = "") -> RawTables:
    if text:
        path.write_text(text)
    return open_source(str(path)).read()


def test_a_trades_csv_holds_exact_prices_and_every_fee(tmp_path: Path) -> None:
    raw = read(tmp_path / "trades_maker.csv", TRADES)
    fill = raw.tables["fills"].row(0, named=True)
    assert (raw.info.kind, raw.info.bot) == ("trades_csv", "maker")
    assert (fill["price_quote"], fill["amount_base"], fill["quantum"]) == (0.0000012345, 1e9, 0.0)
    assert (fill["at"], fill["side"], fill["order_id"], fill["trade_id"]) == (AT, 1, "o1", "t1")
    assert (fill["fee_token"], fill["fee_amount"], fill["fee_percent"]) == ("BNB", 0.001, 0.0)
    assert raw.tables["flat_fees"].select("token", "amount").rows() == [("KCS", 0.5)]


@pytest.mark.parametrize(
    ("good", "odd"), [("'percent': '0'", "'percent': 'much'"), ("'amount': '0.5'", "'amount': 'much'")]
)
def test_a_fee_of_a_trades_csv_that_is_not_understood_is_unknown(tmp_path: Path, good: str, odd: str) -> None:
    raw = read(tmp_path / "trades_bot.csv", TRADES.replace(good, odd))
    assert raw.tables["fills"]["fee_percent"].to_list() == [None]
    assert raw.unreadable["column"].to_list() == ["trade_fee"]


def test_the_export_command_knows_no_fees_and_no_orders(tmp_path: Path) -> None:
    raw = read(tmp_path / "trades_20231114.csv", EXPORT)
    fill = raw.tables["fills"].row(0, named=True)
    assert raw.info.kind == "export_csv"
    assert (fill["at"], fill["side"], fill["price_quote"], fill["amount_base"]) == (AT, -1, 100.5, 2.0)
    assert (fill["fee_percent"], fill["fee_amount"], fill["fee_quote_recorded"]) == (None, None, None)
    assert {finding.rule for finding in raw.findings} == {"local_time", "fees_unknown"}


@pytest.mark.parametrize("text", [HUMMINGBOT, BINANCE])
@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_candles_of_either_columns(tmp_path: Path, text: str, ending: str) -> None:
    path = tmp_path / f"binance_ABC-USDT_1m{ending}"
    if ending == ".csv":
        path.write_text(text)
    else:
        pl.read_csv(text.encode()).write_parquet(path)
    candles = read(path).tables["candles"]
    assert candles["at"].to_list() == [AT, AT.replace(minute=14)]
    assert candles.select("open_quote", "high_quote", "low_quote", "close_quote").rows() == [
        (1.0, 3.0, 0.5, 2.0), (2.0, 2.0, 1.0, 1.5),
    ]  # fmt: skip
    assert candles.select(pl.col("connector", "pair").cast(pl.String)).rows() == [("binance", "ABC-USDT")] * 2


def sqlite_checkpoint(path: Path) -> Path:
    """As the old backend merged it: lower-case tables, plain units."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for table, row in (("trades", FILL), ("orders", ORDER)):
            connection.execute(f"CREATE TABLE {table} ({', '.join(row)})")
            marks = ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO {table} VALUES ({marks})", list(row.values()))
    return path


def json_checkpoint(path: Path) -> Path:
    """As its service answered: each table a JSON text, column by column."""
    tables = {"trade_fill": FILL, "orders": ORDER}
    columns = {t: json.dumps({name: {"0": v} for name, v in row.items()}) for t, row in tables.items()}
    path.write_text(json.dumps(columns))
    return path


def test_both_forms_of_a_checkpoint_are_the_same(tmp_path: Path) -> None:
    first = read(sqlite_checkpoint(tmp_path / "checkpoint.sqlite"))
    second = read(json_checkpoint(tmp_path / "checkpoint.json"))
    for table in ("fills", "orders"):
        ours, theirs = (
            raw.tables[table].drop("source", "bot", "row", strict=False) for raw in (first, second)
        )
        assert ours.equals(theirs), table
    fill = first.tables["fills"].row(0, named=True)
    assert (fill["price_quote"], fill["amount_base"], fill["at"]) == (100.25, 2.0, AT)  # plain, not ×1e6
    assert first.tables["orders"]["price_quote"].to_list() == [100.5]
    # its fee column is a difference of sums: the recorded quote value is what is left to trust
    assert fill["fee_quote_recorded"] == 0.2005


def test_real_checkpoints_of_both_forms_are_the_same(shared_data: Path) -> None:
    folder = shared_data / "generated"
    names = ("checkpoint_1795334285.sqlite", "checkpoint_1795334285.load_checkpoint_response.json")
    first, second = (open_source(str(folder / name)).read() for name in names)
    for table in ("fills", "orders", "executors"):
        keys = {"fills": "trade_id", "orders": "order_id", "executors": "executor_id"}
        ours, theirs = (r.tables[table].drop("source", "bot", "row", strict=False) for r in (first, second))
        assert ours[keys[table]].sort().equals(theirs[keys[table]].sort()), table

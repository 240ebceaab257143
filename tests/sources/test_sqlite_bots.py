"""Executors, controllers, positions and pool updates, in the layouts of three years."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from fillbook.schema.raw import RawTables
from fillbook.sources.sqlite import HummingbotDatabase
from fillbook.testing.databases import write_database
from sources.rows import execute, fill

CONFIG = {
    "connector_name": "binance_perpetual", "trading_pair": "ABC-USDT", "side": 2, "level_id": "sell_0",
}  # fmt: skip
EXECUTOR = {
    "id": "e1", "timestamp": 1_700_000_000.25, "type": "position_executor", "close_type": 3,
    "close_timestamp": 1_700_000_060, "net_pnl_pct": 0.01, "net_pnl_quote": 1.5, "cum_fees_quote": 0.1,
    "filled_amount_quote": 150.0, "config": CONFIG, "custom_info": {}, "controller_id": "main",
}  # fmt: skip


def read(path: Path) -> RawTables:
    return HummingbotDatabase(str(path)).read()


def written(tmp_path: Path, **tables: object) -> Path:
    return write_database(tmp_path / "bot.sqlite", {"TradeFill": [fill()], **tables})  # type: ignore[dict-item]


def test_an_executor_is_read_whole(tmp_path: Path) -> None:
    got = read(written(tmp_path, Executors=[EXECUTOR])).tables["executors"].row(0, named=True)
    at = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert got["at"] == at.replace(microsecond=250_000)  # sub-second kept
    assert got["closed_at"] == at.replace(minute=14)
    assert (got["connector"], got["pair"], got["side"]) == ("binance_perpetual", "ABC-USDT", -1)
    assert (got["close_type"], got["status"], got["level_id"]) == ("TAKE_PROFIT", "TERMINATED", "sell_0")
    assert (got["net_pnl_quote"], got["net_pnl_fraction"]) == (1.5, 0.01)  # FLOAT: not scaled
    assert (got["fees_quote"], got["volume_quote"], got["is_active"]) == (0.1, 150.0, False)
    assert json.loads(got["config"]) == CONFIG


@pytest.mark.parametrize(
    ("stored", "name"),
    [
        (1, "TIME_LIMIT"),
        (10, "POSITION_HOLD"),
        (None, None),
        ("CloseType.EARLY_STOP", "EARLY_STOP"),
        (77, "77"),
    ],
)
def test_close_types_are_named_and_unknown_ones_kept(
    tmp_path: Path, stored: object, name: str | None
) -> None:
    raw = read(written(tmp_path, Executors=[{**EXECUTOR, "close_type": stored}]))
    assert raw.tables["executors"]["close_type"].to_list() == [name]


@pytest.mark.parametrize(
    ("info", "orders"),
    [
        ({"order_ids": ["o1", "o2"]}, ["o1", "o2"]),
        ({"order_id": "o7"}, ["o7"]),
        ({"filled_orders": [{"client_order_id": "o3"}]}, ["o3"]),
        ({"held_position_orders": [{"client_order_id": "o4"}], "order_ids": ["o4"]}, ["o4"]),
        ({"order_id": None, "order_ids": [None]}, []),
        ({}, []),
    ],
)
def test_orders_of_an_executor(tmp_path: Path, info: object, orders: list[str]) -> None:
    raw = read(written(tmp_path, Executors=[{**EXECUTOR, "custom_info": info}]))
    links = raw.tables["executor_orders"]
    assert links["order_id"].to_list() == orders
    assert links["executor_id"].to_list() == ["e1"] * len(orders)


def test_a_config_that_does_not_parse_loses_only_itself(tmp_path: Path) -> None:
    raw = read(written(tmp_path, Executors=[{**EXECUTOR, "config": "{cut", "custom_info": "["}]))
    got = raw.tables["executors"].row(0, named=True)
    assert (got["connector"], got["pair"], got["side"]) == (None, None, None)
    assert got["net_pnl_quote"] == 1.5
    assert raw.tables["executor_orders"].is_empty()


def test_two_market_executors_name_no_pair(tmp_path: Path) -> None:
    config = {"buying_market": {"connector_name": "a", "trading_pair": "ABC-USDT"}, "selling_market": {}}
    got = read(written(tmp_path, Executors=[{**EXECUTOR, "type": "xemm_executor", "config": config}]))
    assert got.tables["executors"].select("connector", "pair").row(0) == (None, None)


def test_executors_of_early_2024_state_names_and_no_controller(tmp_path: Path) -> None:
    path = written(tmp_path)
    execute(
        path, "DROP TABLE Executors",
        "CREATE TABLE Executors (id TEXT, timestamp FLOAT, type TEXT, close_type TEXT, close_timestamp BIGINT, "
        "status TEXT, config JSON, net_pnl_pct FLOAT, net_pnl_quote FLOAT, cum_fees_quote FLOAT, "
        "filled_amount_quote FLOAT, custom_info JSON)",
        ("INSERT INTO Executors VALUES ('e1', 1706000000, 'position_executor', 'STOP_LOSS', 1706000009, "
         "'TERMINATED', ?, 0.1, -2, 0.1, 20, '{}')", [json.dumps({"controller_id": "c9", "exchange": "okx", "side": "TradeType.BUY"})]),
    )  # fmt: skip
    got = read(path).tables["executors"].row(0, named=True)
    assert (got["close_type"], got["status"], got["controller_id"]) == ("STOP_LOSS", "TERMINATED", "c9")
    assert (got["connector"], got["side"], got["is_active"]) == ("okx", 1, None)


def test_executors_of_2023_are_executors(tmp_path: Path) -> None:
    path = written(tmp_path, Executors=[EXECUTOR])
    execute(
        path,
        "CREATE TABLE PositionExecutors (id INTEGER, timestamp BIGINT, order_level TEXT, exchange TEXT, "
        "trading_pair TEXT, side TEXT, amount FLOAT, net_pnl FLOAT, net_pnl_quote FLOAT, cum_fee_quote FLOAT, "
        "close_timestamp BIGINT, executor_status TEXT, close_type TEXT, entry_price FLOAT, close_price FLOAT, "
        "controller_name TEXT)",
        "INSERT INTO PositionExecutors VALUES (4, 1690000000, 'l1', 'kucoin', 'ABC-USDT', 'SELL', 2.0, 0.02, "
        "3.0, 0.2, 1690000100, 'RunnableStatus.TERMINATED', 'TRAILING_STOP', 101.0, 99.0, 'dman')",
    )
    executors = read(path).tables["executors"]
    assert executors.height == 2
    got = executors.filter(pl.col("executor_id") != "e1").row(0, named=True)
    assert (got["connector"], got["side"], got["close_type"], got["controller_id"]) == (
        "kucoin",
        -1,
        "TRAILING_STOP",
        "dman",
    )
    assert got["volume_quote"] == 400.0  # 2 × (101 + 99): both legs


def test_controllers_keep_a_row_a_start(tmp_path: Path) -> None:
    row = {
        "id": "c1",
        "timestamp": 1_700_000_000.5,
        "type": "market_making",
        "config": {"controller_name": "pmm"},
    }
    rows = [{**row, "controller_id": 1}, {**row, "controller_id": 2, "config": "{"}]
    got = read(written(tmp_path, Controllers=rows)).tables["controllers"]
    assert got["controller_id"].to_list() == ["c1", "c1"]
    assert got["name"].to_list() == ["pmm", None]


NUMBERS = "2000000, 1500000, 99000000, -300000"  # volume 2, amount 1.5, breakeven 99, unrealised −0.3


@pytest.mark.parametrize(
    ("columns", "values", "side", "realized"),
    [
        ("cum_fees_quote BIGINT, filled_orders JSON", "40000, '[]'", None, None),
        ("cum_fees_quote BIGINT, side TEXT", "40000, 'SELL'", -1, None),
        ("cum_fees_quote BIGINT, side TEXT, realized_pnl_quote BIGINT", "40000, 'BUY', 7000000", 1, 7.0),
    ],
)
def test_positions_of_three_layouts_are_unscaled(
    tmp_path: Path, columns: str, values: str, side: int | None, realized: float | None
) -> None:
    path = written(tmp_path)
    execute(
        path, "DROP TABLE Position",
        "CREATE TABLE Position (id TEXT, controller_id TEXT, connector_name TEXT, trading_pair TEXT, timestamp BIGINT, "
        f"volume_traded_quote BIGINT, amount BIGINT, breakeven_price BIGINT, unrealized_pnl_quote BIGINT, {columns})",
        f"INSERT INTO Position VALUES ('p', 'c', 'binance', 'ABC-USDT', 1700000000000, {NUMBERS}, {values})",
    )  # fmt: skip
    got = read(path).tables["positions"].row(0, named=True)
    assert (got["side"], got["realized_pnl_quote"]) == (side, realized)
    assert (got["volume_quote"], got["amount_base"], got["breakeven_quote"]) == (2.0, 1.5, 99.0)
    assert (got["unrealized_pnl_quote"], got["fees_quote"]) == (-0.3, 0.04)


def test_market_states_and_pool_updates_are_listed(tmp_path: Path) -> None:
    state = {
        "id": 1,
        "config_file_path": "c",
        "market": "binance",
        "timestamp": 1_700_000_000_000,
        "saved_state": {"o1": {}},
    }
    path = written(tmp_path, MarketState=[state])
    execute(
        path,
        "CREATE TABLE RangePositionUpdate (id INTEGER, hb_id TEXT, timestamp BIGINT, tx_hash TEXT, token_id INTEGER, "
        "trade_fee JSON, market TEXT, order_action TEXT, trading_pair TEXT, base_amount FLOAT, quote_amount FLOAT)",
        "INSERT INTO RangePositionUpdate VALUES (1, 'h', 1700000000000, 'x', 1, '{}', 'meteora', 'ADD', 'SOL-USDC', 2.5, 300)",
    )
    tables = read(path).tables
    assert json.loads(tables["market_states"]["saved_state"].item()) == {"o1": {}}
    got = tables["lp_updates"].row(0, named=True)
    assert (got["pair"], got["action"], got["base_amount"], got["quote_fee"]) == (
        "SOL-USDC",
        "ADD",
        2.5,
        None,
    )

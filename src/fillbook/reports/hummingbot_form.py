"""A checkpoint in the two forms Hummingbot's old backend and dashboard read: SQLite and JSON.

Those forms hold fills, orders, executors and controllers in plain units. They keep a fee in quote only, and
forget which bot a row was of; funding, positions and order events have no place in them.
"""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from fillbook.analysis.view import view_of
from fillbook.errors import BadRequestError
from fillbook.ledger.fees import METHODS
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.reports.writing import refuse_existing
from fillbook.sources.hummingbot import CLOSE_TYPES, RUNNABLE_STATUS

Form = Literal["hummingbot-sqlite", "hummingbot-json"]
_JSON_NAMES = {"trades": "trade_fill"}
_CODES = {name: str(code) for code, name in (*CLOSE_TYPES.items(), *RUNNABLE_STATUS.items())}
_COMMON = {
    "config_file_path": "config", "strategy": "strategy", "market": "connector", "symbol": "pair",
    "base_asset": "base", "quote_asset": "quote",
}  # fmt: skip


def write_hummingbot(data: PerformanceDataSource, form: Form, path: Path) -> dict[str, int]:
    """Write the tables of `data` to a file, and say how many rows of each.

    Raises
    ------
    BadRequestError
        The file is there already, or cannot be written.
    """
    refuse_existing(path, is_forced=False)
    frames = hummingbot_tables(data)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    beside = Path(name)
    try:
        if form == "hummingbot-sqlite":
            _write_sqlite(beside, frames)
        else:
            beside.write_text(_json_text(frames), encoding="utf-8")
        beside.replace(path)
    except (OSError, sqlite3.Error) as error:
        raise BadRequestError(f"{path} cannot be written: {error}") from error
    finally:
        beside.unlink(missing_ok=True)
    return {table: rows.height for table, rows in frames.items()}


def hummingbot_tables(data: PerformanceDataSource) -> dict[str, pl.DataFrame]:
    """``executors, trades, orders, controllers`` under Hummingbot's column names."""
    milliseconds = {
        name: pl.col(column).dt.timestamp("ms")
        for name, column in (("creation_timestamp", "at"), ("last_update_timestamp", "updated_at"))
    }
    common = [pl.col(column).cast(pl.String).alias(name) for name, column in _COMMON.items()]
    orders = data.orders.select(
        pl.col("order_id").alias("client_order_id"), *common, milliseconds["creation_timestamp"].alias(
            "creation_timestamp"),
        _text("order_type"), pl.col("amount_base").alias("amount"), "leverage",
        pl.col("price_quote").fill_null(0.0).alias("price"), _text("last_status"),
        milliseconds["last_update_timestamp"].alias("last_update_timestamp"), "exchange_order_id",
        _text("position_action", "position"),
    )  # fmt: skip
    return {
        "executors": _executors(data.executors), "trades": _trades(data, common), "orders": orders,
        "controllers": data.controllers.select(
            _text("controller_id", "id"), pl.int_range(1, pl.len() + 1).alias("controller_id"),
            _seconds("at").alias("timestamp"), _text("type"), "config",
        ),
    }  # fmt: skip


def _text(column: str, name: str = "") -> pl.Expr:
    return pl.col(column).cast(pl.String).alias(name or column)


def _seconds(column: str) -> pl.Expr:
    return pl.col(column).dt.timestamp("us") / 1e6


def _trades(data: PerformanceDataSource, common: list[pl.Expr]) -> pl.DataFrame:
    """Fills; ``trade_fee`` is a difference of sums, and so empty in the first row of each market."""
    fee = pl.Series("fee", _fees(data), nan_to_null=True)
    is_first = pl.int_range(pl.len()).over("config", "connector", "pair") == 0
    return data.fills.with_columns(fee).select(
        *common, pl.col("at").dt.timestamp("ms").alias("timestamp"), "order_id",
        pl.when(pl.col("side") > 0).then(pl.lit("BUY")).otherwise(pl.lit("SELL")).alias("trade_type"),
        _text("order_type"), pl.col("price_quote").alias("price"), pl.col("amount_base").alias("amount"),
        "leverage", pl.when(~is_first).then(pl.col("fee").cast(pl.String)).alias("trade_fee"),
        pl.col("fee").alias("trade_fee_in_quote"), pl.col("trade_id").alias("exchange_trade_id"),
        _text("position_action", "position"),
    )  # fmt: skip


def _fees(data: PerformanceDataSource) -> np.ndarray:
    """Fee of each fill in quote, as the ledger books it; NaN where no rate is known."""
    prepared = view_of(data).prepared
    flow, order = prepared.whole, prepared.assigned.order
    fee = np.where(flow.unit < 0.0, flow.fee * flow.price, flow.fee)
    canonical = np.empty(fee.size)
    canonical[np.arange(fee.size) if order is None else order] = fee
    canonical[prepared.fees.method == METHODS.index("unconverted")] = np.nan
    return canonical


def _executors(rows: pl.DataFrame) -> pl.DataFrame:
    """Executors, close types and states as their numbers."""
    active = pl.col("is_active").fill_null(value=False).cast(pl.Int64)
    return rows.select(
        pl.col("executor_id").alias("id"), _seconds("at").alias("timestamp"), _text("type"),
        _text("close_type").replace(_CODES).cast(pl.Int64, strict=False),
        _seconds("closed_at").alias("close_timestamp"), _text("status").replace(_CODES), "config",
        pl.col("net_pnl_fraction").alias("net_pnl_pct"), "net_pnl_quote",
        pl.col("fees_quote").alias("cum_fees_quote"), pl.col("volume_quote").alias("filled_amount_quote"),
        active.alias("is_active"), active.alias("is_trading"), "custom_info", _text("controller_id"),
    )  # fmt: skip


def _write_sqlite(path: Path, frames: Mapping[str, pl.DataFrame]) -> None:
    types = {pl.String: "VARCHAR", pl.Int64: "BIGINT", pl.Float64: "FLOAT"}
    with closing(sqlite3.connect(path)) as connection, connection:
        for table, rows in frames.items():
            declared = ", ".join(f'"{name}" {types[type(dtype)]}' for name, dtype in rows.schema.items())
            connection.execute(f'CREATE TABLE "{table}" ({declared})')
            marks = ", ".join("?" * rows.width)
            connection.executemany(f'INSERT INTO "{table}" VALUES ({marks})', rows.iter_rows())


def _json_text(frames: Mapping[str, pl.DataFrame]) -> str:
    """Each table as the text of column → row number → value, as pandas wrote it."""
    return json.dumps({
        _JSON_NAMES.get(table, table): json.dumps({
            name: dict(enumerate(column.to_list())) for name, column in zip(rows.columns, rows, strict=True)
        })
        for table, rows in frames.items()
    })  # fmt: skip

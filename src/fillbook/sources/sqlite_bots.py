"""Executors, controllers, positions and pool updates of a Hummingbot database."""

from __future__ import annotations

import polars as pl

from fillbook.sources.bot_database import NOTHING, BotDatabase, Cell, either, json, number, words
from fillbook.sources.hummingbot import (
    CLOSE_TYPES,
    RUNNABLE_STATUS,
    ms_to_utc,
    seconds_to_utc,
    unscaled,
)
from fillbook.sources.sqlite_trades import canonical, side_of

COLUMNS: dict[str, set[str]] = {
    "Executors": {
        "id", "timestamp", "type", "close_type", "close_timestamp", "status", "config", "net_pnl_pct",
        "net_pnl_quote", "cum_fees_quote", "filled_amount_quote", "is_active", "is_trading",
        "custom_info", "controller_id",
    },
    "PositionExecutors": {
        "id", "timestamp", "order_level", "exchange", "trading_pair", "side", "amount", "trade_pnl",
        "trade_pnl_quote", "cum_fee_quote", "net_pnl_quote", "net_pnl", "close_timestamp",
        "executor_status", "close_type", "entry_price", "close_price", "sl", "tp", "tl",
        "open_order_type", "take_profit_order_type", "stop_loss_order_type", "time_limit_order_type",
        "leverage", "controller_name",
    },
    "Controllers": {"controller_id", "id", "timestamp", "type", "config"},
    "Position": {
        "id", "controller_id", "connector_name", "side", "trading_pair", "timestamp",
        "volume_traded_quote", "amount", "breakeven_price", "unrealized_pnl_quote",
        "realized_pnl_quote", "cum_fees_quote", "filled_orders",
    },
    "MarketState": {"id", "config_file_path", "market", "timestamp", "saved_state"},
    "RangePositionUpdate": {
        "id", "hb_id", "timestamp", "tx_hash", "token_id", "trade_fee", "config_file_path", "market",
        "order_action", "trading_pair", "position_address", "lower_price", "upper_price", "mid_price",
        "base_amount", "quote_amount", "base_fee", "quote_fee", "position_rent",
        "position_rent_refunded", "trade_fee_in_quote", "status",
    },
}  # fmt: skip


def _named(column: str, names: dict[int, str]) -> pl.Expr:
    """Name of an enum stored as a number (2024 on) or as its name (before)."""
    text = pl.col(column).str.replace(r"^\w+\.", "").str.replace(r"\.0$", "")
    by_number = {str(code): name for code, name in names.items()}
    return text.replace(by_number)


def read_executors(database: BotDatabase, bot: str) -> dict[str, pl.DataFrame]:
    """Executors with side, pair, venue and level of their configuration, and their orders."""
    held = database.columns["Executors"]
    has_controller = "controller_id" in held
    cells: list[Cell] = [
        *(
            number(n)
            for n in (
                "timestamp",
                "close_timestamp",
                "net_pnl_pct",
                "net_pnl_quote",
                "cum_fees_quote",
                "filled_amount_quote",
            )
        ),
        number("is_active") if "is_active" in held else number("is_active", NOTHING),
        *(words(n) for n in ("id", "type", "close_type", "status", "config", "custom_info")),
        words("controller_id", None if has_controller else json("config", "controller_id")),
        words("connector", json("config", "connector_name", "exchange")),
        words("pair", json("config", "trading_pair")),
        words("side", either(json("config", "side"), json("custom_info", "side"))),
        words("level_id", either(json("config", "level_id"), json("custom_info", "level_id"))),
    ]
    rows = database.read("Executors", cells).with_columns(pl.col("side").str.replace(r"^TradeType\.", ""))
    executors = canonical(
        "executors", rows, bot=pl.lit(bot), executor_id=pl.col("id"), type=pl.col("type"),
        controller_id=pl.col("controller_id"), connector=pl.col("connector"), pair=pl.col("pair"),
        side=side_of("side"), at=seconds_to_utc(pl.col("timestamp")),
        closed_at=seconds_to_utc(pl.col("close_timestamp")),
        close_type=_named("close_type", dict(CLOSE_TYPES)), status=_named("status", dict(RUNNABLE_STATUS)),
        net_pnl_quote=pl.col("net_pnl_quote"), net_pnl_fraction=pl.col("net_pnl_pct"),
        fees_quote=pl.col("cum_fees_quote"), volume_quote=pl.col("filled_amount_quote"),
        is_active=pl.col("is_active") != 0.0, level_id=pl.col("level_id"), config=pl.col("config"),
        custom_info=pl.col("custom_info"),
    )  # fmt: skip
    return {"executors": executors, "executor_orders": _order_links(database)}


def _order_links(database: BotDatabase) -> pl.DataFrame:
    """Which executor placed which order, as far as custom_info says."""
    found = database.executor_orders()
    pairs = [(str(executor), str(order)) for executor, order in found if order]
    schema = {"executor_id": pl.String, "order_id": pl.String}
    frame = pl.DataFrame(pairs, schema=schema, orient="row").unique(maintain_order=True)
    return frame.select(pl.lit(0).cast(pl.Int64).alias("source"), "executor_id", "order_id")


def read_position_executors(database: BotDatabase, bot: str) -> dict[str, pl.DataFrame]:
    """PositionExecutors (2023): the executors of their day, without links to orders."""
    numbers = "timestamp close_timestamp net_pnl net_pnl_quote cum_fee_quote amount entry_price close_price"
    texts = "id order_level exchange trading_pair side executor_status close_type controller_name"
    cells = [*map(number, numbers.split()), *map(words, texts.split())]
    rows = database.read("PositionExecutors", cells)
    return {
        "executors": canonical(
            "executors",
            rows,
            bot=pl.lit(bot),
            executor_id=pl.col("id"),
            type=pl.lit("position_executor"),
            controller_id=pl.col("controller_name"),
            connector=pl.col("exchange"),
            pair=pl.col("trading_pair"),
            side=side_of("side"),
            at=seconds_to_utc(pl.col("timestamp")),
            closed_at=seconds_to_utc(pl.col("close_timestamp")),
            close_type=_named("close_type", dict(CLOSE_TYPES)),
            status=_named("executor_status", dict(RUNNABLE_STATUS)),
            net_pnl_quote=pl.col("net_pnl_quote"),
            net_pnl_fraction=pl.col("net_pnl"),
            fees_quote=pl.col("cum_fee_quote"),
            level_id=pl.col("order_level"),
            volume_quote=pl.col("amount") * (pl.col("entry_price") + pl.col("close_price")),
        )
    }


def read_controllers(database: BotDatabase, bot: str) -> dict[str, pl.DataFrame]:
    """Controllers, a row a start of the bot."""
    cells = [
        number("timestamp"),
        *(words(n) for n in ("id", "type", "config")),
        words("name", json("config", "controller_name")),
    ]
    rows = database.read("Controllers", cells)
    return {"controllers": canonical(
        "controllers", rows, bot=pl.lit(bot), controller_id=pl.col("id"), type=pl.col("type"),
        at=seconds_to_utc(pl.col("timestamp")), name=pl.col("name"), config=pl.col("config"),
    )}  # fmt: skip


def read_positions(database: BotDatabase, bot: str) -> dict[str, pl.DataFrame]:
    """Positions of all three layouts; every number of this table is scaled by 1e6."""
    held = database.columns["Position"]
    scaled = (
        "volume_traded_quote",
        "amount",
        "breakeven_price",
        "unrealized_pnl_quote",
        "cum_fees_quote",
        "realized_pnl_quote",
    )
    cells = [
        number("timestamp"), *(number(n) if n in held else number(n, NOTHING) for n in scaled),
        *(words(n) for n in ("controller_id", "connector_name", "trading_pair")),
        words("side") if "side" in held else words("side", NOTHING),
    ]  # fmt: skip
    rows = database.read("Position", cells).with_columns(unscaled(pl.col(scaled)))
    return {"positions": canonical(
        "positions", rows, bot=pl.lit(bot), controller_id=pl.col("controller_id"),
        connector=pl.col("connector_name"), pair=pl.col("trading_pair"), side=side_of("side"),
        at=ms_to_utc(pl.col("timestamp")), volume_quote=pl.col("volume_traded_quote"),
        amount_base=pl.col("amount"), breakeven_quote=pl.col("breakeven_price"),
        unrealized_pnl_quote=pl.col("unrealized_pnl_quote"),
        realized_pnl_quote=pl.col("realized_pnl_quote"), fees_quote=pl.col("cum_fees_quote"),
    )}  # fmt: skip


def read_market_states(database: BotDatabase, _bot: str) -> dict[str, pl.DataFrame]:
    """In-flight orders saved at a stop."""
    cells = [
        number("timestamp"),
        *(words(n) for n in ("config_file_path", "market", "saved_state")),
    ]
    rows = database.read("MarketState", cells)
    return {"market_states": canonical(
        "market_states", rows, config=pl.col("config_file_path"), connector=pl.col("market"),
        at=ms_to_utc(pl.col("timestamp")), saved_state=pl.col("saved_state"),
    )}  # fmt: skip


def read_lp_updates(database: BotDatabase, _bot: str) -> dict[str, pl.DataFrame]:
    """Liquidity-pool events: listed, not booked."""
    held = database.columns["RangePositionUpdate"]
    amounts = ("base_amount", "quote_amount", "base_fee", "quote_fee", "trade_fee_in_quote")
    cells = [
        number("timestamp"),
        *(number(n) if n in held else number(n, NOTHING) for n in amounts),
        *(
            words(n) if n in held else words(n, NOTHING)
            for n in ("hb_id", "market", "trading_pair", "order_action")
        ),
    ]
    rows = database.read("RangePositionUpdate", cells)
    return {"lp_updates": canonical(
        "lp_updates", rows, at=ms_to_utc(pl.col("timestamp")), order_id=pl.col("hb_id"),
        connector=pl.col("market"), pair=pl.col("trading_pair"), action=pl.col("order_action"),
        base_amount=pl.col("base_amount"), quote_amount=pl.col("quote_amount"), base_fee=pl.col("base_fee"),
        quote_fee=pl.col("quote_fee"), fee_quote_recorded=pl.col("trade_fee_in_quote"),
    )}  # fmt: skip

"""Fills, orders, funding and quotes of a Hummingbot database as canonical columns."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial

import polars as pl

from fillbook.schema.tables import dtypes_of
from fillbook.sources.bot_database import NOTHING, BotDatabase, Cell, Length, number, words
from fillbook.sources.bot_database import json as json_at
from fillbook.sources.hummingbot import (
    SCALE,
    SIDES,
    epoch_us,
    limit_price,
    ms_to_utc,
    unscaled,
    us_to_utc,
)
from fillbook.sources.sqlite_reading import lacks

COLUMNS: dict[str, set[str]] = {
    "TradeFill": {
        "id", "config_file_path", "strategy", "market", "symbol", "base_asset", "quote_asset",
        "timestamp", "order_id", "trade_type", "order_type", "price", "amount", "leverage",
        "trade_fee", "trade_fee_in_quote", "exchange_trade_id", "position",
    },
    "Order": {
        "id", "config_file_path", "strategy", "market", "symbol", "base_asset", "quote_asset",
        "creation_timestamp", "order_type", "amount", "leverage", "price", "last_status",
        "last_update_timestamp", "exchange_order_id", "position",
    },
    "OrderStatus": {"id", "order_id", "timestamp", "status"},
    "FundingPayment": {"timestamp", "config_file_path", "market", "symbol", "rate", "amount"},
    "MarketData": {
        "timestamp", "exchange", "trading_pair", "mid_price", "best_bid", "best_ask", "order_book",
    },
}  # fmt: skip


_FIRST_FEE = ("flat_fees", 0)


def canonical(table: str, frame: pl.DataFrame, **columns: pl.Expr) -> pl.DataFrame:
    """Frame with the columns of a canonical table; what is not given is null, `source` is 0."""
    given = {"source": pl.lit(0), **columns}
    if "row" in frame.columns:
        given.setdefault("row", pl.col("row"))
    return frame.select(
        _own(given.get(name, pl.lit(None)).cast(dtype, strict=False), dtype).alias(name)
        for name, dtype in dtypes_of(table).items()
    )


def _own(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """A copy of a column: as it came from the driver it would hold its whole batch in memory."""
    if dtype == pl.String:
        return pl.concat_str(column, pl.lit(""))
    return column + 0.0 if dtype == pl.Float64 else column


def has(database: BotDatabase, table: str, *names: str) -> list[str]:
    """Those of `names` that the table has."""
    return [name for name in names if name in database.columns[table]]


def plain(database: BotDatabase, table: str, column: str) -> pl.Expr:
    """Plain value of a price or amount: ×1e6 integers and floats differ by the declared type.

    Raises
    ------
    UnreadableSourceError
        The table has no such column.
    """
    declared = database.columns[table].get(column)
    if declared is None:
        raise lacks(database.uri, table, column)
    return unscaled(pl.col(column)) if declared == "BIGINT" else pl.col(column)


def is_scaled(database: BotDatabase, table: str) -> bool:
    """True when the table's prices are integers of 1e-6."""
    return database.columns[table].get("price") == "BIGINT"


def tag(column: str) -> pl.Expr:
    """Position tag; NILL of older versions is NIL."""
    return pl.col(column).replace({"NILL": "NIL"})


def side_of(name: str) -> pl.Expr:
    """+1 or −1 of a text, null for anything else (RANGE)."""
    return pl.col(name).str.to_uppercase().replace_strict(SIDES, default=None, return_dtype=pl.Int8)


def names(bot: str) -> dict[str, pl.Expr]:
    """Columns that fills and orders share."""
    return {
        "bot": pl.lit(bot), "config": pl.col("config_file_path"), "strategy": pl.col("strategy"),
        "connector": pl.col("market"), "pair": pl.col("symbol"), "base": pl.col("base_asset"),
        "quote": pl.col("quote_asset"), "order_type": pl.col("order_type"),
        "leverage": pl.col("leverage"), "position_action": tag("position"),
    }  # fmt: skip


_SHARED = (
    "config_file_path",
    "strategy",
    "market",
    "symbol",
    "base_asset",
    "quote_asset",
    "order_type",
)


def _cells(database: BotDatabase, table: str, numbers: Iterable[str], texts: Iterable[str]) -> list[Cell]:
    """Cells of columns; one the layout lacks is null."""
    held = database.columns[table]
    cells = [number(n) if n in held else number(n, NOTHING) for n in numbers]
    return [*cells, *(words(t) if t in held else words(t, NOTHING) for t in texts)]


def read_fills(database: BotDatabase, bot: str) -> dict[str, pl.DataFrame]:
    """TradeFill, fees taken apart, and the flat fees after the first of a fill."""
    numbers = ("timestamp", "price", "amount", "leverage", "trade_fee_in_quote")
    texts = (*_SHARED, "order_id", "trade_type", "exchange_trade_id", "position")
    cells = [
        *_cells(database, "TradeFill", numbers, texts),
        words("percent", json_at("trade_fee", "percent")),
        words("fee_type", json_at("trade_fee", "fee_type")),
        words("fee_token", json_at("trade_fee", (*_FIRST_FEE, "token"), (*_FIRST_FEE, "asset"))),
        words("fee_amount", json_at("trade_fee", (*_FIRST_FEE, "amount"))),
        number("n_flat", Length("trade_fee", "flat_fees")),
    ]
    fills = database.read("TradeFill", cells, then=partial(_canonical_fills, database, bot))
    several = fills.filter("has_more")["row"].to_list()
    fills = fills.drop("has_more")
    if not several:
        return {"fills": fills}
    more, odd = _more_fees(database, several)
    return {"fills": _without_fees(fills, odd) if odd else fills, "flat_fees": more}


def _without_fees(fills: pl.DataFrame, rows: list[int]) -> pl.DataFrame:
    """Fills with the fee of some rows unknown."""
    is_known = ~pl.col("row").is_in(rows)
    return fills.with_columns(
        pl.when(is_known).then(name).alias(name) for name in ("fee_percent", "fee_token", "fee_amount")
    )


def _canonical_fills(database: BotDatabase, bot: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Fills in canonical columns, and ``has_more``, whether one has several flat fees."""
    recorded = pl.lit(None)
    if has(database, "TradeFill", "trade_fee_in_quote"):
        recorded = plain(database, "TradeFill", "trade_fee_in_quote")
    percent = pl.col("percent").cast(pl.Float64, strict=False)
    flat = pl.col("fee_amount").cast(pl.Float64, strict=False)
    is_known = is_fee(percent, flat)
    return canonical(
        "fills", rows, **names(bot),
        at=ms_to_utc(pl.col("timestamp")), order_id=pl.col("order_id"),
        trade_id=pl.col("exchange_trade_id").fill_null(""), side=side_of("trade_type"),
        price_quote=plain(database, "TradeFill", "price"),
        amount_base=plain(database, "TradeFill", "amount"),
        quantum=pl.lit(1.0 / SCALE if is_scaled(database, "TradeFill") else 0.0),
        fee_percent=pl.when(is_known).then(percent.fill_null(0.0)), fee_type=pl.col("fee_type"),
        fee_token=pl.when(is_known).then("fee_token"), fee_amount=pl.when(is_known).then(flat),
        fee_quote_recorded=recorded,
    ).with_columns((rows["n_flat"] > 1.0).fill_null(value=False).alias("has_more"))  # fmt: skip


def is_fee(percent: pl.Expr, flat: pl.Expr) -> pl.Expr:
    """Whether a fee was understood: it names a part, and every part it names is what it should be."""
    n_flat = pl.col("n_flat")
    is_odd_percent = pl.col("percent").is_not_null() & percent.is_null()
    is_nameless = pl.col("fee_token").is_null() & (flat != 0.0)
    is_odd_list = (n_flat < 0.0) | ((n_flat > 0.0) & (flat.is_null() | is_nameless))
    names_a_part = n_flat.is_not_null() | percent.is_not_null()
    return names_a_part & ~is_odd_percent & ~is_odd_list.fill_null(value=False)


def _more_fees(database: BotDatabase, rows: list[int]) -> tuple[pl.DataFrame, list[int]]:
    """Flat fees after the first, for the few fills that have several; and fills whose are not understood."""
    found: list[tuple[int, str, float]] = []
    odd: list[int] = []
    for row, text in database.texts("TradeFill", "trade_fee", rows):
        fee = json.loads(text)
        try:
            parts = [(p.get("token", p.get("asset")), float(p["amount"])) for p in fee["flat_fees"][1:]]
        except (AttributeError, KeyError, TypeError, ValueError):
            odd.append(row)
        else:
            found += [(row, str(token), amount) for token, amount in parts]
    schema = {"row": pl.Int64, "token": pl.String, "amount": pl.Float64}
    frame = pl.DataFrame(found, schema=schema, orient="row")
    return canonical("flat_fees", frame, token=pl.col("token"), amount=pl.col("amount")), odd


def read_orders(database: BotDatabase, bot: str) -> dict[str, pl.DataFrame]:
    """Order rows; the limit price is null with its reason where the stored one is 0."""
    numbers = ("creation_timestamp", "amount", "leverage", "price", "last_update_timestamp")
    texts = (*_SHARED, "id", "last_status", "exchange_order_id", "position")
    rows = database.read("Order", _cells(database, "Order", numbers, texts))
    price = plain(database, "Order", "price")
    limit, reason = limit_price(price, pl.col("order_type"))
    orders = canonical(
        "orders", rows, **names(bot), order_id=pl.col("id"),
        exchange_order_id=pl.col("exchange_order_id"), side=_order_side(),
        at=ms_to_utc(pl.col("creation_timestamp")),
        amount_base=plain(database, "Order", "amount"),
        price_quote=limit, price_reason=reason,
        last_status=pl.col("last_status"), updated_at=ms_to_utc(pl.col("last_update_timestamp")),
    )  # fmt: skip
    return {"orders": _with_sides(database, orders)}


def _order_side() -> pl.Expr:
    """Side an order's last event names, null for the others."""
    last = pl.col("last_status")
    paper = pl.col("id").str.extract("^(buy|sell)://").str.to_uppercase()
    return (
        pl.when(last.str.starts_with("Buy")).then(1)
        .when(last.str.starts_with("Sell")).then(-1)
        .when(paper == "BUY").then(1)
        .when(paper == "SELL").then(-1)
    )  # fmt: skip


def _with_sides(database: BotDatabase, orders: pl.DataFrame) -> pl.DataFrame:
    """Sides from the creation event where the last one does not say (cancelled orders)."""
    if "OrderStatus" not in database.columns or orders["side"].null_count() == 0:
        return orders
    where = "status IN ('BuyOrderCreated', 'SellOrderCreated')"
    created = database.read("OrderStatus", [words("order_id"), words("status")], where=where)
    known = created.select(
        "order_id",
        created_side=pl.when(pl.col("status").str.starts_with("Buy")).then(1).otherwise(-1).cast(pl.Int8),
    )
    known = known.unique("order_id", keep="first", maintain_order=True)
    return (
        orders.join(known, on="order_id", how="left", maintain_order="left")
        .with_columns(side=pl.col("side").fill_null(pl.col("created_side")))
        .drop("created_side")
    )


def read_order_events(database: BotDatabase, _bot: str) -> dict[str, pl.DataFrame]:
    """OrderStatus rows."""
    rows = database.read("OrderStatus", [number("timestamp"), words("order_id"), words("status")])
    return {"order_events": canonical(
        "order_events", rows, order_id=pl.col("order_id"), at=ms_to_utc(pl.col("timestamp")),
        status=pl.col("status"),
    )}  # fmt: skip


def read_funding(database: BotDatabase, bot: str) -> dict[str, pl.DataFrame]:
    """FundingPayment rows; connectors write seconds or milliseconds, told apart by magnitude."""
    numbers, texts = ("timestamp", "rate", "amount"), ("config_file_path", "market", "symbol")
    rows = database.read("FundingPayment", _cells(database, "FundingPayment", numbers, texts))
    return {"funding": canonical(
        "funding", rows, bot=pl.lit(bot), config=pl.col("config_file_path"), connector=pl.col("market"),
        pair=pl.col("symbol"), at=us_to_utc(epoch_us(pl.col("timestamp"))), rate=pl.col("rate"),
        amount_quote=pl.col("amount"),
    )}  # fmt: skip


def read_quotes(database: BotDatabase, _bot: str) -> dict[str, pl.DataFrame]:
    """MarketData rows: mid, bid and ask; the time is milliseconds × 1e6."""
    numbers = ("timestamp", "mid_price", "best_bid", "best_ask")
    rows = database.read("MarketData", _cells(database, "MarketData", numbers, ("exchange", "trading_pair")))
    bid, ask = (plain(database, "MarketData", name) for name in ("best_bid", "best_ask"))
    return {"quotes": canonical(
        "quotes", rows, kind=pl.lit("market_data"), connector=pl.col("exchange"), pair=pl.col("trading_pair"),
        at=us_to_utc(epoch_us(pl.col("timestamp"))), mid_quote=plain(database, "MarketData", "mid_price"),
        bid_quote=pl.when(bid > 0.0).then(bid), ask_quote=pl.when(ask > 0.0).then(ask),
    )}  # fmt: skip

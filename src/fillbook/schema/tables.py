"""The canonical tables, one class each: what every layer after the sources may rely on.

Money is in the quote asset of the pair and ends in ``_quote``, amounts in ``_base``. Times are
UTC, end in ``at``, and carry microseconds. `source` is the position of the file in the lineage,
`row` its row there (SQLite rowid, or line after the header), so that a number leads back to it.
"""

from __future__ import annotations

import functools
from types import MappingProxyType
from typing import TYPE_CHECKING

import dataframely as dy
import polars as pl

from fillbook.schema.column import flag, integer, label, moment, number, side, text

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Origin(dy.Schema):
    """Where a row came from."""

    source = integer("position of the file in the lineage")
    row = integer("row of the source: SQLite rowid, or line after the header")


class Fills(_Origin):
    """One execution each, every one booked exactly once; ordered by (at, source, row)."""

    bot = label("bot: instance folder, or stem of the file name")
    config = label("config file or script the bot ran")
    strategy = label("strategy or script")
    connector = label("exchange, by its connector's name in Hummingbot")
    pair = label("BASE-QUOTE")
    base = label("base asset")
    quote = label("quote asset")
    at = moment("clock tick at which the bot processed the fill (1 s resolution)")
    order_id = text("client order id")
    trade_id = text("trade id of the exchange; empty where the source has none")
    side = side()
    order_type = label("MARKET, LIMIT, LIMIT_MAKER, AMM_SWAP")
    price_quote = number("price", unit="quote/base", positive=True)
    amount_base = number("quantity, gross of fee", unit="base", positive=True)
    quantum = number("step the stored price and amount were truncated to; 0 where exact", unit="")
    leverage = integer("leverage the connector believed", nullable=True)
    position_action = label("OPEN, CLOSE or NIL: intent, not direction", nullable=True)
    fee_percent = number(
        "fee as a fraction of the quote value; null where fees are not known",
        unit="fraction",
        nullable=True,
    )
    fee_type = label("how the bot labelled the fee: AddedToCost, DeductedFromReturns", nullable=True)
    fee_token = label("token of the first flat fee", nullable=True)
    fee_amount = number("first flat fee, + paid, − rebate", unit="token", nullable=True)
    fee_quote_recorded = number(
        "fee in quote as the bot recorded it; 0 = failed", unit="quote", nullable=True
    )
    controller_id = label("controller of the linked executor; null = unlinked", nullable=True)
    executor_id = label("executor that placed the order; null = unlinked", nullable=True)
    close_type = label("close type of the linked executor", nullable=True)


class FlatFees(_Origin):
    """Flat fees after the first of a fill (`source`, `row` name the fill). Nearly always empty."""

    token = label("fee token")
    amount = number("fee, + paid, − rebate", unit="token")


class Orders(_Origin):
    """One acknowledged order each."""

    bot = label("bot")
    config = label("config file or script the bot ran")
    strategy = label("strategy or script")
    connector = label("exchange")
    pair = label("BASE-QUOTE")
    base = label("base asset")
    quote = label("quote asset")
    order_id = text("client order id")
    exchange_order_id = text("order id of the exchange", nullable=True)
    side = side("+1 BUY, −1 SELL; null where nothing says", nullable=True)
    at = moment("creation, as the bot's clock tick")
    order_type = label("MARKET, LIMIT, LIMIT_MAKER, AMM_SWAP")
    amount_base = number("quantity asked for", unit="base")
    price_quote = number(
        "limit price; null for market orders and truncated prices", unit="quote/base", nullable=True
    )
    price_reason = label(
        "why there is no limit price: market_order_no_price, truncated_below_1e-6", nullable=True
    )
    leverage = integer("leverage the connector believed", nullable=True)
    position_action = label("OPEN, CLOSE or NIL", nullable=True)
    last_status = label("last event the bot wrote")
    updated_at = moment("time of that event", nullable=True)
    controller_id = label("controller of the linked executor", nullable=True)
    executor_id = label("executor that placed the order", nullable=True)
    close_type = label("close type of the linked executor", nullable=True)


class OrderEvents(_Origin):
    """Life of the orders, an event a row."""

    order_id = text("client order id")
    at = moment("time of the event")
    status = label("market event: BuyOrderCreated, OrderFilled, OrderCancelled, …")


class Executors(_Origin):
    """Hummingbot V2 executors as the bot stored them; used for tags, never as PnL truth."""

    bot = label("bot")
    executor_id = text("executor id")
    type = label("position_executor, dca_executor, grid_executor, …")
    controller_id = label("controller", nullable=True)
    connector = label("exchange; null for two-market executors", nullable=True)
    pair = label("BASE-QUOTE", nullable=True)
    side = side(nullable=True)
    at = moment("creation")
    closed_at = moment("close", nullable=True)
    close_type = label("TIME_LIMIT, STOP_LOSS, TAKE_PROFIT, EARLY_STOP, …", nullable=True)
    status = label("NOT_STARTED, RUNNING, SHUTTING_DOWN, TERMINATED", nullable=True)
    net_pnl_quote = number("net PnL as Hummingbot stored it", unit="quote", nullable=True)
    net_pnl_fraction = number(
        "the same over a denominator that differs by type", unit="fraction", nullable=True
    )
    fees_quote = number("fees as Hummingbot stored them", unit="quote", nullable=True)
    volume_quote = number("filled amount, open and close legs", unit="quote", nullable=True)
    is_active = flag("still running when stored", nullable=True)
    level_id = label("level of a market maker or grid", nullable=True)
    config = text("configuration, JSON", nullable=True)
    custom_info = text("state, JSON", nullable=True)


class ExecutorOrders(dy.Schema):
    """Which executor placed which order, by client order id."""

    source = integer("position of the file in the lineage")
    executor_id = text("executor id")
    order_id = text("client order id")


class Controllers(_Origin):
    """Configuration of a controller, a row a start of the bot."""

    bot = label("bot")
    controller_id = label("id, as executors name it", nullable=True)
    at = moment("start")
    type = label("market_making, directional_trading, generic", nullable=True)
    name = label("controller_name of the configuration", nullable=True)
    config = text("configuration, JSON", nullable=True)


class Positions(_Origin):
    """Positions Hummingbot said it held when it stopped (PnL before fees)."""

    bot = label("bot")
    controller_id = label("controller", nullable=True)
    connector = label("exchange")
    pair = label("BASE-QUOTE")
    side = side(nullable=True)
    at = moment("when stored")
    volume_quote = number("volume traded", unit="quote", nullable=True)
    amount_base = number("net amount held, unsigned", unit="base", nullable=True)
    breakeven_quote = number("average entry, before fees", unit="quote/base", nullable=True)
    unrealized_pnl_quote = number("as stored", unit="quote", nullable=True)
    realized_pnl_quote = number("as stored at the first insert", unit="quote", nullable=True)
    fees_quote = number("cumulative fees", unit="quote", nullable=True)


class Funding(_Origin):
    """Funding payments of perpetuals."""

    bot = label("bot")
    config = label("config file or script")
    connector = label("exchange")
    pair = label("BASE-QUOTE")
    at = moment("payment")
    rate = number("funding rate as recorded", unit="fraction", nullable=True)
    amount_quote = number("+ received, − paid", unit="quote")


class Quotes(_Origin):
    """Mid, bid and ask of a market, as the bot or a file of quotes has them."""

    kind = label("who says so: market_data (the bot's table MarketData), quote_file, status_log")
    connector = label("exchange; null where the file does not say", nullable=True)
    pair = label("BASE-QUOTE", nullable=True)
    at = moment("sample")
    mid_quote = number("mid price", unit="quote/base", positive=True)
    bid_quote = number("best bid", unit="quote/base", nullable=True)
    ask_quote = number("best ask", unit="quote/base", nullable=True)


class MarketTrades(_Origin):
    """Trades of everybody on an exchange, as public feeds and recorders have them; never the bot's own."""

    connector = label("exchange; null where the file does not say", nullable=True)
    pair = label("BASE-QUOTE", nullable=True)
    at = moment("trade")
    price_quote = number("price", unit="quote/base", positive=True)
    amount_base = number("quantity", unit="base", nullable=True)
    side = side("+1 the taker bought, −1 sold; null where nothing says", nullable=True)


class Candles(_Origin):
    """Candles; one is known only at `at` + `interval_s`."""

    connector = label("exchange; null where the file does not say", nullable=True)
    pair = label("BASE-QUOTE", nullable=True)
    interval_s = number("length", unit="s", positive=True)
    at = moment("open time")
    open_quote = number("open", unit="quote/base", positive=True)
    high_quote = number("high", unit="quote/base", positive=True)
    low_quote = number("low", unit="quote/base", positive=True)
    close_quote = number("close", unit="quote/base", positive=True)
    volume_base = number("volume", unit="base", nullable=True)
    volume_quote = number("volume", unit="quote", nullable=True)


class MarketStates(_Origin):
    """In-flight orders as the bot saved them at a stop, JSON."""

    config = label("config file or script")
    connector = label("exchange")
    at = moment("when saved")
    saved_state = text("client order id → in-flight order, JSON", nullable=True)


class LpUpdates(_Origin):
    """Liquidity-pool events: listed, not booked."""

    at = moment("event")
    order_id = text("Hummingbot id")
    connector = label("exchange", nullable=True)
    pair = label("BASE-QUOTE", nullable=True)
    action = label("ADD or REMOVE", nullable=True)
    base_amount = number("base moved", unit="base", nullable=True)
    quote_amount = number("quote moved", unit="quote", nullable=True)
    base_fee = number("fees collected", unit="base", nullable=True)
    quote_fee = number("fees collected", unit="quote", nullable=True)
    fee_quote_recorded = number("transaction fee in quote", unit="quote", nullable=True)


class Quarantine(_Origin):
    """Rows kept out of the books, each with its reason and its content."""

    table = label("table the row belongs to")
    reason = label("rule that refused it: zero_price, bad_amount, conflicting_duplicate, …")
    connector = label("exchange", nullable=True)
    pair = label("BASE-QUOTE", nullable=True)
    at = moment("its time, where readable", nullable=True)
    amount_base = number("quantity kept out of the books", unit="base", nullable=True)
    notional_quote = number("its value at the order's price, where known", unit="quote", nullable=True)
    content = text("the row as read, JSON")


TABLES: Mapping[str, type[dy.Schema]] = {
    "fills": Fills,
    "flat_fees": FlatFees,
    "orders": Orders,
    "order_events": OrderEvents,
    "executors": Executors,
    "executor_orders": ExecutorOrders,
    "controllers": Controllers,
    "positions": Positions,
    "funding": Funding,
    "quotes": Quotes,
    "market_trades": MarketTrades,
    "candles": Candles,
    "market_states": MarketStates,
    "lp_updates": LpUpdates,
    "quarantine": Quarantine,
}


@functools.cache
def columns_of(table: str) -> Mapping[str, dy.Column]:
    """Columns of table `table` by name, worked out once: the data model does not change."""
    return MappingProxyType(TABLES[table].columns())


@functools.cache
def dtypes_of(table: str) -> Mapping[str, pl.DataType]:
    """Dtypes of the columns of table `table`."""
    return MappingProxyType({name: column.dtype for name, column in columns_of(table).items()})


@functools.cache
def _empty(table: str) -> pl.DataFrame:
    return pl.DataFrame(schema=dict(dtypes_of(table)))


def empty(table: str) -> pl.DataFrame:
    """Table `table` without rows, with its columns and dtypes."""
    return _empty(table).clone()

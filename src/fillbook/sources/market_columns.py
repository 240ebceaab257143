"""How files of market data call their columns, and by these what a file holds."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path

import polars as pl

from fillbook.sources.csv_files import header_of

TABLES = (".csv", ".parquet")  # endings of files with columns
CANDLE_TIMES = ("timestamp", "timestamp_ms", "open_time", "date", "datetime", "time")
CLOSES = ("close", "adj_close", "adj close")
TIMES = (
    "timestamp", "ts", "time", "datetime", "date", "timestamp_ms", "transact_time", "transaction_time",
    "event_time", "local_timestamp",
)  # fmt: skip
MIDS = ("mid", "mid_price", "midprice")
BIDS = ("bid", "best_bid", "bid_price", "best_bid_price", "bid_px", "b")
ASKS = ("ask", "best_ask", "ask_price", "best_ask_price", "ask_px", "a")
LEVEL = "level"
PRICE = "price"
AMOUNTS = ("amount", "qty", "quantity", "size", "volume", "q_base")
SIDES = ("side", "taker_side")
MAKERS = ("is_buyer_maker", "isbuyermaker", "buyer_is_maker")
_VENUES = ("exchange", "connector", "venue")
_PAIRS = ("pair", "trading_pair", "symbol")
_MARKET = "market"  # a venue, or the pair where another column names the venue
MARKETS = frozenset({*_VENUES, *_PAIRS, _MARKET})
_SIZE = re.compile(r"(?:best_)?(?:bid|ask)_?(?:size|qty|quantity|amount|volume|vol|sz)")
_COUNTERS = frozenset({"", "id", "row", "index", "seq", "sequence", "update_id"})
_NEUTRAL = frozenset({*TIMES, *MARKETS, *MIDS, *BIDS, *ASKS, *_COUNTERS, LEVEL})
# what only the one who traded knows: such a file is a bot's or an account's, and not the market's
_OWN = frozenset("""
order_id orderid client_order_id clientorderid exchange_order_id order_type trade_type trade_fee fee fees
fee_amount fee_token fee_currency commission commission_asset commissionasset config_file_path config strategy
executor_id controller_id bot position position_action leverage realized_pnl pnl is_maker ismaker
""".split())  # fmt: skip


def columns_of(path: Path) -> set[str]:
    """Column names of a CSV or Parquet file, lower case; none where they cannot be read."""
    if path.suffix.lower() != ".parquet":
        return header_of(path)
    try:
        return {name.strip().lower() for name in pl.read_parquet_schema(path)}
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
        return set()


def first_of(columns: Collection[str], names: Iterable[str]) -> str | None:
    """The first of `names` that the columns hold."""
    return next((name for name in names if name in columns), None)


def is_candles(columns: Collection[str]) -> bool:
    """Whether there are a time and a close."""
    return _any(columns, CANDLE_TIMES) and _any(columns, CLOSES)


def is_quotes(columns: Collection[str]) -> bool:
    """Whether there are a time and either a mid or both a bid and an ask, and no candles."""
    has_price = _any(columns, MIDS) or (_any(columns, BIDS) and _any(columns, ASKS))
    return has_price and _any(columns, TIMES) and not is_candles(columns)


def is_timeless(columns: Collection[str]) -> bool:
    """Whether there is a mid and no time: so Hummingbot writes its debug CSVs of Avellaneda."""
    return _any(columns, MIDS) and not _any(columns, (*TIMES, *CANDLE_TIMES))


def is_log(columns: Collection[str]) -> bool:
    """Whether there is a mid beside the state of a bot: anything that quotes do not have."""
    others = {name for name in columns if name not in _NEUTRAL and not _SIZE.fullmatch(name)}
    return _any(columns, MIDS) and bool(others)


def is_trades(columns: Collection[str]) -> bool:
    """Whether there are time, price, amount and the taker's side, of trades that nobody claims as his own."""
    has_side = _any(columns, (*SIDES, *MAKERS))
    has_trade = PRICE in columns and _any(columns, TIMES) and _any(columns, AMOUNTS)
    is_other = is_candles(columns) or is_quotes(columns) or _any(columns, _OWN)
    return has_trade and has_side and not is_other


def _any(columns: Collection[str], names: Iterable[str]) -> bool:
    return any(name in columns for name in names)


def market_columns(columns: Collection[str]) -> tuple[str | None, str | None]:
    """Columns that name the venue and the pair of each row, null where none does.

    >>> market_columns({"exchange", "market"}), market_columns({"market", "symbol"})
    (('exchange', 'market'), ('market', 'symbol'))
    """
    venue, pair = first_of(columns, _VENUES), first_of(columns, _PAIRS)
    if _MARKET in columns and venue is None:
        venue = _MARKET
    elif _MARKET in columns and pair is None:
        pair = _MARKET
    return venue, pair

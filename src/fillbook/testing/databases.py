"""Databases as Hummingbot of each version wrote them, for tests, benchmarks and the demo."""

from __future__ import annotations

import functools
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

SCALE = 1_000_000
VERSIONS = ("20190614", "20210119", "20220130", "20230516")
_FIRST, _SIGNED, _SCALED, _LATEST = VERSIONS

Row = Mapping[str, object]

_ORDER = """id TEXT NOT NULL, config_file_path TEXT NOT NULL, strategy TEXT NOT NULL,
market TEXT NOT NULL, symbol TEXT NOT NULL, base_asset TEXT NOT NULL, quote_asset TEXT NOT NULL,
creation_timestamp BIGINT NOT NULL, order_type TEXT NOT NULL, amount BIGINT NOT NULL,
leverage INTEGER NOT NULL, price BIGINT NOT NULL, last_status TEXT NOT NULL,
last_update_timestamp BIGINT NOT NULL, exchange_order_id TEXT, position TEXT"""
_FILL = """config_file_path TEXT NOT NULL, strategy TEXT NOT NULL, market TEXT NOT NULL,
symbol TEXT NOT NULL, base_asset TEXT NOT NULL, quote_asset TEXT NOT NULL,
timestamp BIGINT NOT NULL, order_id TEXT NOT NULL, trade_type TEXT NOT NULL,
order_type TEXT NOT NULL, price BIGINT NOT NULL, amount BIGINT NOT NULL,
leverage INTEGER NOT NULL, trade_fee JSON NOT NULL, trade_fee_in_quote BIGINT,
exchange_trade_id TEXT NOT NULL, position TEXT"""
_TABLES = {
    "Metadata": "key TEXT NOT NULL, value TEXT NOT NULL",
    "Order": _ORDER,
    "OrderStatus": "id INTEGER NOT NULL, order_id TEXT NOT NULL, timestamp BIGINT NOT NULL, "
    "status TEXT NOT NULL",
    "TradeFill": _FILL,
    "MarketState": "id INTEGER NOT NULL, config_file_path TEXT NOT NULL, market TEXT NOT NULL, "
    "timestamp BIGINT NOT NULL, saved_state JSON NOT NULL",
    "FundingPayment": "timestamp BIGINT NOT NULL, config_file_path TEXT NOT NULL, market TEXT NOT NULL, "
    "rate FLOAT NOT NULL, symbol TEXT NOT NULL, amount FLOAT NOT NULL",
    "MarketData": "timestamp BIGINT NOT NULL, exchange TEXT NOT NULL, trading_pair TEXT NOT NULL, "
    "mid_price BIGINT NOT NULL, best_bid BIGINT NOT NULL, best_ask BIGINT NOT NULL, order_book JSON",
    "Executors": """id TEXT NOT NULL, timestamp FLOAT NOT NULL, type TEXT NOT NULL, close_type INTEGER,
close_timestamp BIGINT, status INTEGER NOT NULL, config JSON NOT NULL, net_pnl_pct FLOAT NOT NULL,
net_pnl_quote FLOAT NOT NULL, cum_fees_quote FLOAT NOT NULL, filled_amount_quote FLOAT NOT NULL,
is_active BOOLEAN NOT NULL, is_trading BOOLEAN NOT NULL, custom_info JSON NOT NULL, controller_id TEXT""",
    "Controllers": "id TEXT, controller_id INTEGER NOT NULL, timestamp FLOAT NOT NULL, "
    "type TEXT NOT NULL, config JSON NOT NULL",
    "Position": """id TEXT NOT NULL, controller_id TEXT NOT NULL, connector_name TEXT NOT NULL,
side TEXT NOT NULL, trading_pair TEXT NOT NULL, timestamp BIGINT NOT NULL,
volume_traded_quote BIGINT NOT NULL, amount BIGINT NOT NULL, breakeven_price BIGINT NOT NULL,
unrealized_pnl_quote BIGINT NOT NULL, realized_pnl_quote BIGINT NOT NULL, cum_fees_quote BIGINT NOT NULL""",
}
_KEYS = {
    "Metadata": "key",
    "Order": "id",
    "OrderStatus": "id",
    "TradeFill": "market, order_id, exchange_trade_id",
    "MarketState": "id",
    "FundingPayment": "timestamp",
    "MarketData": "timestamp",
    "Executors": "id",
    "Controllers": "controller_id",
    "Position": "id",
}
_SINCE = {
    "FundingPayment": _SIGNED, "MarketData": _LATEST, "Executors": _LATEST, "Controllers": _LATEST,
    "Position": _LATEST,
}  # fmt: skip
_ADDED = {
    "exchange_order_id": _SIGNED,
    "leverage": _SIGNED,
    "position": _SIGNED,
    "trade_fee_in_quote": _LATEST,
}
_SCALED_TYPE, _FLOAT_TYPE = "BIGINT NOT NULL", "FLOAT NOT NULL"
_MONEY = frozenset({
    "price", "amount", "trade_fee_in_quote", "mid_price", "best_bid", "best_ask",
    "volume_traded_quote", "breakeven_price", "unrealized_pnl_quote", "realized_pnl_quote",
    "cum_fees_quote",
})  # fmt: skip
_DEFAULTS: Row = {
    "config_file_path": "conf_bot.yml", "strategy": "pure_market_making", "order_type": "LIMIT",
    "leverage": 1, "position": "NIL", "last_status": "BuyOrderCompleted", "is_active": 0,
    "is_trading": 0, "status": 4, "net_pnl_pct": 0.0,
}  # fmt: skip


@functools.cache
def columns_of(table: str, version: str = _LATEST) -> Mapping[str, str]:
    """Columns of a table with their declared types, as that version created it.

    Prices and amounts were FLOAT in real units before 20220130, integers of 1e-6 since.
    """
    listed = (part.split(maxsplit=1) for part in _TABLES[table].replace("\n", " ").split(", "))
    columns = {name: kind for name, kind in listed if _ADDED.get(name, _FIRST) <= version}
    if table in ("Order", "TradeFill") and version < _SCALED:
        columns |= dict.fromkeys(("price", "amount"), _FLOAT_TYPE)
        if table == "TradeFill":
            columns = {"id": "INTEGER NOT NULL", **columns}
    return columns


def create(connection: sqlite3.Connection, version: str = _LATEST) -> None:
    """Create every table that version had, and state the version."""
    for table in _TABLES:
        if _SINCE.get(table, _FIRST) > version:
            continue
        columns = columns_of(table, version)
        listed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
        key = "id" if table == "TradeFill" and "id" in columns else _KEYS[table]
        connection.execute(f'CREATE TABLE "{table}" ({listed}, PRIMARY KEY ({key}))')
    connection.execute("INSERT INTO Metadata VALUES ('local_db_version', ?)", (version,))


def insert(connection: sqlite3.Connection, table: str, rows: Iterable[Row], version: str = _LATEST) -> None:
    """Insert rows given in plain units; what is left out takes Hummingbot's default or null.

    Money is cut to 1e-6 where the column is declared BIGINT, as Hummingbot cuts it; a dict
    becomes JSON.
    """
    columns = columns_of(table, version)
    marks = ", ".join("?" * len(columns))
    cells = [(name, _DEFAULTS.get(name), _is_scaled(table, name, kind)) for name, kind in columns.items()]
    connection.executemany(
        f'INSERT INTO "{table}" VALUES ({marks})',
        ([_stored(row.get(name, default), scaled) for name, default, scaled in cells] for row in rows),
    )


def _is_scaled(table: str, name: str, kind: str) -> bool:
    return name in _MONEY and kind.startswith("BIGINT") and table != "FundingPayment"


def _stored(value: object, is_scaled: bool) -> object:  # noqa: FBT001  (private, and called per cell)
    if isinstance(value, (dict, list)):
        return json.dumps(value)
    if is_scaled and isinstance(value, (int, float)):
        return int(round(value * SCALE, 3))  # 0.1 × 1e6 is 99999.99…: not a digit the bot lost
    return value


def write_database(path: Path, tables: Mapping[str, Iterable[Row]], *, version: str = _LATEST) -> Path:
    """Write a bot's database and return its path.

    Parameters
    ----------
    path
        File to make; its folder is made too.
    tables
        Rows by table, under Hummingbot's column names, in plain units.
    version
        One of `VERSIONS`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")
        create(connection, version)
        for table, rows in tables.items():
            insert(connection, table, rows, version)
    return path


def write_large_database(path: Path, n_fills: int, *, seed: int = 0) -> Path:
    """Write a maker's database of `n_fills` fills on four pairs, with fees in BNB and in quote."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        create(connection)
        marks = ", ".join("?" * len(columns_of("TradeFill")))
        connection.executemany(f'INSERT INTO "TradeFill" VALUES ({marks})', _large_fills(n_fills, seed))
    return path


_PAIRS = (("SOL", 150.0), ("ETH", 3_000.0), ("WLD", 2.5), ("AVAX", 40.0))
_START_MS = 1_700_000_000_000


def _large_fills(n: int, seed: int) -> Iterator[Sequence[object]]:
    """Stored rows of fills, five seconds apart, sides as a maker's: mostly turn by turn."""
    rng = np.random.default_rng(seed)
    walk = np.exp(np.cumsum(rng.normal(0.0, 2e-4, n)))
    side = np.where(rng.random(n) < 0.5, "BUY", "SELL").tolist()
    units = rng.integers(1, 9, n).tolist()
    pair = rng.integers(0, len(_PAIRS), n).tolist()
    fee = rng.integers(1_000, 99_999, n).tolist()
    for i, (x, s, k, p, f) in enumerate(zip(walk.tolist(), side, units, pair, fee, strict=True)):
        base, start = _PAIRS[p]
        ms = _START_MS + 5_000 * i
        in_token = "BNB" if p % 2 else "USDT"
        paid = (
            f'{{"fee_type": "DeductedFromReturns", "percent": "0", "percent_token": "{in_token}", '
            f'"flat_fees": [{{"token": "{in_token}", "amount": "0.{f:08d}"}}]}}'
        )
        yield (
            "conf_pure_mm_1.yml", "pure_market_making", "binance", f"{base}-USDT", base, "USDT", ms,
            f"x-MG43PCSN{s[0]}{base[0]}{base[-1]}UT{ms * 1000 + i % 1000:013x}d032", s, "LIMIT_MAKER",
            int(start * x * SCALE), k * 10_000_000, 1, paid, f // 100, str(803_000_039 + i), "NIL",
        )  # fmt: skip

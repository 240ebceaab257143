"""Rows of a small bot and the bytes it left, for the tests of the sources."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

AT_MS = 1_650_000_000_000  # 2022-04-15 05:20:00 UTC
FEE = {"percent": 0.001, "percent_token": None, "flat_fees": []}
PAIR = {
    "market": "binance", "symbol": "ABC-USDT", "base_asset": "ABC", "quote_asset": "USDT",
}  # fmt: skip


def fill(number: int = 1, **more: object) -> dict[str, object]:
    """Buy 2.5 ABC at 100 USDT, a second after the one before."""
    return {
        **PAIR, "timestamp": AT_MS + 1_000 * number, "order_id": f"o{number}", "trade_type": "BUY",
        "price": 100.0, "amount": 2.5, "trade_fee": FEE, "exchange_trade_id": f"t{number}", **more,
    }  # fmt: skip


def order(number: int = 1, **more: object) -> dict[str, object]:
    """The order of that fill, placed five seconds before."""
    at = AT_MS + 1_000 * number
    return {
        **PAIR, "id": f"o{number}", "creation_timestamp": at - 5_000, "amount": 2.5, "price": 100.0,
        "last_update_timestamp": at, **more,
    }  # fmt: skip


def execute(path: Path, *statements: str | tuple[str, Sequence[object]]) -> None:
    """Do SQL on a database, as something other than the bot might."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            sql, values = (statement, ()) if isinstance(statement, str) else statement
            connection.execute(sql, values)


def hashes(path: Path) -> Mapping[str, str]:
    """SHA-256 of a file and of all that lies beside it under its name (-wal, -shm, -journal)."""
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(path.parent.iterdir())
        if file.is_file() and file.name.startswith(path.name)
    }

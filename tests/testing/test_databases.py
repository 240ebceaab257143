"""What the writer writes is what the sources read back, for every version."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import fillbook
from fillbook.testing.databases import VERSIONS, write_database, write_large_database

AT_MS = 1_650_000_000_000
FEE = {"percent": 0.001, "percent_token": None, "flat_fees": []}
FILL = {
    "market": "binance", "symbol": "ABC-USDT", "base_asset": "ABC", "quote_asset": "USDT",
    "timestamp": AT_MS, "order_id": "o1", "trade_type": "BUY", "price": 1.2345678, "amount": 2.5,
    "trade_fee": FEE, "exchange_trade_id": "t1",
}  # fmt: skip
ORDER = {
    "id": "o1", "market": "binance", "symbol": "ABC-USDT", "base_asset": "ABC", "quote_asset": "USDT",
    "creation_timestamp": AT_MS - 5_000, "amount": 2.5, "price": 1.25, "last_update_timestamp": AT_MS,
}  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_reads_back(tmp_path: Path, version: str) -> None:
    path = write_database(tmp_path / "bot.sqlite", {"TradeFill": [FILL], "Order": [ORDER]}, version=version)
    data = fillbook.open_data(path)
    fill = data.fills.row(0, named=True)
    exact = version < "20220130"
    assert fill["price_quote"] == (1.2345678 if exact else 1.234567)  # cut, not rounded
    assert fill["quantum"] == (0.0 if exact else 1e-6)
    assert fill["amount_base"] == 2.5
    assert fill["fee_percent"] == 0.001
    assert fill["at"].timestamp() * 1000 == AT_MS
    assert data.orders["price_quote"].to_list() == [1.25]
    assert data.lineage.files[0].schema_version == version


def test_prices_are_told_by_their_declared_type(tmp_path: Path) -> None:
    """A FLOAT column that holds a large whole number is no scaled integer."""
    path = write_database(
        tmp_path / "bot.sqlite", {"TradeFill": [{**FILL, "price": 2_500_000.0}]}, version="20210119"
    )
    assert fillbook.open_data(path).fills["price_quote"].to_list() == [2_500_000.0]


def test_the_large_database_has_as_many_fills_as_asked_for(tmp_path: Path) -> None:
    path = write_large_database(tmp_path / "large.sqlite", 1_000)
    data = fillbook.open_data(path)
    assert data.fills.height == 1_000
    assert data.quarantine.is_empty()
    assert data.fills["pair"].n_unique() == 4
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(DISTINCT order_id) FROM TradeFill").fetchone() == (1_000,)

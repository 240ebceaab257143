"""Cells of a Hummingbot database that are not what their column promises, as text."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing

import polars as pl

from fillbook.schema.raw import UNREADABLE_SCHEMA
from fillbook.sources.sqlite_reading import Database, damaged
from fillbook.sources.sqlite_trades import has

LISTED_CELLS = 1_000


def unreadable_cells(database: Database, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Cells of fills and orders that are not the number their column promises, as text.

    Parameters
    ----------
    database
        Where the cells are.
    tables
        What was read from it; only columns that came out with nulls are looked at again.
    """
    found: list[tuple[str, int, str, str]] = []
    try:
        with closing(database.connect()) as connection:
            for (table, column), (canonical_name, name) in PROMISED.items():
                rows = tables.get(canonical_name)
                if rows is None or table not in database.columns or not has(database, table, column):
                    continue
                lost = lost_rows(rows, name)
                if lost:
                    found += _unreadable(connection, table, column, canonical_name, lost)
            for table, column, canonical_name in _JSON_CELLS:
                if canonical_name in tables and column in database.columns.get(table, {}):
                    found += _not_json(connection, table, column, canonical_name)
    except sqlite3.Error as error:
        raise damaged(database.uri, "TradeFill", error) from error
    return pl.DataFrame(found, schema=UNREADABLE_SCHEMA, orient="row")


PROMISED: Mapping[tuple[str, str], tuple[str, str]] = {
    ("TradeFill", "timestamp"): ("fills", "at"), ("TradeFill", "price"): ("fills", "price_quote"),
    ("TradeFill", "amount"): ("fills", "amount_base"),
    ("TradeFill", "trade_fee_in_quote"): ("fills", "fee_quote_recorded"),
    ("TradeFill", "trade_fee"): ("fills", "fee_percent"), ("TradeFill", "trade_type"): ("fills", "side"),
    ("Order", "creation_timestamp"): ("orders", "at"), ("Order", "price"): ("orders", "price_quote"),
    ("Order", "amount"): ("orders", "amount_base"),
}  # fmt: skip


# columns of text: every lost one but those that are no mistake
_TEXTS = {"trade_fee": "trade_fee IS NOT NULL", "trade_type": "upper(trade_type) <> 'RANGE'"}
_JSON_CELLS = (
    ("Executors", "config", "executors"),
    ("Executors", "custom_info", "executors"),
    ("Controllers", "config", "controllers"),
)


def _not_json(
    connection: sqlite3.Connection, table: str, column: str, name: str
) -> list[tuple[str, int, str, str]]:
    """Cells of a JSON column that do not parse, at most a thousand."""
    query = (
        f'SELECT rowid, CAST({column} AS TEXT) FROM "{table}" '
        f"WHERE {column} IS NOT NULL AND NOT json_valid({column}) LIMIT {LISTED_CELLS}"
    )
    return [(name, row, column, str(value)) for row, value in connection.execute(query)]


def lost_rows(rows: pl.DataFrame, name: str) -> list[int]:
    """Row ids where a column came out null without a known reason."""
    if not rows[name].null_count():
        return []
    lost = pl.col(name).is_null()
    if name == "price_quote" and "price_reason" in rows.columns:
        lost &= pl.col("price_reason").is_null()
    return rows.filter(lost)["row"].to_list()


def _unreadable(
    connection: sqlite3.Connection, table: str, column: str, name: str, lost: list[int]
) -> list[tuple[str, int, str, str]]:
    """Those of the lost cells that hold something, at most a thousand."""
    bad = f"typeof({column}) NOT IN ('integer', 'real', 'null')"
    if column in _TEXTS:
        bad, lost = _TEXTS[column], lost[:LISTED_CELLS]
    few = f"rowid IN ({', '.join(map(str, lost))}) AND " if len(lost) <= LISTED_CELLS else ""
    query = f'SELECT rowid, CAST({column} AS TEXT) FROM "{table}" WHERE {few}{bad} LIMIT {LISTED_CELLS}'
    return [(name, row, column, str(value)) for row, value in connection.execute(query)]

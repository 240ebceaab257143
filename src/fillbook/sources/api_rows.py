"""Rows of the Hummingbot API as the database they came from, so that one code reads both.

The API scales prices and amounts, renames two columns, writes 0 for NULL and leaves out the fee's JSON.
Scaled and renamed back, the rows are those of the bot's own table; what is lost stays NULL.
"""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from fillbook.errors import UnreadableSourceError
from fillbook.findings import Finding
from fillbook.schema.raw import RawTables, SourceInfo
from fillbook.sources.api_paging import Row
from fillbook.sources.hummingbot import SCALE
from fillbook.sources.sqlite import HummingbotDatabase

_RENAMED = {"connector_name": "market", "trading_pair": "symbol"}
_LARGEST, _HUGE = 2**63 - 1, 10**300  # of SQLite's integers, and of what a float takes
_WHOLE = 1e-3  # how far a scaled value may be from a whole number; float64 says which it was


@dataclass(frozen=True, slots=True)
class Form:
    """How the rows of one table stand in the API, and how in Hummingbot's database.

    Parameters
    ----------
    table
        Hummingbot's name.
    scaled
        Columns of ×1e6 integers that the API divides.
    numbers
        Other columns in which 0 is a number; in the rest it stands for NULL.
    lost
        Columns whose value is not what the bot wrote.
    needed
        Columns without which there is no such table.
    is_renamed
        Whether market and symbol have the API's names.
    """

    table: str
    scaled: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()
    is_renamed: bool = True


FORMS: Mapping[str, Form] = {
    "trades": Form(
        "TradeFill", scaled=frozenset({"price", "amount"}), numbers=frozenset({"timestamp", "leverage"}),
        lost=frozenset({"trade_fee", "cum_fees_in_quote"}),
        needed=frozenset({"timestamp", "price", "amount", "trade_type", "order_id", "market", "symbol"}),
    ),
    "orders": Form(
        "Order", scaled=frozenset({"price", "amount"}),
        numbers=frozenset({"creation_timestamp", "last_update_timestamp", "leverage"}),
        needed=frozenset({"id", "price", "amount", "creation_timestamp", "last_status", "market", "symbol"}),
    ),
    "executors": Form(
        "Executors",
        numbers=frozenset({"timestamp", "status", "net_pnl_pct", "net_pnl_quote", "cum_fees_quote",
                           "filled_amount_quote", "is_active", "is_trading"}),
        needed=frozenset({"id", "timestamp", "type", "config", "custom_info"}),
    ),
    "controllers": Form("Controllers", numbers=frozenset({"controller_id", "timestamp"}),
                        needed=frozenset({"id", "config"})),
    "positions": Form(
        "Position", scaled=frozenset({"volume_traded_quote", "amount", "breakeven_price",
                                      "unrealized_pnl_quote", "cum_fees_quote"}),
        numbers=frozenset({"timestamp", "realized_pnl_quote"}), is_renamed=False,
        needed=frozenset({"controller_id", "connector_name", "trading_pair", "amount"}),
    ),
}  # fmt: skip
_FEE = "trade_fee_in_quote"  # scaled as well, but 0 there may have been NULL or a failed conversion
_UNSCALED = "realized_pnl_quote"  # the API hands this one out as it is stored


def raw_tables(
    uri: str, bot: str, tables: Mapping[str, list[Row]], *, size_bytes: int, findings: Iterable[Finding]
) -> RawTables:
    """Canonical tables of the API's rows.

    Parameters
    ----------
    uri, bot
        Where they came from, without secrets, and whose they are.
    tables
        Rows by the API's name of the table.
    size_bytes
        Of the answers.
    findings
        What is known of them already.

    Raises
    ------
    UnreadableSourceError
        A column is missing, or its numbers are not those of a database that the API can read.
    """
    with tempfile.TemporaryDirectory(prefix="fillbook-") as scratch:
        path = Path(scratch) / "plain.sqlite"
        with closing(sqlite3.connect(path)) as connection, connection:
            for name, rows in tables.items():
                _write(connection, uri, FORMS[name], rows)
        raw = read_plain(uri, path)
    return named(
        raw, uri, bot, kind="hummingbot_api", layout="Hummingbot API, ×1e6 integers restored",
        size_bytes=size_bytes, sha256=digest(tables), findings=findings,
    )  # fmt: skip


def read_plain(uri: str, path: Path) -> RawTables:
    """Tables of a database written here; what is wrong with it is wrong with `uri`."""
    try:
        return HummingbotDatabase(str(path)).read()
    except UnreadableSourceError as error:
        raise UnreadableSourceError(uri, error.why, error.remedy) from error


def named(
    raw: RawTables, uri: str, bot: str, *, kind: str, layout: str, size_bytes: int, sha256: str,
    findings: Iterable[Finding],
) -> RawTables:  # fmt: skip
    """The same tables under the name of whom they came from."""
    label = pl.lit(bot).cast(pl.Categorical)
    tables = {
        name: rows.with_columns(bot=label) if "bot" in rows.columns else rows
        for name, rows in raw.tables.items()
    }
    kept = [f for f in raw.findings if f.rule not in ("unknown_version", "missing_table")]
    info = SourceInfo(
        uri=uri, kind=kind, bot=bot, schema_version=None, layout=layout, size_bytes=size_bytes,
        sha256=sha256, rows=raw.info.rows,
    )  # fmt: skip
    return RawTables(
        info, tables, raw.unreadable, (*(replace(f, source=uri) for f in kept), *findings)
    )  # fmt: skip


def digest(tables: Mapping[str, list[Row]]) -> str:
    """SHA-256 over the rows, however they were paged."""
    found = hashlib.sha256()
    for name in sorted(tables):
        found.update(f"{name}\n".encode())
        for row in tables[name]:
            found.update(json.dumps(row, sort_keys=True, default=str).encode())
    return found.hexdigest()


def _write(connection: sqlite3.Connection, uri: str, form: Form, rows: list[Row]) -> None:
    """One table as Hummingbot lays it out."""
    held = list(dict.fromkeys(column for row in rows for column in row))
    names = {column: _RENAMED.get(column, column) if form.is_renamed else column for column in held}
    if rows and (missing := sorted(form.needed - set(names.values()))):
        raise UnreadableSourceError(
            uri, f"answers with other fields than the API's: no {', '.join(missing)} in its {form.table}",
            "has it another version? fillbook reads that of 2026",
        )  # fmt: skip
    kept = [column for column in held if names[column] not in form.lost]
    listed = list(dict.fromkeys([*(names[column] for column in kept), *sorted(form.needed)]))
    if form.table == "TradeFill":
        listed.append("trade_fee")
    money = form.scaled | {_FEE, _UNSCALED}
    declared = ", ".join(f'"{name}"' + (" BIGINT" if name in money else "") for name in listed)
    connection.execute(f'CREATE TABLE "{form.table}" ({declared})')
    columns = ", ".join(f'"{names[column]}"' for column in kept)
    marks = ", ".join("?" * len(kept))
    is_scaled = _is_scaled(rows)
    cells = ([_cell(uri, form, names[c], row.get(c), is_scaled) for c in kept] for row in rows)
    if kept:
        connection.executemany(f'INSERT INTO "{form.table}" ({columns}) VALUES ({marks})', cells)


def _is_scaled(rows: list[Row]) -> bool:
    """Whether the server divides ``realized_pnl_quote`` as well: what is stored has no fraction."""
    held = (row.get(_UNSCALED) for row in rows)
    return any(isinstance(value, float) and not value.is_integer() for value in held)


def _cell(uri: str, form: Form, name: str, value: object, is_realized_scaled: bool) -> object:  # noqa: FBT001
    """A cell as the bot stored it; what stands for NULL is NULL."""
    if not isinstance(value, int | float):
        return storable(value)
    if name in form.scaled or (name == _UNSCALED and is_realized_scaled):
        return _stored(uri, form.table, name, value)
    if name == _FEE:
        return _stored(uri, form.table, name, value) if value else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return storable(value) if value or name in form.numbers else None


def storable(value: object) -> object:
    """A value of JSON as SQLite takes it."""
    if isinstance(value, dict | list):
        return json.dumps(value)
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()  # half a character is none
    if isinstance(value, int) and abs(value) > _LARGEST:
        return float(min(max(value, -_HUGE), _HUGE))
    return value


def _stored(uri: str, table: str, name: str, value: object) -> int:
    """The ×1e6 integer of a value that the API divided."""
    if not isinstance(value, int | float) or not abs(value) <= _LARGEST / SCALE:
        raise UnreadableSourceError(uri, f"answers with a {name} in {table} that is no number of a bot")
    exact = value * SCALE
    whole = round(exact)
    if abs(exact - whole) > max(_WHOLE, 4.0 * math.ulp(exact)):
        raise UnreadableSourceError(
            uri, f"divides numbers by 1e6 that were not multiplied by it ({name} in {table} is {value!r})",
            "the database is of before 2022; open its file",
        )  # fmt: skip
    return whole

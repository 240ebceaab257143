"""Databases that Hummingbot bots leave behind, of every schema it has shipped (2019 to now)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import polars as pl

from fillbook.errors import UnreadableSourceError
from fillbook.findings import Finding, Severity
from fillbook.schema.raw import RawTables, SourceInfo, no_unreadable
from fillbook.sources import sqlite_bots, sqlite_trades
from fillbook.sources.base import bot_name, checked_path, sha256_of
from fillbook.sources.bot_database import BotDatabase
from fillbook.sources.hummingbot import KNOWN_VERSIONS
from fillbook.sources.sqlite_following import SqliteFeed
from fillbook.sources.sqlite_reading import Database, is_sqlite, opened
from fillbook.sources.sqlite_unreadable import unreadable_cells

Reader = Callable[[BotDatabase, str], dict[str, pl.DataFrame]]

# Hummingbot's table → what reads it; a table that is absent in a layout is simply not there
READERS: dict[str, Reader] = {
    "TradeFill": sqlite_trades.read_fills,
    "Order": sqlite_trades.read_orders,
    "OrderStatus": sqlite_trades.read_order_events,
    "FundingPayment": sqlite_trades.read_funding,
    "MarketData": sqlite_trades.read_quotes,
    "Executors": sqlite_bots.read_executors,
    "PositionExecutors": sqlite_bots.read_position_executors,
    "Controllers": sqlite_bots.read_controllers,
    "Position": sqlite_bots.read_positions,
    "MarketState": sqlite_bots.read_market_states,
    "RangePositionUpdate": sqlite_bots.read_lp_updates,
}
_NOT_READ = frozenset({"Metadata", "InventoryCost", "RangePosition", "RangePositionCollectedFees"})
ESSENTIAL = ("TradeFill", "Order")


class HummingbotDatabase:
    """One bot's SQLite file."""

    opens = "Hummingbot's SQLite databases of every version (2019 on), read-only, also while a bot writes"
    example = "bots/instances/NAME/data/NAME.sqlite"

    def __init__(self, uri: str) -> None:
        """Remember the address; nothing is read yet."""
        self.uri = uri

    @classmethod
    def matches(cls, path: Path) -> bool:
        """Whether the file is SQLite and not a checkpoint."""
        if not is_sqlite(path):
            return path.suffix in (".sqlite", ".sqlite3", ".db")
        try:
            with closing(
                sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
            ) as connection:
                names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        except (sqlite3.Error, UnicodeDecodeError):  # reading it says what is wrong
            return True
        return not {"trades", "orders"} <= names

    def read(self) -> RawTables:
        """All tables, in canonical columns and units.

        Raises
        ------
        UnreadableSourceError
            Not a Hummingbot database, damaged, locked, or not readable.
        """
        path = checked_path(self.uri)
        if not is_sqlite(path):
            raise UnreadableSourceError(
                self.uri, "is not a SQLite database",
                "a bot's database begins with the words SQLite format 3; copy it again",
            )  # fmt: skip
        with ThreadPoolExecutor(1) as pool, opened(self.uri, path) as database:
            digest = pool.submit(sha256_of, path)
            if not set(ESSENTIAL) & set(database.columns):
                held = ", ".join(sorted(database.columns)) or "no table at all"
                raise UnreadableSourceError(
                    self.uri, f"is not a Hummingbot database: it holds {held}",
                    "it needs the tables TradeFill and Order",
                )  # fmt: skip
            return _read(self.uri, path, database, digest.result)

    def follow(self, known: RawTables | None = None) -> SqliteFeed:
        """What the bot writes from now on, or since `known` was read."""
        return SqliteFeed(self.uri, lambda uri, path, database: _read(uri, path, database, str), known)


def _read(uri: str, path: Path, database: Database, digest: Callable[[], str]) -> RawTables:
    """Tables of an opened database, named after the bot."""
    bot, version = bot_name(path), database.schema_version()
    tables, lost = tables_of(database, bot)
    unreadable = unreadable_cells(database, tables)
    info = SourceInfo(
        uri=uri, kind="hummingbot_sqlite", bot=bot, schema_version=version,
        layout=layout_of(database), size_bytes=path.stat().st_size, sha256=digest(),
        rows={name: frame.height for name, frame in tables.items()},
    )  # fmt: skip
    findings = (*header_findings(database, version), *lost)
    return RawTables(info, tables, unreadable if unreadable.height else no_unreadable(), findings)


def tables_of(database: BotDatabase, bot: str) -> tuple[dict[str, pl.DataFrame], list[Finding]]:
    """Canonical tables of a bot's database, and a finding a table that could not be read.

    Raises
    ------
    UnreadableSourceError
        Fills or orders cannot be read.
    """
    tables: dict[str, pl.DataFrame] = {}
    findings = []
    for name, reader in READERS.items():
        if name not in database.columns or not database.counts[name]:
            continue
        try:
            for canonical, frame in reader(database, bot).items():
                more = [tables[canonical]] if canonical in tables else []
                tables[canonical] = pl.concat([*more, frame]) if more else frame
        except UnreadableSourceError as error:
            if name in ESSENTIAL:
                raise
            findings.append(_lost_table(database.uri, name, error))
    return tables, findings


def layout_of(database: BotDatabase) -> str:
    """What the declared columns say: the version string stopped changing in 2023."""
    declared = database.columns.get("TradeFill", database.columns.get("Order", {}))
    unit = "float" if declared.get("price") == "FLOAT" else "scaled by 1e6"
    marks = [
        ("Position", "realized_pnl_quote", "2026"), ("Position", "side", "2025"),
        ("Position", "filled_orders", "early 2025"), ("Controllers", "id", "2024"),
        ("Executors", "controller_id", "early 2024"), ("Executors", "id", "early 2024"),
        ("PositionExecutors", "id", "late 2023"), ("TradeFill", "trade_fee_in_quote", "2023"),
        ("TradeFill", "leverage", "2021 or 2022"),
    ]  # fmt: skip
    year = next(
        (y for table, column, y in marks if column in database.columns.get(table, {})),
        "2019 or 2020",
    )
    return f"{unit}, {year}"


def header_findings(database: BotDatabase, version: str | None) -> list[Finding]:
    """Unknown versions, tables and columns: named, and otherwise left alone."""
    uri, findings = database.uri, []
    if version not in KNOWN_VERSIONS:
        said = f"schema version {version}" if version else "no schema version"
        findings.append(Finding(
            "Metadata", "unknown_version", Severity.WARNING,
            f"the database states {said}; units follow the declared column types", source=uri,
        ))  # fmt: skip
    known = sqlite_trades.COLUMNS | sqlite_bots.COLUMNS
    for table, columns in database.columns.items():
        if table in _NOT_READ or table.startswith("sqlite_"):
            continue
        if table not in known:
            findings.append(Finding(
                table, "unknown_table", Severity.INFO,
                f"table {table} ({database.counts[table]} rows) is not one fillbook knows; not read",
                n_rows=database.counts[table], source=uri,
            ))  # fmt: skip
        elif newer := sorted(set(columns) - known[table]):
            findings.append(Finding(
                table, "unknown_column", Severity.INFO,
                f"columns {', '.join(newer)} are newer than fillbook; not read", source=uri,
            ))  # fmt: skip
    findings += [
        Finding(
            table, "missing_table", Severity.ERROR, f"the database has no table {table}", source=uri,
            effect="no order metrics" if table == "Order" else "no PnL",
        )
        for table in ESSENTIAL
        if table not in database.columns
    ]  # fmt: skip
    return findings


def _lost_table(uri: str, table: str, error: UnreadableSourceError) -> Finding:
    return Finding(
        table, "damaged_table", Severity.ERROR, f"table {table} could not be read: {error.why}",
        source=uri, effect="everything that needs it is missing", remedy=error.remedy,
    )  # fmt: skip

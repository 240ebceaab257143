"""Hummingbot's own tables in PostgreSQL: the names of SQLite, quoted; several bots may share them.

Bots are told apart by ``config_file_path``. Executors, controllers and positions do not carry it: an executor
is the bot's whose orders it names, a controller is the bot's if only that bot's executors name it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import PurePath

import polars as pl

from fillbook.errors import UnreadableSourceError
from fillbook.findings import Finding, Severity
from fillbook.schema.raw import UNREADABLE_SCHEMA, no_unreadable
from fillbook.sources.postgres_address import Address
from fillbook.sources.postgres_reading import PostgresTables, Snapshot, Table, links_of
from fillbook.sources.sqlite import ESSENTIAL, READERS, header_findings, layout_of, tables_of
from fillbook.sources.sqlite_unreadable import LISTED_CELLS, PROMISED, lost_rows
from fillbook.units import counted

_METADATA = "Metadata"
_ORDER: Mapping[str, str] = {
    "Order": '"creation_timestamp", "id"', "OrderStatus": '"id"',
    "FundingPayment": '"timestamp"', "MarketData": '"timestamp"', "Executors": '"timestamp", "id"',
    "PositionExecutors": '"timestamp", "id"', "Controllers": '"controller_id"',
    "Position": '"timestamp", "id"', "MarketState": '"id"', "RangePositionUpdate": '"id"',
}  # fmt: skip
_CONFIG = "config_file_path"
_WITH_CONFIG = ("TradeFill", "Order", "FundingPayment", "MarketState", "RangePositionUpdate")
_ORDER_IDS = {"Order": "id", "TradeFill": "order_id"}  # where an order is named, with its configuration
_NAMED_BY = {"Executors": "id", "Controllers": "id", "Position": "controller_id"}
_MS, _S, _MARKET = 1_000, 1, 1_000_000_000
# time of a row and how many of its units are a second; controllers are told whole
_TIMES: Mapping[str, tuple[str, int]] = {
    "TradeFill": ('"timestamp"', _MS), "Order": ('"creation_timestamp"', _MS),
    "OrderStatus": ('"timestamp"', _MS), "MarketData": ('"timestamp"', _MARKET),
    "Executors": ('"timestamp"', _S), "PositionExecutors": ('"timestamp"', _S),
    "Position": ('"timestamp"', _MS), "MarketState": ('"timestamp"', _MS),
    "RangePositionUpdate": ('"timestamp"', _MS),
    # connectors write seconds or milliseconds
    "FundingPayment": ('(CASE WHEN "timestamp" < 100000000000 THEN 1000 ELSE 1 END * "timestamp")', _MS),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """What was read of a database, before it is named."""

    bot: str
    tables: dict[str, pl.DataFrame]
    layout: str
    version: str | None = None
    unreadable: pl.DataFrame = field(default_factory=no_unreadable)
    findings: tuple[Finding, ...] = ()


def is_here(seen: Mapping[str, Table]) -> bool:
    """Whether the database holds a bot's tables."""
    return any(name in seen for name in ESSENTIAL)


def configs(taken: Snapshot, seen: Mapping[str, Table]) -> list[str]:
    """Configurations that wrote to the database, in the order of their names."""
    held = [
        name
        for name in ("TradeFill", "Order", "FundingPayment")
        if name in seen and seen[name].may_read and _CONFIG in seen[name].columns
    ]
    return taken.names(_CONFIG, held)


def read_bots(taken: Snapshot, seen: Mapping[str, Table]) -> Found:
    """Tables of one bot, or of all as one.

    Raises
    ------
    UnreadableSourceError
        There is no such bot, or its tables cannot be read.
    """
    address, names = taken.address, configs(taken, seen)
    if address.bot and address.bot not in names:
        held = ", ".join(names) or "none"
        why = f"has no bot with the configuration {address.bot}; it holds {held}"
        raise UnreadableSourceError(address.uri, why, "name one of them in bot=…")
    is_shared = bool(address.bot) and len(names) > 1
    config = address.bot or (names[0] if len(names) == 1 else "")
    bot = PurePath(config).stem or address.database or "hummingbot"
    database, no_ones = _asked_for(taken, seen, address.bot if is_shared else "")
    version = database.schema_version()
    tables, lost = tables_of(database, bot)
    findings = [*header_findings(database, version), *lost, *no_ones]
    return Found(bot, tables, layout_of(database), version, _unreadable(database, tables), tuple(findings))


def _asked_for(
    taken: Snapshot, seen: Mapping[str, Table], config: str
) -> tuple[PostgresTables, list[Finding]]:
    """The rows of one of several configurations, or of all, in the period asked for."""
    held = {name: seen[name] for name in (*READERS, _METADATA) if name in seen}
    owned = _owned(taken, held) if config else None
    forbidden = frozenset(name for name, table in held.items() if not table.may_read)
    wanted = {
        name: " AND ".join(
            [*([_of_bot(name, held, config, owned)] if owned else []), *_in_period(name, taken.address)]
        )
        for name in held
        if name != _METADATA
    }
    counts = dict.fromkeys(held, 1)  # a table that may not be read is asked, so that it says so
    for name, condition in wanted.items():
        if name not in forbidden:
            where = f" WHERE {condition}" if condition else ""
            counts[name] = int(taken.query(f'SELECT count(*) AS "n" FROM "{name}"{where}', name).item())
    columns = {name: dict(table.columns) for name, table in held.items()}
    order = {name: _order(name, table) for name, table in held.items()}
    findings = _no_ones(taken, held, owned) if owned else []
    return PostgresTables(taken, columns, counts, order, wanted, forbidden), findings


def _order(name: str, table: Table) -> str:
    """What rows are ordered by; fills of one moment by the transaction that wrote them, and by place."""
    if name != "TradeFill":
        return _ORDER.get(name, "1")
    if "id" in table.columns:
        return '"id"'
    keys = "xmin::text::int8, ctid" if table.has_ctid else '"market", "order_id", "exchange_trade_id"'
    return f'"timestamp", {keys}'


def _in_period(name: str, address: Address) -> list[str]:
    """SQL of the period asked for."""
    if name not in _TIMES:
        return []
    column, per_second = _TIMES[name]
    bounds = ((">=", address.start), ("<", address.end))
    return [f"{column} {sign} {_units(at, per_second)}" for sign, at in bounds if at is not None]


def _units(at: datetime, per_second: int) -> int:
    """The moment in units of which `per_second` are a second."""
    microseconds = (at - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)
    return -(-microseconds * per_second // 1_000_000)


@dataclass(frozen=True, slots=True)
class _Owned:
    """Whose executors and controllers are, in a database that several configurations share.

    `executors` and `controllers` are configurations by id; what is not there may be anyone's.
    """

    executors: Mapping[str, str]
    controllers: Mapping[str, str]


def _owned(taken: Snapshot, held: Mapping[str, Table]) -> _Owned:
    """Executors by the orders they name, controllers by those executors, other executors by controller."""
    if not _can_be_told(held):
        return _Owned({}, {})
    has_controller = "controller_id" in held["Executors"].columns
    controller = 'e."controller_id"::text' if has_controller else "NULL::text"
    orders = " UNION ".join(
        f'SELECT "{key}" AS "order", "{_CONFIG}" AS "config" FROM "{name}"'
        for name, key in _ORDER_IDS.items()
        if name in held and held[name].may_read
    )
    named = (
        f'SELECT l."id", min(o."config") AS "config" FROM ({links_of()}) l JOIN ({orders}) o USING ("order")'
    )
    try:
        rows = taken.query(
            f'SELECT e."id"::text AS "id", {controller} AS "controller", w."config"::text AS "config" '
            f'FROM "Executors" e LEFT JOIN ({named} GROUP BY l."id") w ON w."id" = e."id"',
            "Executors",
        )
    except UnreadableSourceError:  # JSON that cannot be taken apart: then nothing tells
        return _Owned({}, {})
    by_controller = (
        rows.drop_nulls(["controller", "config"])
        .group_by("controller")
        .agg(pl.col("config").first(), n=pl.col("config").n_unique())
        .filter(pl.col("n") == 1)
    )
    controllers = dict(by_controller.select("controller", "config").iter_rows())
    executors = {
        executor: config or controllers[controller]
        for executor, controller, config in rows.iter_rows()
        if config or controller in controllers
    }
    return _Owned(executors, controllers)


def _can_be_told(held: Mapping[str, Table]) -> bool:
    has_orders = any(name in held and held[name].may_read for name in _ORDER_IDS)
    return has_orders and "Executors" in held and held["Executors"].may_read


def _of_bot(name: str, held: Mapping[str, Table], config: str, owned: _Owned) -> str:
    """SQL of the rows of one of several configurations."""
    is_its = f'"{_CONFIG}" = {text(config)}'
    if name in _WITH_CONFIG:
        return is_its if _CONFIG in held[name].columns else "false"
    traded = [table for table in _ORDER_IDS if table in held]
    if name == "OrderStatus":
        orders = " UNION ".join(f'SELECT "{_ORDER_IDS[t]}" FROM "{t}" WHERE {is_its}' for t in traded)
        return f'"order_id" IN ({orders})'
    if name == "MarketData":
        markets = " UNION ".join(f'SELECT "market", "symbol" FROM "{t}" WHERE {is_its}' for t in traded)
        return f'("exchange", "trading_pair") IN ({markets})'
    ids = owned.executors if name == "Executors" else owned.controllers
    return _is_among(name, (key for key, owner in ids.items() if owner == config))


def _is_among(name: str, ids: Iterable[str]) -> str:
    """SQL of the rows that one of `ids` names; PositionExecutors of 2023 name nobody."""
    listed = ", ".join(text(one) for one in sorted(ids))
    return f'"{_NAMED_BY[name]}" IN ({listed})' if listed and name in _NAMED_BY else "false"


def _no_ones(taken: Snapshot, held: Mapping[str, Table], owned: _Owned) -> list[Finding]:
    """Rows of a shared database that may be any bot's."""
    findings = []
    for name in ("Executors", "PositionExecutors", "Controllers", "Position"):
        if name not in held or not held[name].may_read:
            continue
        ids = owned.executors if name == "Executors" else owned.controllers
        query = f'SELECT count(*) AS "n" FROM "{name}" WHERE ({_is_among(name, ids)}) IS NOT TRUE'
        n = int(taken.query(query, name).item())
        if n:
            findings.append(Finding(
                name, "no_ones_row", Severity.WARNING,
                f"{counted(n, 'row')} of table {name} may be of any of the bots that share the database",
                n_rows=n, source=taken.address.uri, effect="not read: its tags are missing; no fill is",
                remedy="add split=no to take all bots of the database as one",
            ))  # fmt: skip
    return findings


def _unreadable(database: PostgresTables, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Cells of fills and orders that are not what their column promises, as text."""
    found: list[tuple[str, int, str, str]] = []
    for (table, column), (canonical, name) in PROMISED.items():
        if canonical not in tables or column not in database.columns.get(table, {}):
            continue
        lost = lost_rows(tables[canonical], name)[:LISTED_CELLS]
        if lost:
            cells = database.texts(table, column, lost)
            is_range = column == "trade_type"
            found += [
                (canonical, r, column, t) for r, t in cells if t and not (is_range and t.upper() == "RANGE")
            ]
    return pl.DataFrame(found, schema=UNREADABLE_SCHEMA, orient="row")


def text(value: str) -> str:
    """A text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"

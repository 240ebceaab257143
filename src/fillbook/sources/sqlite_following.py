"""A bot's SQLite file while the bot writes: its new rows, and the rows that changed."""

from __future__ import annotations

import sqlite3
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from fillbook.errors import UnreadableSourceError
from fillbook.schema.raw import RawTables
from fillbook.sources.base import bot_name, checked_path
from fillbook.sources.following import BotStatus, Health, State
from fillbook.sources.sqlite_reading import Database, address_of, described

_BUSY_S = 1.0
_PATIENCE_S = 300.0  # a maker writes with every order, a patient strategy seldom
_METADATA = "Metadata"
_WHOLE = (_METADATA, "Position", "MarketState")  # small, and written over in place
# rows that say which orders changed since: the bot writes one with every change of an order
_EVENTS, _ORDER = "OrderStatus", "Order"
_SIGNS = (_EVENTS, "TradeFill")
_CREATED = ("BuyOrderCreated", "SellOrderCreated")
_REMEMBERED = 200_000  # orders whose creation event is known by number
_LAYOUT = "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
Read = Callable[[str, Path, Database], RawTables]


class SqliteFeed:
    """New rows of one database; nothing of it is locked between two calls of `poll`.

    New rows are copied, as they are, into a small database of the same layout, which is then read as any
    other: a row means the same whether it was there at the start or came later.

    Parameters
    ----------
    uri
        Address of the file.
    read
        What turns an opened database into tables.
    known
        What was read of it so far; None where nothing was.
    """

    def __init__(self, uri: str, read: Read, known: RawTables | None = None) -> None:
        self.uri = uri
        self._read, self._bot = read, bot_name(Path(uri))
        self._seen = _highest(known)
        self._created = _created(known)  # row of the creation event of orders that may still change
        self._stale = _stale(known)
        self._whole: dict[str, list[tuple[Any, ...]]] = {}
        self._counts: dict[str, int] = {"received": 0, "busy": 0}
        self._health: tuple[State, datetime, str] = ("waiting", datetime.now(UTC), "")
        self._heard: datetime | None = None
        self._lock = threading.Lock()
        self._scratch = tempfile.TemporaryDirectory(prefix="fillbook-")
        self._origin: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._version = -1

    def poll(self) -> tuple[RawTables, ...]:
        """New and changed rows since the last call; empty where there are none or the file is busy."""
        with self._lock:
            try:
                found = self._new()
            except sqlite3.OperationalError as error:
                self._lost(error)
                return ()
            except (UnreadableSourceError, sqlite3.DatabaseError, OSError) as error:
                self._drop()
                self._say("reconnecting", str(error))
                return ()
        return (found,) if found else ()

    def health(self) -> Health:
        """How it fares; `replaced` where the file is another one than it was."""
        state, since, message = self._health
        return Health(state, since, message, dict(self._counts))

    def bots(self) -> Mapping[str, BotStatus]:
        """When the bot wrote last: a file says nothing else of it."""
        return {self._bot: BotStatus(self._heard, patience_s=_PATIENCE_S)} if self._heard else {}

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._drop()
            self._scratch.cleanup()

    def _new(self) -> RawTables | None:
        path = checked_path(self.uri)
        status = path.stat()
        identity = (status.st_dev, status.st_ino)
        if self._identity not in (None, identity):
            self._say("replaced", "the file is another one now: open it again")
            return None
        self._heard = datetime.fromtimestamp(status.st_mtime, UTC)
        origin = self._connected(path)
        self._identity = identity
        version = int(origin.execute("PRAGMA data_version").fetchone()[0])
        if version == self._version:
            self._say("live", "")
            return None
        copied, marks = self._copied(origin)
        self._version = version
        self._say("live", "")
        if not copied:
            return None
        found = self._tables(path)
        self._seen.update(marks)
        self._stale = set()
        self._counts["received"] += copied
        return found

    def _connected(self, path: Path) -> sqlite3.Connection:
        if self._origin is None:
            address = address_of(path, Path(self._scratch.name))
            self._origin = sqlite3.connect(
                address, uri=True, timeout=_BUSY_S, check_same_thread=False, isolation_level=None
            )
            self._version = -1
        return self._origin

    def _copied(self, origin: sqlite3.Connection) -> tuple[int, dict[str, int]]:
        """Copy what is new into the small database: how many rows, and the highest number by table."""
        small = Path(self._scratch.name) / "new.sqlite"
        small.unlink(missing_ok=True)
        origin.execute("BEGIN")  # all tables as of one moment
        try:
            with closing(sqlite3.connect(small)) as target, target:
                target.execute("PRAGMA journal_mode = OFF")  # it is thrown away: nothing need be safe
                target.execute("PRAGMA synchronous = OFF")
                return self._copy(origin, target)
        finally:
            with suppress(sqlite3.Error):
                origin.execute("ROLLBACK")

    def _copy(self, origin: sqlite3.Connection, target: sqlite3.Connection) -> tuple[int, dict[str, int]]:
        copied, marks, touched, fresh = 0, dict(self._seen), set(self._stale), set[str]()
        for name, sql in origin.execute(_LAYOUT).fetchall():
            target.execute(sql)
            after = -1 if name in _WHOLE else self._seen.get(name, -1)
            columns, rows = _rows(origin, name, "rowid > ?", (after,))
            if name in _WHOLE and rows == self._whole.get(name):
                continue
            _insert(target, name, columns, rows)
            copied += len(rows) if name != _METADATA else 0
            if name in _WHOLE:
                self._whole[name] = rows
            elif rows:
                marks[name] = max(rows[-1][0], marks.get(name, -1))
            if name in _SIGNS:
                touched |= {row[1 + columns.index("order_id")] for row in rows}
            if name == _ORDER:
                fresh = {row[1 + columns.index("id")] for row in rows}
            if name == _EVENTS:
                self._learn(columns, rows)
        self._copy_creations(origin, target, fresh - touched)
        if touched and _ORDER in self._seen:
            copied += self._copy_orders(origin, target, touched)
        return copied, marks

    def _copy_orders(self, origin: sqlite3.Connection, target: sqlite3.Connection, touched: set[str]) -> int:
        """Orders known before to which something happened, with the events that say their side."""
        rows = []
        for order in sorted(touched):
            columns, found = _rows(origin, _ORDER, "id = ? AND rowid <= ?", (order, self._seen[_ORDER]))
            rows += found
        if not rows:
            return 0
        _insert(target, _ORDER, columns, rows)
        before = {row[1 + columns.index("id")] for row in rows}
        unknown = sorted(before - set(self._created))
        if unknown:  # closed long ago: rare, and a look through all events
            marks = ", ".join("?" * len(unknown))
            self._learn(*_rows(origin, _EVENTS, f"order_id IN ({marks})", tuple(unknown)))
        for order in sorted(before & set(self._created)):
            if self._created[order] <= self._seen.get(_EVENTS, -1):
                _insert(target, _EVENTS, *_rows(origin, _EVENTS, "rowid = ?", (self._created[order],)))
        return len(rows)

    def _copy_creations(
        self, origin: sqlite3.Connection, target: sqlite3.Connection, orders: set[str]
    ) -> None:
        """Events that say the side of new orders, where they were read before the order.

        A first reading takes the tables one after the other: an order placed in between has its events
        there and its row not.
        """
        for order in sorted(orders):
            columns, rows = _rows(origin, _EVENTS, "order_id = ?", (order,))
            self._learn(columns, rows)
            _insert(target, _EVENTS, columns, rows)

    def _learn(self, columns: list[str], rows: list[tuple[Any, ...]]) -> None:
        """Remember where the creation of each order stands, of the newest orders."""
        order, status = 1 + columns.index("order_id"), 1 + columns.index("status")
        for row in rows:
            if str(row[status]) in _CREATED:
                self._created[row[order]] = row[0]
        for _ in range(len(self._created) - _REMEMBERED):
            del self._created[next(iter(self._created))]

    def _tables(self, path: Path) -> RawTables:
        small = Path(self._scratch.name) / "new.sqlite"
        raw = self._read(self.uri, path, described(self.uri, f"file:{small}?mode=ro"))
        findings = tuple(f for f in raw.findings if f.rule not in ("unknown_version", "missing_table"))
        return replace(raw, info=replace(raw.info, sha256=""), findings=findings, continues=True)

    def _lost(self, error: sqlite3.OperationalError) -> None:
        """A bot that writes holds the file for a moment; anything else is tried from the start."""
        if "locked" in str(error) or "busy" in str(error):
            self._counts["busy"] += 1
            return
        self._drop()
        self._say("reconnecting", f"{self.uri}: {error}")

    def _drop(self) -> None:
        if self._origin is not None:
            self._origin.close()
            self._origin = None

    def _say(self, state: State, message: str) -> None:
        if (state, message) != (self._health[0], self._health[2]):
            self._health = (state, datetime.now(UTC), message)


_CANONICAL = {  # table of the bot by ours, where `row` is its rowid
    "fills": "TradeFill", "orders": _ORDER, "order_events": _EVENTS, "funding": "FundingPayment",
    "quotes": "MarketData", "executors": "Executors", "controllers": "Controllers",
    "lp_updates": "RangePositionUpdate",
}  # fmt: skip


def _highest(known: RawTables | None) -> dict[str, int]:
    """Highest row number by table of what was read."""
    if known is None:
        return {}
    highest = {}
    for name, table in _CANONICAL.items():
        rows = known.tables.get(name)
        if rows is not None and rows.height:
            highest[table] = int(rows.select(pl.col("row").max()).item())
    return highest


def _created(known: RawTables | None) -> dict[str, int]:
    """Row of the creation event of each order that had not ended when it was read."""
    if known is None or not {"orders", "order_events"} <= set(known.tables):
        return {}
    is_open = pl.col("last_status").cast(pl.String).is_in([*_CREATED, "OrderFilled"])
    events = known.tables["order_events"].filter(pl.col("status").cast(pl.String).is_in(_CREATED))
    found = events.join(known.tables["orders"].filter(is_open), on="order_id", how="semi")
    return dict(found.select("order_id", "row").tail(_REMEMBERED).iter_rows())


def _stale(known: RawTables | None) -> set[str]:
    """Open orders whose last event is another than the order says: they changed while they were read.

    A first reading takes the tables one after the other, and the bot goes on writing meanwhile.
    """
    if known is None or not {"orders", "order_events"} <= set(known.tables):
        return set()
    state = pl.col("last_status").cast(pl.String)
    orders = known.tables["orders"].select("order_id", state)
    last = (
        known.tables["order_events"]
        .join(orders.filter(state.is_in([*_CREATED, "OrderFilled"])), on="order_id", how="semi")
        .group_by("order_id")
        .agg(pl.col("status").cast(pl.String).sort_by("row").last())
    )
    found = orders.join(last, on="order_id").filter(pl.col("last_status") != pl.col("status"))
    return set(found["order_id"])


def _rows(
    origin: sqlite3.Connection, table: str, where: str, values: tuple[object, ...]
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Columns and rows of a table, each row behind its number, in the order of these."""
    found = origin.execute(f'SELECT rowid, * FROM "{table}" WHERE {where} ORDER BY rowid', values)
    return [column[0] for column in found.description[1:]], found.fetchall()


def _insert(target: sqlite3.Connection, table: str, columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    if not rows:
        return
    named = ", ".join(["rowid", *(f'"{column}"' for column in columns)])
    marks = ", ".join("?" * (len(columns) + 1))
    target.executemany(f'INSERT OR REPLACE INTO "{table}" ({named}) VALUES ({marks})', rows)

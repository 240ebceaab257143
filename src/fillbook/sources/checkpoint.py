"""Hummingbot's own checkpoints: several bots merged by the old backend, as SQLite or as JSON."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import polars as pl

from fillbook.errors import UnreadableSourceError
from fillbook.findings import Finding, Severity
from fillbook.schema.raw import RawTables
from fillbook.sources.base import bot_name, checked_path, sha256_of
from fillbook.sources.sqlite import HummingbotDatabase
from fillbook.sources.sqlite_reading import damaged, is_sqlite, opened

_HEAD = 4_096
# table of the checkpoint (SQLite, JSON) → Hummingbot's, and the columns that were renamed
_TABLES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "trades": ("TradeFill", {}),
    "trade_fill": ("TradeFill", {}),
    "orders": ("Order", {"client_order_id": "id"}),
    "executors": ("Executors", {}),
    "controllers": ("Controllers", {}),
}
_LOST = {"trade_fee"}  # a difference of cumulative fees: the tokens are gone
Rows = tuple[list[str], Iterator[Sequence[object]]]


class CheckpointFile:
    """A checkpoint in one of its two forms."""

    opens = "checkpoints of Hummingbot's old backend, as SQLite and as JSON"
    example = "bots/data/checkpoint_1700000000.sqlite"

    def __init__(self, uri: str) -> None:
        """Remember the address; nothing is read yet."""
        self.uri = uri

    @classmethod
    def matches(cls, path: Path) -> bool:
        """Whether the file holds the lower-case tables of a checkpoint."""
        if is_sqlite(path):
            return not HummingbotDatabase.matches(path)
        if path.suffix != ".json":
            return False
        with path.open("rb") as file:
            head = file.read(_HEAD).lstrip()
        return head[:1] in (b"{", b"[")

    def read(self) -> RawTables:
        """All tables of the checkpoint.

        Raises
        ------
        UnreadableSourceError
            Damaged, or JSON of another kind.
        """
        path = checked_path(self.uri)
        kind = "checkpoint_sqlite" if is_sqlite(path) else "checkpoint_json"
        tables = _sqlite_tables if kind == "checkpoint_sqlite" else _json_tables
        with tempfile.TemporaryDirectory(prefix="fillbook-") as scratch:
            plain = Path(scratch) / "plain.sqlite"
            with tables(self.uri, path) as found:
                _write_plain(plain, found)
            raw = HummingbotDatabase(str(plain)).read()
        bot = bot_name(path)
        info = replace(
            raw.info, uri=self.uri, kind=kind, bot=bot, layout="checkpoint, plain units",
            size_bytes=path.stat().st_size, sha256=sha256_of(path),
        )  # fmt: skip
        renamed = {name: _named(frame, bot) for name, frame in raw.tables.items()}
        findings = [f for f in raw.findings if f.rule not in ("unknown_version", "unknown_column")]
        return RawTables(info, renamed, raw.unreadable, (*findings, _fees_lost(self.uri)))


def _named(frame: pl.DataFrame, bot: str) -> pl.DataFrame:
    return frame.with_columns(bot=pl.lit(bot).cast(pl.Categorical)) if "bot" in frame.columns else frame


def _fees_lost(uri: str) -> Finding:
    return Finding(
        "fills", "checkpoint_fees", Severity.WARNING,
        "a checkpoint keeps fees in quote only; fee tokens and the bots' names are lost", source=uri,
        effect="a spot fee paid in base does not reduce the position",
        remedy="open the bots' own databases instead",
    )  # fmt: skip


@contextmanager
def _sqlite_tables(uri: str, path: Path) -> Iterator[dict[str, Rows]]:
    with opened(uri, path) as database, closing(database.connect()) as connection:
        try:
            found: dict[str, Rows] = {}
            for table in database.columns:
                if table in _TABLES:
                    cursor = connection.execute(f'SELECT * FROM "{table}"')
                    found[table] = ([column[0] for column in cursor.description], cursor)
            yield found
        except sqlite3.DatabaseError as error:
            raise damaged(uri, "checkpoint", error) from error


_CHECKPOINT_KEYS = "a checkpoint has the keys executors, orders, trade_fill and controllers"


@contextmanager
def _json_tables(uri: str, path: Path) -> Iterator[dict[str, Rows]]:
    """Tables of ``{"trade_fill": "<json>", …}`` or of the list of databases that holds such."""
    try:
        loaded = json.loads(path.read_bytes())
        parts = [entry["tables"] for entry in loaded] if isinstance(loaded, list) else [loaded]
        merged: dict[str, Rows] = {}
        for part in parts:
            for table, text in part.items():
                if table in _TABLES:
                    columns = json.loads(text) if isinstance(text, str) else text
                    merged[table] = _both(merged.get(table), _rows(columns))
    except ValueError as error:
        raise UnreadableSourceError(uri, f"is not JSON ({error})", _CHECKPOINT_KEYS) from error
    except (TypeError, KeyError, AttributeError):
        merged = {}
    if not merged:
        raise UnreadableSourceError(uri, "is JSON, but not a Hummingbot checkpoint", _CHECKPOINT_KEYS)
    yield merged


def _rows(columns: Mapping[str, Mapping[str, object]]) -> Rows:
    """Rows of pandas' column → index → value form."""
    names = list(columns)
    index = list(next(iter(columns.values()), {}))
    return names, iter([[columns[name].get(i) for name in names] for i in index])


def _both(first: Rows | None, second: Rows) -> Rows:
    if first is None:
        return second
    names = first[0]
    reordered = (dict(zip(second[0], row, strict=True)) for row in second[1])
    return names, iter([*first[1], *([row.get(name) for name in names] for row in reordered)])


def _write_plain(path: Path, tables: Mapping[str, Rows]) -> None:
    """The same rows in a database laid out as Hummingbot's own, in plain units."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for table, (names, rows) in tables.items():
            target, renamed = _TABLES[table]
            columns = ", ".join(f'"{renamed.get(name, name)}"' for name in names)
            # no affinity: what was stored as text stays text, FLOAT says that units are plain
            declared = ", ".join(
                f'"{renamed.get(n, n)}"'
                + (" FLOAT" if n in ("price", "amount", "trade_fee_in_quote") else "")
                for n in names
            )
            connection.execute(f'CREATE TABLE "{target}" ({declared})')
            keep = [name not in _LOST for name in names]
            marks = ", ".join("?" * len(names))
            plain = ([_cell(v) if k else None for v, k in zip(row, keep, strict=True)] for row in rows)
            connection.executemany(f'INSERT INTO "{target}" ({columns}) VALUES ({marks})', plain)


def _cell(value: object) -> object:
    """Nested JSON as text; SQLite takes the rest as it is."""
    return json.dumps(value) if isinstance(value, dict | list) else value

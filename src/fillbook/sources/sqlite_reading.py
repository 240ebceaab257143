"""A bot's SQLite file, opened so that no byte of it changes, read as columns."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import adbc_driver_manager as adbc
import adbc_driver_sqlite
import polars as pl

from fillbook.errors import UnreadableSourceError
from fillbook.sources.base import say_share
from fillbook.sources.bot_database import (
    ORDER_LINKS,
    Cell,
    Column,
    Convert,
    Json,
    Length,
    RowNumber,
    Value,
    number,
)
from fillbook.sources.bot_database import (
    Path as JsonPath,
)

MAGIC = b"SQLite format 3\x00"
_WAL_FLAG = 2  # bytes 18 and 19 of the header in WAL mode
_BUSY_MS = 10_000
_BATCH_ROWS = 65_536
_BLOCK_ROWS = 32_768
_THREADS = 2
_LOST = "9e999"  # infinity marks a number that was not one: ADBC types a column by its first rows
_HOT = (
    "readonly",
    "read-only",
    "unable to open",
    "disk I/O",
)  # a journal that only a writer may replay
_BROKEN = ("malformed", "disk I/O", "not a database")
_DRIVER = adbc_driver_sqlite._driver_path()  # noqa: SLF001  (it has no other name)
_READ_ERRORS = (adbc.Error, pl.exceptions.PolarsError, sqlite3.Error, UnicodeDecodeError)


def _sql(value: Value) -> str:
    """SQL of a value, null where JSON does not parse."""
    match value:
        case Column(name):
            return f'"{name}"'
        case RowNumber():
            return "rowid"
        case Json(places):
            found = [_found(column, path) for column, path in places]
            return found[0] if len(found) == 1 else f"coalesce({', '.join(found)})"
        case Length(column, key):
            # null where none is named, −1 where what is named is no list
            return f"""CASE WHEN json_valid({column}) THEN CASE json_type({column}, '$.{key}')
WHEN 'array' THEN json_array_length({column}, '$.{key}') WHEN 'null' THEN 0
ELSE CASE WHEN json_type({column}, '$.{key}') IS NOT NULL THEN -1 END END END"""
    return "NULL"


def _found(column: str, path: JsonPath) -> str:
    return f"CASE WHEN json_valid({column}) THEN json_extract({column}, '{_dotted(path)}') END"


def _dotted(path: JsonPath) -> str:
    """Path as SQLite writes it: ``$.flat_fees[0].token``."""
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)


def _cell_sql(cell: Cell) -> str:
    """SQL of a cell: a float or infinity, or the bytes of a text."""
    source = _sql(cell.value)
    if cell.is_number:
        is_one = f"CASE WHEN typeof({source}) IN ('integer', 'real') THEN {source} END"
        return f"ifnull(CAST({is_one} AS REAL), {_LOST})"
    return f"ifnull(CAST({source} AS BLOB), x'')"


@dataclass(frozen=True, slots=True)
class Database:
    """An opened database: where its readable copy lies, and what it holds.

    `columns` are declared types by column by table; `seen` holds how many rows have been read.
    """

    uri: str
    address: str
    columns: dict[str, dict[str, str]]
    counts: dict[str, int]
    seen: list[int] = field(default_factory=lambda: [0])

    def connect(self) -> sqlite3.Connection:
        """Plain connection, for few rows."""
        connection = sqlite3.connect(self.address, uri=True, timeout=_BUSY_MS / 1000)
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        return connection

    def read(
        self, table: str, cells: Sequence[Cell], *, where: str = "", then: Convert | None = None
    ) -> pl.DataFrame:
        """Columns of a table in rowid order, with ``row`` = rowid first.

        Parameters
        ----------
        table, cells, where
            What to read.
        then
            Applied to each block of rows as it arrives, so that the raw text of a large table is
            never held at once.

        Raises
        ------
        UnreadableSourceError
            A damaged page, or a lock that does not go away.
        """
        chosen = [number("row", RowNumber()), *cells]

        def block(part: str) -> pl.DataFrame:
            rows = self._read_range(table, chosen, " AND ".join(filter(None, (where, part))))
            return then(rows) if then else rows

        try:
            parts = self._blocks(table)
            if len(parts) == 1:
                return self._counted(block(parts[0]))
            with ThreadPoolExecutor(_THREADS) as pool:
                blocks = [pool.submit(block, part) for part in parts]
                try:
                    return pl.concat(self._counted(rows.result()) for rows in blocks)
                finally:
                    pool.shutdown(wait=False, cancel_futures=True)
        except _READ_ERRORS as error:
            raise damaged(self.uri, table, error) from error

    def _counted(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows, after saying how much of the file has been read; who listens may end the reading."""
        self.seen[0] += rows.height
        say_share(min(self.seen[0] / max(sum(self.counts.values()), 1), 1.0))
        return rows

    def _blocks(self, table: str) -> list[str]:
        """Conditions that part the rows of a large table into blocks."""
        if self.counts[table] <= _BLOCK_ROWS:
            return [""]
        with closing(self.connect()) as connection:
            low, high = connection.execute(f'SELECT min(rowid), max(rowid) FROM "{table}"').fetchone()
        step = (high - low) // -(-self.counts[table] // _BLOCK_ROWS) + 1
        return [f"rowid BETWEEN {start} AND {start + step - 1}" for start in range(low, high + 1, step)]

    def _read_range(self, table: str, cells: Sequence[Cell], where: str) -> pl.DataFrame:
        listed = ", ".join(f'{_cell_sql(cell)} AS "{cell.name}"' for cell in cells)
        condition = f" WHERE {where}" if where else ""
        query = f'SELECT {listed} FROM "{table}"{condition}'
        with (
            adbc.AdbcDatabase(driver=_DRIVER, uri=self.address) as database,
            adbc.AdbcConnection(database) as connection,
            adbc.AdbcStatement(connection) as statement,
        ):
            statement.set_sql_query(f"PRAGMA busy_timeout = {_BUSY_MS}")
            statement.execute_query()
            statement.set_options(**{"adbc.sqlite.query.batch_rows": str(_BATCH_ROWS)})
            statement.set_sql_query(query)
            stream, _ = statement.execute_query()
            frame = pl.DataFrame(stream)
        return _typed(frame, cells)

    def texts(self, table: str, column: str, rows: Iterable[int]) -> list[tuple[int, str]]:
        """Cells of a column as text, by row id."""
        query = f'SELECT "{column}" FROM "{table}" WHERE rowid = ?'
        with closing(self.connect()) as connection:
            return [(row, str(connection.execute(query, (row,)).fetchone()[0])) for row in rows]

    def executor_orders(self) -> list[tuple[str, str | None]]:
        """Executor and client order id, as far as ``custom_info`` says."""
        found: list[tuple[str, str | None]] = []
        try:
            with closing(self.connect()) as connection:
                for query in _LINKS:
                    found += connection.execute(f"{query} WHERE json_valid(e.custom_info)")
        except sqlite3.Error as error:
            raise damaged(self.uri, "Executors", error) from error
        return found

    def schema_version(self) -> str | None:
        """``local_db_version`` of the Metadata table."""
        if "Metadata" not in self.columns:
            return None
        query = "SELECT value FROM Metadata WHERE key = 'local_db_version'"
        try:
            with closing(self.connect()) as connection:
                row = connection.execute(query).fetchone()
        except sqlite3.Error as error:
            raise damaged(self.uri, "Metadata", error) from error
        return str(row[0]) if row else None


def _link(key: str, within: str | None) -> str:
    if key == "order_id":
        return "SELECT e.id, json_extract(e.custom_info, '$.order_id') FROM Executors e"
    value = f"json_extract(j.value, '$.{within}')" if within else "j.value"
    return f"SELECT e.id, {value} FROM Executors e, json_each(e.custom_info, '$.{key}') j"


_LINKS = tuple(_link(key, within) for key, within in ORDER_LINKS)


def _typed(frame: pl.DataFrame, cells: Sequence[Cell]) -> pl.DataFrame:
    """Infinity and empty text back to null, and so is text that is not UTF-8."""
    try:
        return frame.select(_cell(cell, frame.schema[cell.name]) for cell in cells)
    except pl.exceptions.ComputeError:  # polars casts all of a column or none of it
        texts = [cell.name for cell in cells if not cell.is_number]
        decoded = frame.with_columns(_decoded(frame[name]) for name in texts)
        return decoded.select(_cell(cell, decoded.schema[cell.name]) for cell in cells)


def _cell(cell: Cell, dtype: pl.DataType) -> pl.Expr:
    if cell.is_number:
        value = pl.col(cell.name).cast(pl.Float64)
        return pl.when(value.is_finite()).then(value).alias(cell.name)
    raw = pl.col(cell.name) if dtype in (pl.Binary, pl.String) else pl.col(cell.name).cast(pl.Binary)
    text = raw.cast(pl.String, strict=False)
    return pl.when(text != "").then(text).alias(cell.name)


def _decoded(raw: pl.Series) -> pl.Series:
    """Text of bytes, null where they are not UTF-8."""
    return pl.Series(raw.name, [_utf8(value) for value in raw.cast(pl.Binary)], dtype=pl.String)


def _utf8(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def damaged(uri: str, table: str, error: Exception) -> UnreadableSourceError:
    """What a failed read means to a user."""
    text = str(error)
    if "locked" in text or "busy" in text:
        why = f"is locked: another program held it for {_BUSY_MS // 1000} s"
        return UnreadableSourceError(uri, why, "try again, or read a copy of the file")
    if isinstance(error, UnicodeDecodeError) or any(word in text for word in _BROKEN):
        return UnreadableSourceError(
            uri, f"is damaged in table {table} ({text.splitlines()[0]})",
            f'save what is left: sqlite3 "{uri}" .recover | sqlite3 recovered.sqlite',
        )  # fmt: skip
    if "no such column: " in text:
        return lacks(uri, table, text.rsplit("no such column: ", 1)[1].split(maxsplit=1)[0])
    return UnreadableSourceError(uri, f"cannot be read at table {table}: {text.splitlines()[0]}")


def lacks(uri: str, table: str, column: str) -> UnreadableSourceError:
    """A table without a column that every version of Hummingbot wrote."""
    why = f"is not a database as Hummingbot writes it: table {table} has no column {column}"
    return UnreadableSourceError(uri, why, "open the file as the bot left it")


def is_sqlite(path: Path) -> bool:
    """True when the file begins as SQLite files do."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


@contextmanager
def opened(uri: str, path: Path) -> Iterator[Database]:
    """Open a database without changing a byte of it or of what lies beside it.

    A rollback-journal database is opened read-only where it lies, also while a bot writes. In WAL
    mode a live bot's shared memory is used; what a dead bot left (a ``-wal`` without ``-shm``, a
    hot ``-journal``) is replayed in a copy.

    Raises
    ------
    UnreadableSourceError
        It is not a database, or damaged.
    """
    with tempfile.TemporaryDirectory(prefix="fillbook-") as scratch:
        try:
            database = described(uri, address_of(path, Path(scratch)))
        except sqlite3.OperationalError as error:
            if not any(hint in str(error) for hint in _HOT):
                raise damaged(uri, "sqlite_master", error) from error
            database = described(uri, _copied(path, Path(scratch)))
        yield database


def address_of(path: Path, scratch: Path) -> str:
    """URI under which SQLite reads `path` without touching it."""
    with path.open("rb") as file:
        header = file.read(20)
    beside = {suffix: path.with_name(path.name + suffix) for suffix in ("-wal", "-shm", "-journal")}
    if _WAL_FLAG in header[18:20]:
        if beside["-shm"].exists():
            return f"file:{quote(str(path))}?mode=ro"
        if beside["-wal"].exists() and beside["-wal"].stat().st_size:
            return _copied(path, scratch)
        return f"file:{quote(str(path))}?mode=ro&immutable=1"
    return f"file:{quote(str(path))}?mode=ro"


def _copied(path: Path, scratch: Path) -> str:
    """URI of a copy of a database and what lies beside it, where SQLite may replay a journal."""
    for suffix in ("", "-wal", "-journal"):
        origin = path.with_name(path.name + suffix)
        if origin.exists():
            shutil.copyfile(origin, scratch / f"copy.sqlite{suffix}")
    return f"file:{quote(str(scratch / 'copy.sqlite'))}"


def described(uri: str, address: str) -> Database:
    """Tables, declared column types and row counts."""
    connection = sqlite3.connect(address, uri=True, timeout=_BUSY_MS / 1000)
    try:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = {
            name: {row[1]: str(row[2]).upper() for row in connection.execute(f'PRAGMA table_info("{name}")')}
            for name in names
        }
        counts = {}
        for name in names:
            counts[name] = int(connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0])
        return Database(uri, address, columns, counts)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        raise damaged(uri, "sqlite_master", error) from error
    finally:
        connection.close()

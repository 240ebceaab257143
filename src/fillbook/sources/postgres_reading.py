"""A PostgreSQL database read as columns, in one read-only snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from fillbook.errors import MissingExtraError
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
from fillbook.sources.bot_database import Path as JsonPath
from fillbook.sources.postgres_address import Address
from fillbook.sources.postgres_errors import cut_short, no_right, not_connected, not_read

if TYPE_CHECKING:
    import adbc_driver_manager as adbc

_BATCH_BYTES = "8388608"
_SNAPSHOT = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    "SET LOCAL standard_conforming_strings = on",  # a backslash in a name is a backslash
)
# columns of the tables that are found by their plain name, and whether they may be read
_CATALOGUE = """
SELECT c.relname::text AS "table", a.attname::text AS "column", t.typname::text AS "type",
       has_table_privilege(c.oid, 'SELECT') AS "may_read", c.relkind IN ('r', 'm') AS "has_ctid"
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND pg_catalog.pg_table_is_visible(c.oid)
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
ORDER BY c.oid, a.attnum"""
_TYPES: Mapping[str, str] = {"int8": "BIGINT", "int4": "INTEGER", "float8": "FLOAT", "bool": "BOOLEAN"}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A connection in one read-only transaction: every query sees the same moment."""

    address: Address
    connection: adbc.AdbcConnection

    def query(self, sql: str, about: str) -> pl.DataFrame:
        """Rows of a query, for few of them; `about` names the table it is about."""
        return pl.concat([pl.DataFrame(batch) for batch in self.batches(sql, about)] or [pl.DataFrame()])

    def names(self, column: str, tables: Sequence[str]) -> list[str]:
        """Distinct texts of a column that several tables have, in their order; none without a table."""
        if not tables:
            return []
        parts = " UNION ".join(f'SELECT "{column}"::text AS "name" FROM "{table}"' for table in tables)
        sql = f'SELECT "name" FROM ({parts}) n ORDER BY "name" COLLATE "C"'
        return self.query(sql, tables[0])["name"].to_list()

    def batches(self, sql: str, about: str) -> Iterator[pl.DataFrame]:
        """Rows of a query in blocks as they arrive, at least one; one that fails spoils no other.

        Raises
        ------
        UnreadableSourceError
            The query fails, or the server goes away before its last row.
        """
        import adbc_driver_manager as adbc  # noqa: PLC0415
        import pyarrow as pa  # noqa: PLC0415

        try:
            self.tell("SAVEPOINT fillbook")
            with adbc.AdbcStatement(self.connection) as statement:
                statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": _BATCH_BYTES})
                statement.set_sql_query(sql)
                stream, _ = statement.execute_query()
                reader = pa.RecordBatchReader.from_stream(stream)
                yield _frame(pa.Table.from_batches([], reader.schema))
                for batch in reader:
                    yield _frame(batch)
            self.tell("RELEASE SAVEPOINT fillbook")
        except (adbc.Error, pa.ArrowException, OSError) as error:
            with suppress(adbc.Error):  # the connection may be gone, which the next query says
                self.tell("ROLLBACK TO SAVEPOINT fillbook")
            raise not_read(self.address, about, error) from error

    def tell(self, sql: str) -> None:
        """Do what gives no rows."""
        import adbc_driver_manager as adbc  # noqa: PLC0415

        with adbc.AdbcStatement(self.connection) as statement:
            statement.set_sql_query(sql)
            statement.execute_update()


def _frame(arrow: Any) -> pl.DataFrame:  # noqa: ANN401  (pyarrow has no types)
    frame = pl.from_arrow(arrow)
    return frame if isinstance(frame, pl.DataFrame) else frame.to_frame()


@contextmanager
def snapshot(address: Address) -> Iterator[Snapshot]:
    """Connection to a database that can change nothing there, in one snapshot, until the end of the block.

    Raises
    ------
    MissingExtraError
        The driver is not installed.
    UnreadableSourceError
        There is no server, it does not let you in, or TLS fails.
    """
    try:
        import adbc_driver_manager as adbc  # noqa: PLC0415
        import adbc_driver_postgresql  # noqa: PLC0415
        import pyarrow as pa  # noqa: F401, PLC0415
    except ImportError as error:
        raise MissingExtraError("postgres", "reading PostgreSQL") from error
    driver = adbc_driver_postgresql._driver_path()  # noqa: SLF001  (it has no other name)
    try:
        database = adbc.AdbcDatabase(driver=driver, uri=address.conninfo())
    except adbc.Error as error:
        raise not_connected(address, error) from error
    with database:
        try:
            connection = adbc.AdbcConnection(database)
        except adbc.Error as error:
            raise not_connected(address, error) from error
        with connection:
            taken = Snapshot(address, connection)
            try:
                for setting in _SNAPSHOT:
                    taken.tell(setting)
            except adbc.Error as error:
                raise not_connected(address, error) from error
            yield taken


@dataclass(frozen=True, slots=True)
class Table:
    """A table that can be seen: declared types of its columns, and whether it may be read."""

    columns: Mapping[str, str]
    may_read: bool = True
    has_ctid: bool = True


def tables_seen(taken: Snapshot) -> dict[str, Table]:
    """Every table that is found by its plain name (the server's search_path decides)."""
    rows = taken.query(_CATALOGUE, "pg_class")
    found: dict[str, Table] = {}
    for (name,), part in rows.group_by("table", maintain_order=True):
        types = {c: _TYPES.get(t, t.upper()) for c, t in part.select("column", "type").iter_rows()}
        found[str(name)] = Table(types, part["may_read"].all(), part["has_ctid"].all())
    return found


@dataclass(frozen=True, slots=True)
class PostgresTables:
    """Tables of one snapshot as a `BotDatabase`: which rows are asked for, and in what order they stand.

    Parameters
    ----------
    taken
        Where to ask.
    columns
        Declared types by column by table.
    counts
        Rows asked for, by table.
    order
        What the rows of a table are ordered by, so that they are numbered alike each time.
    wanted
        Condition of the rows asked for, by table.
    forbidden
        Tables that may not be read.
    """

    taken: Snapshot
    columns: Mapping[str, Mapping[str, str]]
    counts: Mapping[str, int]
    order: Mapping[str, str]
    wanted: Mapping[str, str]
    forbidden: frozenset[str] = frozenset()
    seen: list[int] = field(default_factory=lambda: [0])

    @property
    def uri(self) -> str:
        """Address as it may be shown."""
        return self.taken.address.uri

    def read(
        self, table: str, cells: Sequence[Cell], *, where: str = "", then: Convert | None = None
    ) -> pl.DataFrame:
        """Columns of the rows asked for, numbered in their order from 1.

        Raises
        ------
        UnreadableSourceError
            The table may not be read, or did not come whole.
        """
        chosen = [number("row", RowNumber()), *cells]
        listed = ", ".join(f'{self._sql(table, cell)} AS "{cell.name}"' for cell in chosen)
        outer = f" WHERE {where}" if where else ""
        query = f'SELECT {listed} FROM {self._numbered(table)}{outer} ORDER BY "#"'
        parts = []
        for batch in self.rows(table, query):
            rows = batch.select(_cell(cell) for cell in chosen)
            parts.append(then(rows) if then else rows)
        whole = pl.concat(parts)
        if not where and whole.height != self.counts[table]:
            raise cut_short(self.taken.address, table, whole.height, self.counts[table])
        return whole

    def rows(self, table: str, query: str) -> Iterator[pl.DataFrame]:
        """Blocks of a query, after saying how much has been read; who listens may end the reading."""
        if table in self.forbidden:
            raise no_right(self.taken.address, table)
        for batch in self.taken.batches(query, table):
            self.seen[0] += batch.height
            say_share(min(self.seen[0] / max(sum(self.counts.values()), 1), 1.0))
            yield batch

    def texts(self, table: str, column: str, rows: Iterable[int]) -> list[tuple[int, str]]:
        """Cells of a column as text, by number of the row."""
        some = ", ".join(str(row) for row in rows) or "0"
        query = f'SELECT "#"::int8 AS "row", "{column}"::text AS "text" FROM {self._numbered(table)} '
        found = self.taken.query(f'{query} WHERE "#" IN ({some}) ORDER BY "#"', table)
        return list(found.iter_rows())

    def executor_orders(self) -> list[tuple[str, str | None]]:
        """Executor and client order id, as far as ``custom_info`` says."""
        named = " UNION ALL ".join(
            f'SELECT {i} AS "k", "#", "id"::text AS "executor", {_linked(key, within)} AS "order" '
            f"FROM {self._numbered('Executors')}"
            for i, (key, within) in enumerate(ORDER_LINKS)
        )
        query = f'SELECT "executor", "order" FROM ({named}) l WHERE "order" IS NOT NULL ORDER BY "k", "#"'
        return list(self.taken.query(query, "Executors").iter_rows())

    def schema_version(self) -> str | None:
        """``local_db_version`` of the table Metadata."""
        if "Metadata" not in self.columns or "Metadata" in self.forbidden:
            return None
        query = """SELECT "value"::text AS "value" FROM "Metadata" WHERE "key" = 'local_db_version'"""
        found = self.taken.query(query, "Metadata")
        return str(found.item()) if found.height == 1 else None

    def _numbered(self, table: str) -> str:
        """The rows asked for with their number, ``#``."""
        wanted = f" WHERE {self.wanted[table]}" if self.wanted.get(table) else ""
        numbered = f'row_number() OVER (ORDER BY {self.order[table]}) AS "#"'
        return f'(SELECT {numbered}, * FROM "{table}"{wanted}) AS "{table}"'

    def _sql(self, table: str, cell: Cell) -> str:
        """SQL of a cell: a float or a text."""
        declared = self.columns[table]
        source = _value(cell.value)
        if not cell.is_number:
            return f"({source})::text"
        is_flag = isinstance(cell.value, Column) and declared.get(cell.value.name) == "BOOLEAN"
        return f"({source})::int::float8" if is_flag else f"({source})::float8"


def _value(value: Value) -> str:
    """SQL of a value."""
    match value:
        case Column(name):
            return f'"{name}"'
        case RowNumber():
            return '"#"'
        case Json(places):
            found = [f"\"{column}\"::json #>> '{_braced(path)}'" for column, path in places]
            return found[0] if len(found) == 1 else f"coalesce({', '.join(found)})"
        case Length(column, key):
            place = f"(\"{column}\"::json -> '{key}')"
            kind = f"json_typeof({place})"
            return (
                f"CASE {kind} WHEN 'array' THEN json_array_length({place}) WHEN 'null' THEN 0 "
                f"ELSE CASE WHEN {kind} IS NOT NULL THEN -1 END END"
            )
    return "NULL"


def _braced(path: JsonPath) -> str:
    """Path as PostgreSQL writes it: ``{flat_fees,0,token}``."""
    return "{" + ",".join(str(part) for part in path) + "}"


def links_of() -> str:
    """SQL of executors and the orders they name: ``id``, ``order``."""
    return " UNION ".join(
        f'SELECT "id"::text AS "id", {_linked(key, within)} AS "order" FROM "Executors"'
        for key, within in ORDER_LINKS
    )


def _linked(key: str, within: str | None) -> str:
    """SQL of the orders that a key of ``custom_info`` names, a row each."""
    value = f"\"custom_info\"::json -> '{key}'"
    if key == "order_id":
        return f"\"custom_info\"::json ->> '{key}'"
    listed = f"CASE json_typeof({value}) WHEN 'array' THEN {value} ELSE '[]'::json END"
    if within:
        return f"json_array_elements({listed}) ->> '{within}'"
    return f"json_array_elements_text({listed})"


def _cell(cell: Cell) -> pl.Expr:
    """Infinity, NaN and empty text as null."""
    if cell.is_number:
        value = pl.col(cell.name).cast(pl.Float64)
        return pl.when(value.is_finite()).then(value).alias(cell.name)
    text = pl.col(cell.name).cast(pl.String)
    return pl.when(text != "").then(text).alias(cell.name)

"""What a reader of Hummingbot's tables asks of a database, whichever engine holds them.

A column that is wanted is a `Cell`; SQLite and PostgreSQL each say it in their own SQL, so that the tables
are taken apart once, in `sqlite_trades` and `sqlite_bots`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl

Convert = Callable[[pl.DataFrame], pl.DataFrame]
Path = tuple[str | int, ...]  # into JSON: keys, and places of lists


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table."""

    name: str


@dataclass(frozen=True, slots=True)
class RowNumber:
    """The row's number in its table."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """NULL: a column this layout lacks."""


@dataclass(frozen=True, slots=True)
class Json:
    """The first of several places in columns of JSON that holds something."""

    places: tuple[tuple[str, Path], ...]


@dataclass(frozen=True, slots=True)
class Length:
    """Length of a list in JSON: null where there is none, 0 for null, −1 for what is no list."""

    column: str
    key: str


Value = Column | RowNumber | Nothing | Json | Length
NOTHING = Nothing()


@dataclass(frozen=True, slots=True)
class Cell:
    """One output column: its name, what it holds, and whether it is a number.

    Numbers arrive as float64 with null where the cell is none, text as String with null where it
    is NULL, empty or not UTF-8.
    """

    name: str
    value: Value
    is_number: bool


def number(name: str, value: Value | None = None) -> Cell:
    """Cell of a number: the column of that name, or another value."""
    return Cell(name, value or Column(name), is_number=True)


def words(name: str, value: Value | None = None) -> Cell:
    """Cell of a text: the column of that name, or another value."""
    return Cell(name, value or Column(name), is_number=False)


def json(column: str, *paths: Path | str) -> Json:
    """The first of several paths into one column of JSON that holds something."""
    return Json(tuple((column, (path,) if isinstance(path, str) else path) for path in paths))


def either(*values: Json) -> Json:
    """The first of several JSON values that is there."""
    return Json(tuple(place for value in values for place in value.places))


# where custom_info of an executor names the orders it placed: key, and the key within each entry of a list
ORDER_LINKS: tuple[tuple[str, str | None], ...] = (
    ("order_ids", None),
    ("order_id", None),
    ("filled_orders", "client_order_id"),
    ("held_position_orders", "client_order_id"),
)


class BotDatabase(Protocol):
    """An opened database of a bot."""

    @property
    def uri(self) -> str:
        """Address as it may be shown."""
        ...

    @property
    def columns(self) -> Mapping[str, Mapping[str, str]]:
        """Declared types in capitals by column by table: BIGINT is ×1e6 in columns of money."""
        ...

    @property
    def counts(self) -> Mapping[str, int]:
        """Rows by table."""
        ...

    def read(
        self, table: str, cells: Sequence[Cell], *, where: str = "", then: Convert | None = None
    ) -> pl.DataFrame:
        """Columns of a table in the order of its rows, with ``row`` first; `then` converts each block.

        Raises
        ------
        UnreadableSourceError
            The table cannot be read whole.
        """
        ...

    def texts(self, table: str, column: str, rows: Iterable[int]) -> list[tuple[int, str]]:
        """Cells of a column as text, by number of the row; for few rows."""
        ...

    def executor_orders(self) -> list[tuple[str, str | None]]:
        """Executor and client order id, as far as ``custom_info`` says (`ORDER_LINKS`)."""
        ...

    def schema_version(self) -> str | None:
        """``local_db_version`` of the table Metadata; None where there is none."""
        ...

"""What a reader wants to know of a table before its rows: how many, from when to when, and which names."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

import polars as pl

_MOST_NAMES = 10_000  # a column of more is no list of names


@dataclass(frozen=True, slots=True)
class TableFacts:
    """Rows, times and names of a table.

    Parameters
    ----------
    rows
        How many.
    first, last
        Least and greatest `at`, UTC; None where there is none.
    names
        Distinct names of each column of labels, in order, null last where a row has none. A column of
        very many, as executors have, is left out.
    """

    rows: int
    first: datetime | None = None
    last: datetime | None = None
    names: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, table: pl.DataFrame) -> Self:
        """Facts of a table."""
        at = table["at"] if "at" in table.columns else pl.Series(dtype=pl.Datetime("us", "UTC"))
        labels = [column for column, dtype in table.schema.items() if dtype == pl.Categorical]
        names = {column: distinct_names(table[column]) for column in labels}
        names = {column: found for column, found in names.items() if len(found) <= _MOST_NAMES}
        first, last = at.min(), at.max()
        return cls(
            table.height, first if isinstance(first, datetime) else None,
            last if isinstance(last, datetime) else None, names,
        )  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        """Facts as plain values."""
        return {
            "rows": self.rows, "first": self.first and self.first.isoformat(),
            "last": self.last and self.last.isoformat(), "names": {k: list(v) for k, v in self.names.items()},
        }  # fmt: skip

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """Facts from plain values."""
        first, last = (row[name] and datetime.fromisoformat(row[name]) for name in ("first", "last"))
        return cls(row["rows"], first, last, {name: tuple(held) for name, held in row["names"].items()})


def distinct_names(column: pl.Series) -> tuple[str | None, ...]:
    """Distinct names of a column, in order, null last.

    >>> distinct_names(pl.Series(["b", None, "a", "b"]))
    ('a', 'b', None)
    """
    return tuple(column.unique().cast(pl.String).sort(nulls_last=True))


def tables_hash(tables: Mapping[str, pl.DataFrame]) -> str:
    """SHA-256 over the rows of all tables, whatever their order."""
    digest = hashlib.sha256()
    for name, rows in tables.items():
        texts = rows.with_columns(pl.col(pl.Categorical).cast(pl.String))
        total = texts.hash_rows().sum() if rows.height else 0
        digest.update(f"{name}:{rows.height}:{total};".encode())
    return digest.hexdigest()

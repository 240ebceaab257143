"""Results of others, without names: a JSON of the schema ``fillbook.peers/1``, or a CSV of its columns."""

from __future__ import annotations

import io
import json
from collections.abc import Collection
from pathlib import Path

import polars as pl

from fillbook.errors import UnreadableSourceError
from fillbook.sources.base import checked_path

_FORM = (
    'A peer file is {"schema": "fillbook.peers/1", "rows": [{"sharpe": 1.2, …}]}, or a CSV of such columns'
)


def read_peers(uri: str | Path, columns: Collection[str], schema: str) -> pl.DataFrame:
    """Rows of a peer file with those of `columns` that it has, as numbers; null where a cell is empty.

    Raises
    ------
    UnreadableSourceError
        It is neither, has none of the columns, or a cell is no number.
    """
    path = checked_path(str(uri))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableSourceError(str(uri), f"cannot be read: {error.strerror}") from error
    return peers_of(content, str(uri), columns, schema)


def peers_of(content: bytes, name: str, columns: Collection[str], schema: str) -> pl.DataFrame:
    """The same of the content of a file called `name`."""
    is_json = content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"["))
    rows = _json_rows(content, name, schema) if is_json else _csv_rows(content, name)
    held = [column for column in columns if any(column in row for row in rows)]
    if not held:
        raise UnreadableSourceError(name, f"has none of the columns {', '.join(columns)}", _FORM)
    table = {
        column: [_number(row.get(column), name, i) for i, row in enumerate(rows, start=1)] for column in held
    }
    return pl.DataFrame(table, schema=dict.fromkeys(held, pl.Float64))


def _json_rows(content: bytes, name: str, schema: str) -> list[dict[str, object]]:
    try:
        said = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UnreadableSourceError(name, "is no JSON", _FORM) from error
    if not isinstance(said, dict) or said.get("schema") != schema:
        raise UnreadableSourceError(name, f"is no {schema}", _FORM)
    rows = said.get("rows")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise UnreadableSourceError(name, "has no rows", _FORM)
    return rows


def _csv_rows(content: bytes, name: str) -> list[dict[str, object]]:
    try:
        table = pl.read_csv(io.BytesIO(content), infer_schema=False)
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        raise UnreadableSourceError(name, "is no CSV", _FORM) from error
    table = table.rename({column: column.strip().lower().lstrip("\ufeff") for column in table.columns})
    return table.to_dicts()


def _number(value: object, name: str, row: int) -> float | None:
    """A finite number; nothing for an empty cell."""
    if value is None or (isinstance(value, str) and value.strip().lower() in {"", "nan", "null"}):
        return None
    try:
        found = float(value) if isinstance(value, int | float | str) else float("nan")
    except (ValueError, OverflowError):
        found = float("nan")
    if isinstance(value, bool) or not abs(found) < float("inf"):
        raise UnreadableSourceError(name, f"row {row}: {value!r} is no number", _FORM)
    return found

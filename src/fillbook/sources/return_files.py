"""Daily returns of a benchmark from a CSV with the columns ``date`` and ``return``."""

from __future__ import annotations

import io
from datetime import date, datetime
from pathlib import Path

import polars as pl

from fillbook.errors import UnreadableSourceError
from fillbook.sources.base import checked_path

_FORM = (
    "A benchmark is a CSV with the header date,return: a UTC day like 2026-10-04 and a fraction, 0.01 = 1 %"
)
SCHEMA = {"day": pl.Date, "return": pl.Float64}


def read_returns(uri: str | Path) -> pl.DataFrame:
    """``day, return`` of a file, by day; the return is null where the cell is empty.

    Raises
    ------
    UnreadableSourceError
        It cannot be read, has other columns, or a row is no day with a return.
    """
    path = checked_path(str(uri))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableSourceError(str(uri), f"cannot be read: {error.strerror}") from error
    return returns_of(content, str(uri))


def returns_of(content: bytes, name: str) -> pl.DataFrame:
    """The same of the content of a file called `name`."""
    try:
        rows = pl.read_csv(io.BytesIO(content), infer_schema=False).fill_null("")
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        raise UnreadableSourceError(name, "is no CSV", _FORM) from error
    rows = rows.rename({column: column.strip().lower().lstrip("\ufeff") for column in rows.columns})
    if not {"date", "return"} <= set(rows.columns):
        held = ", ".join(rows.columns) or "none"
        raise UnreadableSourceError(name, f"has the columns {held}", _FORM)
    if rows.is_empty():
        raise UnreadableSourceError(name, "has no row", _FORM)
    days = [_day(text, name, line) for line, text in enumerate(rows["date"], start=2)]
    values = [_return(text, name, line) for line, text in enumerate(rows["return"], start=2)]
    table = pl.DataFrame({"day": days, "return": values}, schema=SCHEMA).sort("day")
    twice = table.filter(pl.col("day").is_duplicated())
    if twice.height:
        raise UnreadableSourceError(name, f"has {twice['day'][0]} more than once", "Leave one row a day")
    return table


def _day(text: str, name: str, line: int) -> date:
    """A UTC day; a time of day other than midnight is not a day."""
    text = text.strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UnreadableSourceError(name, f"line {line}: {text!r} is no date", _FORM) from error
    if (moment.hour, moment.minute, moment.second, moment.microsecond) != (0, 0, 0, 0):
        raise UnreadableSourceError(name, f"line {line}: {text!r} is a time within a day", _FORM)
    return moment.date()


def _return(text: str, name: str, line: int) -> float | None:
    """A fraction; nothing for an empty cell."""
    text = text.strip()
    if text.lower() in {"", "nan", "null", "none"}:
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise UnreadableSourceError(name, f"line {line}: {text!r} is no number", _FORM) from error
    if not -1.0 <= value < float("inf"):
        says = f"line {line}: a return of {text} loses more than everything, or has no end"
        raise UnreadableSourceError(name, says, "Returns are fractions, not percent: 0.01 is 1 %")
    return value

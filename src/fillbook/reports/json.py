"""Strict JSON: no NaN, no infinity, times in UTC with a Z."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from functools import singledispatch
from numbers import Integral, Real
from types import NoneType
from typing import TYPE_CHECKING, BinaryIO

import polars as pl

from fillbook.results import Result

if TYPE_CHECKING:
    from fillbook.reports.table import ReportTable

NOT_FINITE = "not_finite"
_ROWS_AT_ONCE = 10_000


def to_json(value: object, *, indent: int | None = None) -> str:
    """Text of `value` in strict JSON, in ASCII so that any terminal or pipe carries it.

    Raises
    ------
    ValueError
        A number in it is NaN or infinite, or a time has no zone.
    TypeError
        Something in it has no JSON form.
    """
    return json.dumps(plain(value), allow_nan=False, indent=indent)


@singledispatch
def plain(value: object) -> object:
    """`value` as dicts, lists, text, numbers and None.

    >>> plain((1.5, datetime(2024, 1, 2, tzinfo=UTC)))
    [1.5, '2024-01-02T00:00:00Z']
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} has no JSON form")


@plain.register(bool)
@plain.register(NoneType)
def _(value: bool | None) -> object:  # noqa: FBT001  (dispatched on its type)
    return value


@plain.register
def _(value: str) -> object:
    return str(value)


@plain.register
def _(value: Integral) -> object:
    return int(value)


@plain.register
def _(value: Real) -> object:
    return float(value)


@plain.register
def _(value: datetime) -> object:
    return iso(value)


@plain.register
def _(value: date) -> object:
    return value.isoformat()


@plain.register(Mapping)
def _(value: Mapping[object, object]) -> object:
    return {str(plain(key)): plain(item) for key, item in value.items()}


@plain.register(list)
@plain.register(tuple)
@plain.register(frozenset)
@plain.register(pl.Series)
def _(value: Iterable[object]) -> object:
    return [plain(item) for item in value]


@plain.register
def _(value: pl.DataFrame) -> object:
    known = value.with_columns(pl.selectors.float().fill_nan(None))  # a NaN is no number
    return [plain(row) for row in known.iter_rows(named=True)]


@plain.register(Result)
def result_object(result: Result) -> dict[str, object]:
    """Object of a `Result`; its parameters lose what is not finite."""
    value, status, reasons = result.value, result.status.value, list(result.reasons)
    if value is not None and not math.isfinite(value):
        value, status, reasons = None, "undefined", [*reasons, NOT_FINITE]
    return {
        "value": value,
        "unit": result.unit.value,
        "currency": result.currency,
        "status": status,
        "reasons": reasons,
        "n": result.n,
        "n_used": result.n_used,
        "coverage": _finite(result.coverage),
        "method": result.method,
        "params": {name: _finite(plain(item)) for name, item in result.params.items()},
    }


def iso(moment: datetime) -> str:
    """UTC time as ISO 8601 with a Z, microseconds only where there are any.

    Raises
    ------
    ValueError
        The time has no zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone: {moment.isoformat()}")
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def write_json(table: ReportTable, to: BinaryIO) -> None:
    """Write a table as one object: name, what it is about, columns with units, and rows.

    Rows are written as they are turned into text, so a large table needs little memory.
    """
    head: dict[str, object] = {
        "schema": "fillbook.table/1",
        "table": table.name,
        "about": table.about,
        "columns": [
            {
                "name": name,
                "unit": table.units.get(name, ""),
                "meaning": table.meanings.get(name, ""),
            }
            for name in table.rows.columns
        ],
    }
    to.write(to_json(head)[:-1].encode() + b', "rows": [')
    separator = b"\n"
    for rows in table.rows.iter_slices(_ROWS_AT_ONCE):
        lines = [to_json(row).encode() for row in rows.iter_rows(named=True)]
        to.write(separator + b",\n".join(lines))
        separator = b",\n"
    to.write(b"\n]}\n")


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value

"""CSV: units in the header where the name does not say them, times in UTC with a Z."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import polars as pl

if TYPE_CHECKING:
    from fillbook.reports.table import ReportTable

_TIME = "%Y-%m-%dT%H:%M:%S%.6fZ"
_FORMULA = r"^[=+\-@\t\r]"


def write_csv(table: ReportTable, to: BinaryIO) -> None:
    """Write a table as CSV in UTF-8; empty cell where there is no value.

    Text that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    rows = table.flat()
    headers = {name: table.header(name) for name in rows.columns}
    rows.with_columns(_guarded(pl.selectors.string())).rename(headers).write_csv(to, datetime_format=_TIME)


def _guarded(text: pl.Expr) -> pl.Expr:
    return pl.when(text.str.contains(_FORMULA)).then("'" + text).otherwise(text).name.keep()

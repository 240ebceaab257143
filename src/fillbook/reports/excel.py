"""Excel: native numbers and times, a sheet of rows and a sheet that says what they are."""

from __future__ import annotations

import importlib.util
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO

import polars as pl

from fillbook.errors import BadRequestError, MissingExtraError

if TYPE_CHECKING:
    from fillbook.reports.table import ReportTable

MAX_ROWS = 1_048_575  # of a sheet, below its header
MAX_TEXT = 32_767  # of a cell
_WIDEST = 40
_FORMATS = {"fraction": "0.00%", "UTC": "yyyy-mm-dd hh:mm:ss.000", "": "General"}
_NUMBER = "#,##0.00######"


def write_xlsx(table: ReportTable, to: BinaryIO) -> None:
    """Write a table as an Excel workbook.

    Times are UTC (Excel has no zones; the header says so). Text is never run as a formula. A text
    longer than a cell holds is cut and ends in an ellipsis; the sheet ``about`` says so.

    Raises
    ------
    BadRequestError
        The table has more rows than a sheet holds.
    MissingExtraError
        The extra ``excel`` is not installed.
    """
    if importlib.util.find_spec("xlsxwriter") is None:
        raise MissingExtraError("excel", "writing an Excel file")
    if table.rows.height > MAX_ROWS:
        message = (
            f"{table.name} has {table.rows.height:,} rows and an Excel sheet holds {MAX_ROWS:,}: "
            "choose --format csv or parquet, or a shorter period"
        )
        raise BadRequestError(message)
    from xlsxwriter import Workbook  # noqa: PLC0415  (only where an Excel file is asked for)

    plain_text = {
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with Workbook(to, {**plain_text, "constant_memory": True, "remove_timezone": True}) as book:
        n_cut = _write_rows(book, table)
        _write_about(book, table, n_cut)


def _write_rows(book: Any, table: ReportTable) -> int:  # noqa: ANN401  (xlsxwriter has no types)
    """Fill the sheet of rows; how many texts had to be cut."""
    sheet = book.add_worksheet(table.name[:31])
    rows, n_cut = table.flat(), 0
    header = book.add_format({"bold": True, "bottom": 1})
    formats = [book.add_format({"num_format": _format(table, name)}) for name in rows.columns]
    sheet.freeze_panes(1, 0)
    for j, name in enumerate(rows.columns):
        title = table.header(name, is_zone_shown=True)
        sheet.set_column(j, j, min(max(len(title) + 2, 12), _WIDEST))
        sheet.write_string(0, j, title, header)
    for i, row in enumerate(rows.iter_rows(), start=1):
        for j, value in enumerate(row):
            n_cut += _write_cell(sheet, (i, j), value, formats[j])
    if rows.width:
        sheet.autofilter(0, 0, rows.height, rows.width - 1)
    return n_cut


def _write_cell(sheet: Any, place: tuple[int, int], value: object, style: object) -> bool:  # noqa: ANN401
    """Write one cell by its type; True when its text had to be cut."""
    if value is None:
        return False
    if isinstance(value, bool):
        sheet.write_boolean(*place, value)
    elif isinstance(value, int | float):
        sheet.write_number(*place, value, style)
    elif hasattr(value, "isoformat"):
        if isinstance(value, datetime):
            value = value.replace(tzinfo=None)
        sheet.write_datetime(*place, value, style)
    else:
        text = str(value)
        is_cut = len(text) > MAX_TEXT
        sheet.write_string(*place, f"{text[: MAX_TEXT - 1]}…" if is_cut else text)
        return is_cut
    return False


def _format(table: ReportTable, name: str) -> str:
    """Excel's format of a column, by its type and unit."""
    dtype, unit = table.rows.schema[name], table.units.get(name, "")
    if dtype.is_temporal():
        return "yyyy-mm-dd" if dtype == pl.Date else _FORMATS["UTC"]
    if dtype.is_integer():
        return "0"
    return _FORMATS.get(unit, _NUMBER)


def _write_about(book: Any, table: ReportTable, n_cut: int) -> None:  # noqa: ANN401
    """Fill the sheet that says where the rows come from and what each column means."""
    sheet = book.add_worksheet("about")
    bold = book.add_format({"bold": True})
    sheet.set_column(0, 0, 28)
    sheet.set_column(1, 2, 60)
    lines = [*table.about.items()]
    if n_cut:
        lines.append(("cut texts", f"{n_cut} texts are longer than a cell holds and end in …"))
    for i, (name, text) in enumerate(lines):
        sheet.write_string(i, 0, name, bold)
        sheet.write_string(i, 1, text[:MAX_TEXT])
    start = len(lines) + 1
    for j, title in enumerate(("column", "unit", "meaning")):
        sheet.write_string(start, j, title, bold)
    for i, name in enumerate(table.rows.columns, start=start + 1):
        texts = (name, table.units.get(name, ""), table.meanings.get(name, ""))
        for j, text in enumerate(texts):
            sheet.write_string(i, j, text)

import importlib.util
import io
import re
import zipfile
from datetime import UTC, date, datetime

import polars as pl
import pytest

from fillbook.errors import BadRequestError, MissingExtraError
from fillbook.reports import excel
from fillbook.reports.excel import MAX_TEXT, write_xlsx
from fillbook.reports.table import ReportTable


def parts(table: ReportTable) -> dict[str, str]:
    """XML of a written workbook by the name of its part."""
    buffer = io.BytesIO()
    write_xlsx(table, buffer)
    with zipfile.ZipFile(buffer) as book:
        return {name: book.read(name).decode() for name in book.namelist()}


def test_numbers_and_times_are_native() -> None:
    rows = pl.DataFrame(
        {
            "at": [datetime(2026, 1, 1, 12, tzinfo=UTC)], "day": [date(2026, 1, 1)], "pnl": [-1.5],
            "n": [7], "is_open": [True], "none": pl.Series([None], dtype=pl.Float64),
        }
    )  # fmt: skip
    sheet = parts(ReportTable("daily", rows, {"at": "UTC", "pnl": "USDT"}))["xl/worksheets/sheet1.xml"]
    values = re.findall(r"<v>([^<]*)</v>", sheet)
    # 2026-01-01 is day 46023 of Excel's calendar, noon is half a day; the empty cell holds nothing
    assert values == ["46023.5", "46023", "-1.5", "7", "1"]
    assert "pnl [USDT]" in sheet
    assert "at [UTC]" in sheet
    assert '<autoFilter ref="A1:F2"/>' in sheet
    assert 'topLeftCell="A2"' in sheet  # the header stays in sight


def test_text_is_never_a_formula_or_a_link() -> None:
    rows = pl.DataFrame({"bot": ["=1+1", "http://example.invalid", "12"]})
    sheet = parts(ReportTable("t", rows))["xl/worksheets/sheet1.xml"]
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    assert sheet.count('t="inlineStr"') == 4  # the header and three texts


def test_the_second_sheet_says_what_the_columns_are() -> None:
    table = ReportTable("t", pl.DataFrame({"x": [1.0]}), {"x": "bps"}, {"x": "edge"}, {"sources": "a.sqlite"})
    about = parts(table)["xl/worksheets/sheet2.xml"]
    for text in ("sources", "a.sqlite", "column", "bps", "edge"):
        assert f">{text}<" in about


def test_a_text_too_long_for_a_cell_is_cut_and_said_so() -> None:
    rows = pl.DataFrame({"config": ["x" * (MAX_TEXT + 1), "short"]})
    held = parts(ReportTable("t", rows))
    assert "x" * (MAX_TEXT - 1) + "…" in held["xl/worksheets/sheet1.xml"]
    assert "1 texts are longer" in held["xl/worksheets/sheet2.xml"]


def test_more_rows_than_a_sheet_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excel, "MAX_ROWS", 1)
    with pytest.raises(BadRequestError, match="choose --format csv or parquet"):
        write_xlsx(ReportTable("t", pl.DataFrame({"x": [1, 2]})), io.BytesIO())


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(MissingExtraError, match=r"fillbook\[excel\]"):
        write_xlsx(ReportTable("t", pl.DataFrame({"x": [1]})), io.BytesIO())


def test_an_empty_table_is_a_sheet_with_a_header() -> None:
    sheet = parts(ReportTable("t", pl.DataFrame(schema={"x": pl.Int64})))["xl/worksheets/sheet1.xml"]
    assert ">x<" in sheet

import io
from datetime import UTC, datetime

import polars as pl
import pytest

from fillbook.reports.csv import write_csv
from fillbook.reports.table import ReportTable


def written(rows: pl.DataFrame, **units: str) -> list[str]:
    buffer = io.BytesIO()
    write_csv(ReportTable("t", rows, units), buffer)
    return buffer.getvalue().decode().splitlines()


def test_units_times_and_missing_values() -> None:
    rows = pl.DataFrame({"at": [datetime(2026, 1, 1, 0, 0, 0, 7, tzinfo=UTC)], "x": [None], "pnl": [-0.1]})
    assert written(rows, pnl="USDT") == [
        "at,x,pnl [USDT]",
        "2026-01-01T00:00:00.000007Z,,-0.1",
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx"])
def test_text_is_never_run_as_a_formula(text: str) -> None:
    assert written(pl.DataFrame({"bot": [text]}))[1].strip('"') == f"'{text}"


def test_plain_text_and_negative_numbers_stay_as_they_are() -> None:
    assert written(pl.DataFrame({"bot": ["a-b=c"], "pnl": [-5.0]})) == ["bot,pnl", "a-b=c,-5.0"]


def test_numbers_come_back_to_the_last_bit() -> None:
    rows = pl.DataFrame({"x": [0.1 + 0.2, 1e-12, 123456789.123456789, -1e22]})
    back = pl.read_csv("\n".join(written(rows)).encode())
    assert back["x"].to_list() == rows["x"].to_list()

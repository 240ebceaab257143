import io
import json
from datetime import UTC, datetime

import polars as pl
from polars.testing import assert_frame_equal

from fillbook.reports.parquet import write_parquet
from fillbook.reports.table import ReportTable


def test_rows_come_back_equal_and_metadata_says_the_units() -> None:
    rows = pl.DataFrame(
        {
            "at": [datetime(2026, 1, 1, tzinfo=UTC)],
            "x": [0.1],
            "reasons": [["a", "b"]],
            "none": [None],
        }
    )
    buffer = io.BytesIO()
    write_parquet(ReportTable("t", rows, {"x": "USDT"}, {}, {"currency": "USDT"}), buffer)
    buffer.seek(0)
    assert_frame_equal(pl.read_parquet(buffer), rows)
    buffer.seek(0)
    said = json.loads(pl.read_parquet_metadata(buffer)["fillbook"])
    assert (said["table"], said["units"], said["about"]) == (
        "t",
        {"x": "USDT"},
        {"currency": "USDT"},
    )

import io
import json
import math
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbook.findings import Severity
from fillbook.reports.json import plain, result_object, to_json, write_json
from fillbook.reports.table import ReportTable
from fillbook.results import Result
from fillbook.units import Unit


def test_times_are_utc_with_a_z() -> None:
    two_east = timezone(timedelta(hours=2))
    assert plain(datetime(2024, 1, 1, 2, tzinfo=two_east)) == "2024-01-01T00:00:00Z"
    assert plain(datetime(2024, 1, 1, 0, 0, 0, 5, tzinfo=UTC)) == "2024-01-01T00:00:00.000005Z"
    assert plain(date(2024, 1, 1)) == "2024-01-01"


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        plain(datetime(2024, 1, 1))  # noqa: DTZ001


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"value": number})


def test_what_has_no_form_is_refused() -> None:
    with pytest.raises(TypeError, match="object has no JSON form"):
        to_json(object())


def test_plain_takes_every_kind_the_reports_hold() -> None:
    held = (
        True, None, 3, np.int64(4), np.float64(0.5), "text", Severity.ERROR, frozenset({1}),
        {"a": (1, 2)}, pl.Series([1.5]), pl.DataFrame({"x": [1]}),
    )  # fmt: skip
    assert plain(held) == [
        True, None, 3, 4, 0.5, "text", "error", [1], {"a": [1, 2]}, [1.5], [{"x": 1}],
    ]  # fmt: skip
    assert type(plain(Severity.ERROR)) is str


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_comes_back_to_the_last_bit(number: float) -> None:
    assert json.loads(to_json(number)) == number


@given(st.text())
def test_text_is_ascii_and_comes_back(text: str) -> None:
    assert to_json(text).isascii()
    assert json.loads(to_json(text)) == text


def test_a_result_without_a_finite_number_says_so() -> None:
    broken = Result("x", math.inf, Unit.RATIO, params={"alpha": math.nan, "n": 3}, coverage=math.nan)
    said = result_object(broken)
    assert (said["value"], said["status"], said["reasons"]) == (None, "undefined", ["not_finite"])
    assert (said["params"], said["coverage"]) == ({"alpha": None, "n": 3}, None)


@pytest.mark.parametrize("height", [0, 1, 10_001])  # none, one, and more than one slice of rows
def test_a_table_is_one_object_with_all_its_rows(height: int) -> None:
    rows = pl.DataFrame({"x": range(height)}, schema={"x": pl.Int64})
    buffer = io.BytesIO()
    write_json(ReportTable("t", rows, {"x": "s"}, {"x": "a time"}), buffer)
    held = json.loads(buffer.getvalue())
    assert held["schema"] == "fillbook.table/1"
    assert held["columns"] == [{"name": "x", "unit": "s", "meaning": "a time"}]
    assert [row["x"] for row in held["rows"]] == list(range(height))

import json

import polars as pl
import pytest

from fillbook.analysis.overview import Overview
from fillbook.errors import BadRequestError
from fillbook.filters import Filter
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.reports.table import ANSWER_TABLES, DATA_TABLES, ReportTable, report_table


def test_a_canonical_table_is_filtered_and_knows_its_units(data: PerformanceDataSource) -> None:
    table = report_table("fills", data, Filter(pairs=("B-USDT",)))
    assert table.rows["price_quote"].to_list() == [12.0]
    assert (table.units["price_quote"], table.units["at"]) == ("quote/base", "UTC")
    assert table.meanings["side"] == "+1 BUY, −1 SELL"
    assert table.rows.schema["pair"] == pl.String
    assert json.loads(table.about["filter"]) == {"pairs": ["B-USDT"]}


def test_a_canonical_table_follows_the_filter_of_an_answer(
    data: PerformanceDataSource, answer: Overview
) -> None:
    assert report_table("fills", data, answer).rows["pair"].to_list() == ["A-USDT"]


@pytest.mark.parametrize("name", ANSWER_TABLES)
def test_every_table_of_an_answer_has_rows(data: PerformanceDataSource, answer: Overview, name: str) -> None:
    assert report_table(name, data, answer).rows.height > 0


@pytest.mark.parametrize("name", DATA_TABLES)
def test_every_table_of_the_data_is_there(data: PerformanceDataSource, name: str) -> None:
    assert report_table(name, data).name == name


def test_metrics_keep_what_is_missing_and_why(data: PerformanceDataSource, answer: Overview) -> None:
    rows = report_table("metrics", data, answer).rows.to_dicts()
    assert [(r["key"], r["value"], r["status"], r["reasons"]) for r in rows] == [
        ("net_pnl", 1.25, "ok", []),
        ("roi", None, "unavailable", ["no_capital"]),
    ]


def test_money_of_an_answer_is_in_its_currency(data: PerformanceDataSource, answer: Overview) -> None:
    table = report_table("daily", data, answer)
    assert [table.header(name) for name in ("day", "pnl")] == ["day", "pnl [USDT]"]
    assert table.about["period"] == "2026-01-01T00:00:00Z to 2026-01-02T12:00:00Z"
    assert json.loads(table.about["conventions"])["capital"] == 100.0


def test_a_header_says_a_unit_only_once() -> None:
    table = ReportTable("t", pl.DataFrame(), {"net_quote": "quote", "age": "s", "at": "UTC"})
    assert [table.header(c) for c in ("net_quote", "age", "at", "x")] == [
        "net_quote",
        "age [s]",
        "at",
        "x",
    ]
    assert table.header("at", is_zone_shown=True) == "at [UTC]"


def test_lists_stand_in_one_cell(data: PerformanceDataSource, answer: Overview) -> None:
    flat = report_table("books", data, answer).flat()
    assert flat["reasons"].to_list() == ["no_mid; gap"]
    assert report_table("findings", data, answer).flat()["rows"].to_list() == ["1; 2; 3"]


def test_nan_is_no_value(data: PerformanceDataSource, answer: Overview) -> None:
    object.__setattr__(answer, "trips", pl.DataFrame({"net_quote": [float("nan")]}))
    assert report_table("trips", data, answer).rows["net_quote"].to_list() == [None]


def test_a_table_that_is_none_is_refused(data: PerformanceDataSource) -> None:
    with pytest.raises(BadRequestError, match="there is no table 'fils'; there are metrics, books"):
        report_table("fils", data)
    with pytest.raises(BadRequestError, match="belongs to an answer"):
        report_table("books", data, Filter())

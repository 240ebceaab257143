"""Laws of parts: they add up to the whole, and neither size nor order of rows changes what they say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.random_fills import LAWS, Dealt, dealt, value
from fillbook.analysis.overview import Overview, overview
from fillbook.analysis.parts import Parts, Tag, parts
from fillbook.conventions import Conventions
from fillbook.etl import performance_etl
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.testing.tables import CLOCK, fills, raw_tables

SUMS = {"net": "net_pnl", "fees": "fees", "volume": "volume", "funding": "funding", "n_fills": "n_fills"}
WAYS: tuple[tuple[Tag, ...], ...] = (
    ("controller_id",), ("controller_id", "bot"), ("bot",), ("connector",), ("pair",), ("close_type",),
    ("side",), ("side", "pair"), ("close_type", "controller_id", "side"),
)  # fmt: skip

NOTHING = PerformanceDataSource.from_tables({"fills": fills().clear()}, clock=CLOCK)
ASKED = overview(NOTHING, check=False)  # of an answer, parts read the question alone: no time for the rest


@LAWS
@given(dealt(max_size=15))
def test_parts_add_up_to_the_whole(book: Dealt) -> None:
    """Whatever tells parts apart, their sums are the metrics of the whole, and their days its days."""
    data = book.data
    answer = overview(data, conventions=book.conventions, metrics=SUMS.values(), check=False)
    for by in WAYS:
        table = parts(data, answer, by).table
        assert_complete(table, book, by)
        assert_same_sums(table, answer, book.tolerance)
        daily = np.array(table["daily"].to_list(), float)
        assert daily.shape == (table.height, answer.daily.height)
        assert np.abs(daily.sum(axis=0) - answer.daily["pnl"].to_numpy()).max() <= book.tolerance, by
        assert np.abs(daily.sum(axis=1) - table["net"].to_numpy()).max() <= book.tolerance, by


def assert_complete(table: pl.DataFrame, book: Dealt, by: tuple[Tag, ...]) -> None:
    """A row for each combination of tags, and the best first."""
    expected = {tuple(row[tag] for tag in by) for row in book.rows}
    assert set(table.select(by).iter_rows()) == expected
    assert table.height == len(expected)
    assert table["net"].is_sorted(descending=True)


def assert_same_sums(table: pl.DataFrame, answer: Overview, tolerance: float) -> None:
    for column, key in SUMS.items():
        if answer.metrics[key].value is None:  # perpetuals alone, held over funding times, never paid
            assert answer.metrics[key].reasons == ("funding_unavailable",)
            assert table[column].abs().sum() == 0.0
        else:
            assert abs(table[column].sum() - value(answer, key)) <= tolerance, (table.columns, key)


@LAWS
@given(
    dealt(pairs=("ABC-USDT", "XYZ-USDT"), bots=("one",), max_size=10),
    st.sampled_from(WAYS),
    st.sampled_from([1.0, 0.5, 3.0, 1e3]),
    st.data(),
)
def test_size_scales_parts_and_the_order_of_rows_does_not_matter(
    book: Dealt, by: tuple[Tag, ...], k: float, drawn: st.DataObject
) -> None:
    """Rows in any order, amounts k times as large: k times the money, and all else the same."""
    order = drawn.draw(st.permutations(range(len(book.rows))), label="order of the rows")
    tables = book.scaled(k).tables
    raw = raw_tables(bot="one", **tables | {"fills": tables["fills"][order]})
    shuffled = PerformanceDataSource.from_tables(performance_etl([raw], clock=CLOCK).tables)
    one = by_tags(book.data, book.conventions, by)
    other = by_tags(shuffled, book.conventions, by)
    assert one.keys() == other.keys()
    for key, row in one.items():
        assert other[key]["n_fills"] == row["n_fills"]
        for column in ("net", "fees", "volume", "funding", "daily"):
            expected = k * np.array(row[column])
            assert other[key][column] == pytest.approx(expected, rel=1e-9, abs=1e-9 * max(k, 1.0)), column


def by_tags(
    data: PerformanceDataSource, conventions: Conventions, by: tuple[Tag, ...]
) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Parts by their tags: the order of those that earned the same is nobody's business."""
    found: Parts = parts(data, replace(ASKED, conventions=conventions), by)
    return {tuple(row[tag] for tag in by): row for row in found.table.iter_rows(named=True)}

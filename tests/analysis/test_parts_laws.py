"""Laws of parts: they add up to the whole, and neither size nor order of rows changes what they say."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.random_fills import LAWS, Dealt, dealt, value
from fillbook.analysis.overview import overview
from fillbook.analysis.parts import Parts, Tag, parts
from fillbook.conventions import Conventions
from fillbook.etl import performance_etl
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.testing.tables import CLOCK, raw_tables

METRICS = {
    "net": "net_pnl",
    "fees": "fees",
    "volume": "volume",
    "funding": "funding",
    "n_fills": "n_fills",
}
WAYS: tuple[tuple[Tag, ...], ...] = (
    ("controller_id",), ("controller_id", "bot"), ("bot",), ("connector",), ("pair",), ("close_type",),
    ("side",), ("side", "pair"), ("close_type", "controller_id", "side"),
)  # fmt: skip
ways = st.sampled_from(WAYS)
METRIC_KEYS = tuple(METRICS.values())


def parted(data: PerformanceDataSource, conventions: Conventions, by: tuple[Tag, ...]) -> Parts:
    return parts(data, overview(data, conventions=conventions, metrics=METRIC_KEYS, check=False), by)


def by_tags(found: Parts, by: tuple[Tag, ...]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Rows by their tags: the order of parts that earned the same is nobody's business."""
    return {tuple(row[tag] for tag in by): row for row in found.table.iter_rows(named=True)}


@LAWS
@given(dealt())
def test_parts_add_up_to_the_whole(book: Dealt) -> None:
    """Whatever tells parts apart, their sums are the metrics of the whole."""
    data = book.data
    answer = overview(data, conventions=book.conventions, metrics=METRIC_KEYS, check=False)
    for by in WAYS:
        table = parts(data, answer, by).table
        for column, key in METRICS.items():
            if answer.metrics[key].value is None:
                # a perpetual held over funding times without a payment: its sum is known to be 0
                assert answer.metrics[key].reasons == ("funding_unavailable",)
                assert table[column].abs().sum() == 0.0
                continue
            assert table[column].sum() == pytest.approx(value(answer, key), rel=0.0, abs=book.tolerance), (
                by,
                key,
            )


@LAWS
@given(dealt())
def test_days_of_the_parts_add_up_to_the_days(book: Dealt) -> None:
    data = book.data
    answer = overview(data, conventions=book.conventions, metrics=METRIC_KEYS, check=False)
    for by in WAYS:
        found = parts(data, answer, by)
        daily = np.array(found.table["daily"].to_list(), float)
        assert daily.shape == (found.table.height, answer.daily.height)
        assert daily.sum(axis=0) == pytest.approx(
            answer.daily["pnl"].to_numpy(), rel=0.0, abs=book.tolerance
        ), by
        assert daily.sum(axis=1) == pytest.approx(
            found.table["net"].to_numpy(), rel=0.0, abs=book.tolerance
        ), by


@LAWS
@given(dealt(), ways)
def test_each_part_is_one_combination_of_tags_and_the_best_comes_first(
    book: Dealt, by: tuple[Tag, ...]
) -> None:
    table = parted(book.data, book.conventions, by).table
    expected = {tuple(row.get(tag) for tag in by) for row in book.rows}
    assert len(expected) == table.height
    assert set(table.select(by).iter_rows()) == expected
    assert table["net"].is_sorted(descending=True)


@LAWS
@given(dealt(), ways, st.sampled_from([0.001, 0.5, 3.0, 1_000.0]))
def test_larger_amounts_scale_the_money_of_every_part(book: Dealt, by: tuple[Tag, ...], k: float) -> None:
    one = by_tags(parted(book.data, book.conventions, by), by)
    larger = book.scaled(k)
    other = by_tags(parted(larger.data, book.conventions, by), by)
    assert one.keys() == other.keys()
    for key, row in one.items():
        for column in ("net", "fees", "volume", "funding"):
            within = 1e-6 * k + larger.tolerance
            assert other[key][column] == pytest.approx(k * row[column], rel=1e-9, abs=within), (key, column)
        assert other[key]["n_fills"] == row["n_fills"]


@LAWS
@given(dealt(bots=("one",), max_size=12), ways, st.data())
def test_rows_may_lie_in_any_order(book: Dealt, by: tuple[Tag, ...], drawn: st.DataObject) -> None:
    """Times differ, so the order of the rows in a file says nothing."""
    order = drawn.draw(st.permutations(range(len(book.rows))), label="order of the rows")

    def opened(tables: dict[str, pl.DataFrame]) -> PerformanceDataSource:
        raw = raw_tables(bot="one", **tables)
        return PerformanceDataSource.from_tables(performance_etl([raw], clock=CLOCK).tables)

    tables = book.tables
    shuffled = tables | {"fills": tables["fills"][order]}
    one = by_tags(parted(opened(tables), book.conventions, by), by)
    other = by_tags(parted(opened(shuffled), book.conventions, by), by)
    assert one.keys() == other.keys()
    for key, row in one.items():
        for column in ("net", "fees", "volume", "funding", "n_fills", "daily"):
            assert other[key][column] == pytest.approx(row[column], rel=1e-9, abs=1e-9), (key, column)

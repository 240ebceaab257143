"""What a checkpoint keeps answers as the tables do: the whole from what was worked out, a period read alone."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.random_fills import Dealt, dealt
from fillbook.analysis.overview import Overview, overview
from fillbook.analysis.parts import Tag, parts
from fillbook.analysis.periods import accrued
from fillbook.analysis.trades import fills_of_market, fills_of_trip
from fillbook.analysis.view import lean_view_of, view_of
from fillbook.conventions import Conventions
from fillbook.errors import BadRequestError
from fillbook.filters import Filter
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.reports.json import to_json
from fillbook.reports.merging import cleaned_tables
from fillbook.reports.summary import summary_object
from fillbook.sources import checkpoint_writing
from fillbook.sources.checkpoint_form import Manifest
from fillbook.sources.checkpoint_reading import StoredTables
from fillbook.testing.tables import START, fills, table

ALL_TAGS: tuple[tuple[Tag, ...], ...] = (("bot", "controller_id", "connector", "pair"), ("pair",), ("side",))
FRAMES = ("books", "daily", "book_daily", "equity", "trips", "drawdowns")
DAY = timedelta(days=1)


def stored(data: PerformanceDataSource, root: Path) -> PerformanceDataSource:
    """The same data, kept in a folder and read from there."""
    cleaned = cleaned_tables(root, data, lambda *_: None)
    tables = StoredTables(root, Manifest("test", "", "", cleaned=cleaned), cleaned)
    return replace(data, tables=tables, stored=tables)


def same(first: Overview, second: Overview, data: PerformanceDataSource) -> bool:
    texts = [to_json(summary_object(answer, data)) for answer in (first, second)]
    return texts[0] == texts[1] and all(
        getattr(first, name).equals(getattr(second, name))
        and getattr(first, name).schema == getattr(second, name).schema
        for name in FRAMES
    )


@st.composite
def periods(draw: st.DrawFn) -> tuple[float, float]:
    first, last = sorted(draw(st.lists(st.floats(-0.1, 1.1), min_size=2, max_size=2, unique=True)))
    return first, last


@settings(max_examples=12, deadline=None)
@given(deal=dealt(min_size=2), period=periods(), side=st.sampled_from([(), ("BUY",)]))
def test_a_period_read_alone_is_the_period_of_the_whole(
    deal: Dealt, period: tuple[float, float], side: tuple[str, ...]
) -> None:
    data = deal.data
    span = data.span("fills")
    assert span is not None
    start, end = (span[0] + share * (span[1] - span[0] + DAY) for share in period)
    chosen = Filter(start=start, end=max(end, start + timedelta(seconds=1)), sides=side)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint_writing, "PART_ROWS", 3)
        held = stored(data, Path(folder))
        assert same(overview(held), overview(data), data)
        assert same(overview(held, chosen), overview(data, chosen), data)
        by = ("bot", "controller_id", "pair")
        divided = [parts(each, overview(each, chosen), by).table for each in (held, data)]
        assert divided[0].equals(divided[1])
        assert "fills" not in held.stored._held  # type: ignore[union-attr]


@settings(max_examples=12, deadline=None)
@given(deal=dealt(min_size=3), days=st.lists(st.integers(-1, 12), min_size=2, max_size=2, unique=True))
def test_what_whole_days_made_is_the_sum_of_days_that_were_kept(deal: Dealt, days: list[int]) -> None:
    data = deal.data
    first, last = (START + number * DAY for number in sorted(days))
    with tempfile.TemporaryDirectory() as folder:
        held = stored(data, Path(folder))
        for chosen in (
            Filter(start=first, end=last),
            Filter(start=first),
            Filter(start=first, sides=("BUY",)),
        ):
            made = [accrued(each, overview(each, chosen, check=False)) for each in (held, data)]
            assert (made[0] is None) == (made[1] is None)
            assert made[0] is None or made[0] == pytest.approx(made[1], abs=deal.tolerance)
            is_read = "fills" in held.stored._held  # type: ignore[union-attr]
            assert not is_read or chosen.sides or made[0] is None or overview(held).currency is None


def hedged() -> PerformanceDataSource:
    """Long and short of one perpetual at once, over three days."""
    n = 24
    return PerformanceDataSource.from_tables({"fills": fills(
        at=[3 * 3_600.0 * i for i in range(n)], connector="binance_perpetual",
        side=[1, -1, -1, 1] * (n // 4), position_action=["OPEN", "OPEN", "CLOSE", "CLOSE"] * (n // 4),
        price_quote=[100.0 + i % 5 for i in range(n)], trade_id=[str(i) for i in range(n)],
    )})  # fmt: skip


def test_hedged_accounts_keep_their_legs(tmp_path: Path) -> None:
    data = hedged()
    chosen = Filter(start=START + DAY, end=START + 2 * DAY)
    held = stored(data, tmp_path)
    assert set(overview(held, chosen).books["leg"]) == {"LONG", "SHORT"}
    assert same(overview(held, chosen), overview(data, chosen), data)


def test_only_the_files_of_the_period_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint_writing, "PART_ROWS", 4)
    held = stored(hedged(), tmp_path)
    for part in held.stored.cleaned.tables["fills"][2:]:  # type: ignore[union-attr]
        (tmp_path / part.path).unlink()
    answer = overview(held, Filter(end=START + DAY), check=False)
    assert answer.metrics["n_fills"].value == 8


def test_a_fill_that_paid_several_fees_is_booked_with_the_whole(tmp_path: Path) -> None:
    paid = table("flat_fees", source=0, row=[0, 0], token=["USDT", "ABC"], amount=[0.1, 0.01])
    rows = fills(at=[0.0, 90_000.0], side=[1, -1], price_quote=[100.0, 101.0])
    rows = rows.with_columns(row=pl.int_range(pl.len(), dtype=pl.Int64))
    data = PerformanceDataSource.from_tables({"fills": rows, "flat_fees": paid})
    held, chosen = stored(data, tmp_path), Filter(end=START + DAY)
    assert same(overview(held, chosen), overview(data, chosen), data)
    assert lean_view_of(held, chosen).ledger.fills.height == 2


def test_other_conventions_are_booked_anew(tmp_path: Path) -> None:
    data = hedged()
    held, how = stored(data, tmp_path), Conventions(method="fifo", capital=1_000.0)
    for chosen in (Filter(), Filter(start=START + DAY)):
        assert same(overview(held, chosen, how), overview(data, chosen, how), data)


def test_some_metrics_and_no_checks_of_what_is_kept(tmp_path: Path) -> None:
    held = stored(hedged(), tmp_path)
    some = overview(held, metrics=["net_pnl"], check=False)
    assert list(some.metrics) == ["net_pnl"]
    assert some.checks == ()
    with pytest.raises(BadRequestError, match="did you mean net_pnl"):
        overview(held, metrics=["net_pnll"])


def test_names_that_the_data_lacks_are_refused_without_reading_it(tmp_path: Path) -> None:
    held = stored(hedged(), tmp_path)
    with pytest.raises(BadRequestError, match="holds no pair XYZ-USDT; it holds ABC-USDT"):
        overview(held, Filter(pairs=("XYZ-USDT",), start=START))


def test_a_trip_leads_to_its_fills(tmp_path: Path) -> None:
    data = hedged()
    held, chosen = stored(data, tmp_path), Filter(start=START + DAY)
    for each in (held, data):
        trip = overview(each, chosen).trips.row(0, named=True)
        assert fills_of_trip(each, overview(each, chosen), trip)["trade_id"].to_list() == ["8", "10"]
    assert lean_view_of(held, chosen) is lean_view_of(held, chosen)
    view_of(held, chosen)  # what the other answers ask
    assert lean_view_of(held, chosen) is view_of(held, chosen)


def test_facts_are_those_of_the_tables(tmp_path: Path) -> None:
    data = hedged()
    held = stored(data, tmp_path)
    for name in data.tables:
        assert held.height(name) == data.height(name)
        assert "at" not in data.tables[name].columns or held.span(name) == data.span(name)
    drawn = [fills_of_market(each, overview(each), "binance_perpetual", "ABC-USDT") for each in (held, data)]
    assert drawn[0].equals(drawn[1])
    for by in ALL_TAGS:
        assert parts(held, overview(held), by).table.equals(parts(data, overview(data), by).table)
    assert held.names("fills", "pair") == data.names("fills", "pair") == ("ABC-USDT",)
    assert held.names("fills", "controller_id") == (None,)
    span = held.span("fills")
    assert span is not None
    assert span[1] == datetime.fromisoformat("2026-01-03T21:00:00+00:00")

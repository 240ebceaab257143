"""A view against the one before it, and hour by hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.random_fills import DAY, HOUR, LAWS, Dealt, dealt, value
from fillbook.analysis.overview import overview
from fillbook.analysis.periods import accrued, before, hourly
from fillbook.conventions import Conventions
from fillbook.filters import Filter
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.testing.tables import START, fills, table

KEYS = ("net_pnl", "fees", "volume", "n_fills")


def days(n: float) -> datetime:
    return START + timedelta(days=n)


def one_trip_a_day() -> PerformanceDataSource:
    """Buy at 100 at noon and sell at 110, 120, 130, 140 a minute later; the last sale ends the run."""
    at = [DAY * (n + 0.5) + later for n in range(4) for later in (0, 60)]
    price = [100.0, 110.0, 100.0, 120.0, 100.0, 130.0, 100.0, 140.0]
    return PerformanceDataSource.from_tables({"fills": fills(at=at, side=[1, -1] * 4, price_quote=price)})


def test_without_a_chosen_start_there_is_no_period_before() -> None:
    data = one_trip_a_day()
    assert before(data, overview(data), KEYS) is None
    assert before(data, overview(data, Filter(end=days(2))), KEYS) is None


def test_the_period_before_is_as_long_and_ends_where_the_view_begins() -> None:
    data = one_trip_a_day()
    answer = overview(data, Filter(start=days(2), end=days(3)), metrics=KEYS)
    earlier = before(data, answer, KEYS)
    assert earlier is not None
    assert answer.metrics["net_pnl"].value == 30.0  # the third day: 130 − 100
    assert earlier["net_pnl"].value == 20.0  # the second: 120 − 100
    assert earlier["volume"].value == 220.0
    assert dict(earlier) == dict(overview(data, Filter(start=days(1), end=days(2)), metrics=KEYS).metrics)


def test_the_period_before_looks_through_the_same_filter_and_conventions() -> None:
    data = one_trip_a_day()
    conventions = Conventions(capital=1_000.0)
    chosen = Filter(start=days(2), end=days(3), sides=("SELL",))
    earlier = before(data, overview(data, chosen, conventions), ("volume", "n_fills", "roi"))
    same = Filter(start=days(1), end=days(2), sides=("SELL",))
    assert earlier is not None
    assert earlier["volume"].value == 120.0  # sold once at 120
    assert dict(earlier) == dict(
        overview(data, same, conventions, metrics=("volume", "n_fills", "roi")).metrics
    )


def test_an_open_end_is_the_end_of_the_run() -> None:
    data = one_trip_a_day()
    answer = overview(data, Filter(start=days(2.5)))
    earlier = before(data, answer, KEYS)
    # from day 2.5 to the last sale, 1 day and 60 s: before it from day 1.5 less 60 s to day 2.5
    assert answer.period == (days(2.5), days(3.5) + timedelta(seconds=60))
    assert earlier is not None
    assert earlier["net_pnl"].value == 20.0


def test_what_the_data_does_not_reach_is_not_compared() -> None:
    data = one_trip_a_day()  # its first fill is half a day in
    assert before(data, overview(data, Filter(start=days(2), end=days(3.5))), KEYS) is not None
    assert before(data, overview(data, Filter(start=days(2), end=days(3.501))), KEYS) is None
    assert before(data, overview(data, Filter(start=days(9))), KEYS) is None  # an empty view


def test_hours_of_a_day() -> None:
    rows = fills(
        at=[HOUR / 2, HOUR, 1.5 * HOUR, 3.5 * HOUR],
        side=[1, -1, 1, -1],
        price_quote=[100.0, 103.0, 100.0, 95.0],
    )
    found = hourly(overview(PerformanceDataSource.from_tables({"fills": rows})))
    # a fill on the hour ends the hour before: 3, 0 (bought), 0, −5
    assert found["hour"].to_list() == [datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in range(4)]
    assert found["pnl"].to_list() == [3.0, 0.0, 0.0, -5.0]


def test_capital_is_not_earned() -> None:
    rows = fills(at=[0, HOUR / 2], side=[1, -1], price_quote=[100.0, 103.0])
    data = PerformanceDataSource.from_tables({"fills": rows})
    assert hourly(overview(data, conventions=Conventions(capital=500.0)))["pnl"].to_list() == [3.0]


@LAWS
@given(dealt(max_size=8))
def test_hours_add_up_to_the_net_pnl(book: Dealt) -> None:
    answer = overview(book.data, conventions=book.conventions, metrics=("net_pnl",), check=False)
    found = hourly(answer)
    assert found["pnl"].sum() == pytest.approx(value(answer, "net_pnl"), rel=0.0, abs=book.tolerance)
    assert found["hour"].is_sorted()
    assert found["hour"].is_unique().all()


@pytest.mark.parametrize(("hours", "is_shown"), [(5_000, True), (5_000.01, False), (20_000, False)])
def test_a_curve_coarser_than_an_hour_has_no_hours(hours: float, is_shown: bool) -> None:
    rows = fills(at=[0, hours * HOUR], side=[1, -1], price_quote=[100.0, 103.0])
    found = hourly(overview(PerformanceDataSource.from_tables({"fills": rows})))
    assert found.height == (5_000 if is_shown else 0)
    assert found.columns == ["hour", "pnl"]


def test_an_empty_view_has_no_hours() -> None:
    data = PerformanceDataSource.from_tables({"fills": fills().clear()}, clock=START)
    assert hourly(overview(data)).is_empty()


def test_an_hour_next_to_a_missing_mark_is_unknown() -> None:
    data = PerformanceDataSource.from_tables({
        "fills": fills(at=[60, 4 * HOUR], side=[1, -1], price_quote=[100.0, 130.0]),
        # minutes that close at 1:00 and 3:00; two minutes later they are no price any more
        "candles": table(
            "candles", connector="binance", pair="ABC-USDT", at=[HOUR - 60, 3 * HOUR - 60],
            close_quote=[110.0, 120.0],
        ),
    })  # fmt: skip
    answer = overview(data, conventions=Conventions(strict_marks=True))
    # 110 − 100; no mark at 2:00, so neither hour beside it; 130 − 120
    assert hourly(answer)["pnl"].to_list() == [10.0, None, None, 10.0]


def test_what_accrued_is_net_at_the_end_less_net_at_the_start() -> None:
    data = PerformanceDataSource.from_tables({
        "fills": fills(at=[0, 2 * DAY], side=[1, -1], price_quote=[100.0, 130.0], fee_token="USDT",
                       fee_amount=[1.0, 2.0]),
        "quotes": table("quotes", at=[DAY - 1], mid_quote=110.0),
    })  # fmt: skip
    answer = overview(data, Filter(start=START + timedelta(days=1)))
    assert answer.metrics["net_pnl"].value == -2.0  # sold at 130, valued at 130, less the fee
    # bought at 100 the day before and worth 110 at midnight: 130 − 110 − 2
    assert accrued(data, answer) == pytest.approx(18.0)
    assert accrued(data, overview(data)) is None


def test_a_fill_at_the_last_moment_of_the_data_accrues() -> None:
    data = PerformanceDataSource.from_tables({
        "fills": fills(at=[DAY + 1], price_quote=[100.0], fee_token="USDT", fee_amount=[0.5]),
    })  # fmt: skip
    answer = overview(data, Filter(start=START + timedelta(days=1)))
    assert accrued(data, answer) == pytest.approx(-0.5)


@LAWS
@given(dealt(), st.integers(1, 4))
def test_what_accrued_is_the_sum_of_its_days(book: Dealt, day: int) -> None:
    data = book.data
    whole = overview(data, conventions=book.conventions, check=False)
    start = START + timedelta(days=day)
    if whole.currency is None or whole.daily["pnl"].null_count() or start >= whole.period[1]:  # type: ignore[index]
        return
    answer = overview(data, Filter(start=start), book.conventions, check=False)
    days = whole.daily.filter(pl.col("day") >= start.date())["pnl"].sum()
    if answer.period is not None and answer.currency == whole.currency:
        assert accrued(data, answer) == pytest.approx(days, abs=book.tolerance)

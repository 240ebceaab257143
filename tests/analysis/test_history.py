"""How the headline metrics came to be, day by day."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from hypothesis import assume, given

from analysis.random_fills import DAY, LAWS, Dealt, dealt, value
from fillbook.analysis.history import to_date
from fillbook.analysis.overview import Overview, overview
from fillbook.conventions import Conventions
from fillbook.filters import Filter
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.testing.tables import START, fills, table

KEYS = ("net_pnl", "max_drawdown", "fees", "sharpe_ratio", "win_rate", "profit_factor")


def earning(*gains: float, fee: float = 0.0, conventions: Conventions | None = None) -> Overview:
    """A round trip a day: buy 1 at 100, a minute later sell at 100 + gain + 2 fees."""
    at = [DAY * day + 3_600 + later for day in range(len(gains)) for later in (0, 60)]
    price = [price for gain in gains for price in (100.0, 100.0 + gain + 2 * fee)]
    rows = fills(at=at, side=[1, -1] * len(gains), price_quote=price, fee_token="USDT", fee_amount=fee)
    return overview(PerformanceDataSource.from_tables({"fills": rows}), conventions=conventions)


def test_money_to_date() -> None:
    found = to_date(earning(10.0, -4.0, 6.0, fee=0.5))
    assert found["net_pnl"] == pytest.approx([10.0, 6.0, 12.0])
    assert found["fees"] == pytest.approx([1.0, 2.0, 3.0])
    # each purchase costs 0.5: 0 −0.5 | 10 9.5 6 | 5.5 12; from the start 0.5, from the peak 10 − 6, 10 − 5.5
    assert found["max_drawdown"] == pytest.approx([0.5, 4.0, 4.5])


def test_round_trips_to_date() -> None:
    found = to_date(earning(-4.0, 10.0, 6.0))
    assert found["win_rate"] == pytest.approx([0.0, 1 / 2, 2 / 3])
    assert found["profit_factor"] == pytest.approx([0.0, 10 / 4, 16 / 4])


def test_a_profit_factor_without_a_loss_has_no_point() -> None:
    found = to_date(earning(10.0, -4.0, 6.0))
    assert found["profit_factor"] == pytest.approx([10 / 4, 16 / 4])  # none after the first day


def test_a_sharpe_ratio_begins_with_the_fifth_day() -> None:
    found = to_date(earning(1.0, 2.0, 3.0, 4.0, 5.0, 3.0))
    # five days: mean 3, variance 10/4; six days: mean 3, variance 10/5
    year = math.sqrt(365)
    assert found["sharpe_ratio"] == pytest.approx([3 / math.sqrt(2.5) * year, 3 / math.sqrt(2) * year])


def test_capital_changes_no_history_of_money() -> None:
    plain, based = earning(1.0, -2.0, 3.0), earning(1.0, -2.0, 3.0, conventions=Conventions(capital=50.0))
    for key in ("net_pnl", "max_drawdown", "fees", "win_rate", "profit_factor"):
        assert to_date(based)[key] == pytest.approx(to_date(plain)[key]), key


def test_an_open_trip_has_neither_won_nor_lost() -> None:
    rows = fills(at=[0, DAY + 60, DAY + 120], side=[1, -1, 1], price_quote=[100.0, 110.0, 90.0])
    found = to_date(overview(PerformanceDataSource.from_tables({"fills": rows})))
    assert found["win_rate"] == [1.0]  # closed on the second day; the last fill opens another


@LAWS
@given(dealt(pairs=("ABC-USDT", "XYZ-USDT"), min_size=3))
def test_the_last_value_is_the_metric(book: Dealt) -> None:
    answer = overview(book.data, conventions=book.conventions, metrics=KEYS, check=False)
    # a trip within rounding of zero is flat to the metrics
    assume(not (answer.trips["net_quote"].abs().is_between(0.0, 1e-9, closed="right")).any())
    found = to_date(answer)
    if answer.daily.height < 2:
        assert found == {}
        return
    least = {key: 5 if key == "sharpe_ratio" else 2 for key in KEYS}
    for key in KEYS:
        metric = answer.metrics[key].value
        if metric is None or answer.daily.height < least[key]:
            continue
        assert found[key][-1] == pytest.approx(value(answer, key), rel=1e-6, abs=book.tolerance), key
    for key in ("net_pnl", "fees"):
        assert len(found[key]) == answer.daily.height


def test_one_day_has_no_history() -> None:
    assert to_date(earning(5.0)) == {}


def test_nothing_has_no_history() -> None:
    data = PerformanceDataSource.from_tables({"fills": fills(at=[0, 2 * DAY])})
    assert to_date(overview(data, Filter(start=START + timedelta(days=5)))) == {}


def test_without_a_common_currency_there_is_no_history() -> None:
    rows = fills(
        at=[0, DAY, 2 * DAY], pair=["ABC-USDT", "XYZ-BTC", "ABC-USDT"], base=["ABC", "XYZ", "ABC"],
        quote=["USDT", "BTC", "USDT"], price_quote=[100.0, 0.1, 120.0],
    )  # fmt: skip
    assert to_date(overview(PerformanceDataSource.from_tables({"fills": rows}))) == {}


def test_with_a_day_unmarked_there_is_no_history() -> None:
    data = PerformanceDataSource.from_tables({
        "fills": fills(at=[60, 2.5 * DAY], side=[1, -1]),
        "candles": table("candles", connector="binance", pair="ABC-USDT", at=[DAY - 60]),  # not of day 2
    })  # fmt: skip
    answer = overview(data, conventions=Conventions(strict_marks=True))
    assert answer.daily["pnl"].to_list() == [0.0, None, None]  # marked at 100; then not at midnight
    assert to_date(answer) == {}

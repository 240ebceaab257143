"""What was held, and what each asset earned for the money it tied up."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given

from analysis.random_fills import DAY, LAWS, Dealt, dealt, value
from fillbook.analysis.exposure import allocation, exposure
from fillbook.analysis.overview import Overview, overview
from fillbook.conventions import Conventions
from fillbook.filters import Filter
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.testing.tables import START, fills, table


def answered(
    conventions: Conventions | None = None, chosen: Filter | None = None, **tables: pl.DataFrame
) -> Overview:
    return overview(PerformanceDataSource.from_tables(tables), chosen, conventions, check=False)


def long_and_short() -> Overview:
    """Two days, marked at the last fill: long ABC 2 then 1, short XYZ 5 then 4."""
    return answered(
        fills=fills(
            at=[0, 60, DAY + 3_600, DAY + 7_200], pair=["ABC-USDT", "XYZ-USDT"] * 2, base=["ABC", "XYZ"] * 2,
            side=[1, -1, -1, 1], amount_base=[2.0, 5.0, 1.0, 1.0], price_quote=[100.0, 10.0, 110.0, 8.0],
        )
    )  # fmt: skip


def test_exposure_of_a_long_and_a_short() -> None:
    # day 1: ABC 2·100 = 200, XYZ −5·10 = −50;  day 2: ABC 1·110 = 110, XYZ −4·8 = −32
    assert exposure(long_and_short()).to_dicts() == [
        {"day": date(2026, 1, 1), "gross": 250.0, "net": 150.0, "ABC": 200.0, "XYZ": -50.0},
        {"day": date(2026, 1, 2), "gross": 142.0, "net": 78.0, "ABC": 110.0, "XYZ": -32.0},
    ]


def test_allocation_of_a_long_and_a_short() -> None:
    # mean |value|: ABC (200 + 110)/2 = 155, XYZ (50 + 32)/2 = 41, together 196
    # earned: ABC −200 + 110 + 110 = 20;  XYZ 50 − 8 − 32 = 10
    abc, xyz = allocation(long_and_short()).iter_rows(named=True)
    assert abc == pytest.approx({
        "asset": "ABC", "exposure": 155.0, "net": 20.0, "share": 155 / 196, "share_net": 2 / 3,
        "per_exposure": 20 / 155,
    })  # fmt: skip
    assert xyz == pytest.approx({
        "asset": "XYZ", "exposure": 41.0, "net": 10.0, "share": 41 / 196, "share_net": 1 / 3,
        "per_exposure": 10 / 41,
    })  # fmt: skip


def test_a_loss_has_a_negative_share_of_what_moved() -> None:
    rows = fills(
        pair=["ABC-USDT", "XYZ-USDT"] * 2, base=["ABC", "XYZ"] * 2, side=[1, 1, -1, -1],
        price_quote=[100.0, 100.0, 130.0, 90.0],
    )  # fmt: skip
    found = dict(allocation(answered(fills=rows)).select("asset", "share_net").iter_rows())
    assert found == {"ABC": 0.75, "XYZ": -0.25}  # 30 and −10 of 40


def test_one_asset_on_two_venues_is_gross_twice_and_net_once() -> None:
    rows = fills(connector=["binance", "kraken"], side=[1, -1], amount_base=[3.0, 1.0])
    found = exposure(answered(fills=rows)).row(0, named=True)
    # 3·100 long here, 1·100 short there
    assert (found["gross"], found["net"], found["ABC"]) == (400.0, 200.0, 200.0)


def test_what_is_closed_by_the_end_of_the_day_ties_up_nothing() -> None:
    rows = fills(side=[1, -1], price_quote=[100.0, 105.0])
    assert exposure(answered(fills=rows)).rows() == [(date(2026, 1, 1), 0.0, 0.0, 0.0)]
    found = allocation(answered(fills=rows)).row(0, named=True)
    assert (found["exposure"], found["net"], found["share_net"]) == (0.0, 5.0, 1.0)
    assert (found["share"], found["per_exposure"]) == (None, None)  # of nothing


def test_inverse_contracts_are_worth_their_count() -> None:
    rows = fills(
        connector="venue", pair="BTC-USD", base="BTC", quote="USD", amount_base=300.0, price_quote=5e4
    )
    found = exposure(answered(Conventions(market_types={"venue": "inverse_perp"}), fills=rows))
    assert found["gross"].to_list() == [300.0]  # 300 contracts of 1 USD at any price


@LAWS
@given(dealt(max_size=8))
def test_assets_are_parts_of_the_whole(book: Dealt) -> None:
    """Assets add up to the net exposure and to the net PnL, and shares to one."""
    answer = overview(book.data, conventions=book.conventions, metrics=("net_pnl",), check=False)
    days, rows = exposure(answer), allocation(answer)
    by_asset = days.drop("day", "gross", "net")
    assert set(by_asset.columns) == set(rows["asset"]) == {row["base"] for row in book.rows}
    assert (by_asset.sum_horizontal() - days["net"]).abs().max() <= book.tolerance
    assert (days["gross"] >= days["net"].abs() - book.tolerance).all()
    assert rows["net"].sum() == pytest.approx(value(answer, "net_pnl"), rel=0.0, abs=book.tolerance)
    assert rows["exposure"].sum() == pytest.approx(days["gross"].mean(), rel=0.0, abs=book.tolerance)
    assert rows["exposure"].is_sorted(descending=True)
    if rows["exposure"].sum() > 0.0:
        assert rows["share"].sum() == pytest.approx(1.0)
    if rows["net"].abs().sum() > 0.0:
        assert rows["share_net"].abs().sum() == pytest.approx(1.0)


def test_a_missing_mark_leaves_no_total() -> None:
    found = exposure(answered(
        Conventions(strict_marks=True, marks={"ABC-USDT": 100.0, "XYZ-USDT": 10.0}),
        fills=fills(at=[0, DAY + 60], pair=["ABC-USDT", "XYZ-USDT"], base=["ABC", "XYZ"], price_quote=[100.0, 10.0]),
    ))  # fmt: skip
    # given marks count at the end alone: on the first day ABC was held without a price, XYZ not at all
    assert found.to_dicts() == [
        {"day": date(2026, 1, 1), "gross": None, "net": None, "ABC": None, "XYZ": 0.0},
        {"day": date(2026, 1, 2), "gross": 110.0, "net": 110.0, "ABC": 100.0, "XYZ": 10.0},
    ]


def test_two_currencies_without_a_rate_have_no_exposure() -> None:
    rows = fills(
        pair=["ABC-USDT", "XYZ-BTC"], base=["ABC", "XYZ"], quote=["USDT", "BTC"], price_quote=[100.0, 0.1]
    )
    assert exposure(answered(fills=rows)).rows() == [(date(2026, 1, 1), None, None, None, None)]


def test_nothing_was_never_held() -> None:
    empty = answered(chosen=Filter(start=START + timedelta(days=1)), fills=fills())
    assert exposure(empty).columns == ["day", "gross", "net"]
    assert exposure(empty).is_empty()
    assert allocation(empty).is_empty()


def test_candles_mark_the_end_of_a_day() -> None:
    found = exposure(answered(
        fills=fills(at=[60, DAY + 60], side=[1, -1], price_quote=[100.0, 130.0]),
        candles=table("candles", connector="binance", pair="ABC-USDT", at=[DAY - 60], close_quote=120.0),
    ))  # fmt: skip
    assert found["gross"].to_list() == [120.0, 0.0]  # closes at midnight at 120; sold the day after


def test_an_inverse_contract_is_worth_its_quantity_in_quote() -> None:
    fills = table(
        "fills", at=[0.0, 90_000.0], side=[1, -1], amount_base=[1_000.0, 10.0], price_quote=[20_000.0, 21_000.0],
        pair="BTC-USD", base="BTC", quote="USD", connector="binance_coin_perpetual",
    )  # fmt: skip
    answer = overview(PerformanceDataSource.from_tables({"fills": fills}))
    # 1,000 − 10 contracts of 1 USD each: 990 USD, not times the price of a bitcoin
    assert answer.metrics["exposure"].value == 990.0
    assert exposure(answer)["gross"].to_list() == [1_000.0, 990.0]

"""Parts of a view, worked by hand."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from fillbook.analysis.overview import overview
from fillbook.analysis.parts import Parts, Tag, parts
from fillbook.conventions import Conventions
from fillbook.filters import Filter
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.testing.tables import START, fills, table

DAY = 86_400.0
HOUR = 3_600.0


def parted(
    by: list[Tag],
    conventions: Conventions | None = None,
    chosen: Filter | None = None,
    **tables: pl.DataFrame,
) -> Parts:
    data = PerformanceDataSource.from_tables(tables)
    return parts(data, overview(data, chosen, conventions, check=False), by)


def column(found: Parts, name: str) -> dict[str, float]:
    return dict(found.table.select("part", name).iter_rows())


def test_a_controller_gets_its_cash_and_its_position_at_the_mark() -> None:
    found = parted(
        ["controller_id"],
        Conventions(marks={"ABC-USDT": 120.0}),
        fills=fills(
            controller_id=["a", "b", "a"], side=[1, 1, -1], amount_base=[2.0, 3.0, 2.0],
            price_quote=[100.0, 105.0, 110.0], fee_token="USDT", fee_amount=[1.0, 0.5, 1.0],
        ),
    )  # fmt: skip
    # a: −2·100 + 2·110 − 2 = 18, closed;  b: −3·105 + 3·120 − 0.5 = 44.5, left open
    assert found.table["part"].to_list() == ["b", "a"]  # the best first
    assert column(found, "net") == {"a": 18.0, "b": 44.5}
    assert column(found, "fees") == {"a": 2.0, "b": 0.5}
    assert column(found, "volume") == {"a": 420.0, "b": 315.0}  # 2·100 + 2·110; 3·105
    assert column(found, "funding") == {"a": 0.0, "b": 0.0}
    assert column(found, "n_fills") == {"a": 2, "b": 1}
    assert found.currency == "USDT"


def test_fills_without_an_executor_are_a_part_of_their_own() -> None:
    found = parted(
        ["close_type"],
        Conventions(marks={"ABC-USDT": 101.0}),
        fills=fills(
            close_type=["TAKE_PROFIT", "TAKE_PROFIT", "STOP_LOSS", "STOP_LOSS", None],
            side=[1, -1, 1, -1, 1], amount_base=[1.0, 1.0, 1.0, 1.0, 2.0],
            price_quote=[100.0, 104.0, 100.0, 97.0, 100.0],
        ),
    )  # fmt: skip
    # 104 − 100 = 4;  97 − 100 = −3;  2·(101 − 100) = 2
    assert column(found, "net") == {"TAKE_PROFIT": 4.0, "unlinked": 2.0, "STOP_LOSS": -3.0}
    assert found.table["close_type"].to_list() == ["TAKE_PROFIT", None, "STOP_LOSS"]


def test_what_was_bought_and_what_was_sold_are_each_worth_the_mark() -> None:
    found = parted(
        ["side"],
        Conventions(marks={"ABC-USDT": 103.0}),
        fills=fills(side=[1, 1, -1], price_quote=[100.0, 102.0, 105.0]),
    )
    # bought: −100 − 102 + 2·103 = 4;  sold: 105 − 103 = 2;  whole: 105 − 202 + 1·103 = 6
    assert column(found, "net") == {"bought": 4.0, "sold": 2.0}


def test_a_fee_in_base_leaves_the_position_of_who_paid_it() -> None:
    found = parted(
        ["controller_id"],
        Conventions(marks={"ABC-USDT": 110.0}),
        fills=fills(
            controller_id=["a", "b"], side=[1, -1], price_quote=[100.0, 105.0],
            fee_token="ABC", fee_amount=[0.01, 0.0],
        ),
    )  # fmt: skip
    # a: −100 + (1 − 0.01)·110 = 8.9, its fee 0.01·100 = 1;  b: 105 − 110 = −5
    assert column(found, "net") == pytest.approx({"a": 8.9, "b": -5.0})
    assert column(found, "fees") == pytest.approx({"a": 1.0, "b": 0.0})


def test_a_fee_in_another_token_costs_its_rate_at_the_fill() -> None:
    found = parted(
        ["controller_id"],
        fills=fills(
            controller_id=["a", "a", "b", "b"], side=[1, -1, 1, -1], price_quote=[100.0, 110.0] * 2,
            fee_token="BNB", fee_amount=[0.01, 0.01, 0.0, 0.0],
        ),
        candles=table("candles", connector="binance", pair="BNB-USDT", at=[-60], close_quote=300.0),
    )  # fmt: skip
    # 110 − 100 − 2·0.01·300 = 4;  110 − 100 = 10
    assert column(found, "net") == pytest.approx({"a": 4.0, "b": 10.0})
    assert column(found, "fees") == pytest.approx({"a": 6.0, "b": 0.0})


def test_inverse_contracts_earn_base_worth_the_mark() -> None:
    found = parted(
        ["controller_id"],
        Conventions(marks={"BTC-USD": 62_500.0}, market_types={"venue": "inverse_perp"}),
        fills=fills(
            connector="venue", pair="BTC-USD", base="BTC", quote="USD", controller_id=["a", "b"],
            side=[1, -1], amount_base=[1_000.0, 500.0], price_quote=[50_000.0, 40_000.0],
            fee_token="BTC", fee_amount=[0.0001, 0.0],
        ),
    )  # fmt: skip
    # a: 1000·(1/50000 − 1/62500) = 0.004 BTC, less 0.0001 BTC: 0.0039·62500 = 243.75
    # b: −500·(1/40000 − 1/62500) = −0.0045 BTC: −281.25
    assert column(found, "net") == pytest.approx({"a": 243.75, "b": -281.25})
    assert column(found, "fees") == pytest.approx({"a": 6.25, "b": 0.0})  # 0.0001·62500
    assert column(found, "volume") == {"a": 1_000.0, "b": 500.0}  # contracts of 1 USD


PERP = {"connector": "binance_perpetual", "pair": "ABC-USDT"}


def test_funding_is_shared_by_position() -> None:
    found = parted(
        ["controller_id"],
        fills=fills(**PERP, controller_id=["a", "b"], amount_base=[3.0, 1.0]),
        funding=table("funding", **PERP, at=[HOUR], amount_quote=-8.0),
    )
    # a held 3 of 4: −8·3/4 = −6;  b 1 of 4: −2; nothing moved at 100
    assert column(found, "funding") == {"a": -6.0, "b": -2.0}
    assert column(found, "net") == {"a": -6.0, "b": -2.0}


def test_who_is_against_the_book_is_paid_what_the_others_pay() -> None:
    found = parted(
        ["controller_id"],
        fills=fills(**PERP, controller_id=["a", "b"], side=[1, -1], amount_base=[3.0, 1.0]),
        funding=table("funding", **PERP, at=[HOUR], amount_quote=-2.0),
    )
    # the book held 3 − 1 = 2: a −2·3/2 = −3, b −2·(−1)/2 = +1
    assert column(found, "funding") == {"a": -3.0, "b": 1.0}


def test_a_fill_of_the_moment_of_a_payment_counts() -> None:
    found = parted(
        ["controller_id"],
        fills=fills(**PERP, at=[0, HOUR], controller_id=["a", "b"], amount_base=[3.0, 1.0]),
        funding=table("funding", **PERP, at=[HOUR], amount_quote=-8.0),
    )
    assert column(found, "funding") == {"a": -6.0, "b": -2.0}  # 3/4 and 1/4, as above


def test_funding_of_a_flat_book_goes_to_one_part_and_the_sum_stays() -> None:
    found = parted(
        ["controller_id"],
        fills=fills(**PERP, controller_id=["a", "b", "a", "b"], side=[1, 1, -1, -1]),
        funding=table("funding", **PERP, at=[HOUR], amount_quote=-7.0),
    )
    assert sorted(found.table["funding"]) == [-7.0, 0.0]


def test_funding_falls_on_the_day_it_was_paid() -> None:
    found = parted(
        ["controller_id"],
        fills=fills(**PERP, at=[0, 2.5 * DAY], side=[1, -1], controller_id="a"),
        funding=table("funding", **PERP, at=[HOUR, 1.5 * DAY], amount_quote=[-1.0, -4.0]),
    )
    assert found.table["daily"].to_list() == [[-1.0, -4.0, 0.0]]


def test_a_controller_of_two_bots_is_told_apart_by_the_bot() -> None:
    rows = fills(bot=["x", "y", "y", "y"], controller_id=["shared", "shared", "own", None])
    found = parted(["controller_id", "bot"], fills=rows)
    assert set(found.table["part"]) == {"shared (x)", "shared (y)", "own", "unlinked"}
    assert set(parted(["controller_id"], fills=rows).table["part"]) == {"shared", "own", "unlinked"}
    assert set(parted(["bot"], fills=rows).table["part"]) == {"x", "y"}


def test_what_no_controller_traded_is_the_bot_only_where_that_is_all_of_it() -> None:
    rows = fills(bot=["x", "x", "y", "y", "z"], controller_id=["own", None, "other", None, None])
    names = set(parted(["controller_id", "bot"], fills=rows).table["part"])
    assert names == {"own", "unlinked (x)", "other", "unlinked (y)", "z"}  # z has no controller at all


TWO_QUOTES = fills(
    pair=["ABC-USDT", "XYZ-BTC"], base=["ABC", "XYZ"], quote=["USDT", "BTC"], price_quote=[100.0, 0.1],
    fee_token="ABC", fee_amount=[0.0, 0.0],
)  # fmt: skip
TWO_MARKS = Conventions(marks={"ABC-USDT": 110.0, "XYZ-BTC": 0.2})


def test_two_currencies_without_a_rate_have_no_money() -> None:
    found = parted(["side"], TWO_MARKS, fills=TWO_QUOTES)
    assert found.currency is None
    for name in ("net", "fees", "volume", "funding", "sharpe", "deviation", "max_drawdown", "winning_days"):
        assert found.table[name].to_list() == [None], name
    assert found.table["daily"].to_list() == [[None]]
    assert found.table["n_fills"].to_list() == [2]


def test_without_a_rate_a_part_of_one_pair_stands_in_its_own_quote() -> None:
    found = parted(["pair"], TWO_MARKS, fills=TWO_QUOTES)
    assert found.currency is None
    assert found.table["pair"].to_list() == ["ABC-USDT", "XYZ-BTC"]
    assert found.table["net"].to_list() == [10.0, pytest.approx(0.1)]  # 110 − 100 USDT, 0.2 − 0.1 BTC


def test_a_given_rate_joins_two_currencies() -> None:
    found = parted(
        ["pair"],
        Conventions(marks={"ABC-USDT": 110.0, "XYZ-BTC": 0.2, "BTC-USDT": 50.0}, currency="USDT"),
        fills=fills(
            pair=["ABC-USDT", "XYZ-BTC"], base=["ABC", "XYZ"], quote=["USDT", "BTC"], price_quote=[100.0, 0.1]
        ),
    )
    # 110 − 100 = 10 USDT;  0.2 − 0.1 = 0.1 BTC at 50 = 5 USDT
    assert found.currency == "USDT"
    assert column(found, "net") == pytest.approx({"ABC-USDT": 10.0, "XYZ-BTC": 5.0})
    assert column(found, "volume") == pytest.approx({"ABC-USDT": 100.0, "XYZ-BTC": 5.0})


def earning(**gains: list[float]) -> Parts:
    """Parts by controller: each buys at 100 and sells at 100 + gain, once a day."""
    deals = [
        (DAY * day + 60 * n + 10 * (price != 100.0 or side < 0), name, side, price)
        for n, (name, earned) in enumerate(gains.items())
        for day, gain in enumerate(earned)
        for side, price in ((1, 100.0), (-1, 100.0 + gain))
    ]
    at, name, side, price = (list(values) for values in zip(*sorted(deals), strict=True))
    return parted(["controller_id"], fills=fills(at=at, controller_id=name, side=side, price_quote=price))


def test_figures_are_those_of_the_daily_pnl() -> None:
    row = earning(a=[1.0, -2.0, 3.0]).table.row(0, named=True)
    assert row["daily"] == [1.0, -2.0, 3.0]
    # mean 2/3; deviations 1/3, −8/3, 7/3: variance (1 + 64 + 49)/9/2 = 19/3
    assert row["deviation"] == pytest.approx(math.sqrt(19 / 3))
    assert row["sharpe"] == pytest.approx(2 / 3 / math.sqrt(19 / 3) * math.sqrt(365))
    assert row["max_drawdown"] == 2.0  # 0, 1, −1, 2
    assert row["winning_days"] == pytest.approx(2 / 3)


def test_a_part_that_only_lost_fell_from_the_start() -> None:
    assert earning(a=[-1.0, -2.0]).table["max_drawdown"].to_list() == [3.0]  # 0, −1, −3


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ([1.0, 2.0, 4.0], 1.0),
        ([-1.0, -2.0, -4.0], -1.0),
        # away from the means (−4/3, −1/3, 5/3) and (−1, 1, 0): (4/3 − 1/3) / √(14/3 · 2)
        ([1.0, 3.0, 2.0], 1 / math.sqrt(28 / 3)),
    ],
)
def test_correlation_of_daily_pnl(other: list[float], expected: float) -> None:
    found = earning(a=[1.0, 2.0, 4.0], b=other).correlation()
    assert found == pytest.approx(np.array([[1.0, expected], [expected, 1.0]]))


def test_what_never_varies_correlates_with_nothing() -> None:
    found = earning(a=[1.0, 2.0, 4.0], b=[0.5, 0.5, 0.5])
    assert found.table["part"].to_list() == ["a", "b"]  # 7 and 1.5
    correlation = found.correlation()
    assert correlation[0, 0] == pytest.approx(1.0)
    assert np.isnan(correlation[[0, 1, 1], [1, 0, 1]]).all()


def test_two_days_are_too_few_to_correlate() -> None:
    assert np.isnan(earning(a=[1.0, 2.0], b=[1.0, 2.0]).correlation()).all()


def test_a_day_without_a_mark_is_unknown_and_so_is_what_it_enters() -> None:
    candles = table(
        "candles", connector="binance", pair="ABC-USDT", at=[DAY - 60, 3 * DAY - 60], close_quote=103.0
    )
    found = parted(
        ["controller_id"],
        Conventions(strict_marks=True),
        fills=fills(
            at=[HOUR, 2 * HOUR, 3 * HOUR, 3.5 * DAY], controller_id=["flat", "flat", "held", "held"],
            side=[1, -1, 1, -1], price_quote=[100.0, 101.0, 100.0, 107.0],
        ),
        candles=candles,
    )  # fmt: skip
    daily = dict(found.table.select("part", "daily").iter_rows())
    # held: 3 on day 1; no mark at the end of day 2, so days 2 and 3 are unknown; 107 − 103 on day 4
    assert daily == {"held": [3.0, None, None, 4.0], "flat": [1.0, 0.0, 0.0, 0.0]}
    assert column(found, "net") == {"held": 7.0, "flat": 1.0}
    assert column(found, "sharpe")["held"] is None
    assert np.isnan(found.correlation()).sum() == 3  # all but flat with itself


@pytest.mark.parametrize("by", [["controller_id"], ["side", "pair"], ["bot", "close_type"]])
def test_nothing_has_no_parts(by: list[Tag]) -> None:
    none = parted(by, fills=fills().clear())
    filtered = parted(by, chosen=Filter(start=START + timedelta(days=1)), fills=fills())
    for found in (none, filtered):
        assert found.table.is_empty()
        assert {"part", *by, "net", "daily"} <= set(found.table.columns)
        assert found.correlation().shape == (0, 0)


def test_funding_of_a_book_without_a_fill_in_the_view_is_a_part() -> None:
    at = [0, 1, 3 * DAY]
    data = PerformanceDataSource.from_tables({
        "fills": fills(at=at, connector=["binance_perpetual"] * 2 + ["binance"]),
        "funding": table("funding", at=[2 * DAY], connector="binance_perpetual", amount_quote=-2.0),
    })  # fmt: skip
    answer = overview(data, Filter(start=START + timedelta(days=1)))
    assert answer.metrics["net_pnl"].value == -2.0
    found = parts(data, answer, ["connector"]).table
    assert dict(found.select("connector", "net").iter_rows()) == {"binance": 0.0, "binance_perpetual": -2.0}
    assert parts(data, answer, ["controller_id"]).table["net"].sum() == -2.0


def test_differences_by_rounding_do_not_correlate() -> None:
    rows = fills(
        at=[DAY * i + s for i in range(5) for s in (1, 2, 3, 4)], side=[1, -1] * 10, price_quote=1.0,
        controller_id=["a", "a", "b", "b"] * 5, fee_token="USDT", fee_amount=0.15,
    )  # fmt: skip
    data = PerformanceDataSource.from_tables({"fills": rows})
    assert np.isnan(parts(data, overview(data), ["controller_id"]).correlation()).all()


def test_a_fill_at_midnight_is_of_the_day_that_begins() -> None:
    rows = fills(
        at=[0, DAY, DAY + 5], side=[1, -1, 1], price_quote=[100.0, 110.0, 110.0], fee_token="USDT",
        fee_amount=[0.0, 1.0, 0.0],
    )  # fmt: skip
    data = PerformanceDataSource.from_tables({"fills": rows})
    answer = overview(data)
    # at midnight 1 is held, marked at 110, the newest price then; the sale and its fee come after
    assert answer.daily["pnl"].to_list() == [10.0, -1.0]
    assert answer.daily["n_fills"].to_list() == [1, 2]
    assert parts(data, answer, ["bot"]).table["daily"].to_list() == [[10.0, -1.0]]


def test_nothing_is_annualised_from_less_than_a_day() -> None:
    rows = fills(at=[DAY - 7_200, DAY - 3_600, DAY + 1, DAY + 2], side=[1, -1, 1, -1],
                 price_quote=[100.0, 110.0, 100.0, 120.0])  # fmt: skip
    data = PerformanceDataSource.from_tables({"fills": rows})
    answer = overview(data)
    assert answer.metrics["sharpe_ratio"].reasons == ("window_too_short",)
    [row] = parts(data, answer, ["bot"]).table.to_dicts()
    assert row["sharpe"] is None
    assert row["daily"] == [10.0, 20.0]

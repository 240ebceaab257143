"""Attribution worked by hand: what a fill without a mid, a fee in base, an idle payment and a bot add."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from fillbook.analysis.attribution import Attribution, attribution
from fillbook.analysis.contributions import contributions
from fillbook.conventions import Conventions
from fillbook.errors import BadRequestError
from fillbook.filters import Filter
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.testing.tables import START, fills, table

DAY, HOUR = 86_400.0, 3_600.0
MARK = {"ABC-USDT": 120.0}


def answered(
    conventions: Conventions | None = None, chosen: Filter | None = None, **tables: pl.DataFrame
) -> Attribution:
    return attribution(
        PerformanceDataSource.from_tables(tables), chosen, conventions or Conventions(marks=MARK)
    )


def mids(at: list[float], mid: list[float], **more: object) -> pl.DataFrame:
    return table("quotes", kind="quote_file", at=at, mid_quote=mid, **more)


def row(answer: Attribution, dimension: str, tag: str) -> dict[str, object]:
    return answer.by[dimension].filter(pl.col("tag") == tag).row(0, named=True)


def test_a_fee_in_base_costs_what_the_base_was_worth_at_the_mid() -> None:
    answer = answered(
        fills=fills(at=[10.0], amount_base=[2.0], price_quote=[99.0], fee_token="ABC", fee_amount=[0.1]),
        quotes=mids([9.0], [100.0]),
    )
    # spread 2·(100 − 99); 1.9 are held from 100 to 120; the 0.1 that left was worth 10 at the mid
    assert answer.parts == pytest.approx({
        "spread": 2.0, "inventory": 38.0, "funding": 0.0, "rebates": 0.0, "fees": 10.0, "unattributed": 0.0,
    })  # fmt: skip
    assert answer.net == pytest.approx(-2.0 * 99.0 + 1.9 * 120.0)


def test_below_half_of_the_value_nothing_is_split() -> None:
    table_ = fills(at=[10.0, 20.0], amount_base=[1.0, 2.0], price_quote=[99.0, 99.0])
    answer = answered(fills=table_, quotes=mids([9.0], [100.0]))
    assert answer.coverage == pytest.approx(1 / 3)
    assert answer.parts["spread"] is answer.parts["inventory"] is None
    assert answer.parts["unattributed"] == answer.net == pytest.approx(63.0)
    result = answer.metrics["spread_pnl"]
    assert (result.value, result.status.value, result.reasons) == (None, "unavailable", ("few_mids",))
    answer = answered(fills=table_, quotes=mids([19.0], [100.0]))
    # 2·(100 − 99) and 2·(120 − 100); the other waits for the mid of 100: 1·(100 − 99), then 1·(120 − 100)
    assert answer.parts["spread"] == pytest.approx(2.0)
    assert answer.parts["inventory"] == pytest.approx(60.0)
    assert answer.parts["unattributed"] == pytest.approx(1.0)
    assert answer.metrics["spread_pnl"].status.value == "partial"


def test_adverse_selection_needs_the_mids_of_a_minute_later() -> None:
    fills_ = fills(at=[10.0, 20.0, 300.0], amount_base=[1.0, 3.0, 1.0], price_quote=99.0)
    early, late = [(9.0, 100.0), (19.0, 100.0)], [(70.0, 97.0), (80.0, 96.0), (299.0, 95.0), (300.0, 95.0)]
    none = answered(fills=fills_, quotes=mids(*map(list, zip(*early, (299.0, 95.0), strict=True))))
    assert none.horizon.adverse_selection is None  # of 4 of the 5 bought nobody knows the mid a minute later
    assert none.metrics["adverse_selection_pnl_60s"].reasons == ("few_mids",)
    assert none.parts["inventory"] == pytest.approx(105.0)  # 4·(120 − 100) + (120 − 95)
    known = answered(fills=fills_, quotes=mids(*map(list, zip(*early, *late, strict=True)))).horizon
    # (97 − 100) + 3·(96 − 100); the last one's minute ends with the data, at 95
    assert known.adverse_selection == pytest.approx(-15.0)
    assert known.positioning == pytest.approx(23.0 + 3 * 24.0 + 25.0)
    assert known.unattributed == pytest.approx(0.0)


def test_a_tag_without_mids_has_no_spread_though_the_whole_has() -> None:
    answer = answered(
        fills=fills(at=[10.0, 20.0], amount_base=[3.0, 1.0], price_quote=99.0, controller_id=["a", None]),
        quotes=mids([9.0], [100.0]),
    )
    assert answer.parts["spread"] == pytest.approx(3.0)
    alone = row(answer, "controller", "unlinked")
    assert (alone["spread"], alone["inventory"], alone["unattributed"]) == (None, None, pytest.approx(21.0))
    assert answer.by["controller"]["net"].sum() == pytest.approx(answer.net)


def test_the_end_of_the_period_hides_later_mids() -> None:
    data = {
        "fills": fills(at=[10.0, 3_600.0], amount_base=1.0, price_quote=99.0),
        "quotes": mids([3_599.0], [110.0]),
    }
    whole, end = answered(**data), fills(at=[100.0])["at"][0]
    assert whole.parts["unattributed"] == pytest.approx(11.0)  # 110 − 99, until the next known mid
    until = answered(chosen=Filter(end=end), **data)
    assert until.parts["unattributed"] == until.net == pytest.approx(21.0)  # until the mark of 120


def test_funding_falls_to_positions_and_what_no_position_got_is_said() -> None:
    perp = {"connector": "binance_perpetual"}
    answer = answered(
        fills=fills(at=[0.0, 10.0, 3 * HOUR], side=[1, 1, -1], amount_base=[1.0, 3.0, 4.0], price_quote=100.0,
                    controller_id=["a", "b", "b"], **perp),
        funding=table("funding", at=[HOUR, 5 * HOUR], amount_quote=[8.0, 3.0], pair="ABC-USDT", **perp),
    )  # fmt: skip
    rows = dict(answer.by["controller"].select("tag", "funding").iter_rows())
    assert rows == pytest.approx({"a": 2.0, "b": 6.0, "unallocated": 3.0})
    assert dict(answer.by["pair"].select("tag", "funding").iter_rows()) == pytest.approx({"ABC-USDT": 11.0})
    assert answer.parts["funding"] == pytest.approx(11.0)
    assert [f.rule for f in answer.findings if f.rule == "funding_unallocated"]
    assert answer.time["hour"].filter(pl.col("tag") == "unallocated")["originated"].item() == 3.0


def test_unknown_funding_is_no_zero() -> None:
    answer = answered(
        fills=fills(at=[0.0, 2 * DAY], side=[1, -1], price_quote=100.0, connector="binance_perpetual")
    )
    assert answer.parts["funding"] is None
    assert answer.by["pair"]["funding"].null_count() == 1
    assert answer.net == pytest.approx(0.0)


def test_without_a_common_currency_each_pair_stands_in_its_own() -> None:
    answer = answered(
        Conventions(marks={"ABC-USDT": 110.0, "ABC-EUR": 90.0}),
        fills=fills(at=[0.0, 10.0], pair=["ABC-USDT", "ABC-EUR"], quote=["USDT", "EUR"], price_quote=100.0, side=[1, -1]),
    )  # fmt: skip
    assert (answer.net, answer.currency) == (None, None)
    assert set(answer.parts.values()) == {None}
    rows = answer.by["pair"].select("tag", "net", "currency").rows()
    assert sorted(rows) == [("ABC-EUR", 10.0, "EUR"), ("ABC-USDT", 10.0, "USDT")]
    assert answer.by["venue"].select("net", "currency").rows() == [(None, None)]
    assert answer.metrics["spread_pnl"].reasons == ("no_rate",)


def test_an_open_position_without_a_mark_has_no_net_and_a_closed_one_needs_none() -> None:
    from fillbook.analysis.view import view_of

    data = PerformanceDataSource.from_tables({
        "fills": fills(at=[0.0, 10.0], side=[1, -1], amount_base=1.0, price_quote=[100.0, 103.0], controller_id=["a", "b"]),
    })  # fmt: skip
    how = Conventions(strict_marks=True)
    assert view_of(data, None, how).ledger.books["mark_quote"].null_count() == 1
    answer = attribution(data, None, how)
    assert answer.net == pytest.approx(3.0)
    assert answer.by["pair"]["net"].to_list() == pytest.approx([3.0])
    assert answer.by["controller"]["net"].to_list() == [
        None,
        None,
    ]  # each holds one, and nobody knows its price


def test_levels_come_from_executors_only() -> None:
    answer = answered(
        fills=fills(at=[0.0, 1.0, 2.0], executor_id=["e1", "e2", None]),
        executors=table("executors", executor_id=["e1", "e2"], level_id=["buy_0", None]),
    )
    assert answer.by["level"].select("tag", "n_fills").rows() == [
        ("buy_0", 1),
        ("unknown", 1),
        ("unlinked", 1),
    ]


def test_hours_of_few_days_are_low_in_number() -> None:
    one = answered(fills=fills(at=[0.0, DAY]))
    many = answered(fills=fills(at=[i * DAY for i in range(10)]))
    assert one.by["hour"]["status"].to_list() == ["low_n"]
    assert many.by["hour"]["status"].to_list() == ["partial"]  # no mid
    assert [f.rule for f in one.findings if f.rule == "few_days"]
    assert not [f.rule for f in many.findings if f.rule == "few_days"]


def test_originated_and_accrued_are_two_answers() -> None:
    answer = answered(
        fills=fills(at=[HOUR, 3 * HOUR + 600.0], side=[1, -1], price_quote=[100.0, 110.0]),
        candles=table("candles", connector="binance", pair="ABC-USDT", interval_s=HOUR, at=[0.0, HOUR, 2 * HOUR],
                      close_quote=[100.0, 104.0, 107.0]),
    )  # fmt: skip
    hours = {row["tag"]: row for row in answer.time["hour"].iter_rows(named=True)}
    # bought at 01:00; at 02:00 it is worth 104, at 03:00 107, and ten minutes later 110 is got for it
    assert [hours[h]["accrued"] for h in ("01", "02", "03")] == pytest.approx([4.0, 3.0, 3.0])
    assert hours["01"]["originated"] == pytest.approx(20.0)  # until the mark of 120
    assert hours["03"]["originated"] == pytest.approx(-10.0)


def test_drivers_say_when_they_cannot_tell() -> None:
    def book(days: int, gain: float) -> Attribution:
        at = [d * DAY + s for d in range(days) for s in (0.0, 60.0)]
        rng = np.random.default_rng(0)
        price = [p for _ in range(days) for p in (100.0, 100.0 + gain + rng.normal(0.0, 0.2))]
        return answered(fills=fills(at=at, side=[1, -1] * days, price_quote=price, pair="ABC-USDT", fee_token="USDT",
                                    fee_amount=0.1, controller_id=["a", "a", "b", "b"] * (days // 2)))  # fmt: skip

    few, many = book(10, 1.0).drivers, book(40, 1.0).drivers
    assert few["is_more_than_noise"].null_count() == few.height > 0
    fees = many.filter(pl.col("tag") == "fees").row(0, named=True)
    assert (fees["kind"], fees["is_more_than_noise"]) == ("cost", True)
    assert fees["amount"] == pytest.approx(-8.0)
    mine = many.filter(pl.col("dimension") == "controller")
    assert mine["is_more_than_noise"].to_list() == [True, True]
    assert (mine["low"] < mine["amount"]).all()
    assert (mine["amount"] < mine["high"]).all()


def test_nothing_has_no_parts() -> None:
    answer = answered(fills=fills().clear())
    assert (answer.net, answer.coverage) == (None, None)
    assert all(rows.is_empty() for rows in answer.by.values())
    assert answer.drivers.is_empty()


def two_bots() -> PerformanceDataSource:
    """a: +10 in January, −5 in February; b: +30 in February."""
    return PerformanceDataSource.from_tables({"fills": fills(
        at=[0.0, DAY, 40 * DAY, 41 * DAY, 40 * DAY, 41 * DAY], side=[1, -1] * 3, bot=["a"] * 4 + ["b"] * 2,
        price_quote=[100.0, 110.0, 100.0, 95.0, 100.0, 130.0],
    ).sort("at")})  # fmt: skip


def test_contributions_are_money_until_capital_is_declared() -> None:
    found = contributions(two_bots(), None, Conventions(marks=MARK))
    assert found.table.select("bot", "net").rows() == [("b", 30.0), ("a", 5.0)]
    assert found.table["weight"].null_count() == 2
    assert math.isnan(found.portfolio)
    assert found.portfolio.reason == "no_capital"  # type: ignore[attr-defined]


def test_contributions_against_equal_weights_and_cash() -> None:
    capitals = {"a": 300.0, "b": 100.0}
    found = contributions(two_bots(), None, Conventions(marks=MARK), capitals=capitals, benchmark="zero")
    assert found.n_periods == 2
    # equity 400 → 410 → 435
    assert found.portfolio == pytest.approx(435.0 / 400.0 - 1.0)
    assert found.benchmark == 0.0
    assert found.table["selection"].sum() == pytest.approx(found.portfolio)
    equal = contributions(two_bots(), None, Conventions(marks=MARK), capitals=capitals)
    # of equal weights: (10/300 + 0)/2, then (−5/310 + 30/100)/2
    assert equal.benchmark == pytest.approx((1 + 10 / 600) * (1 + (0.3 - 5 / 310) / 2) - 1.0)
    assert equal.table["allocation"].sum() == pytest.approx(equal.portfolio - equal.benchmark)
    assert equal.table["selection"].abs().sum() == 0.0


def test_contributions_against_the_weights_of_the_start_and_of_the_end() -> None:
    capitals, marked = {"a": 300.0, "b": 100.0}, Conventions(marks=MARK)
    opening = contributions(two_bots(), None, marked, capitals=capitals, benchmark="opening_weights")
    # January as it was: 10/400; February again with three quarters in a: 0.75·(−5/310) + 0.25·30/100
    assert opening.benchmark == pytest.approx((1 + 10 / 400) * (1 + 0.75 * -5 / 310 + 0.25 * 0.3) - 1.0)
    assert opening.table["allocation"].sum() == pytest.approx(opening.portfolio - opening.benchmark)
    current = contributions(two_bots(), None, marked, capitals=capitals, benchmark="current_weights")
    # 305 and 130 of 435 at the end
    a, b = 305 / 435, 130 / 435
    assert current.benchmark == pytest.approx((1 + a * 10 / 300) * (1 + a * -5 / 310 + b * 0.3) - 1.0)
    assert current.table["allocation"].sum() == pytest.approx(current.portfolio - current.benchmark)
    for found in (opening, current):
        assert found.table.select("selection", "interaction").to_numpy().tolist() == [[0.0, 0.0]] * 2
    one_month = contributions(
        two_bots(), Filter(end=START + timedelta(days=20), bots=("a",)), marked,
        capitals=capitals, benchmark="opening_weights",
    )  # fmt: skip
    assert one_month.portfolio == one_month.benchmark


def given_returns(of: dict[date, float | None]) -> pl.DataFrame:
    return pl.DataFrame(
        {"day": list(of), "return": list(of.values())}, {"day": pl.Date, "return": pl.Float64}
    )


def test_contributions_against_given_returns_are_selection() -> None:
    first, last = START.date(), START.date() + timedelta(days=40)  # the end is a midnight
    days = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    table = given_returns(dict.fromkeys(days, 0.001))
    capitals, marked = {"a": 300.0, "b": 100.0}, Conventions(marks=MARK)
    found = contributions(two_bots(), None, marked, capitals=capitals, benchmark=("index", table))
    assert (found.against, found.n_periods) == ("index", 2)
    assert found.benchmark == pytest.approx(1.001 ** len(days) - 1.0)
    assert found.table["selection"].sum() == pytest.approx(found.portfolio - found.benchmark)
    assert found.table["allocation"].abs().sum() == found.table["interaction"].abs().sum() == 0.0
    more = {first - timedelta(days=1): 9.0, last + timedelta(days=1): 9.0} | dict.fromkeys(days, 0.001)
    wider = contributions(
        two_bots(), None, marked, capitals=capitals, benchmark=("index", given_returns(more))
    )
    assert wider.benchmark == pytest.approx(found.benchmark)  # days around the view do not count
    held = dict.fromkeys(days, 0.001)
    for lost in ({days[3]: None}, {}):
        part = {day: held[day] for day in days if day != days[3]} | lost
        with pytest.raises(
            BadRequestError, match=f"index has no return on 1 of the 41 UTC days .* {days[3]}"
        ):
            contributions(
                two_bots(), None, marked, capitals=capitals, benchmark=("index", given_returns(part))
            )
    ruin = given_returns(held | {days[5]: -1.0})
    found = contributions(two_bots(), None, marked, capitals=capitals, benchmark=("index", ruin))
    assert found.portfolio.reason == "equity_non_positive"  # type: ignore[attr-defined]


@pytest.mark.parametrize("benchmark", ["equal_wight", "hold", ""])
def test_a_benchmark_nobody_knows_is_refused(benchmark: str) -> None:
    with pytest.raises(BadRequestError, match=r"is no benchmark of bots; .*equal_weight"):
        contributions(two_bots(), None, Conventions(marks=MARK), benchmark=benchmark)


def test_capital_of_a_bot_that_is_not_there_names_the_nearest() -> None:
    with pytest.raises(BadRequestError, match="'x' is no bot of this data; it is one of a, b"):
        contributions(two_bots(), None, Conventions(marks=MARK), capitals={"a": 1.0, "b": 1.0, "x": 5.0})
    alone = contributions(
        two_bots(), Filter(bots=("a",)), Conventions(marks=MARK), capitals={"a": 300.0, "b": 1.0}
    )
    assert alone.portfolio == pytest.approx(5.0 / 300.0)


@pytest.mark.parametrize("capitals", [{"a": 1.0}, {"a": 1.0, "b": 0.0}, {"a": 1.0, "b": math.nan}])
def test_a_bot_without_capital_is_named(capitals: dict[str, float]) -> None:
    with pytest.raises(BadRequestError, match="; b has none"):
        contributions(two_bots(), None, Conventions(marks=MARK), capitals=capitals)


def test_ruin_leaves_money_only() -> None:
    found = contributions(two_bots(), None, Conventions(marks=MARK), capitals={"a": 4.0, "b": 1.0})
    assert math.isfinite(found.portfolio)
    lost = fills(
        at=[0.0, DAY, 40 * DAY, 41 * DAY], side=[1, -1, 1, -1], price_quote=[100.0, 50.0, 100.0, 101.0]
    )
    data = PerformanceDataSource.from_tables({"fills": lost})
    found = contributions(data, None, Conventions(marks=MARK), capitals={"bot": 40.0})
    assert found.portfolio.reason == "equity_non_positive"  # type: ignore[attr-defined]
    assert found.table["net"].to_list() == [-49.0]

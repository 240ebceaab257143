"""Comparisons on bots whose daily PnL is known, and every way in which there is nothing to compare."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from analysis.daily_bots import DAY, earning, opened, rows_of
from fillbook.analysis.compare import Comparison, compare, names_of
from fillbook.analysis.overview import overview
from fillbook.analysis.pairing import Measured
from fillbook.conventions import Conventions
from fillbook.errors import BadRequestError
from fillbook.filters import Filter
from fillbook.results import Status
from fillbook.testing.tables import START, table

A = [3.0, -1.0] * 15  # mean 1
B = [1.0, -1.0] * 15  # mean 0
FIRST = START.date()


def pair(answer: Comparison, side: str, other: str) -> Measured:
    return next(m for m in answer.measured if (m.side, m.other) == (side, other))


def value(found: Measured, key: str) -> float:
    got = found.metrics[key].value
    assert got is not None, (key, found.metrics[key].reasons)
    return got


def lacks(found: Measured, key: str) -> tuple[Status, tuple[str, ...]]:
    return found.metrics[key].status, found.metrics[key].reasons


def returns(values: list[float | None], *, first: int = 0, step: int = 1) -> pl.DataFrame:
    days = [FIRST + timedelta(days=first + step * i) for i in range(len(values))]
    return pl.DataFrame({"day": days, "return": values}, schema={"day": pl.Date, "return": pl.Float64})


def test_two_bots_of_one_opening() -> None:
    """Ours +3/−1, theirs +1/−1, on a capital of 100 each: cov/var = 2, alpha (1 − 2·0)/100·365 = 3.65."""
    answer = compare(earning(a=A, b=B), by="bot", capital=100.0)
    assert answer.names == ("a", "b")
    assert answer.reference == "a"
    found = pair(answer, "b", "a")
    assert value(found, "beta") == pytest.approx(0.5)
    assert value(found, "alpha") == pytest.approx((0.0 - 0.5 * 0.01) * 365)
    other = pair(compare(earning(a=A, b=B), by="bot", capital=100.0, reference="b"), "a", "b")
    assert value(other, "beta") == pytest.approx(2.0)
    assert value(other, "alpha") == pytest.approx(3.65)
    assert value(other, "excess_pnl") == pytest.approx(30.0)  # 15 × 2
    assert value(other, "up_capture") == pytest.approx(3.0)
    assert other.metrics["beta"].method == "returns of a capital of 100 USDT"
    mean, sharpe = other.differences
    assert (mean.value, other.mean_is_return) == (pytest.approx(0.01), True)
    assert sharpe.other == pytest.approx(0.0, abs=1e-12)
    assert answer.correlation == pytest.approx(np.ones((2, 2)))
    ahead = answer.relative.filter(pl.col("side") == "b")["ahead"]
    assert ahead[-1] == pytest.approx(-0.30)


def test_sources_as_sides_say_what_bots_of_one_opening_say() -> None:
    together = compare(earning(a=A, b=B), by="bot", capital=100.0)
    apart = compare({"a": earning(a=A), "b": earning(b=B)}, conventions=Conventions(capital=100.0))
    assert apart.kind == "sources"
    assert apart.sides.drop("last").equals(together.sides.drop("last"))
    for key, result in pair(apart, "b", "a").metrics.items():
        assert result.value == pytest.approx(pair(together, "b", "a").metrics[key].value, nan_ok=True), key


def test_without_capital_there_is_money_and_what_has_no_scale() -> None:
    answer = compare(earning(a=A, b=B), by="bot", benchmarks=[("index", returns([0.01, -0.01] * 15)), "zero"])
    found = pair(answer, "a", "index")
    for key in ("alpha", "beta", "tracking_error", "information_ratio", "up_capture", "excess_return"):
        assert lacks(found, key) == (Status.UNAVAILABLE, ("no_capital",)), key
    assert lacks(found, "excess_pnl") == (Status.UNAVAILABLE, ("benchmark_is_a_return",))
    assert value(found, "beta_holding") == pytest.approx(200.0)  # 2 a day for 1 %: like 200 held
    assert value(found, "alpha_per_day") == pytest.approx(1.0)
    assert value(found, "correlation") == pytest.approx(1.0)
    assert [d.what for d in found.differences] == ["sharpe"]
    assert found.basis == "no capital: money a day, in USDT"
    both = pair(answer, "b", "a")
    assert value(both, "beta") == pytest.approx(0.5)  # money on money needs no capital
    assert lacks(both, "alpha") == (Status.UNAVAILABLE, ("no_capital",))
    nothing = pair(answer, "a", "zero")
    assert lacks(nothing, "beta") == (Status.UNDEFINED, ("zero_variance",))
    assert value(nothing, "excess_pnl") == pytest.approx(30.0)
    assert value(nothing, "information_ratio") == pytest.approx(
        overview(earning(a=A)).metrics["sharpe_ratio"].value
    )


def test_days_before_a_bot_began_are_not_days_without_pnl() -> None:
    rows = [*rows_of("a", A), *rows_of("late", B[:15], first=10)]
    answer = compare(opened(rows), by="bot")
    late = answer.sides.filter(pl.col("side") == "late")
    assert late.select("first", "n_days").row(0) == (FIRST + timedelta(days=10), 15)
    cuts = {row["side"]: row for row in answer.alignment.cuts.iter_rows(named=True)}
    assert (cuts["a"]["n_before"], cuts["a"]["n_after"], cuts["a"]["n_used"]) == (10, 5, 15)
    assert pair(answer, "late", "a").n_days == 15


def test_disjoint_runs_are_not_compared() -> None:
    rows = [*rows_of("a", A[:10]), *rows_of("b", B[:10], first=10)]
    answer = compare(opened(rows), by="bot", benchmarks=["zero"])
    for found in answer.measured:
        assert found.lack == "no_common_days"
        assert found.differences == ()
        assert {lacks(found, key) for key in found.metrics} == {(Status.UNAVAILABLE, ("no_common_days",))}
    assert answer.relative.is_empty()
    assert np.isnan(answer.correlation).all()
    assert answer.common.is_empty()
    assert answer.sides["net"].to_list() == [10.0, 0.0]  # each side's own figures stand


def test_too_few_common_days() -> None:
    found = pair(compare(earning(a=A[:9], b=B[:9]), by="bot"), "b", "a")
    assert lacks(found, "beta") == (Status.UNAVAILABLE, ("few_common_days",))
    assert found.differences[0].status is Status.LOW_N
    ten = pair(compare(earning(a=A[:10], b=B[:10]), by="bot"), "b", "a")
    assert (ten.metrics["beta"].status, ten.metrics["beta"].reasons) == (Status.LOW_N, ("few_days",))


def test_a_constant_side_does_not_vary() -> None:
    found = pair(compare(earning(a=A, flat=[0.0] * 30), by="bot"), "flat", "a")
    assert lacks(found, "correlation") == (Status.UNDEFINED, ("zero_variance",))
    assert value(found, "beta") == 0.0


def test_a_benchmark_with_gaps_loses_the_day_after_each_as_well() -> None:
    values: list[float | None] = [0.01, -0.01] * 15
    values[4] = None
    answer = compare(earning(a=A), capital=100.0, benchmarks=[("index", returns(values))])
    found = pair(answer, "all", "index")
    assert found.n_days == 28  # 30 less day 4, and day 5, which may hold two days
    assert lacks(found, "alpha") == (Status.PARTIAL, ("benchmark_gaps",))
    assert found.metrics["alpha"].coverage == pytest.approx(28 / 30)


def test_a_calendar_without_weekends_is_said() -> None:
    """2026-01-01 is a Thursday: of 30 days 22 are weekdays, less 4 Mondays."""
    table_ = returns([0.01, -0.01] * 15).filter(pl.col("day").dt.weekday() <= 5)
    found = pair(compare(earning(a=A), benchmarks=[("index", table_)]), "all", "index")
    assert found.n_days == table_.height - 4
    assert found.metrics["beta_holding"].reasons == ("other_calendar",)


def test_the_order_of_a_benchmarks_rows_does_not_matter() -> None:
    from fillbook.sources.return_files import returns_of

    lines = [f"{FIRST + timedelta(days=i)},{x / 100}" for i, x in enumerate(B)]
    mixed = lines[::2] + lines[1::2][::-1]
    one, other = (returns_of("\n".join(["date,return", *rows]).encode(), "x.csv") for rows in (lines, mixed))
    assert one.equals(other)


def candles(prices: list[float], *, pair: str = "ABC-USDT") -> pl.DataFrame:
    """A candle of an hour that closes at the end of each day, the first before the first day."""
    n = len(prices)
    return table(
        "candles", at=[(i - 1) * DAY + 82_800.0 for i in range(n)], interval_s=3_600.0, close_quote=prices,
        open_quote=prices, high_quote=prices, low_quote=prices, pair=[pair] * n,
    )  # fmt: skip


def test_holding_the_pair_is_what_its_candles_say() -> None:
    """Day 0 from 100 to 110, day 1 to 99, … on the edges of UTC days; the run starts at 01:00."""
    prices = [100.0, 110.0, 99.0, *[99.0 + i for i in range(1, 14)]]
    data = opened(rows_of("a", [1.0] * 15), candles=candles(prices))
    answer = compare(data, benchmarks=["hold", "basket"], capital=None)
    first = answer.relative
    assert first.is_empty()  # money against returns: no unit in common
    found = pair(answer, "all", "hold ABC-USDT")
    # the run ends at noon of the last day, when the last close is twelve hours old: no price, no return
    assert found.n_days == 14
    assert found.metrics["correlation"].reasons == ("zero_variance",)
    with_capital = compare(data, conventions=Conventions(capital=100.0), benchmarks=["hold", "basket"])
    ahead = with_capital.relative.filter(pl.col("other") == "hold ABC-USDT")["ahead"]
    # the run began at 01:00, when the close of midnight was an hour old: day 0 is 110/100 − 1
    assert ahead[0] == pytest.approx(0.01 - 0.10)
    assert ahead[1] == pytest.approx(0.02 - 0.10 - (99.0 / 110.0 - 1.0))
    basket = with_capital.relative.filter(pl.col("other") == "basket of ABC-USDT")["ahead"]
    assert basket.to_list() == pytest.approx(ahead.to_list())


def test_without_market_prices_nothing_can_be_held() -> None:
    """The bot's own fills are no price of the market."""
    answer = compare(earning(a=A), benchmarks=["hold", "basket", "inventory", "inventory:ABC=2"])
    reasons = {found.other: found.lack for found in answer.measured}
    assert reasons == {
        "hold ABC-USDT": "no_price", "basket of ABC-USDT": "no_price",
        "hold the opening inventory": "no_price",
    } | {"hold the opening inventory": "no_price"}  # fmt: skip
    assert answer.alignment.lack is None  # what is missing does not take the days of the rest


def test_held_inventory_is_beaten_by_exactly_the_net_pnl() -> None:
    """What a bot makes beside its inventory is its net PnL: DEFINITIONS A3."""
    rng = np.random.default_rng(2)
    prices = (100.0 * np.exp(np.cumsum(rng.normal(0, 0.02, 33)))).tolist()
    data = opened(rows_of("a", A), candles=candles(prices))
    found = pair(compare(data, benchmarks=["inventory:ABC=2.5"]), "all", "hold the opening inventory")
    days = found.n_days
    assert value(found, "excess_pnl") == pytest.approx(sum(A[:days]))
    assert value(found, "excess_return") == pytest.approx(sum(A[:days]) / (2.5 * prices[0]))
    assert found.basis.startswith("returns of the inventory's value at the start, 250")
    lone = pair(compare(data, benchmarks=["inventory"]), "all", "hold the opening inventory")
    assert lone.lack == "no_inventory"


def test_the_mean_of_all_sides() -> None:
    answer = compare(earning(a=A, b=B), by="bot", benchmarks=["sides"])
    found = pair(answer, "a", "mean of all sides")  # mean is (2, −1, 2, …)
    assert value(found, "beta") == pytest.approx(4.0 / 3.0)
    assert value(found, "excess_pnl") == pytest.approx(15.0)


def test_two_periods_of_one_run() -> None:
    data = earning(a=[1.0, -1.0] * 12 + [4.0, 2.0] * 12)
    half = FIRST + timedelta(days=23)
    answer = compare(data, periods=[(FIRST, half), (half + timedelta(days=1), half + timedelta(days=24))])
    assert answer.kind == "periods"
    assert answer.sides["net"].to_list() == [0.0, 72.0]
    (found,) = answer.measured
    mean = found.differences[0]
    assert (mean.value, mean.is_paired, mean.is_clear) == (3.0, False, True)
    assert (found.n_days, found.n_other) == (24, 24)
    assert found.metrics == {}
    windows = [(FIRST, half), (half + timedelta(days=1), half + timedelta(days=24))]
    (of_capital,) = compare(data, periods=windows, capital=100.0).measured
    assert (of_capital.differences[0].value, of_capital.mean_is_return) == (pytest.approx(0.03), True)
    with pytest.raises(BadRequestError, match="periods are of one capital"):
        compare(data, periods=windows, capital={"all": 100.0})


def test_names_are_those_of_the_comparison() -> None:
    data, half = earning(a=A, b=B), FIRST + timedelta(days=14)
    windows = [(FIRST, half), (half, FIRST + timedelta(days=20))]
    for by in ("bot", "controller", "pair", "config", None):
        assert names_of(data, by=by) == compare(data, by=by).names  # type: ignore[arg-type]
    assert names_of(data, periods=windows) == compare(data, periods=windows).names


def test_periods_that_overlap_or_hold_no_day_have_no_difference() -> None:
    data = earning(a=A)
    day = [FIRST + timedelta(days=i) for i in range(40)]
    for periods, reason in (([(day[0], day[20]), (day[20], day[29])], "periods_overlap"),
                            ([(day[0], day[20]), (day[35], day[39])], "no_days")):  # fmt: skip
        (found,) = compare(data, periods=periods).measured
        assert (found.lack, found.differences) == (reason, ())
    with pytest.raises(BadRequestError, match="ends before it begins"):
        compare(data, periods=[(day[5], day[1])])


def test_sides_in_other_currencies_are_not_taken_from_one_another() -> None:
    rows = [*rows_of("a", A), *rows_of("b", B, pair="ABC-BTC")]
    answer = compare(opened(rows), by="pair")
    assert answer.currency is None
    assert answer.sides["currency"].to_list() == ["USDT", "BTC"]
    found = pair(answer, "ABC-BTC", "ABC-USDT")
    assert lacks(found, "beta") == (Status.UNAVAILABLE, ("currencies_differ",))
    assert found.metrics["correlation"].status is Status.PARTIAL
    assert found.metrics["correlation"].reasons == ("currencies_differ",)


def test_capital_by_side_and_returns_that_compound() -> None:
    data = earning(a=A, b=B)
    answer = compare(data, by="bot", capital={"a": 100.0})
    assert answer.sides["capital"].to_list() == [100.0, None]
    assert lacks(pair(answer, "b", "a"), "alpha") == (Status.UNAVAILABLE, ("no_capital",))
    how = Conventions(return_basis="compounded")
    grown = compare(data, by="bot", conventions=how, capital=100.0, benchmarks=["zero"])
    first = grown.relative.filter(pl.col("side") == "a")["ahead"]
    assert first[1] == pytest.approx(0.03 - 1.0 / 103.0)
    ruined = compare(earning(a=A, b=[-1.0, 1.0] * 15), by="bot", conventions=how, capital=0.5)
    assert lacks(pair(ruined, "b", "a"), "alpha") == (Status.UNDEFINED, ("equity_non_positive",))


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"by": "venue"}, "bot, controller, pair or config"),
        ({"reference": "c"}, "there is no side 'c'; there are all"),
        ({"capital": {"c": 1.0}}, "capital of c: no side is called so; there are all"),
        ({"benchmarks": ["gold"]}, "there is no benchmark 'gold'"),
        ({"benchmarks": ["inventory:ABC"]}, "BASE=AMOUNT"),
        ({"by": "bot", "periods": [(FIRST, FIRST)]}, "not both at once"),
    ],
)
def test_what_cannot_be_asked(asked: dict[str, object], says: str) -> None:
    with pytest.raises(BadRequestError, match=says):
        compare(earning(a=A, b=B), **asked)  # type: ignore[arg-type]


def test_parts_are_of_one_opening() -> None:
    two = {"a": earning(a=A), "b": earning(b=B)}
    with pytest.raises(BadRequestError, match="parts are of one opening"):
        compare(two, by="bot")
    with pytest.raises(BadRequestError, match="nothing to compare"):
        compare({})
    several = opened([*rows_of("a", A), *rows_of("b", B, pair="XYZ-USDT")])
    with pytest.raises(BadRequestError, match="say which to hold: hold:ABC-USDT"):
        compare(several, benchmarks=["hold"])


def test_a_filter_that_leaves_nothing_is_no_error() -> None:
    nothing = Filter(start=START + timedelta(days=400))
    answer = compare(earning(a=A, b=B), nothing, by="bot", benchmarks=["zero", "hold", "basket", "sides"])
    assert answer.sides.is_empty()
    assert answer.measured == ()


def test_a_missing_mark_is_a_day_nobody_compares() -> None:
    """Held over the midnight of day 5 with no price but the own fill, which strict marks refuse."""
    rows = [row for i, row in enumerate(rows_of("a", A)) if i not in (11, 12)]
    data = opened([*rows, *rows_of("b", B)])
    answer = compare(data, conventions=Conventions(strict_marks=True), by="bot")
    unknown = dict(zip(answer.sides["side"], answer.sides["n_unknown"], strict=True))
    assert unknown == {"a": 2, "b": 0}
    assert answer.sides.filter(pl.col("side") == "a")["net"].to_list() == [None]
    found = pair(answer, *answer.names[::-1])
    assert found.n_days == 28
    assert found.metrics["beta"].reasons == ("days_left_out",)
    assert found.metrics["beta"].coverage == pytest.approx(28 / 30)


def test_windows_are_days_of_the_whole() -> None:
    data = earning(a=A)
    whole = overview(data).daily
    answer = compare(data, periods=[(FIRST, FIRST + timedelta(days=2)), (date(2026, 1, 4), date(2026, 1, 4))])
    assert answer.sides["net"].to_list() == [whole["pnl"][:3].sum(), whole["pnl"][3]]
    assert math.isclose(answer.sides["volume"][0], whole["volume"][:3].sum())

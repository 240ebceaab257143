"""The risk answer: its numbers are those of the overview, what cannot be said is not, laws of whole answers."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings

from analysis.random_fills import Dealt, dealt
from fillbook.analysis.overview import overview
from fillbook.analysis.risk import Risk, risk
from fillbook.conventions import Conventions, RiskConventions
from fillbook.errors import BadRequestError
from fillbook.metrics.backtest import backtest
from fillbook.metrics.selection import daily_sharpe, deflated_sharpe, expected_maximum
from fillbook.metrics.tails import METHODS
from fillbook.performance_data_source import PerformanceDataSource
from fillbook.results import Status
from fillbook.testing.tables import table

DAY = 86_400.0
LAWS = settings(max_examples=40, deadline=None)


def of_days(*bots: list[float]) -> PerformanceDataSource:
    """Bots that buy one at 1,000 each morning and sell it at noon for their result of the day."""
    rows: list[dict[str, object]] = []
    for number, results in enumerate(bots):
        for day, result in enumerate(results):
            for side, price, hour in ((1, 1_000.0, 6), (-1, 1_000.0 + result, 12)):
                rows.append({
                    "at": day * DAY + hour * 3_600.0 + number, "bot": f"bot{number}", "side": side,
                    "price_quote": price,
                })  # fmt: skip
    columns = {name: [row[name] for row in rows] for name in ("at", "bot", "side", "price_quote")}
    return PerformanceDataSource.from_tables({"fills": table("fills", **columns)})


def luck(n: int, seed: int) -> list[float]:
    return np.random.default_rng(seed).normal(0.3, 2.0, n).round(4).tolist()


def value(answer: Risk, key: str) -> float:
    found = answer.metrics[key].value
    assert found is not None, answer.metrics[key]
    return found


@pytest.fixture(scope="module")
def two() -> PerformanceDataSource:
    return of_days(luck(400, 1), luck(400, 2))


@pytest.fixture(scope="module")
def answer(two: PerformanceDataSource) -> Risk:
    return risk(two, None, Conventions(capital=500.0), RiskConventions(trials=50))


def test_its_numbers_are_those_of_the_overview(two: PerformanceDataSource, answer: Risk) -> None:
    whole = overview(two, None, Conventions(capital=500.0), check=False)
    shared = set(answer.metrics) & set(whole.metrics)
    assert len(shared) > 25
    for key in shared:
        assert answer.metrics[key] == whole.metrics[key]
    assert set(answer.metrics) - shared == {"expected_max_sharpe", "deflated_sharpe_ratio"}
    assert answer.daily.equals(whole.daily)
    assert answer.drawdowns.equals(whole.drawdowns)


def test_every_interval_holds_its_ratio_but_for_skew(answer: Risk) -> None:
    for key, interval in answer.intervals.items():
        assert interval.status is Status.OK, key
        assert interval.n == 400
        if not interval.is_descriptive:  # resampled paths lie where they lie
            assert interval.low <= value(answer, key) <= interval.high  # type: ignore[operator]


def test_tails_and_backtests_are_those_of_the_days(answer: Risk) -> None:
    pnl = answer.daily["pnl"].to_numpy()
    for row in answer.tails.iter_rows(named=True):
        method = METHODS[row["method"]]
        expected = method.var(pnl, alpha=row["level"])
        if math.isnan(expected):
            assert (row["value_at_risk"], row["reason"]) == (None, expected.reason)  # type: ignore[attr-defined]
            continue
        assert row["value_at_risk"] == pytest.approx(expected)
        assert row["expected_shortfall"] >= row["value_at_risk"]
    assert answer.backtests.height == 10
    for row in answer.backtests.iter_rows(named=True):
        found, made = backtest(pnl, row["method"], row["level"])
        assert (row["n"], row["exceptions"], row["z2"]) == (found.n, found.exceptions, found.z2)
        if row["level"] == 0.95:
            assert np.allclose(answer.forecasts[row["method"]].to_numpy()[100:], made.var, equal_nan=True)
    for row in answer.backtests.filter(level=0.99).iter_rows(named=True):
        assert row["light"] in ({"green", "yellow", "red"} if row["n"] >= 250 else {None})
    assert answer.backtests.filter(level=0.95)["light"].null_count() == 5
    assert answer.forecasts["historic"].null_count() == 100


def test_declared_trials_deflate_the_ratio(two: PerformanceDataSource, answer: Risk) -> None:
    ratios = answer.sharpes["sharpe_daily"]
    day = answer.daily["pnl"].to_numpy() / 500.0
    away = day - day.mean()
    second = float(np.mean(away**2))
    skew, kurtosis = float(np.mean(away**3)) / second**1.5, float(np.mean(away**4)) / second**2
    spread = float(np.var(ratios.to_numpy(), ddof=1))
    assert value(answer, "deflated_sharpe_ratio") == pytest.approx(
        deflated_sharpe(daily_sharpe(day), 400, skew, kurtosis, trials=50, variance=spread)
    )
    assert value(answer, "expected_max_sharpe") == pytest.approx(
        expected_maximum(50, spread) * math.sqrt(365.0)
    )
    assert answer.sharpes["trials"].to_list() == [50, 50]
    silent = risk(two)
    lost = silent.metrics["deflated_sharpe_ratio"]
    assert (lost.value, lost.status, lost.reasons) == (None, Status.UNAVAILABLE, ("trials_not_declared",))
    assert silent.sharpes["trials"].to_list() == [2, 2], "two bots compared are at least two trials"
    assert silent.sharpes["trials_kind"].unique().to_list() == ["lower bound: the bots compared here"]
    alone = risk(of_days(luck(60, 1)))
    assert alone.sharpes["trials"].to_list() == [None]
    assert alone.sharpes["deflated"].to_list() == [None]
    assert "trials_not_declared" in str(alone.sharpes["reason"][0])
    fixed = risk(two, None, None, RiskConventions(trials=50, trial_variance=0.0))
    assert value(fixed, "deflated_sharpe_ratio") == pytest.approx(value(fixed, "probabilistic_sharpe_ratio"))


def test_without_capital_ratios_stand_and_percentages_do_not(two: PerformanceDataSource) -> None:
    answer = risk(two)
    for key in ("sharpe_ratio", "sortino_ratio", "omega_ratio", "period_profit_factor", "tail_ratio"):
        value(answer, key)
        assert answer.intervals[key].status is Status.OK
    for key in ("calmar_ratio", "ulcer_index", "kelly_continuous", "volatility", "max_drawdown_fraction"):
        lost = answer.metrics[key]
        assert (lost.value, lost.status, lost.reasons) == (None, Status.UNAVAILABLE, ("no_capital",))
    assert answer.intervals["calmar_ratio"].reasons == ("no_capital",)


def test_negative_capital_turns_no_sign_around(two: PerformanceDataSource) -> None:
    answer = risk(two, None, Conventions(capital=-500.0))
    assert answer.metrics["calmar_ratio"].reasons == ("non_positive_capital",)
    assert answer.intervals["calmar_ratio"].reasons == ("non_positive_capital",)
    assert value(answer, "sharpe_ratio") == pytest.approx(value(risk(two), "sharpe_ratio"))
    assert answer.concentration.gross_over_capital.reason == "non_positive_capital"  # type: ignore[attr-defined]


def test_a_few_days_and_days_that_are_the_same() -> None:
    short = risk(of_days(luck(5, 3)))
    assert short.metrics["sharpe_ratio"].status is Status.LOW_N
    assert {one.reasons for one in short.intervals.values()} == {("n_lt_20",)}
    assert short.metrics["value_at_risk"].reasons == ("n_too_small_for_alpha",)
    assert short.stress.futures.reason == "n_lt_20"
    assert set(short.backtests["reason"]) == {"too_few_for_backtest"}
    assert short.correlations["bot"].status == "unavailable"
    same = risk(of_days([1.0] * 130), None, Conventions(capital=100.0))
    for key in ("sharpe_ratio", "probabilistic_sharpe_ratio", "minimum_track_record_days"):
        assert same.metrics[key].reasons[0] == "zero_variance"
        assert same.metrics[key].value is None
    assert same.metrics["sortino_ratio"].reasons == ("zero_downside",)
    assert same.metrics["recovery_factor"].reasons == ("zero_drawdown",)
    assert same.intervals["sharpe_ratio"].reasons == ("zero_variance",)
    assert same.intervals["average_daily_pnl"].reasons == ("no_variation",)
    assert same.backtests["kupiec"].null_count() < 10
    assert same.backtests.filter(method="cornish_fisher")["reason"].unique().to_list() == ["no_forecast"]
    assert same.rolling["sharpe"].null_count() == 130


def test_nothing_at_all() -> None:
    answer = risk(PerformanceDataSource.from_tables({}))
    assert answer.currency is None
    assert all(result.value is None for result in answer.metrics.values())
    assert all(interval.low is None for interval in answer.intervals.values())
    assert answer.holdings.is_empty()
    assert answer.sharpes.is_empty()


def test_a_gap_in_the_days_stays_a_gap() -> None:
    days = luck(80, 4)
    rows = of_days(days).fills
    strange = table(
        "fills", at=[40 * DAY, 43 * DAY], bot="bot0", pair="XYZ-USDT", base="XYZ", side=[1, -1],
        price_quote=[10.0, 11.0],
    )  # fmt: skip
    data = PerformanceDataSource.from_tables({"fills": pl.concat([rows, strange]).sort("at")})
    answer = risk(data, None, Conventions(strict_marks=True))
    assert answer.daily["pnl"].null_count() >= 3
    assert answer.metrics["sharpe_ratio"].reasons == ("no_mid",)
    assert answer.intervals["sharpe_ratio"].reasons == ("no_mid",)
    gaps = answer.rolling.filter(pl.col("sharpe").is_null())
    assert answer.rolling["sharpe"].null_count() < 80, "windows away from the gap have their ratio"
    assert gaps.height >= 29 + 30
    assert any(finding.rule == "days_without_mark" for finding in answer.findings)


def test_a_point_without_a_rate_leaves_the_drawdown_of_the_others() -> None:
    """Trades in BTC before the first price of BTC: one point of the curve has no rate (DEFINITIONS A9)."""
    minute, price = 60.0, 20_000.0
    rows = table(
        "fills", at=[0.0, 2 * minute, 3 * minute, 4 * minute, 6 * minute, 7 * minute + 0.5],
        pair=["ABC-USDT", "XYZ-BTC", "XYZ-BTC", "BTC-USDT", "ABC-USDT", "BTC-USDT"],
        base=["ABC", "XYZ", "XYZ", "BTC", "ABC", "BTC"], quote=["USDT", "BTC", "BTC", "USDT", "USDT", "USDT"],
        side=[1, 1, 1, 1, -1, -1], amount_base=[1.0, 1.0, 1.0, 0.1, 1.0, 0.1],
        price_quote=[100.0, 0.001, 0.0012, price, 70.0, price],
    )  # fmt: skip
    data = PerformanceDataSource.from_tables({"fills": rows})
    answer = overview(data, check=False)
    gaps = int(answer.equity["is_gap"].sum())
    assert 0 < gaps < answer.equity.height
    found = answer.metrics["max_drawdown"]
    # XYZ gains 0.0002 BTC of 20,000: 4 USDT; then ABC, bought at 100, is sold at 70
    assert found.value == pytest.approx(30.0)
    assert found.value == pytest.approx(answer.equity["drawdown"].max())
    assert found.status is Status.PARTIAL
    assert "curve_gaps" in found.reasons
    assert found.coverage == pytest.approx(1.0 - gaps / answer.equity.height)
    assert answer.metrics["current_drawdown"].value == pytest.approx(30.0)
    assert answer.metrics["net_pnl"].coverage == 1.0, "gaps of the path are none of the end"


def test_the_table_of_falls_begins_with_the_start() -> None:
    """Bought at 100 and sold at 90 with fees of 2 % each: 13.8 lost from the start on, 11.8 from the first fill."""
    rows = table(
        "fills", at=[0.0, 60.0], connector="binance_perpetual", side=[1, -1], price_quote=[100.0, 90.0],
        fee_percent=0.02,
    )  # fmt: skip
    answer = overview(
        PerformanceDataSource.from_tables({"fills": rows}), None, Conventions(capital=200.0), check=False
    )
    deepest = answer.drawdowns.row(0, named=True)
    assert deepest["depth"] == pytest.approx(13.8)
    assert deepest["depth"] == answer.metrics["max_drawdown"].value
    assert deepest["depth_fraction"] == pytest.approx(13.8 / 200.0)
    assert (deepest["peak_at"], deepest["recovery_at"]) == (answer.equity["at"][0], None)


def test_a_day_without_a_mark_leaves_the_drawdown_of_the_days_after() -> None:
    strange = table(
        "fills", at=[2 * DAY, 4.5 * DAY], bot="bot0", pair="XYZ-USDT", base="XYZ", side=[1, -1],
        price_quote=[10.0, 10.0],
    )  # fmt: skip
    rows = of_days([5.0, -1.0, -1.0, -1.0, -1.0, -1.0, 1.0]).fills
    data = PerformanceDataSource.from_tables({"fills": pl.concat([rows, strange]).sort("at")})
    daily = overview(data, None, Conventions(strict_marks=True), check=False).daily
    gap = daily["equity"].is_null()
    assert gap.any()
    assert not gap[-1]
    assert (daily["drawdown"].is_null() == gap).all()
    assert daily["drawdown"][-1] == pytest.approx(4.0)


def test_a_bot_that_came_later_is_compared_from_its_first_day() -> None:
    rows = of_days(luck(60, 1), luck(30, 2)).fills
    later = rows.with_columns(
        at=pl.when(pl.col("bot").cast(pl.String) == "bot1").then(pl.col("at") + pl.duration(days=30)).otherwise("at")
    ).sort("at")  # fmt: skip
    found = risk(PerformanceDataSource.from_tables({"fills": later}))
    assert sorted(found.sharpes["n"].to_list()) == [30, 60]
    together = found.correlations["bot"]
    assert (together.n, together.days, together.status) == (30, 60, "ok")


def test_chances_of_loss_come_down_with_the_loss(answer: Risk) -> None:
    losses = answer.stress.futures.losses
    assert losses["loss"].to_list() == [5.0, 25.0, 50.0, 100.0, 250.0]
    for name in ("p_loss", "p_drawdown"):
        assert losses[name].is_sorted(descending=True)
    assert (losses["p_drawdown"] >= losses["p_loss"]).all(), "who ends so low has fallen so far"
    fan = answer.stress.futures.fan
    assert fan["day"].to_list() == list(range(31))
    assert (fan["p05"] <= fan["p50"]).all()
    asked = RiskConventions(losses=(7.0,), horizon_days=3)
    own = risk(of_days(luck(60, 1)), None, None, asked).stress.futures
    assert own.losses["loss"].to_list() == [7.0]
    assert own.fan.height == 4


def test_wilder_days_have_wider_tails(answer: Risk) -> None:
    wilder = answer.stress.wilder
    pnl = answer.daily["pnl"].to_numpy()
    var = METHODS["historic"].var(pnl, alpha=0.95)
    for row in wilder.iter_rows(named=True):
        # the k-th worst is −VaR; its distance from the mean is multiplied
        assert row["value_at_risk"] == pytest.approx(-(pnl.mean() - row["factor"] * (var + pnl.mean())))


@pytest.mark.parametrize(
    "asked",
    [
        {"trials": 0}, {"trial_variance": -1.0}, {"leverage": 0.0}, {"maintenance_margin": 1.0},
        {"rolling_days": 1}, {"backtest_days": 99}, {"horizon_days": 0}, {"losses": (0.0,)}, {"impact": -1.0},
        {"losses": (math.nan,)}, {"leverage": math.inf},
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(asked: dict[str, object]) -> None:
    with pytest.raises(BadRequestError):
        RiskConventions(**asked)  # type: ignore[arg-type]


@LAWS
@given(dealt(pairs=("ABC-USDT", "XYZ-USDT"), min_size=4))
def test_laws_of_whole_answers(book: Dealt) -> None:
    """Parts of exposure add up; a shock of every asset is linear; twice the book is twice the risk."""
    answer, larger = (
        risk(book.data, None, book.conventions),
        risk(book.scaled(2.0).data, None, book.conventions),
    )
    slack = 10.0 * book.tolerance
    if answer.holdings["value"].null_count() == 0:
        assert answer.assets["gross"].sum() == pytest.approx(answer.concentration.gross, abs=slack)
        assert answer.assets["net"].sum() == pytest.approx(answer.concentration.net, abs=slack)
        grid = answer.stress.grid.totals
        for row in grid.iter_rows(named=True):
            step = float(row["scenario"].rstrip("%")) / 100.0
            assert row["change"] == pytest.approx(step * answer.concentration.net, abs=slack)
    for name in ("value_at_risk", "expected_shortfall"):
        for one, two in zip(answer.tails[name], larger.tails[name], strict=True):
            assert (one is None) == (two is None)
            assert one is None or two == pytest.approx(2.0 * one, rel=1e-6, abs=slack)
    one, two = answer.metrics["sharpe_ratio"].value, larger.metrics["sharpe_ratio"].value
    assert (one is None) == (two is None)
    assert one is None or two == pytest.approx(one, rel=1e-6, abs=1e-9)

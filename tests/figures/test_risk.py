"""Figures of risk: few traces whatever the data, units said, what is missing said, nothing changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import plotly.graph_objects as go
import polars as pl
import pytest

from fillbook.figures.look import DARK, LIGHT
from fillbook.figures.registry import FIGURES
from fillbook.figures.risk import (
    backtest_figure,
    fan_figure,
    rolling_correlation_figure,
    rolling_figure,
    tail_figure,
    underwater_figure,
)
from fillbook.figures.stress import crash_figure, step_figure

DAYS = [date(2026, 9, 1) + timedelta(days=i) for i in range(5)]
TAILS = pl.DataFrame({
    "level": [0.95, 0.95, 0.99], "label": ["Historic", "Cornish–Fisher", "Historic"],
    "value_at_risk": [5.0, None, 9.0], "expected_shortfall": [7.0, None, 12.0],
})  # fmt: skip
TOTALS = pl.DataFrame({
    "scenario": ["2020-03-12 <b>Thursday</b>"] * 2, "measure": ["worst_day", "to_low"],
    "change": [-120.0, None], "known_change": [-120.0, -30.0], "coverage": [1.0, 0.25],
    "liquidated": [True, None],
})  # fmt: skip


def words(drawn: go.Figure) -> str:
    return " ".join(str(note.text) for note in drawn.layout.annotations)


def subtitle(drawn: go.Figure) -> str:
    return str(drawn.layout.title.subtitle.text)


def test_a_days_loss_stands_left_of_nothing() -> None:
    pnl = pl.Series([-8.0, 1.0, 2.0, 3.0])
    drawn = tail_figure(pnl, TAILS, LIGHT, level=0.95, currency="USDT")
    var, es = drawn.data[2], drawn.data[3]
    assert (list(var.x), list(var.y)) == ([-5.0], ["Historic"])
    assert list(es.x) == [-7.0]
    assert sum(drawn.data[0].y) == 4
    assert subtitle(drawn) == "USDT · 95% level · 4 days"
    assert "no day" in words(
        tail_figure(pl.Series([], dtype=pl.Float64), TAILS, DARK, level=0.95, currency="X")
    )


def test_days_that_lost_more_than_forecast_are_marked() -> None:
    rows = pl.DataFrame({
        "day": DAYS, "pnl": [1.0, -3.0, -1.0, -9.0, 2.0], "historic": [None, 2.0, 2.0, 4.0, 4.0],
    })  # fmt: skip
    drawn = backtest_figure(rows, LIGHT, method="historic", label="Historic", currency="USDT")
    assert list(drawn.data[1].y) == [-3.0, -9.0]
    assert list(drawn.data[2].y) == [-2.0, -2.0, -4.0, -4.0]
    assert "2 days of 4 below, 0.2 expected" in subtitle(drawn)
    none = backtest_figure(
        rows.with_columns(historic=None), LIGHT, method="historic", label="H", currency="X"
    )
    assert "no day had a forecast" in words(none)


def test_under_water_is_a_share_where_there_is_capital() -> None:
    at = [datetime(2026, 9, day, tzinfo=UTC) for day in range(1, 5)]
    equity = pl.DataFrame(
        {"at": at, "equity": [100.0, 80.0, None, 110.0], "drawdown": [0.0, 20.0, None, 0.0]}
    )
    share = underwater_figure(equity, LIGHT, currency="USDT", capital=100.0).data[0].y
    assert list(share[:2]) == [0.0, -0.2]
    assert share[2] != share[2], "a gap stays a gap"
    money = underwater_figure(equity, LIGHT, currency="USDT")
    assert list(money.data[0].y[:2]) == [0.0, -20.0]
    assert "USDT" in subtitle(money)


def test_rolling_ratios_keep_their_gaps_and_say_when_there_are_none() -> None:
    rows = pl.DataFrame({
        "day": DAYS, "sharpe": [None, 1.0, None, 2.0, 3.0], "sortino": [None, 1.0, None, 2.0, 3.0],
        "volatility": [0.1] * 5, "correlation": [None] * 5,
    }, schema_overrides={"correlation": pl.Float64})  # fmt: skip
    drawn = rolling_figure(rows, LIGHT, window=2, is_share=True, currency="USDT")
    assert len(drawn.data) == 3
    assert drawn.data[0].connectgaps is False
    empty = rows.with_columns(sharpe=pl.lit(None, pl.Float64))
    assert "not 30 days in a row" in words(
        rolling_figure(empty, LIGHT, window=30, is_share=False, currency="X")
    )
    assert "no two bots" in words(rolling_correlation_figure(rows, DARK, window=30))


def test_a_crash_known_in_part_says_so_and_liquidation_is_crossed() -> None:
    drawn = crash_figure(TOTALS, LIGHT, currency="USDT")
    low, worst = drawn.data
    assert (list(worst.x), list(low.x)) == ([-120.0], [-30.0])
    assert worst.text[0] == "× −120.00"
    assert low.text[0] == "−30.00 (25%)"
    assert worst.y[0] == "&lt;b&gt;Thursday&lt;/b&gt;<br>2020-03-12"
    unknown = TOTALS.with_columns(change=pl.lit(None, pl.Float64), known_change=pl.lit(None, pl.Float64))
    assert "not known" in crash_figure(unknown, LIGHT, currency="USDT").data[0].text[0]
    assert "nothing is held" in words(crash_figure(TOTALS.clear(), LIGHT, currency="USDT"))


def test_steps_are_one_heatmap() -> None:
    steps = pl.DataFrame({
        "asset": ["BTC", "BTC", "<i>", "<i>"], "step": [-0.1, 0.1, -0.1, 0.1],
        "change": [-12_345.6, 12_345.6, 0.0, None],
    })  # fmt: skip
    totals = pl.DataFrame({"change": [-12_345.6, None]})
    drawn = step_figure(steps, totals, LIGHT, currency="USDT")
    (heat,) = drawn.data
    assert list(heat.y) == ["BTC", "&lt;i&gt;", "all together"]
    assert heat.text[0] == ["−12k", "+12k"]
    assert heat.text[1] == ["0", ""]
    assert "nothing is held" in words(step_figure(steps.clear(), totals.clear(), DARK, currency="USDT"))


def test_days_ahead_are_three_traces() -> None:
    names = ("p05", "p25", "p50", "p75", "p95", "mean")
    fan = pl.DataFrame({"day": [0, 1, 2], **{name: [0.0, i - 2.0, i - 2.0] for i, name in enumerate(names)}})
    drawn = fan_figure(fan, LIGHT, currency="USDT")
    assert len(drawn.data) == 3
    assert list(drawn.data[2].y) == [0.0, 0.0, 0.0]
    assert "twenty days" in words(fan_figure(fan.clear(), DARK, currency="USDT"))


@pytest.mark.parametrize(
    "key",
    [
        "tail_figure", "backtest_figure", "underwater_figure", "rolling_figure", "rolling_correlation_figure",
        "fan_figure", "crash_figure", "step_figure",
    ],
)  # fmt: skip
def test_each_says_what_to_read_in_it(key: str) -> None:
    assert len(FIGURES[key].caption) > 60
    assert "  " not in FIGURES[key].caption
    assert "- " not in FIGURES[key].caption

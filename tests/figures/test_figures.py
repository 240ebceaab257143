"""Figures hold what their frames hold."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillbook.figures.bars import by_period, kind_bars, pnl_bars, win_loss_figure
from fillbook.figures.candles import MOST_FILLS, candles_figure, thinned_fills, wider
from fillbook.figures.equity import equity_figure
from fillbook.figures.look import DARK, LIGHT, LOOKS, faded
from fillbook.figures.thinning import thinned
from fillbook.schema.tables import empty
from fillbook.testing.tables import fills

START = datetime(2024, 1, 1, tzinfo=UTC)


def curve(values: list[float | None]) -> pl.DataFrame:
    at = [START + timedelta(hours=i) for i in range(len(values))]
    return pl.DataFrame(
        {"at": at, "equity": values, "drawdown": [None if v is None else 0.0 for v in values],
         "is_gap": [v is None for v in values]},
        schema_overrides={"equity": pl.Float64, "drawdown": pl.Float64},
    )  # fmt: skip


def test_every_point_of_a_short_curve_is_drawn_and_a_gap_stays_one() -> None:
    figure = equity_figure(curve([1.0, None, 3.0]), LIGHT, currency="USDT")
    assert np.array_equal(figure.data[0].y, [1.0, np.nan, 3.0], equal_nan=True), "a gap is no number"
    assert figure.data[0].connectgaps is False
    assert "3 points" in figure.layout.title.subtitle.text


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=400, max_size=900),
    st.integers(50, 120),
)
def test_thinning_keeps_first_last_highest_and_lowest(values: list[float], most: int) -> None:
    drawn = thinned(curve(values), "equity", most=most)["equity"].to_list()
    assert len(drawn) <= most + 2
    assert (drawn[0], drawn[-1]) == (values[0], values[-1])
    assert (max(drawn), min(drawn)) == (max(values), min(values))


def test_thinning_keeps_a_gap() -> None:
    values: list[float | None] = [float(i % 7) for i in range(1_000)]
    values[500:510] = [None] * 10
    assert thinned(curve(values), "equity", most=100)["equity"].null_count() == 1


@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_bars_add_up_to_the_same_total(period: str) -> None:
    days = [date(2024, 1, 1) + timedelta(days=i) for i in range(70)]
    daily = pl.DataFrame({"day": days, "pnl": [float(i - 30) for i in range(70)]})
    figure = pnl_bars(by_period(daily, period), DARK, currency="USDT", period=period)  # type: ignore[arg-type]
    assert sum(figure.data[0].y) == pytest.approx(sum(range(-30, 40)))
    assert {DARK.profit, DARK.loss} <= set(figure.data[0].marker.color)


def test_fills_are_one_trace_a_side() -> None:
    rows = fills(side=[1, -1, 1], price_quote=[1.0, 2.0, 3.0], at=[START] * 3)
    figure = candles_figure(empty("candles"), rows, LIGHT, pair="ABC-USDT")
    assert [(trace.name, len(trace.x)) for trace in figure.data] == [("bought", 2), ("sold", 1)]


def test_wider_candles_keep_the_extremes_and_the_volume() -> None:
    at = [START + timedelta(minutes=i) for i in range(2_000)]
    rows = pl.DataFrame({
        "at": at, "open_quote": [1.0] * 2_000, "high_quote": [2.0 + (i == 777) for i in range(2_000)],
        "low_quote": [0.5] * 2_000, "close_quote": [1.5] * 2_000, "volume_base": [1.0] * 2_000,
    })  # fmt: skip
    drawn = wider(rows)
    assert drawn.height <= 601
    assert drawn["high_quote"].max() == 3.0
    assert drawn["volume_base"].sum() == 2_000.0


def test_kinds_are_sorted_and_written_with_a_true_minus() -> None:
    rows = pl.DataFrame({"kind": ["a", "b"], "money": [2.0, -1.0]})
    figure = kind_bars(rows, LIGHT, label="kind", value="money", title="x", currency="USDT")
    assert list(figure.data[0].y) == ["b", "a"]
    assert figure.data[0].text[0].startswith("\N{MINUS SIGN}")


def test_wins_stand_above_and_losses_below() -> None:
    trips = pl.DataFrame({"exit_at": [START, START, START], "net_quote": [1.0, -1.0, 2.0]})
    figure = win_loss_figure(trips, LIGHT)
    assert (figure.data[0].y[0], figure.data[1].y[0]) == (2, -1)


def test_colours_are_those_of_the_app() -> None:
    from importlib.resources import files

    config = files("fillbook.web").joinpath(".streamlit/config.toml").read_text()
    for look in LOOKS.values():
        for colour in (look.ground, look.ink, look.accent, look.profit, look.loss, look.quiet):
            assert colour in config
    assert faded("#102030", 0.5) == "rgba(16,32,48,0.5)"


def test_many_fills_are_few_points_with_the_largest_kept() -> None:
    n = 10_000
    amounts = [1.0] * n
    amounts[4_321] = 50.0
    at = [START + timedelta(seconds=i) for i in range(n)]
    rows = fills(side=[1, -1] * (n // 2), price_quote=[1.0] * n, at=at, amount_base=amounts)
    shown = thinned_fills(rows)
    assert shown.height <= MOST_FILLS + 2
    assert shown["at"].is_sorted()
    assert shown.filter(amount_base=50.0)["at"].to_list() == [at[4_321]]
    assert thinned_fills(rows.head(100)).equals(rows.head(100))

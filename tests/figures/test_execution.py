"""Figures of execution: what has no value is a gap or a sentence, few traces, nothing changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import plotly.graph_objects as go
import polars as pl
import pytest

import fillbook.figures
from fillbook.figures.execution import group_figure, markout_figure, shortfall_figure, slippage_figure
from fillbook.figures.look import DARK, LIGHT
from fillbook.figures.orders import fill_rate_figure, latency_figure, waits_figure
from fillbook.figures.registry import FIGURES

MINUS = "\N{MINUS SIGN}"
MARKOUTS = pl.DataFrame({
    "horizon_s": [0.0, 1.0, 5.0, 60.0], "markout_bps": [2.0, None, -1.0, -3.0],
    "low": [1.5, None, -1.5, -4.0], "high": [2.5, None, -0.5, -2.0], "n": [9, 0, 8, 7],
    "coverage": [0.9, 0.0, 0.8, 0.7], "balanced_bps": [1.0, None, -1.5, -3.0],
})  # fmt: skip
GROUPS = pl.DataFrame({
    "tag": ["00", "01", "<b>"], "n": [10, 20, 5], "n_used": [8, 18, 0], "worth": [100.0, 200.0, 5.0],
    "coverage": [0.8, 0.9, 0.0], "markout_bps": [1.0, -2.0, None], "low": [0.5, None, None],
    "high": [1.5, None, None],
})  # fmt: skip
RATES = pl.DataFrame({
    "side": [-1, -1, 1, 1], "level": ["1", "10", "1", "2"], "hour": [0, 5, 0, 23],
    "n_terminal": [20, 4, 10, 9], "n_filled": [10, 1, 0, 9], "fill_rate": [0.5, 0.25, 0.0, 1.0],
})  # fmt: skip
PARTS = pl.DataFrame({
    "part": ["delay", "timing", "spread", "opportunity", "fees", "total"],
    "value": [1.0, -4.0, 2.0, 0.0, 0.5, -0.5], "n": [3] * 6, "n_all": [5] * 6,
})  # fmt: skip


def subtitle(drawn: go.Figure) -> str:
    return str(drawn.layout.title.subtitle.text)


def words(drawn: go.Figure) -> list[str]:
    return [str(note.text) for note in drawn.layout.annotations]


def line_of(drawn: go.Figure) -> go.Scatter:
    return next(trace for trace in drawn.data if trace.name == "all fills")


def test_a_horizon_without_a_value_is_a_gap_and_a_lone_point_keeps_its_interval() -> None:
    drawn = markout_figure(MARKOUTS, LIGHT, n_fills=10)
    line = line_of(drawn)
    assert list(line.y) == [2.0, None, -1.0, -3.0]
    assert line.connectgaps is False
    assert "markers" in line.mode, "the lone first point is seen"
    assert list(line.error_y.array) == [0.5, 0.0, 0.0, 0.0]  # 2.5 − 2.0; the others lie in the band
    assert list(line.error_y.arrayminus) == [0.5, 0.0, 0.0, 0.0]  # 2.0 − 1.5
    band = next(trace for trace in drawn.data if trace.fill == "toself")
    assert list(band.x) == [2, 3, 3, 2, 2, None]
    assert list(band.y) == [-0.5, -2.0, -4.0, -1.5, -0.5, None]
    assert list(drawn.layout.xaxis.ticktext) == ["0 s", "1 s", "5 s", "1 min"]
    assert subtitle(drawn) == "bps, 95 % band · 9 of 10 fills"
    assert drawn.layout.yaxis.zeroline
    assert drawn.layout.yaxis.rangemode == "tozero"


def test_the_hover_of_a_markout_says_number_and_coverage() -> None:
    line = line_of(markout_figure(MARKOUTS, LIGHT, n_fills=10))
    assert line.customdata[3][1] == f"<br>95 %: {MINUS}4.00 … {MINUS}2.00<br>7 fills<br>70% of the value"


def test_the_same_fills_throughout_are_dashed_where_they_differ() -> None:
    drawn = markout_figure(MARKOUTS, LIGHT, n_fills=10)
    assert [trace.name for trace in drawn.data if trace.line.dash == "dash"] == ["same fills throughout"]
    same = MARKOUTS.with_columns(balanced_bps="markout_bps")
    assert len(markout_figure(same, LIGHT, n_fills=10).data) == 2


def test_no_mid_at_all_is_a_sentence() -> None:
    none = MARKOUTS.with_columns(pl.lit(None, pl.Float64).alias(c) for c in ("markout_bps", "low", "high"))
    drawn = markout_figure(none.with_columns(n=0), LIGHT, n_fills=10)
    assert words(drawn) == ["no fill has a mid"]
    assert subtitle(drawn) == "bps · 0 of 10 fills"


def test_a_group_without_a_mid_is_counted_not_drawn() -> None:
    drawn = group_figure(GROUPS, LIGHT, by="hour (UTC)", whole=-1.0, best="00")
    assert [list(trace.y) for trace in drawn.data] == [[1.0], [-2.0]]
    assert drawn.data[0].marker.color == LIGHT.profit
    assert list(drawn.data[0].error_y.array) == [0.5]  # 1.5 − 1.0
    assert list(drawn.data[1].error_y.array) == [0.0], "no interval is no bar"
    assert subtitle(drawn) == "bps of value · 2 groups, 1 without a mid"
    assert [shape.y0 for shape in drawn.layout.shapes] == [-1.0]
    assert words(group_figure(GROUPS.clear(), LIGHT, by="hour")) == ["no group has a mid"]


def test_many_groups_are_few_traces_of_the_largest() -> None:
    many = pl.concat([GROUPS.head(1).with_columns(tag=pl.lit(f"g{i}"), worth=float(i)) for i in range(100)])
    drawn = group_figure(many, LIGHT, by="pair", most=40)
    assert len(drawn.data) == 1
    assert len(drawn.data[0].x) == 40
    assert drawn.layout.xaxis.ticktext[0] == "g60"


def test_fill_rates_stand_outermost_ask_first_and_weak_where_orders_are_few() -> None:
    drawn = fill_rate_figure(RATES, LIGHT)
    strong, weak = drawn.data
    assert list(strong.y) == ["ask 10", "ask 1", "bid 1", "bid 2"]
    assert strong.z[1][0] == 50.0
    assert strong.z[2][0] == 0.0, "nothing filled is 0, not a gap"
    assert strong.z[0][5] is None
    assert weak.z[0][5] == 25.0  # 1 of 4
    assert weak.z[3][23] == 100.0  # 9 of 9: fewer than ten
    assert weak.opacity < strong.opacity
    assert strong.customdata[1][0] == "10 of 20 orders"
    assert subtitle(drawn).startswith("% of 43 limit orders")
    assert words(fill_rate_figure(RATES.clear(), LIGHT)) == ["no limit order has ended"]


def test_latency_shows_negative_times_and_its_quantiles() -> None:
    orders = pl.DataFrame({"latency_s": [-0.5, 0.1, 0.2, 0.3, None]})
    drawn = latency_figure(orders, LIGHT, tick_s=1.0)
    assert list(drawn.data[0].x) == [-0.5, -0.5, 0.1, 0.2, 0.3]
    assert list(drawn.data[0].y) == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert words(drawn) == ["p50  0.1 s", "p90  0.3 s"], "no p99 of four values"
    assert subtitle(drawn) == "s · 4 orders · clock ticks every 1 s"
    many = latency_figure(pl.DataFrame({"latency_s": [i / 100 for i in range(1, 10_001)]}), LIGHT)
    assert words(many) == ["p50  50 s", "p90  1 min 30 s", "p99  1 min 39 s"]
    assert len(many.data[0].x) <= 401
    assert words(latency_figure(orders.clear(), LIGHT)) == ["no order traded at once"]


def test_waiting_is_a_step_line_with_its_median() -> None:
    waits = pl.DataFrame({"seconds": [0.0, 10.0, 100.0], "waiting": [0.9, 0.6, 0.4], "at_risk": [10, 9, 5]})
    drawn = waits_figure(waits, LIGHT, n_orders=10, median_s=100.0)
    assert drawn.data[0].line.shape == "hv"
    assert list(drawn.data[0].y) == [1.0, 0.9, 0.6, 0.4]
    assert drawn.layout.xaxis.type == "log"
    assert drawn.data[0].customdata[1][0] == "0 s", "what is drawn at 0.1 s is told as it is"
    assert words(drawn) == ["half after 1 min 40 s"]
    never = waits_figure(waits.head(2), LIGHT, n_orders=10)
    assert words(never) == ["fewer than half were ever filled"]
    assert words(waits_figure(waits.clear(), LIGHT, n_orders=0)) == ["there is no limit order"]


def test_parts_of_the_shortfall_stand_on_one_another() -> None:
    drawn = shortfall_figure(PARTS, LIGHT, currency="USDT")
    bar = drawn.data[0]
    assert list(bar.base) == [0.0, 1.0, -3.0, -1.0, -1.0, 0.0]  # 1, 1 − 4, −3 + 2, −1 + 0
    assert [a + b for a, b in zip(bar.base, bar.y, strict=True)] == [1.0, -3.0, -1.0, -1.0, -0.5, -0.5]
    assert list(bar.text) == ["+1.00", f"{MINUS}4.00", "+2.00", "0.00", "+0.50", f"{MINUS}0.50"]
    assert bar.marker.color[0] == LIGHT.loss, "a cost"
    assert bar.marker.color[1] == LIGHT.profit
    assert subtitle(drawn) == "USDT, above 0 a cost · 3 of 5 decisions"
    assert words(shortfall_figure(PARTS.clear(), LIGHT, currency="USDT")) == ["no decision has a mid"]


def test_every_order_of_a_slippage_is_drawn_or_counted() -> None:
    orders = pl.DataFrame({"slippage_arrival_bps": [*(float(i % 7) for i in range(999)), 1e6, None]})
    drawn = slippage_figure(orders, DARK, average=3.0)
    beyond = int(subtitle(drawn).split("orders, ")[1].split(" ")[0])
    assert sum(drawn.data[0].y) + beyond == 1_000
    assert words(drawn) == ["by value +3.00"]
    empty = slippage_figure(orders.clear(), DARK)
    assert words(empty) == ["no filled order has a mid at its creation"]


@pytest.mark.parametrize("draw", [
    lambda look: markout_figure(MARKOUTS, look, n_fills=10),
    lambda look: group_figure(GROUPS, look, by="hour"),
    lambda look: fill_rate_figure(RATES, look),
    lambda look: shortfall_figure(PARTS, look, currency="USDT"),
])  # fmt: skip
def test_names_are_text_and_tables_stay(draw: Callable[..., go.Figure]) -> None:
    before = [table.clone() for table in (MARKOUTS, GROUPS, RATES, PARTS)]
    for look in (LIGHT, DARK):
        assert "<b>" not in str(draw(look).layout.xaxis.ticktext)
    assert all(a.equals(b) for a, b in zip(before, (MARKOUTS, GROUPS, RATES, PARTS), strict=True))


def test_no_colour_stands_outside_the_look() -> None:
    folder = Path(fillbook.figures.__file__).parent
    for name in ("execution", "orders"):
        assert '"#' not in (folder / f"{name}.py").read_text("utf-8")
    new = {"markout_figure", "group_figure", "shortfall_figure", "slippage_figure", "fill_rate_figure",
           "latency_figure", "waits_figure"}  # fmt: skip
    assert new <= set(FIGURES)

"""Candles with the fills on them: one trace a side, whatever their number."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from fillbook.figures.look import Look, counted, dressed, faded, legend_above

MOST_CANDLES = 600
MANY_POINTS = 5_000  # above it the browser draws with WebGL
_STEPS = (60, 300, 900, 3_600, 14_400, 86_400)


def candles_figure(
    candles: pl.DataFrame, fills: pl.DataFrame, look: Look, *, pair: str, height: int = 460
) -> go.Figure:
    """Price of a pair with its fills.

    Parameters
    ----------
    candles
        Canonical candles of the pair, by open time; may be empty, then the fills alone are drawn.
    fills
        Canonical fills of the pair.
    look, pair, height
        Theme, heading, pixels.
    """
    figure = go.Figure()
    drawn = wider(candles)
    if drawn.height:
        figure.add_trace(go.Candlestick(
            x=drawn["at"].to_list(), open=drawn["open_quote"].to_list(), high=drawn["high_quote"].to_list(),
            low=drawn["low_quote"].to_list(), close=drawn["close_quote"].to_list(), name="price",
            increasing={"line": {"color": look.neutral, "width": 1}, "fillcolor": faded(look.neutral, 0.15)},
            decreasing={"line": {"color": look.neutral, "width": 1}, "fillcolor": look.neutral},
        ))  # fmt: skip
    scatter = go.Scattergl if fills.height > MANY_POINTS else go.Scatter
    for side, name, colour, symbol in (
        (1, "bought", look.profit, "triangle-up"),
        (-1, "sold", look.loss, "triangle-down"),
    ):
        mine = fills.filter(pl.col("side") == side)
        figure.add_trace(scatter(
            x=mine["at"].to_list(), y=mine["price_quote"].to_list(), mode="markers", name=name,
            marker={"color": colour, "symbol": symbol, "size": 7 if fills.height < 2_000 else 4,
                    "line": {"width": 0.5, "color": look.ground}},
            customdata=mine["amount_base"].to_list(),
            hovertemplate=name + " %{customdata:.6g} at %{y:.8g}<extra></extra>",
        ))  # fmt: skip
    note = f"{counted(fills.height, 'fill')}, {counted(drawn.height, 'candle')}"
    dressed(figure, look, title=pair, note=note, height=height)
    figure.update_yaxes(tickformat=".6~g", nticks=6)
    figure.update_layout(hovermode="closest", xaxis={"rangeslider": {"visible": False}})
    return legend_above(figure)


def wider(candles: pl.DataFrame, *, most: int = MOST_CANDLES) -> pl.DataFrame:
    """Candles of a longer interval, so that at most `most` are left; extremes and volume kept."""
    if candles.height <= most:
        return candles
    span = (candles["at"][-1] - candles["at"][0]).total_seconds()
    step = next((step for step in _STEPS if span / step <= most), int(span / most) + 1)
    return candles.group_by_dynamic("at", every=f"{step}s").agg(
        pl.col("open_quote").first(), pl.col("high_quote").max(), pl.col("low_quote").min(),
        pl.col("close_quote").last(), pl.col("volume_base").sum(),
    )  # fmt: skip

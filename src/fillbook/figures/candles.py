"""Candles with the fills on them: one trace a side, whatever their number."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from fillbook.figures.look import Look, dressed, ends, faded, legend_above, plain, points
from fillbook.figures.registry import figure as registered
from fillbook.units import counted

MOST_CANDLES = 600
MANY_POINTS = 5_000  # above it the browser draws with WebGL
FEW_POINTS = 500
MOST_FILLS = 2_400
MOST_LINES = 1_000  # of each colour, the largest
_STEPS = (60, 300, 900, 3_600, 14_400, 86_400)


@registered(
    title="Fills on the price", needs="at price_quote side amount_base",
    caption="Candles of the pair with every fill, and executors as lines from their first to their last "
    "fill: teal won after fees, orange lost.",
)  # fmt: skip
def candles_figure(
    candles: pl.DataFrame, fills: pl.DataFrame, look: Look, *, pair: str, height: int = 460,
    executors: pl.DataFrame | None = None,
) -> go.Figure:  # fmt: skip
    """Price of a pair with its fills and executors.

    Parameters
    ----------
    candles
        Canonical candles of the pair, by open time; may be empty, then the fills alone are drawn.
    fills
        Canonical fills of the pair.
    look, pair, height
        Theme, heading, pixels.
    executors
        ``entry_at, exit_at, entry_quote, exit_quote, net_quote``, a row an executor or round trip.
    """
    drawn = wider(candles)
    figure = go.Figure(_price(drawn, look) if drawn.height else None)
    for trace in _lines(executors, look) if executors is not None else ():
        figure.add_trace(trace)
    shown = thinned_fills(fills)
    for trace in _fills(shown, look):
        figure.add_trace(trace)
    count = counted(fills.height, "fill")
    count = count if shown.height == fills.height else f"{shown.height:,} of {count}"
    note = f"{count} · {counted(drawn.height, 'candle')}"
    dressed(figure, look, title=plain(pair), note=note, height=height, span=ends(fills["at"]))
    figure.update_yaxes(tickformat=".6~g", nticks=6)
    figure.update_layout(hovermode="closest", xaxis={"rangeslider": {"visible": False}})
    return legend_above(figure)


def _price(candles: pl.DataFrame, look: Look) -> go.Candlestick:
    return go.Candlestick(
        x=points(candles["at"]), open=points(candles["open_quote"]),
        high=points(candles["high_quote"]), low=points(candles["low_quote"]),
        close=points(candles["close_quote"]), name="price",
        increasing={"line": {"color": look.neutral, "width": 1}, "fillcolor": faded(look.neutral, 0.15)},
        decreasing={"line": {"color": look.neutral, "width": 1}, "fillcolor": look.neutral},
    )  # fmt: skip


def _fills(fills: pl.DataFrame, look: Look) -> list[go.Scatter | go.Scattergl]:
    """A trace a side, whatever the number of fills."""
    scatter = go.Scattergl if fills.height > MANY_POINTS else go.Scatter
    traces = []
    for side, name, colour, symbol in (
        (1, "bought", look.profit, "triangle-up"), (-1, "sold", look.loss, "triangle-down"),
    ):  # fmt: skip
        mine = fills.filter(pl.col("side") == side)
        traces.append(scatter(
            x=points(mine["at"]), y=points(mine["price_quote"]), mode="markers", name=name,
            marker={"color": colour, "symbol": symbol, "size": 8 if fills.height < FEW_POINTS else 5,
                    "line": {"width": 0.5, "color": look.ground}},
            customdata=points(mine["amount_base"]),
            hovertemplate=name + " %{customdata:.6g} at %{y:.8g}<extra></extra>",
        ))  # fmt: skip
    return traces


def _lines(trips: pl.DataFrame, look: Look) -> list[go.Scatter]:
    """Won and lost, a trace each: lines from entry to exit, broken between one and the next."""
    known = trips.drop_nulls(["entry_at", "exit_at", "entry_quote", "exit_quote", "net_quote"])
    traces = []
    for name, colour, mine in (
        ("won", look.profit, known.filter(pl.col("net_quote") > 0.0)),
        ("lost", look.loss, known.filter(pl.col("net_quote") <= 0.0)),
    ):  # fmt: skip
        rows = mine.sort(pl.col("net_quote").abs(), descending=True).head(MOST_LINES)
        x, y = (
            [value for pair in zip(rows[a], rows[b], strict=True) for value in (*pair, None)]
            for a, b in (("entry_at", "exit_at"), ("entry_quote", "exit_quote"))
        )
        traces.append(go.Scatter(
            x=x, y=y, mode="lines", name=name, hoverinfo="skip", line={"color": colour, "width": 1.5},
            opacity=0.7,
        ))  # fmt: skip
    return traces


def thinned_fills(fills: pl.DataFrame, *, most: int = MOST_FILLS) -> pl.DataFrame:
    """Fills that a picture can show: the largest of each stretch of time and side."""
    if fills.height <= most:
        return fills
    span = fills["at"].to_physical()
    low, width = span.min(), (span.max() - span.min()) or 1  # type: ignore[operator]
    stretch = ((span - low) * (most // 2) // width).alias("stretch")
    largest = pl.col("amount_base").arg_max()
    kept = (
        fills.with_columns(stretch)
        .group_by("stretch", "side")
        .agg(pl.col("at", "price_quote", "amount_base").get(largest))
    )
    return kept.drop("stretch").sort("at")


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
